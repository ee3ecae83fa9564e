"""Bringing VMs into states, one concern a file: power, guest, host, what earlier steps left; and putting them back."""
