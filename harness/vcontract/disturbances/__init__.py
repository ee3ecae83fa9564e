"""What is done to the path or to the system on purpose; one disturbance a file."""
