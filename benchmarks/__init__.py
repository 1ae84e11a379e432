"""Benchmarks of the project: each runs with one command, `python -m benchmarks.NAME`."""
