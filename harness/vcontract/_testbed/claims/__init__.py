"""Claims: two runs at once must not disturb the same VMs, so each says which ones it uses, where the other looks."""
