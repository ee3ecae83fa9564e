"""Draws schedules of several clients, and finds the smallest that breaks a guarantee."""
