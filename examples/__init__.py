"""Small real services that show what pytest-reqleak finds."""
