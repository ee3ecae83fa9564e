"""Thresholds of a stress run, `p95(CustomizeGuest_Task) > 2s`: what was measured decides, and the exit code tells."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import ge, gt, le, lt

import msgspec

from vcontract._check.latencies import Latency, merged_latencies
from vcontract._errors import UsageError

_FORM = re.compile(
    r"\s*(?P<measure>p50|p95|p99|longest|count)\s*\(\s*(?P<method>\w+)\s*(?:,\s*(?P<outcome>\w+)\s*)?\)"
    r"\s*(?P<sign>>=|<=|>|<)\s*(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|)\s*"
)
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {">": gt, ">=": ge, "<": lt, "<=": le}
_EXAMPLE = (
    "for example 'p95(CustomizeGuest_Task) > 2s': p50, p95, p99, longest or count, (METHOD) or (METHOD, OUTCOME), "
    ">, >=, < or <="
)
_COUNT = "count"


class Threshold(msgspec.Struct, frozen=True):
    """A condition under which a run fails: `value` is in milliseconds, or a count; no outcome is all of them together."""

    text: str
    measure: str
    method: str
    outcome: str
    sign: str
    value: float

    def measured(self, latencies: Sequence[Latency]) -> float | None:
        """Give what was measured; None if no such answer came. A count of none is 0."""
        mine = [each for each in latencies if each.method == self.method and self.outcome in {"", each.outcome}]
        whole = merged_latencies([[msgspec.structs.replace(each, outcome="") for each in mine]])
        if self.measure == _COUNT:
            return float(sum(each.count for each in whole))
        return float(getattr(whole[0], self.measure)) if whole else None

    def holds(self, measured: float) -> bool:
        """Whether the run fails by what was measured."""
        return _SIGNS[self.sign](measured, self.value)

    def says(self, measured: float) -> str:
        """Say what was measured."""
        return f"it was {measured:.0f}" if self.measure == _COUNT else f"it was {measured / 1000:.3f} s"


def threshold(text: str, methods: Iterable[str]) -> Threshold:
    """Read a threshold. Raises UsageError, with an example, for what is none, or one of a method that is not called."""
    found = _FORM.fullmatch(text)
    if found is None or (found["measure"] == _COUNT) is bool(found["unit"]):
        raise UsageError(f"--fail-if {text!r} is no threshold; {_EXAMPLE}; a time in s or ms, a count without")
    if found["method"] not in (known := tuple(methods)):
        raise UsageError(f"--fail-if {text!r}: no client calls {found['method']}; they call {', '.join(known)}")
    value = float(found["value"]) * (1000 if found["unit"] == "s" else 1)
    return Threshold(text, found["measure"], found["method"], found["outcome"] or "", found["sign"], value)


def crossed(texts: Iterable[str], latencies: Sequence[Latency]) -> tuple[dict[str, str], list[str]]:
    """Give the thresholds that were crossed, each with what was measured, and those of which nothing was.

    A text that is none, of a saved run that was changed, counts as not measured.
    """
    found, unmeasured = {}, []
    for text in texts:
        try:
            each = threshold(text, {latency.method for latency in latencies})
        except UsageError:
            unmeasured.append(f"not measured: {text}")
            continue
        value = each.measured(latencies)
        if value is None:
            unmeasured.append(f"not measured: {text}")
        elif each.holds(value):
            found[text] = each.says(value)
    return found, unmeasured
