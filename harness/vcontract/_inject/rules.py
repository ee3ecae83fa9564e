"""The file `inject.toml`: which calls get which answer, and what a client is expected to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vcontract._errors import UsageError
from vcontract._toml_file import line_of_table, read_toml

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Share = Annotated[float, Meta(gt=0, le=1)]
Channel = Literal["call", "task"]

TRANSPORT = ("delay", "lost-before", "lost-after", "half-reply", "reset", "http-503", "html", "expired-session")
"""Answers that are no fault of the method: what becomes of the request or its reply on the way, or of the session."""
TASKS = ("stuck-task", "forgotten-task")
"""Answers that are a task which the server behind never had: one that never ends, one that is gone when it is read."""
LATE = ("slow-task", "late-properties")
"""Answers that are the server's, and what follows is shown later: the end of the task, the properties of the VM."""
KINDS = (*TRANSPORT, *TASKS, *LATE)


class When(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the calls that match: the `nth`, `every` nth, each with a `probability`; and not before `after` has struck.

    Without any of the first three: every call. `while`: only calls count that come while the VM is so, in the words of
    `vcontract contract explain --state`.
    """

    nth: Positive | None = None
    every: Positive | None = None
    probability: Share | None = None
    after: str = ""
    condition: str = msgspec.field(default="", name="while")


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule: calls of a method (a shell pattern) on a VM (a shell pattern for its moId) get an answer.

    `answer` is the WSDL name of a fault, or one of `KINDS`. `channel`: a fault comes as the call's answer, or ends its task.
    `fields` are of the fault, where the true ones are not wanted. `times`: so often at most. `seconds`: of a delay, or
    until the task ends, or what is late is shown. `illegal`: the contract does not permit it, and it is injected all the same.
    `cause`: on our own simulator another actor brings about what the fault needs, and the server itself answers.
    """

    method: str
    answer: str
    name: str = ""
    vm: str = "*"
    channel: Channel = "call"
    when: When = When()
    times: Positive | None = None
    seconds: Seconds = 1.0
    fields: dict[str, Any] = {}
    illegal: bool = False
    cause: bool = False

    @property
    def is_fault(self) -> bool:
        """Whether the answer is a fault."""
        return self.answer not in KINDS

    @property
    def title(self) -> str:
        """What reports call it: its name, else what it does."""
        return self.name or f"{self.method}: {self.answer} ({self.channel})"


class Expect(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is expected of the client whenever an answer was met; a field that is not given is not asked.

    Of which: `method`, `answer` (shell patterns) and `channel`. `met`: at least so often. `retries_at_least` and
    `retries_at_most`: further calls of the method on the VM; `waits_at_least`: seconds before the first. `aborts`: the
    customization is aborted, or the task cancelled. `logs_out`: the session is not left open. `stops_reading`: the end of
    the task is read so often at most.
    """

    method: str = "*"
    answer: str = "*"
    channel: Channel | None = None
    met: Positive = 1
    retries_at_least: int | None = None
    retries_at_most: int | None = None
    waits_at_least: Seconds | None = None
    aborts: bool | None = None
    logs_out: bool | None = None
    stops_reading: Positive | None = None


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file; `seed` draws every probability."""

    seed: int = 0
    rule: tuple[Rule, ...] = ()
    expect: tuple[Expect, ...] = ()


def read_rules(path: Path) -> Rules:
    """Read a file of rules. Raises UsageError, in one line that says what and where."""
    rules = read_toml(path, Rules)
    names = [each.name for each in rules.rule if each.name]
    text = path.read_text("utf-8")
    for place, rule in enumerate(rules.rule):
        check_when(rule, names, where(path, text, place, rule))
    return rules


def where(path: Path, text: str, place: int, rule: Rule) -> str:
    """Say where a rule stands in the text of a file, `place` rules behind the first, and which it is."""
    line = line_of_table(text, "rule", place)
    return f"{path}{f', line {line}' if line else ''}: rule {place + 1} ({rule.title})"


def check_when(rule: Rule, names: list[str], where: str) -> None:
    """Refuse a `when` that contradicts itself or waits for what never comes. Raises UsageError."""
    when = rule.when
    if rule.name and names.count(rule.name) > 1:
        raise UsageError(f"{where}: another rule has the name {rule.name!r} too")
    said = [name for name in ("nth", "every", "probability") if getattr(when, name) is not None]
    if len(said) > 1:
        raise UsageError(f"{where}: when: {' and '.join(said)} exclude each other; leave one of them out")
    if when.nth is not None and (rule.times or 1) > 1:
        raise UsageError(f"{where}: times = {rule.times}: there is only one {when.nth}th call; use every, or no nth")
    if when.after and when.after not in names:
        known = ", ".join(names) or "none has a name"
        raise UsageError(f"{where}: when.after: no rule is called {when.after!r}; there are: {known}")
    if when.after and when.after == rule.name:
        raise UsageError(f"{where}: when.after: it waits for itself, and can never apply")
    if rule.cause and (rule.illegal or rule.fields or rule.channel == "task" or not rule.is_fault):
        raise UsageError(
            f"{where}: cause: the server itself answers; it goes with a fault alone, without channel, fields, illegal"
        )
    if rule.fields and not rule.is_fault:
        raise UsageError(f"{where}: fields: only a fault has some, and {rule.answer} is none")


def rules_schema() -> str:
    """Give the JSON Schema (2020-12) of the file, by which an editor can check it."""
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "inject.toml"}
    return msgspec.json.format(msgspec.json.encode(dialect | msgspec.json.schema(Rules))).decode() + "\n"
