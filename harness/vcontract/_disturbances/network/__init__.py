"""Disturbances of the path, one a file, and the process that applies them: `python -m vcontract._disturbances.network`."""
