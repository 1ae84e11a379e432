"""Numbers in, answers out: no clock, no process, no bytes of its own."""
