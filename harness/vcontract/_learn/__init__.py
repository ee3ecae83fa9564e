"""Learning: the profile of a target, and the machine of its hidden states."""
