"""Reads specifications as clients write them: JSON, YAML and XML of govc, pyVmomi and PowerCLI, to wire values."""
