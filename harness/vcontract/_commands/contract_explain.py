"""`vcontract contract explain`: what a method may answer in a state that the user describes."""

from __future__ import annotations

from vcontract._api.explaining import Explanation
from vcontract._api.explaining import explain as explained


def explain(contract_name: str, method: str, described: str) -> str:
    """Give the expectation and its situations as text. Raises UsageError for an unknown name, with those that exist."""
    found = explained(method, described, contract_name)
    lines = [f"{method}: {found.text}"]
    lines += [
        f"  {each.id}: {each.title} [{each.source}]: {_permitted_by(each.id, found)}" for each in found.situations
    ]
    return "\n".join(lines)


def _permitted_by(situation: str, found: Explanation) -> str:
    """Name the permitted outcomes that rest on a situation."""
    names = [each.outcome for each in found.permitted if situation in each.because]
    return " ".join(names) or "nothing of its own"
