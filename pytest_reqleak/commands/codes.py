"""The exit codes of the `reqleak` command."""

CLEAN, LEAK, USAGE, INCONCLUSIVE, NOT_MEASURED, INTERRUPTED = 0, 1, 2, 3, 4, 130
