"""What the public names of `vcontract` do; the page `docs/api.md` describes them, and nothing else here is public."""
