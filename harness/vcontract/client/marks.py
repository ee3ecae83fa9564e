"""The marks by which a VM is the harness's to disturb: who owns it, and, if a run made it, which run."""

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
        """Leave out of a VM's values all but the marks: the rest of extraConfig is nobody's business, and may be secret."""
        kept = dict(values)
        if CONFIG in values:
            kept[CONFIG] = [each for each in values[CONFIG] or () if str(each.get("key", "")).startswith(_PREFIX)]
        if VALUES in values:
            kept[VALUES] = [each for each in values[VALUES] or () if each.get("key") == self.attribute]
        return kept

    def refusal(self, values: Mapping[str, Json]) -> str:
        """Say why a VM is not ours; empty if it is.

        What marks there are must all name the owner: where one says otherwise, somebody may have taken the VM back.
        """
        found = self.owners(values)
        if not found:
            return f"it carries no mark {OWNER}"
        others = [each for each in found if each != self.owner]
        return f"its mark {OWNER} is {others[0]!r}, not {self.owner!r}" if others else ""

    def owners(self, values: Mapping[str, Json]) -> list[str]:
        """List whom the marks of a VM name: that in extraConfig, that in the custom attribute."""
        attribute = [
            _plain(each.get("value")) for each in values.get(VALUES) or () if each.get("key") == self.attribute
        ]
        return [each for each in (option(values, OWNER), *attribute[-1:]) if each]


def option(values: Mapping[str, Json], key: str) -> str:
    """Give the value of a key in a VM's extraConfig; the last one counts, where a server appends instead of replacing."""
    found = [_plain(each.get("value")) for each in values.get(CONFIG) or () if each.get("key") == key]
    return found[-1] if found else ""


def options(**named: str) -> list[Json]:
    """Give marks as OptionValues, by the part of the key after `vcontract.`."""
    return [
        {"_typeName": "OptionValue", "key": _PREFIX + name, "value": {"_typeName": "string", "_value": value}}
        for name, value in named.items()
    ]


def _plain(value: Json) -> str:
    plain = value.get("_value") if isinstance(value, Mapping) else value
    return "" if plain is None else str(plain)
