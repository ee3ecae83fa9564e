"""Calls that somebody else's client made, as a proxy or a browser recorded them: read, placed and judged without a socket."""
