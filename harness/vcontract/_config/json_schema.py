"""The JSON Schema of `vcontract.toml`, made of the configuration's types: `harness/vcontract/vcontract.schema.json`."""

from __future__ import annotations

from pathlib import Path

import msgspec

from vcontract._config.config import Config

PUBLISHED = Path(__file__).parents[1] / "vcontract.schema.json"


def config_schema() -> str:
    """Give the schema as it is published: JSON Schema 2020-12, which a TOML editor can check a file by."""
    (top,), types = msgspec.json.schema_components([Config], ref_template="#/$defs/{name}")
    del top  # a reference to the configuration among the types: what stands there is the schema itself
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "vcontract.toml",
        **{name: value for name, value in types.pop("Config").items() if name != "title"},
        "$defs": dict(sorted(types.items())),
    }
    return msgspec.json.format(msgspec.json.encode(whole)).decode() + "\n"
