"""What people and machines read of a run; knows the model alone, so a stored run renders without its app."""
