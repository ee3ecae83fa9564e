"""Measures what learning costs: the table, and the automaton by adaptive L# beside L*; writes into RESULTS.md.

Adaptive L# learns from the simulator, over the wire, and from the model's machine. L* learns from the automaton that was
learned, as a machine in memory: how many inputs it makes depends on that alone, and over the wire it would take an hour.
Both ask through the same cache of words, and both end with the Wp-method of depth 0; adaptive L# then tries, after every move,
what tells the model's states apart, which L* has not. Run it by `make bench`.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path

from vcontract._config.request import RunRequest
from vcontract._contract import load
from vcontract._learn.aalpy_learner import star
from vcontract._learn.automaton import explore
from vcontract._learn.queries import Asking, Modelled
from vcontract._learn.table import TableLesson, learn
from vcontract._model.alphabet import alphabet
from vcontract._model.automata import access, difference
from vcontract._profile import Automaton, load_profile
from vcontract._run.preparation import PLAIN

RESULTS = Path(__file__).with_name("RESULTS.md")
BEGIN, END = "<!-- learn: begin -->", "<!-- learn: end -->"
CONTRACT = load("VirtualMachineGuestCustomizationManager")
LARGE = (
    *("valid", "nicCount", "specRule", "specInferred", "loginRejected", "loginMayNot", "loginUnsettled", "malformed"),
    *("badValue", "oldVersion", "noSession", "thisUnknown", "thisOtherType", "vmUnknown", "vmOtherType", "noPrivilege"),
    *("powerOn", "powerOff", "suspend", "reset", "stopTools", "orphanLock"),
)
"""Every call with one thing wrong that needs no state, and every move but those of the engine."""
ALPHABETS: dict[str, tuple[str, ...]] = {"the default one": (), "every call with one thing wrong": LARGE}
SHARE = 0.1
"""The goal: adaptive L# makes at most this part of L*'s inputs, on the large alphabet."""


def table(folder: Path) -> str:
    """Learn the table; gives a line."""
    began = time.monotonic()
    out = folder / "table.json"
    learn(
        RunRequest(seed=1, contract=CONTRACT.object, report_dir=folder, output="none"),
        PLAIN,
        out,
        lambda _: None,
        TableLesson(),
    )
    found, seconds = load_profile(out), time.monotonic() - began
    what = f"{len(found.answers)} cells, {len(found.precedence)} pairs of which one wins"
    return f"The table: {what}, {found.calls} judged calls, {seconds:.0f} s."


def automaton(folder: Path, names: tuple[str, ...]) -> tuple[Automaton, int, int, float]:
    """Learn an automaton from the simulator; gives it, the words and inputs that were made, and the seconds."""
    began, said = time.monotonic(), list[str]()
    out = folder / f"automaton-{len(names)}.json"
    request = RunRequest(seed=1, contract=CONTRACT.object, report_dir=folder, output="none")
    explore(request, PLAIN, out, names, 0, said.append, table=False)
    found = load_profile(out).automaton
    assert found is not None
    cost = next(match for line in said if (match := re.search(r"(\d+) words and (\d+) inputs were made", line)))
    return found, int(cost[1]), int(cost[2]), time.monotonic() - began


def row(folder: Path, what: str, names: tuple[str, ...]) -> tuple[str, float]:
    """Measure one alphabet; gives the row of the table and the share of L*'s inputs."""
    found, words, made, seconds = automaton(folder, names)
    assert len(found.inputs) == len(alphabet(CONTRACT, names, ()).inputs)
    system = Modelled(found)
    other = star(found.inputs, Asking(system).ask)
    missed = difference(found, other, found.inputs)
    states = f"{len(other.states)}{'' if missed is None else ' (not all: ' + str(len(missed)) + ' inputs tell)'}"
    share = made / system.made
    far = max(map(len, access(found)))
    mine = f"{len(found.states)}, at most {far} inputs away | {words} | {made} | {seconds:.0f}"
    theirs = f"{states} | {system.resets} | {system.made}"
    return f"| {what} | {len(found.inputs)} | {mine} | {theirs} | {share:.1%} |", share


def lines() -> list[str]:
    """Measure; gives the lines of the section."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        first = table(folder)
        rows = [row(folder, what, names) for what, names in ALPHABETS.items()]
    share = rows[-1][1]
    goal = f"at most {SHARE:.0%}: {'met' if share <= SHARE else '**missed**'}"
    return [
        first,
        "",
        f"The automaton, by adaptive L# on the simulator and by L* on what was learned; the last row: {share:.1%} ({goal}).",
        "",
        "| alphabet | inputs | states | words | inputs made | s | states by L* | words by L* | inputs made by L* | share |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(each for each, _ in rows),
    ]


def main() -> None:
    """Measure, and put the result between its markers."""
    section = "\n".join([BEGIN, "## Learning", "", *lines(), END])
    text = RESULTS.read_text("utf-8") if RESULTS.exists() else "# Measurements\n"
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    text = pattern.sub(lambda _: section, text) if BEGIN in text else f"{text.rstrip()}\n\n{section}\n"
    RESULTS.write_text(text, "utf-8")
    sys.stdout.write(section + "\n")


if __name__ == "__main__":
    main()
