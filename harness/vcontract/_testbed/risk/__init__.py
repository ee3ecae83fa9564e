"""What a level of risk lets a run send, as the guard enforces it."""
