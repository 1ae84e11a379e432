"""The values that every other layer exchanges: frozen, and built on the stdlib alone."""
