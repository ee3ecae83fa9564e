"""Disturbances of the path to a target, and of the system; one a file."""
