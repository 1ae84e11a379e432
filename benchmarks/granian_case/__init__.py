"""Pairs of server versions of which one leaks and the other does not, each in an environment of its own.

    python -m benchmarks.granian_case --environments ~/.cache/granian-case

makes the environments (pinned, from PyPI; a minute each the first time), measures the
same app and requests in all of them, and prints one comparison for each story.
"""
