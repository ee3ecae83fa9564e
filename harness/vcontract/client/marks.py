"""The marks that allow the harness to disturb a VM: its owner and, if a run made it, that run."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from vcontract.terms import Json

OWNER, RUN = "vcontract.owner", "vcontract.run"
"""Keys in a VM's extraConfig; a custom attribute by the name of the first is a mark too."""

CONFIG, VALUES = "config.extraConfig", "customValue"
_PREFIX = "vcontract."


class Marks(msgspec.Struct, frozen=True):
    """How the marks of one configuration look on one target.

    `owner` is the value that makes a VM ours; `attribute` the key of the custom attribute OWNER (0: the target has none).
    """

    owner: str
    attribute: int = 0

    @property
    def paths(self) -> tuple[str, ...]:
        """The properties of a VM that show its marks."""
        return (CONFIG, VALUES) if self.attribute else (CONFIG,)

    def only(self, values: dict[str, Json]) -> dict[str, Json]:
        """Keep of a VM's values the marks alone; the rest of extraConfig is not needed, and may be secret."""
        kept = dict(values)
        if CONFIG in values:
            kept[CONFIG] = [
                option_value
                for option_value in values[CONFIG] or ()
                if str(option_value.get("key", "")).startswith(_PREFIX)
            ]
        if VALUES in values:
            kept[VALUES] = [
                field_value for field_value in values[VALUES] or () if field_value.get("key") == self.attribute
            ]
        return kept

    def refusal(self, values: Mapping[str, Json]) -> str:
        """Give the reason why a VM is not ours; empty if it is.

        All marks that it has must name the owner: if one names another, somebody may have taken the VM back.
        """
        owners = self.owners(values)
        if not owners:
            return f"it carries no mark {OWNER}"
        others = [owner for owner in owners if owner != self.owner]
        return f"its mark {OWNER} is {others[0]!r}, not {self.owner!r}" if others else ""

    def owners(self, values: Mapping[str, Json]) -> list[str]:
        """List the owners that the marks of a VM name: that of extraConfig, then that of the custom attribute."""
        attribute = [
            _plain(field_value.get("value"))
            for field_value in values.get(VALUES) or ()
            if field_value.get("key") == self.attribute
        ]
        return [owner for owner in (option(values, OWNER), *attribute[-1:]) if owner]


def option(values: Mapping[str, Json], key: str) -> str:
    """Give the value of a key in a VM's extraConfig; the last one counts, as a server may append instead of replacing."""
    texts = [
        _plain(option_value.get("value")) for option_value in values.get(CONFIG) or () if option_value.get("key") == key
    ]
    return texts[-1] if texts else ""


def options(**named: str) -> list[Json]:
    """Give marks as OptionValues, by the part of the key after `vcontract.`."""
    return [
        {"_typeName": "OptionValue", "key": _PREFIX + name, "value": {"_typeName": "string", "_value": value}}
        for name, value in named.items()
    ]


def _plain(value: Json) -> str:
    plain = value.get("_value") if isinstance(value, Mapping) else value
    return "" if plain is None else str(plain)
