"""Exploration: random programs of moves, judged as they are executed."""
