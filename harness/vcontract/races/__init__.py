"""Drawn schedules of several clients, and the smallest that breaks what must hold."""
