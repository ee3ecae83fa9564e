"""A bounded proof: every deviation of a server with a few states more than the model."""
