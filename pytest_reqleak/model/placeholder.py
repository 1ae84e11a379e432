"""The mark that becomes the iteration's number, in requests and in a test's parametrised data.

Light, as `plugin` is: one text.
"""

PLACEHOLDER = "{i}"
"""Becomes the iteration's number in path, headers and body."""
