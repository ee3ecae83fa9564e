"""Named behaviours in which a simulated vCenter differs from the usual one: registered, looked up, and applied."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from vcontract._errors import UsageError

if TYPE_CHECKING:
    from vcontract._simulator.guest.operations import Act, Attempt
    from vcontract._simulator.vcenter import VCenter

Change = Callable[["VCenter"], None]


@dataclass(frozen=True)
class Behaviour:
    """One behaviour: its name, what it does in one sentence, and the function that brings it into a VCenter."""

    name: str
    says: str
    change: Change


Kind = TypeVar("Kind", bound=Behaviour)


def name_of(change: Change) -> str:
    """Give the kebab-case name of a function."""
    return str(change.__name__).replace("_", "-")


def sentence_of(change: Change) -> str:
    """Give the first line of a function's docstring."""
    return (change.__doc__ or "").strip().splitlines()[0]


def raise_instead(vcenter: VCenter, name: str, of: type[Exception], make: Callable[[Attempt, Any], Any]) -> None:
    """Replace each fault of the type `of` that a named check raises by what `make` gives for the attempt and that fault."""
    for checks in (vcenter.decisions.at_call, vcenter.decisions.at_start):
        if name in checks:
            usual = checks[name]

            def check(attempt: Attempt, usual: Act = usual) -> None:
                try:
                    usual(attempt)
                except of as fault:
                    raise make(attempt, fault) from None

            checks[name] = check


@dataclass
class Catalogue:
    """Behaviours of one kind (`defect`, `variant`) by name."""

    kind: str
    known: dict[str, Behaviour] = field(default_factory=dict)

    def add(self, behaviour: Behaviour) -> None:
        """Register a behaviour."""
        assert behaviour.name not in self.known, behaviour.name
        self.known[behaviour.name] = behaviour

    def apply(self, names: Iterable[str], vcenter: VCenter) -> None:
        """Bring the named behaviours into a VCenter; UsageError, before any is, for a name that is not known."""
        wanted = sorted(names)
        for name in wanted:
            if name not in self.known:
                raise UsageError(f"--{self.kind} {name}: there is no such {self.kind}; see --list-{self.kind}s")
        for name in wanted:
            self.known[name].change(vcenter)
