"""`vcontract learn` and `run --profile` as a shell would see them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from vcontract._profile import Answer, Observed, Profile, Target, encode_profile, load_profile
from vcontract._report.result import load_run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Command


def test_a_profile_is_learned_and_a_run_judged_by_it(vcontract: Command, tmp_path: Path) -> None:
    """What was cut says so, by its exit code and in the file; the run says by what it was judged, and so does judge."""
    out, reports = tmp_path / "p.json", tmp_path / "r"
    learned = vcontract("learn", "--seed", 1, "--max-calls", 60, "--out", out, "--report-dir", reports)
    assert learned.code == 5
    assert learned.out[-1] == str(out)
    assert "not complete: some cells were not exercised" in learned.out
    profile = load_profile(out)
    assert not profile.complete
    assert profile.target.api_version == "8.0.3.0"
    assert len(profile.answers) > 10
    asked = ("--seed", 2, "--max-calls", 40, "--report-dir", reports)
    assert vcontract("run", "--profile", out, *asked).code in {0, 5}
    assert load_run(reports / "latest").profile == str(out)
    assert vcontract("judge", reports / "latest").code in {0, 5}


METHOD = "CustomizeGuest_Task"
OFF = Answer(f"{METHOD}:poweredOff", METHOD, ("poweredOff",), (Observed("InvalidState", "call", 2),))


def otherwise(folder: Path) -> Path:
    """Write a profile that says of a VM that is off what the simulator does not."""
    out = folder / "p.json"
    out.write_bytes(encode_profile(Profile("VirtualMachineGuestCustomizationManager", Target(""), 1, (OFF,))))
    return out


def test_judge_uses_the_profile_of_the_run(vcontract: Command, tmp_path: Path) -> None:
    """A finding that the documents permit is found again, without the file."""
    out, reports = otherwise(tmp_path), tmp_path / "r"
    asked = ("--seed", 1, "--method", METHOD, "--max-calls", 60, "--report-dir", reports)
    assert vcontract("run", "--profile", out, *asked).code == 1
    (found,) = load_run(reports / "latest").findings
    assert (found.grade, found.row.rpartition("/")[2], found.cell) == ("unprofiled", "InvalidPowerState", OFF.id)
    assert found.detail == f"the profile {out} says poweredOff: InvalidState (call), not InvalidPowerState (call)"
    out.unlink()
    again = vcontract("judge", reports / "latest")
    assert again.code == 1
    assert any(found.id in line for line in again.out)


@pytest.mark.long
def test_replay_uses_the_profile_of_the_run(vcontract: Command, tmp_path: Path) -> None:
    """What was found by a profile shows again when it is replayed."""
    out, reports = otherwise(tmp_path), tmp_path / "r"
    asked = ("--seed", 1, "--method", METHOD, "--report-dir", reports)
    assert vcontract("run", "--profile", out, *asked).code == 1
    (found,) = load_run(reports / "latest").findings
    out.unlink()
    shown = vcontract("replay", f"{reports / 'latest'}#{found.id}", "--report-dir", tmp_path / "again")
    assert (shown.code, shown.out[-1:]) == (1, [f"{found.id} shows again"]), shown.err


def test_the_documented_profile_is_none(vcontract: Command, tmp_path: Path) -> None:
    """Named or not, it is the default."""
    asked = ("--seed", 1, "--max-calls", 2, "--report-dir", tmp_path)
    assert vcontract("run", "--profile", "documented", *asked).code == 5
    assert load_run(tmp_path / "latest").profile == "documented"


def test_a_machine_is_learned_cut_and_gone_on_with(vcontract: Command, tmp_path: Path) -> None:
    """The estimate comes first; the second time what was asked is known, and the drawings stand beside the profile."""
    out = tmp_path / "p.json"
    alphabet = [part for name in ("CustomizeGuest_Task:valid", "powerOff") for part in ("--alphabet", name)]
    asked = ("learn", "--explore-only", "--seed", 1, *alphabet, "--out", out, "--report-dir", tmp_path / "r")
    cut = vcontract(*asked, "--max-calls", 4)
    assert cut.code == 5
    assert any("--explore: if the target is as the model: about " in line for line in cut.err)
    assert any("the automaton is not learned: " in line for line in cut.out)
    whole = vcontract(*asked)
    assert whole.code == 0
    assert any("answers are known" in line for line in whole.err)
    again = vcontract(*asked)
    assert any(line.endswith("0 words and 0 inputs were made") for line in again.out)
    automaton = load_profile(out).automaton
    assert automaton is not None
    assert len(automaton.states) == 2
    assert out.with_suffix(".svg").read_text("utf-8").startswith("<svg")
    assert out.with_suffix(".dot").read_text("utf-8").startswith("digraph")


def test_words_of_another_server_stop_the_run_before_it_begins(vcontract: Command, tmp_path: Path) -> None:
    """They would be taken for this one's: nothing is disturbed, and no run directory is left."""
    out = tmp_path / "p.json"
    other = b'{"schema":"vcontract.words/1","contract":"X","url":"https://other/sdk","api_version":"8"}\n'
    out.with_suffix(".words.jsonl").write_bytes(other)
    ended = vcontract("learn", "--explore-only", "--out", out, "--report-dir", tmp_path / "r")
    assert ended.code == 2
    assert "these are words of X on https://other/sdk, API 8; remove the file, or choose another --out" in ended.err[-1]
    assert not (tmp_path / "r").exists()


def test_without_aalpy_one_line_says_what_to_install(
    vcontract: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AALpy is an extra; what needs it names the command that brings it."""
    ours = ("vcontract._learn.aalpy_learner", "vcontract._learn.automaton")
    for name in [each for each in sys.modules if each.partition(".")[0] == "aalpy" or each in ours]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aalpy", None)
    ended = vcontract("learn", "--explore", "--out", tmp_path / "p.json")
    assert ended.code == 2
    [told] = ended.err  # not the whole line: secrets of other tests of this process may stand in it by chance
    assert told.startswith("vcontract: learn --explore needs AALpy: pip install '")
    assert told.endswith("[learn]'")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--alphabet", "valid"), "--alphabet says what --explore is about"),
        (("--target", "replay:x"), "a recording answers only what it was asked"),
        (("--explore", "--alphabet", "nonsense"), "--alphabet nonsense: unknown; known are valid, "),
        (("--out", "nowhere/p.json"), "--out nowhere/p.json: its folder does not exist"),
    ],
)
def test_what_cannot_be_learned_is_one_line(
    vcontract: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], says: str
) -> None:
    """Exit 2, nothing on stdout, and no run directory is left."""
    monkeypatch.chdir(tmp_path)
    ended = vcontract("learn", *given)
    assert ended.code == 2
    assert len(ended.err) == 1
    assert says in ended.err[0]
    assert not (tmp_path / "reports").exists()


def test_run_refuses_a_profile_that_is_none(vcontract: Command, tmp_path: Path) -> None:
    """Before anything is sent."""
    ended = vcontract("run", "--profile", tmp_path / "none.json")
    assert ended.code == 2
    assert ended.err == [f"vcontract: {tmp_path / 'none.json'}: no profile: No such file or directory"]
