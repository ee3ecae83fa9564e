"""The sessions of a run, by the account whose they are."""

FULL, UNPRIVILEGED, SECOND, READONLY = "full", "unprivileged", "second", "readonly"
"""The full account, the one without privileges, a second session of the full one, and the one that may only read."""
LEAVER = "leaver"
"""A session of the full account that is opened for one step, and ended in it."""
