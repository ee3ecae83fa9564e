"""A run at a level of risk: what it plans there, and how it tells what that is worth."""
