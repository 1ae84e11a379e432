"""Sphinx configuration: built with `sphinx-build -W docs docs/_build/html`."""

from __future__ import annotations

import sys
from pathlib import Path

from pytest_reqleak import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "pytest-reqleak"
author = "The pytest-reqleak authors"
copyright = author
release = version = __version__

extensions = ["myst_parser", "live_help", "option_list"]
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = f"pytest-reqleak {release}"

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
