"""Growth that is known: what a code base leaks already, so that only what is worse or new fails."""
