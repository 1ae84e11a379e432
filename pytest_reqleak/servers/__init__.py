"""The app, loaded and booted, behind a server."""
