"""How two WSDLs differ for a client of the first that meets the second: rules in `rules.toml`, comparison, sources."""

from vcontract._schema.diff.compare import differences
from vcontract._schema.diff.sources import Source, open_pair

__all__ = ["Source", "differences", "open_pair"]
