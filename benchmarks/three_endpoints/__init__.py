"""Three endpoints side by side: a leak of 200 bytes, a full cache, a clean one, under every tool in turn.

    python -m benchmarks.three_endpoints [--rounds 3] [--cache DIR]

The cache is the hard one: it holds new entries at the end of any window, and has
dropped as many old ones. A tool that compares the two ends of a window calls it a leak.
"""
