"""What is asked of a run: declared once, written down whole without a password, and read back, from former versions too."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from msgspec.structs import fields, replace

from vcontract import pytest_plugin
from vcontract._cli.verbs import app
from vcontract._client.recording import Recording
from vcontract._config.config import Config
from vcontract._config.context import RunContext
from vcontract._config.request import (
    DECIDING,
    DECLARED,
    Budget,
    RunRequest,
    record_of,
    request_of,
    with_whole_paths,
)
from vcontract._errors import RunFileError
from vcontract._history import ASKED, FACTS
from vcontract._history_lines import encode_event
from vcontract._model import Facts
from vcontract._report.result import RUN_FILE, RunResult, TargetFacts, load_run
from vcontract._report.run_directory import HISTORY
from vcontract._run.interrupted_run import RunNote, whole_interrupted_run_of
from vcontract._run.recorded_run import Recorded, opening
from vcontract._terms import Json, Observed, Ref, Verdict
from vcontract._testbed.survey import as_json
from vcontract._workers.shares import Share
from vcontract._workers.worker import Orders

PACKAGE = Path(__file__).parents[2] / "harness" / "vcontract"
WHOLE = RunRequest(
    target="https://vc.example/sdk", username="me", password_file=Path("/run/secret"), insecure=True,
    config=Path("/etc/vcontract.toml"), contract="VirtualMachine", methods=("PowerOnVM_Task", "ResetVM_Task"), wsdl="w",
    seed=7, max_calls=5, time_limit=1.5, report_dir=Path("runs"), output="json", api="8.0.3.0", cells=True,
    min_coverage=50.0, workers=3, lanes=4, risk="clones", budget="5m",
    resume=Path("old"), complete=0, alphabet=("valid",), explore=2, explore_only=True, record=Path("file.rec"),
    profile=Path("p.json"), dry_run=True, deviations=Path("d.toml"), accept=True, reason="we wait", shrink=Budget(1, 2.0),
    stop_at_first=True, break_claim=True, outputs=("json=run",), verbose=True, quiet=True,
)  # fmt: skip
"""A request in which no field has its default."""
OF_THEIR_OWN = {
    *{("learn", name) for name in ("explore", "explore_only", "alphabet")},  # of what is learned, not of programs
    *{("simulate", name) for name in ("api", "seed")},  # of a simulator that is served
    *{("wsdl_build", name) for name in ("api",)},  # of the WSDL that is made
    *{("stress", name) for name in ("time_limit",)},  # of the load, and it is never without limit
    *{("cleanup", name) for name in ("dry_run",)},  # no plan is printed
    *{("judge", name) for name in ("wsdl", "deviations")},  # of the saved run
}
"""Options of other verbs that are called as one of `run` is, and mean something else."""
FORMER_NOTE: dict[str, Json] = {
    "contract": "VirtualMachine", "seed": 3, "started": "2025-01-01T00:00:00+00:00", "methods": ["PowerOnVM_Task"],
    "max_calls": 9, "target": "https://vc.example/sdk", "config": "", "wsdl": "", "api": "", "username": "me",
    "insecure": True, "complete": None, "replay": "vcontract run --seed 3", "explore": 0, "explore_only": False, "id": "run-1",
}  # fmt: skip
"""What a history of the version before requests says of its run."""


def test_a_request_comes_back_from_json_as_it_was() -> None:
    """Every field of it, files too."""
    assert not {name for name, value in record_of(WHOLE).items() if value == record_of(RunRequest())[name]}
    for request in (WHOLE, RunRequest()):
        assert request_of(msgspec.json.decode(msgspec.json.encode(record_of(request)))) == request
        assert set(record_of(request)) == {field.name for field in fields(RunRequest)}


def test_a_request_has_no_place_for_a_password() -> None:
    """The name of a file may be there, its content not; so neither run.json nor a history holds one."""
    assert {name for name in record_of(WHOLE) if "password" in name} == {"password_file"}
    assert not any("password" in field.name for field in fields(RunContext))


def test_what_is_not_known_of_a_request_is_passed_over_and_what_is_wrong_is_not() -> None:
    """A later version may ask for more; a number in the place of a text is no request."""
    assert request_of({"seed": 4, "beyond": "later"}) == RunRequest(seed=4)
    for wrong in ({"seed": "four"}, {"methods": 3}, {"config": 5}):
        with pytest.raises(msgspec.ValidationError):
            request_of(wrong)


def test_orders_take_a_request_through_a_pipe() -> None:
    """A worker on another machine gets it as it is."""
    orders = Orders(
        WHOLE, Config(), Share(1, Facts("Object", Ref("Object", "o"), "8.0.3.0"), [], []), "run-1", "/runs/r", b"mark\n"
    )
    assert Orders.decoded(orders.encoded()) == orders


def _said(source: str) -> list[str]:
    """List the texts that stand in a file."""
    nodes = ast.walk(ast.parse(source))
    return [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_an_option_is_written_down_in_one_place() -> None:
    """What an option does is said in config/request.py and in no other file."""
    said = {file: Counter(_said(file.read_text("utf-8"))) for file in PACKAGE.rglob("*.py")}
    for each in DECLARED.values():
        places = {file.name: texts[each.option.help] for file, texts in said.items() if texts[each.option.help]}
        assert places == {"request.py": 1}, each.name


def _parameters(source: str) -> list[tuple[str, str, str]]:
    """List the parameters of a file's functions: the function, the parameter, and what is written of it."""
    return [
        (function.name, argument.arg, ast.unparse(argument.annotation) if argument.annotation else "")
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.FunctionDef)
        for argument in (*function.args.args, *function.args.kwonlyargs)
    ]


def test_no_verb_declares_an_option_of_run_again() -> None:
    """By the name of a field, or of its option; but for those of another meaning."""
    names = {name for each in DECLARED.values() for name in (each.field, each.name.replace("-", "_"))}
    again = {
        (verb, name)
        for file in (PACKAGE / "_cli").glob("*.py")
        for verb, name, annotation in _parameters(file.read_text("utf-8"))
        if name in names and ("typer.Option" in annotation or annotation.startswith("option."))
    }
    taken = {
        ("compare", "output"),
        ("compare", "deviations"),
        ("judge", "output"),
        *((verb, name) for verb in ("judge", "report") for name in ("outputs", "verbose", "quiet")),
        ("report", "output"),
    }  # `declared_option`
    taken |= {(verb, "contract") for verb in ("contract_list", "contract_explain", "judge")}
    taken |= {
        ("spec_check", "output"),
        ("wsdl_diff", "output"),
        ("contract_lint", "output"),
        ("wsdl_fetch", "insecure"),
    }
    assert again - taken == OF_THEIR_OWN


def test_run_has_the_options_that_are_declared() -> None:
    """All of them and no other, in their order, with their helps."""
    command: Any = typer.main.get_command(app)
    shown = [each for each in command.commands["run"].params if each.name != "help"]
    assert [each.name for each in shown] == list(DECLARED)
    for each in shown:
        declared = DECLARED[each.name]
        assert each.opts == [f"--{declared.name}", *filter(None, [declared.option.short])]
        assert each.help.startswith(declared.option.help.removesuffix("."))


class Group:
    """Takes options as a group of pytest's parser does."""

    def __init__(self) -> None:
        self.options: dict[str, dict[str, Any]] = {}

    def getgroup(self, *_: str) -> Group:
        """Give itself."""
        return self

    def addoption(self, name: str, **attributes: Any) -> None:
        """Note an option."""
        self.options[name] = attributes


def test_pytest_has_the_options_that_are_declared_for_it() -> None:
    """All of them and no other; said nothing, they ask for what `run` asks for."""
    group: Any = Group()
    pytest_plugin.pytest_addoption(group)
    chosen = [each for each in DECLARED.values() if each.option.pytest]
    assert list(group.options) == [f"--vcontract-{each.name}" for each in chosen]
    unsaid = {each.field: group.options[f"--vcontract-{each.name}"]["default"] for each in chosen}
    assert request_of(unsaid) == RunRequest()
    assert unsaid["seed"] is None


def test_the_declarations_import_nothing_of_ours() -> None:
    """The pytest plugin loads them in sessions that have nothing to do with us."""
    tree = ast.parse((PACKAGE / "_config" / "request.py").read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name for node in imports}
    assert {name.partition(".")[0] for name in modules} - sys.stdlib_module_names == {"msgspec"}


def _history(folder: Path, note: dict[str, Json]) -> Path:
    facts = Facts("VirtualMachine", Ref("VirtualMachine", "vm-1"), "8.0.3.0")
    events = (Observed(ASKED, note), Observed(FACTS, as_json(facts)))
    (folder / HISTORY).write_bytes(b"".join(encode_event(event) for event in events))
    return folder


def test_a_history_says_what_was_asked_of_its_run(tmp_path: Path) -> None:
    """Whole, with its files by their whole paths, for a run that goes on may start elsewhere."""
    request = replace(WHOLE, config=Path("here.toml"))
    note = RunNote(request, "2025-01-01T00:00:00+00:00", "vcontract run", "run-1")
    interrupted = whole_interrupted_run_of(_history(tmp_path, note.noted()))
    assert interrupted.note == replace(note, request=with_whole_paths(request))
    assert interrupted.note.request.config == Path("here.toml").absolute()


def test_a_history_of_the_former_version_is_read(tmp_path: Path) -> None:
    """It names fewer fields, and says nothing by an empty text."""
    note = whole_interrupted_run_of(_history(tmp_path, FORMER_NOTE)).note
    assert (note.run, note.replay) == ("run-1", "vcontract run --seed 3")
    assert note.request == RunRequest(
        contract="VirtualMachine",
        seed=3,
        methods=("PowerOnVM_Task",),
        max_calls=9,
        target="https://vc.example/sdk",
        username="me",
        insecure=True,
    )


def test_a_result_of_the_former_version_is_read(tmp_path: Path) -> None:
    """It does not say what was asked; a result of today does, and comes back with it."""
    result = RunResult(Verdict.CONFORMS, 0, 7, 1, 2, TargetFacts("https://vc.example/sdk"), request=record_of(WHOLE))
    saved: dict[str, Any] = msgspec.to_builtins(result)
    (tmp_path / RUN_FILE).write_bytes(msgspec.json.encode(saved))
    assert request_of(load_run(tmp_path).request) == WHOLE
    del saved["request"]
    (tmp_path / RUN_FILE).write_bytes(msgspec.json.encode(saved))
    assert load_run(tmp_path) == replace(result, request={})


def test_a_recording_keeps_what_decides_which_requests_are_sent() -> None:
    """And no path, account or target of this machine; what is said now counts when it is replayed."""
    kept = opening("http://vc/sdk", WHOLE, "run-1", Config())
    assert set(kept.asked) == {*DECIDING, "id"}
    recorded = Recorded(Path("f"), Recording(kept, []), request_of(kept.asked), "", Config())
    with pytest.raises(RunFileError, match=f"the run was given --wsdl {WHOLE.wsdl}: name it again"):
        recorded.request_for(RunRequest(), set())
    asked = recorded.request_for(RunRequest(seed=9, username="other", explore=0, wsdl=WHOLE.wsdl), {"seed", "wsdl"})
    assert asked == replace(RunRequest(**{name: getattr(WHOLE, name) for name in DECIDING}), seed=9, username="other")
