"""`python -m pytest_reqleak`: the `reqleak` command where its script is not on the path."""

from __future__ import annotations

import sys

from pytest_reqleak.cli import main

if __name__ == "__main__":
    sys.exit(main())
