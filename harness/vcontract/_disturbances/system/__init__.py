"""Disturbances of the system, one a file, by calls that a vCenter's API offers, made by an actor with a session of its own."""
