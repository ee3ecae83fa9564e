"""Reporters of a run: they listen to one stream of events, and also work on a saved run alone."""
