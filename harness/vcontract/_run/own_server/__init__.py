"""A server that the run itself starts: reached, its VMs marked, started again when it has ended."""
