"""The verbs that are no run."""
