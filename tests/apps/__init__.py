"""Small apps of known truth: each says in `EXPECT` what a run must find."""
