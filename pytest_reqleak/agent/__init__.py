"""All that runs inside the measured process: it imports the stdlib, and psutil and memray late."""
