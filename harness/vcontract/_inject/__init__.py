"""A gate before a server that injects what the contract permits, so that clients can be tested against it."""
