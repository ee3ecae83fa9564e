"""A run's directory may come from anybody: what it says is read, and leads nowhere else."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vcontract._commands.compare import told_by
from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._errors import RunFileError, SchemaError, UsageError
from vcontract._history import read_history
from vcontract._report.result import load_run
from vcontract._report.run_directory import write_out, write_whole
from vcontract._run.preparation import Preparation
from vcontract._run.rejudge import rejudge
from vcontract._saved_file import held_by, open_saved, read_saved, understood
from vcontract._stress.judging import judge_several

FORMER = Path(__file__).parents[1] / "former" / "0.1.0"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Give a run's directory that may be changed."""
    directory = tmp_path / "run"
    shutil.copytree(FORMER / "run", directory)
    packed = directory / "history.jsonl.gz"
    (directory / "history.jsonl").write_bytes(gzip.decompress(packed.read_bytes()))
    return directory


def changed(file: Path, change: Change) -> None:
    """Change a JSON document."""
    document = json.loads(file.read_bytes())
    change(document)
    file.write_text(json.dumps(document))


def with_facts(directory: Path, change: Change) -> None:
    """Change the facts that a history carries."""
    history = directory / "history.jsonl"
    lines = history.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if '"subject":"facts"' in line)
    document = json.loads(lines[place])
    change(document["facts"])
    lines[place] = json.dumps(document)
    history.write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("version", ["http://127.0.0.1:1/x?wsdl", "/etc/passwd", "../../wsdl/8.0.3.0", ""])
def test_judge_takes_no_wsdl_from_a_history(version: str, saved: Path) -> None:
    """Its API version is that of a release, or nothing is opened and --wsdl is asked for."""
    with_facts(saved, lambda facts: facts.update(api_version=version))
    with pytest.raises(SchemaError, match=r"there is no API release .*; name the WSDL that the run used with --wsdl"):
        rejudge(saved)


@pytest.mark.parametrize("name", ["../../vcontract.toml", "/etc/passwd", "VirtualMachine\0", "every_method"])
def test_a_contract_that_a_history_names_is_one_of_ours(name: str, saved: Path) -> None:
    """No path is made of it."""
    with_facts(saved, lambda facts: facts.update(object=name))
    with pytest.raises(UsageError, match="no contract for"):
        rejudge(saved)


def test_known_deviations_are_those_that_the_run_kept(saved: Path, tmp_path: Path) -> None:
    """The file that it went by is not opened, though it is there; what it excused stays so."""
    finding = load_run(saved).findings[0].id
    file = tmp_path / "deviations.toml"
    file.write_text("this is no TOML")
    kept = {"file": str(file), "known": {finding: "lived with"}}
    assert rejudge(saved).exit_code == 1
    changed(saved / "run.json", lambda run: run.update(deviations=kept))
    judged = rejudge(saved)
    assert (judged.deviations.known, judged.exit_code) == (
        {finding: "lived with"},
        5,
    )  # rows are left that nothing tested
    with pytest.raises(UsageError, match=r"deviations\.toml"):
        rejudge(saved, deviations=file)
    changed(saved / "run.json", lambda run: run["deviations"].update(stale={"0" * 12: "was exercised"}))
    assert (rejudge(saved).exit_code, rejudge(saved).deviations.stale) == (1, {"0" * 12: "was exercised"})


@pytest.mark.parametrize("name", ["../other/history.jsonl", "/etc/passwd", "..", "link/history.jsonl", "a\0b", ""])
def test_histories_of_workers_stand_in_the_directory(name: str, saved: Path, tmp_path: Path) -> None:
    """Their names lead nowhere else, by no link either; the same of stress and of what is compared."""
    (tmp_path / "other").mkdir()
    shutil.copy(saved / "history.jsonl", tmp_path / "other")
    (saved / "link").symlink_to(tmp_path / "other")
    changed(saved / "run.json", lambda run: run.update(workers=[{"history": name}]))
    for reads in (rejudge, told_by):
        with pytest.raises(RunFileError, match="names a file outside itself"):
            reads(saved)
    stress = {"clients": 1, "vms": 1, "seconds": 1.0, "histories": [name]}
    changed(saved / "run.json", lambda run: run.update(workers=[], stress=stress))
    with pytest.raises(RunFileError, match="names a file outside itself"):
        judge_several([saved])
    assert held_by(saved, "history.jsonl") == saved / "history.jsonl"


@pytest.mark.parametrize("name", ["history.jsonl", "run.json"])
def test_a_file_of_a_run_is_no_link_and_no_pipe(name: str, saved: Path, tmp_path: Path) -> None:
    """A link would show another file, a pipe never end."""
    away = tmp_path / "away"
    (saved / name).rename(away)
    (saved / name).symlink_to(away)
    with pytest.raises(RunFileError, match="it is a link"):
        rejudge(saved)
    (saved / name).unlink()
    os.mkfifo(saved / name)
    with pytest.raises(RunFileError, match="it is no file"):
        rejudge(saved)
    (saved / name).unlink()
    (saved / name).mkdir()
    with pytest.raises(RunFileError, match=r"it is no file|Is a directory"):
        rejudge(saved)


def test_what_is_written_replaces_a_link(tmp_path: Path) -> None:
    """And does not follow it, nor one in the place of the draft; what the user names keeps who may read it."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for link in ("junit.xml", f".junit.xml.{os.getpid()}"):
        (tmp_path / link).symlink_to(victim)
    write_whole(tmp_path / "junit.xml", b"<x/>")
    assert (victim.read_text(), (tmp_path / "junit.xml").read_bytes()) == ("mine", b"<x/>")
    assert stat.S_IMODE((tmp_path / "junit.xml").stat().st_mode) == 0o600
    victim.chmod(0o640)
    write_out(victim, b"theirs")
    assert (victim.read_bytes(), stat.S_IMODE(victim.stat().st_mode)) == (b"theirs", 0o640)


@pytest.mark.parametrize("workers", [1, 2])
def test_files_of_a_run_are_for_their_owner_alone(workers: int, tmp_path: Path) -> None:
    """Each file 0600, each directory 0700, whatever the umask; of several workers and a recording too."""
    umask = os.umask(0)
    try:
        options = RunRequest(
            seed=1, max_calls=6, workers=workers, report_dir=tmp_path / "reports", output="none",
            record=None if workers > 1 else tmp_path / "recording.jsonl", methods=("AbortCustomization_Task",),
        )  # fmt: skip
        execute(options, Preparation(defects=frozenset({"no-session-says-invalid-login"})))
    finally:
        os.umask(umask)
    made = [path for path in tmp_path.rglob("*") if not path.is_symlink()]
    modes = {path.relative_to(tmp_path).name: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert {"run.json", "history.jsonl", "junit.xml", "findings.jsonl", "cells.jsonl"} <= modes.keys()
    assert {path.name: 0o700 if path.is_dir() else 0o600 for path in made} == modes


def test_values_of_any_shape_are_refused_in_a_line(saved: Path) -> None:
    """No schema holds what calls may carry: what cannot be worked on names its place, and the error."""
    with (
        pytest.raises(RunFileError, match=r"run: holds what no run writes, or we cannot read it: KeyError: 'x'"),
        understood(saved),
    ):
        raise KeyError("x")
    lines = (saved / "history.jsonl").read_text().replace('"objectSet":[{', '"objectSet":[[],{', 1)
    (saved / "history.jsonl").write_text(lines)
    with pytest.raises(RunFileError, match="holds what no run writes"):
        rejudge(saved)


def test_deep_json_is_refused_in_a_line(saved: Path) -> None:
    """So deep that Python's own limit is met."""
    (saved / "run.json").write_bytes(b"[" * 200_000)
    with pytest.raises(RunFileError, match=r"run\.json: truncated or not JSON"):
        load_run(saved)
    (saved / "history.jsonl").write_bytes(b'{"event":"observed","subject":' + b"[" * 200_000 + b"\n\n")
    with pytest.raises(RunFileError, match=r"history\.jsonl:1: not an event"):
        read_history(saved / "history.jsonl")
    with open_saved(saved / "run.json") as file:
        assert file.read() == read_saved(saved / "run.json")
