"""The settings that a user of a peer has to choose."""

WARMUP = 100
"""Requests before anything is measured."""

BYTES_PER_REQUEST = 10
"""What one place in the code may keep per request: small enough for real leaks, and not for noise."""

RSS_BYTES_PER_REQUEST = 100
"""The resident size moves by pages and by arenas, so that less cannot be told from noise."""

RSS_READINGS = 20
"""A slope through fewer would follow single steps."""
