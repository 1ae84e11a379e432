"""What runs in a case's own environment: nothing here imports more than the stdlib before it is needed."""
