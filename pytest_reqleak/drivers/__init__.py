"""Make one batch of a workload happen."""
