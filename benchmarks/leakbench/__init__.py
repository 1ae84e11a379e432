"""leakbench: does reqleak say the truth about small apps whose truth is known?

`python -m benchmarks.leakbench --corpus DIR` runs `reqleak check` on every case
of a folder, each in an environment with the case's own pinned packages, and
prints a table of hits, misses and false alarms. `case.py` says what a case is.
"""
