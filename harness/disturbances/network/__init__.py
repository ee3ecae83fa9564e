"""Disturbances of the path, one a file, and the process that sits on it: `python -m harness.disturbances.network`."""
