"""What `when.while` says: a condition on the VM, in the model's words, and whether what is known of the VM meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from itertools import product
from typing import Any, get_type_hints

import msgspec

from vcontract._errors import UsageError
from vcontract._model import BY_NAME, State, settle
from vcontract._model.conditions.registry import CONDITIONS
from vcontract._model.state import SHARED, VALUES

Known = Mapping[str, object]
"""Fields of a VM's `State` as far as they are known."""
Test = Callable[[Any, Any], bool]

PASSING = ("power", "connection", "template", "tools")
"""The fields that a client's own reads can show."""
ASKED = ("exists", *PASSING, "question", "pending", "frozen", "running")
"""The fields that a read of a VM and of its tasks shows whoever asks for them all."""
_HIDDEN = frozenset({SHARED})
"""Work that no property tells apart from other work."""
_TRUTHS = {"true": True, "false": False}


class _Seen:
    """A VM as a predicate of the model sees it; LookupError, with the name, for a field that is not known."""

    def __init__(self, known: Known) -> None:
        self._known = known

    def __getattr__(self, name: str) -> object:
        if name in self._known:
            return self._known[name]
        derived = getattr(State, name, None)
        if isinstance(derived, property) and derived.fget is not None:
            return derived.fget(self)
        raise LookupError(name)


_CALL = _Seen({"vm": "ok"})
"""A call of which nothing is known but that it names a VM."""


def holds(text: str, known: Known) -> bool:
    """Whether a condition is known to hold; what rests on something unknown is not."""
    try:
        return all(test(_Seen(known), _CALL) for test in _tests(text))
    except LookupError:
        return False


@cache
def check_condition(text: str, shown: tuple[str, ...]) -> None:
    """Refuse a condition that is unknown, or that can never be known to hold where only some fields are shown.

    Raises UsageError.
    """
    tests, dark = _tests(text), ""
    for known in _possible(shown):
        try:
            if all(test(_Seen(known), _CALL) for test in tests):
                return
        except LookupError as error:
            dark = str(error.args[0])
    if dark and dark in State.__struct_fields__:
        elsewhere = " but our own simulator's" if dark in ASKED else ""
        raise UsageError(f"when.while: {text}: no read{elsewhere} shows {dark!r}, so it is never known; shown: "
                         f"{', '.join(shown)}")  # fmt: skip
    if dark:
        raise UsageError(f"when.while: {text}: it is about the call and not about the VM ({dark}); it can never apply")
    raise UsageError(f"when.while: {text}: no VM can be so; it can never apply")


@cache
def _tests(text: str) -> tuple[Test, ...]:
    """Read a condition: names of contract files, of deviations, and `field=value`, with commas between. Raises UsageError."""
    parts = [part.strip() for part in text.split(",")]
    return tuple(test for part in parts for test in _part(part))


def _part(part: str) -> Iterator[Test]:
    name, equals, value = part.partition("=")
    if not equals and name in CONDITIONS:
        yield CONDITIONS[name]
        return
    if not equals and name in BY_NAME:
        if BY_NAME[name].asked:
            raise UsageError(f"when.while: {name}: it is about the call and not about the VM; it can never apply")
        yield from (_equal(field, wanted) for field, wanted in BY_NAME[name].state.items())
        return
    fields = [each for each in State.__struct_fields__ if each not in {"task", "mid"}]
    if not equals or name not in fields:
        known = [*CONDITIONS, *(each.name for each in BY_NAME.values() if not each.asked), *fields]
        near = get_close_matches(name, known, 1)
        told = f"nearest is {near[0]}{'=' if near[0] in fields else ''}" if near else f"known are {', '.join(known)}"
        raise UsageError(f"when.while: {part}: unknown: {told}")
    yield _equal(name, _value(name, value))


def _equal(field: str, wanted: object) -> Test:
    return lambda vm, _: bool(getattr(vm, field) == wanted)


def _value(name: str, text: str) -> object:
    permitted = tuple(_TRUTHS) if _is_truth(name) else VALUES[name]
    if text not in permitted:
        raise UsageError(f"when.while: {name}={text}: permitted are {', '.join(permitted)}")
    return _TRUTHS[text] if _is_truth(name) else text


@cache
def _is_truth(name: str) -> bool:
    return get_type_hints(State)[name] is bool


def _possible(shown: tuple[str, ...]) -> Iterator[Known]:
    """Give every state that a VM can be in, as far as it is shown."""
    choices = [
        (False, True) if _is_truth(name) else [each for each in VALUES[name] if each not in _HIDDEN] for name in shown
    ]
    for values in product(*choices):
        known = dict(zip(shown, values, strict=True))
        settled = settle(msgspec.structs.replace(State(), **known))
        if all(getattr(settled, name) == value for name, value in known.items()):
            yield {"exists": True, **known}
