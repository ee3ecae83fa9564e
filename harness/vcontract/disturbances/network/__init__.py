"""Disturbances of the path, one a file, and the process that sits on it: `python -m vcontract.disturbances.network`."""
