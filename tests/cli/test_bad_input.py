"""What a user may get wrong: one line that says what and where, the right exit code, nothing half-written."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vcontract._commands.run import execute
from vcontract._config.request import RunRequest
from vcontract._shipped import shipped
from vcontract._simulator import SimulatorServer

if TYPE_CHECKING:
    from tests.cli.conftest import Command, WebSite

ADMINISTRATOR = "administrator@vsphere.local"
SERVICE = "vimService.wsdl"
LOOP = b'<definitions xmlns="http://schemas.xmlsoap.org/wsdl/"><import location="vimService.wsdl"/></definitions>'
ACCOUNT = '[[account]]\nrole = "full"\nusername = "x"\n'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in an empty directory, without anything in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("GOVC_URL", "GOVC_USERNAME", "GOVC_PASSWORD", "GOVC_INSECURE", "VCONTRACT_PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def fails(vcontract: Command, code: int, said: str, *arguments: object) -> None:
    """Expect one line that holds `said`, the exit code, and that no file came or went."""
    before = sorted(Path().rglob("*"))
    ended = vcontract(*arguments)
    assert ended.code == code, ended.err
    assert ended.out == []
    assert len(ended.err) == 1, ended.err
    assert ended.err[0].startswith("vcontract: ")
    assert said in ended.err[0]
    assert sorted(Path().rglob("*")) == before


@pytest.mark.parametrize(
    ("code", "said", "arguments"),
    [
        (2, "'ftp://x' is no URL of a target", "run --target ftp://x"),
        (2, "is no URL", "run --target http://127.0.0.1:99999/sdk"),
        (2, "holds a user name", "run --target http://me:word@127.0.0.1/sdk"),
        (2, "is no URL", "run --target http://me:word@127.0.0.1:99999/sdk"),
        (2, "none.rec: cannot be read: No such file", "run --target replay:none.rec"),
        (2, ".: cannot be read: Is a directory", "run --target replay:."),
        (2, "--username: does not go with a recording", "run --target replay:none.rec --username x"),
        (2, "--record: does not go with a recording", "run --target replay:none.rec --record x"),
        (2, "--record: is for one worker", "run --record x --workers 2"),
        (2, "none/x: cannot be written", "run --record none/x"),
        (2, "API version 1.2.3.4 is unknown", "run --api 1.2.3.4"),
        (2, "API version 8.0.3 is unknown to the simulator; 8.0.3.0 or 8.0.3.1 is meant", "run --api 8.0.3"),
        (2, "7.0 is no API version, and no file; there are 7.0.0.0, 7.0.0.2, 7.0.1.0", "wsdl diff 7.0 8.0.3.0"),
        (2, "8.0.3 is no API version, and no file; there are 8.0.3.0, 8.0.3.1", "run --wsdl 8.0.3"),
        (2, "--api is the version of the simulator", "run --api 8.0.3.0 --target http://127.0.0.1:1/sdk"),
        (2, "has no method Nope; it has CustomizeGuest_Task", "run --method Nope"),
        (2, "no contract for Nope", "run --contract Nope"),
        (2, "--format xml: must be one of text, json", "run --format xml"),
        (2, "needs 802 judged calls, the limit is 10: raise --max-calls", "run --complete 1 --max-calls 10"),
        (2, "--alphabet nonsense: unknown", "run --complete 1 --alphabet nonsense"),
        (2, "--alphabet says what --complete is about", "run --alphabet valid"),
        (2, "GOVC_URL is not set", "run --target govc"),
        (2, "--explore-only needs --explore N", "run --explore-only"),
        (2, "choose one", "run --explore 1 --complete 1"),
        (2, "--username needs --password-file", "run --username someone"),
        (2, "--password-file needs --username", "run --password-file none"),
        (2, "none: cannot read the password", "run --username someone --password-file none"),
        (2, "none.toml: cannot be read", "run --config none.toml"),
        (2, "cannot read", "run --wsdl none"),
        (2, "none: no saved run", "judge none"),
        (2, "none: no saved run", "report none"),
        (2, "--format xml: must be one of", "report none --format xml"),
        (2, "a finding is named RUN#id", "replay none"),
        (2, "none: no saved run", "replay none#0123456789ab"),
        (2, "API version 3 is unknown", "simulate --api 3"),
        (2, "none: cannot be read", "simulate --inventory none"),
        (2, "there is no 'esx'; give vcenter", "simulate --timing esx"),
        (2, "--task-time: --timing vcenter says", "simulate --timing vcenter --task-time 1"),
        (2, "no API version '3'", "wsdl build --api 3 --root Task --out out"),
        (2, "no managed object 'Nope'", "wsdl build --api 8.0.3.0 --root Nope --out out"),
        (2, "is named 'Nope'", "wsdl build --api 8.0.3.0 --root Task:Nope --out out"),
        (2, "none: no contract files", "contract lint none"),
        (2, "no contract for Nope", "contract list --contract Nope"),
        (2, "has no method Nope", "contract explain Nope"),
        (2, "--state x=y: unknown", "contract explain CustomizeGuest_Task --state x=y"),
        (2, "must be one of poweredOn", "contract explain CustomizeGuest_Task --state power=y"),
    ],
)
def test_a_mistake_is_one_line(vcontract: Command, code: int, said: str, arguments: str) -> None:
    """Unknown versions, names and files, unusable URLs and options without their fellows."""
    fails(vcontract, code, said, *arguments.split())


@pytest.mark.parametrize(
    "arguments",
    [
        "run --seed x",
        "run --seed -1",
        "run --min-coverage 101",
        "run --max-calls -1",
        "run --nope",
        "nope",
        "simulate --port x",
    ],
)
def test_a_mistake_of_usage_shows_the_usage(vcontract: Command, arguments: str) -> None:
    """What the options' own rules forbid ends with exit code 2, the usage and the place of the help."""
    ended = vcontract(*arguments.split())
    assert ended.code == 2
    assert ended.err[0].startswith("Usage: ")
    assert ended.err[-1].startswith("Error: ")
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("acount = 3", "unknown field `acount`"),
        ("account = 3", "Expected `array`, got `int` - at `$.account`"),
        ("x = = 3", "at line 1, column 5"),
        ("[[account]]\nrole = 'ful'\nusername = 'x'", "Invalid enum value 'ful' - at `$.account[0].role`"),
        ("[[lever]]\ndoes = 'stopTool'\nprogram = 'x'", "Invalid enum value 'stopTool'"),
        ("staleness = -1", ">= 0"),
        ("confirm = 0", ">= 1"),
    ],
)
def test_a_typo_in_the_configuration_names_file_and_key(
    vcontract: Command, tmp_path: Path, content: str, said: str
) -> None:
    """Unknown keys, wrong types, unknown words, numbers out of range, and what is no TOML."""
    (tmp_path / "my.toml").write_text(content)
    fails(vcontract, 2, said, "run", "--config", "my.toml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (ACCOUNT, "the password of x: give password_env or password_file"),
        (ACCOUNT + 'password_env = "NOT_SET"', "environment variable NOT_SET is not set"),
        (ACCOUNT + 'password_file = "none"', "none: cannot read the password"),
        ('target = "https://127.0.0.1:1/sdk"\nca_file = "none.pem"', "none.pem: no usable file of CA certificates"),
        ('target = "nonsense"', "'nonsense' is no URL of a target"),
    ],
)
def test_what_the_configuration_refers_to_is_missing(
    vcontract: Command, tmp_path: Path, content: str, said: str
) -> None:
    """Passwords that are given nowhere, files that are not there."""
    (tmp_path / "my.toml").write_text(content)
    target = () if "target" in content else ("--target", "simulator")
    fails(vcontract, 2, said, "run", "--config", "my.toml", *target)


def test_a_configuration_without_a_target_is_no_wish_for_the_simulator(vcontract: Command, tmp_path: Path) -> None:
    """Every verb that tests or looks says so; the way out is in the line."""
    (tmp_path / "my.toml").write_text(ACCOUNT + 'password = "x"')
    for verb in ("run", "doctor", "learn", "stress", "cleanup"):
        fails(vcontract, 2, "my.toml: names no target: give --target URL", verb, "--config", "my.toml")


def _typo(folder: Path, old: str, new: str) -> None:
    for each in shipped("contracts").glob("*.toml"):
        (folder / each.name).write_text(each.read_text().replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("singleton = true", "singelton = true", "unknown field `singelton`"),
        ('"~InvalidState"', '"~~InvalidState"', "cannot read the permit '~~InvalidState'"),
        ("[contract]", "[contract", "at line"),
        ('id = "P2"', 'id = "P1"', "situation ids used twice: P1"),
        ('leaves = ["Q1"]', 'leaves = ["Q9"]', "leaves unknown situations: Q9"),
        ("permits.CustomizeGuest_Task", "permits.Customise", "permits.Customise names no method"),
    ],
)
def test_a_typo_in_a_contract_names_file_and_place(
    vcontract: Command, tmp_path: Path, old: str, new: str, said: str
) -> None:
    """Unknown keys, unreadable permits, doubled and dangling ids, and what is no TOML."""
    _typo(tmp_path, old, new)
    fails(vcontract, 2, said, "contract", "lint", tmp_path)


def test_lint_counts_what_it_found(vcontract: Command, tmp_path: Path) -> None:
    """An unknown condition is a line of its own, and then there is one that counts."""
    _typo(tmp_path, "power.off", "power.of")
    ended = vcontract("contract", "lint", tmp_path)
    assert ended.code == 2
    assert any("situation P1: unknown condition power.of" in each for each in ended.err)
    assert ended.err[-1].endswith("faults in the contract files")


def test_a_looping_wsdl_is_refused(vcontract: Command, tmp_path: Path) -> None:
    """A WSDL that imports itself, and a page where a WSDL should be."""
    (tmp_path / SERVICE).write_bytes(LOOP)
    fails(vcontract, 2, "import loop: vimService.wsdl -> vimService.wsdl", "run", "--wsdl", ".")
    (tmp_path / SERVICE).write_bytes(b"<html/>")
    fails(vcontract, 2, "its root element is html", "run", "--wsdl", SERVICE)


def test_a_wsdl_by_url_must_be_one(vcontract: Command, web_site: WebSite) -> None:
    """A web page and a missing document are no WSDL, wherever the target is."""
    fails(vcontract, 2, "its root element is html", "run", "--wsdl", web_site() + "/sdk/vimService.wsdl")
    fails(vcontract, 2, "Not Found", "run", "--wsdl", web_site(404) + "/sdk/vimService.wsdl")


def test_a_server_without_a_wsdl(vcontract: Command, web_site: WebSite) -> None:
    """One line, exit code 3, no folder; a page that answers everything is no WSDL either."""
    for status, said in ((404, "vimService.wsdl has status 404"), (200, "vimService.wsdl is something else")):
        fails(vcontract, 3, f"serves no WSDL: {said}", "wsdl", "fetch", web_site(status), "--out", "set")


def test_a_dead_port_is_unreachable(vcontract: Command) -> None:
    """Nobody listens: exit code 3, and neither a directory nor a recording of a run that never was."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/sdk"
    fails(vcontract, 3, f"{url} cannot be reached: connection refused", "run", "--target", url, "--record", "run.rec")


@pytest.mark.parametrize(
    ("status", "page", "said"),
    [
        (200, b"<html><body>Welcome!</body></html>", "its root is html"),
        (200, b"Welcome!", "is no list of versions"),
        (404, b"", "has status 404"),
        (302, b"", "it points to https://elsewhere.invalid/ui"),
        (200, b"<namespaces><namespace><name>urn:vim25</name><version>1.0</version></namespace></namespaces>", "1.0"),
    ],
)
def test_a_web_site_is_no_vcenter(vcontract: Command, web_site: WebSite, status: int, page: bytes, said: str) -> None:
    """Pages, errors, redirects and unknown versions under the target's URL: exit code 3."""
    fails(vcontract, 3, said, "run", "--target", web_site(status, page))


def test_a_web_site_with_a_wsdl_of_ones_own(vcontract: Command, web_site: WebSite) -> None:
    """With --wsdl the list of versions is not asked for; a page as the answer to a call is no ServiceContent."""
    own = shipped("wsdl") / "8.0.3.0"
    fails(vcontract, 3, "gave no ServiceContent", "run", "--target", web_site(), "--wsdl", own)


def test_a_wrong_password_is_refused(vcontract: Command, tmp_path: Path) -> None:
    """The target says no: exit code 3, and the password is not shown."""
    (tmp_path / "password").write_text("quite-wrong\n")
    (tmp_path / "empty.toml").write_text("")
    with SimulatorServer() as simulator:
        target = ("run", "--target", simulator.url)
        options = ("--username", ADMINISTRATOR, "--password-file", "password")
        fails(vcontract, 3, f"refuses the login of {ADMINISTRATOR}: InvalidLogin", *target, *options)
        fails(vcontract, 3, "no account is given", *target, "--config", "empty.toml")


def test_a_certificate_that_nobody_vouches_for(vcontract: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS is verified unless --insecure is given, and the line says what helps."""
    with SimulatorServer() as plain:
        fails(vcontract, 3, "does it speak http", "run", "--target", plain.url.replace("http:", "https:"))
    monkeypatch.setenv("GOVC_URL", "https://me:a-pass-phrase@127.0.0.1:1")
    fails(vcontract, 3, "https://127.0.0.1:1/sdk cannot be reached", "run", "--target", "govc")


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_report_directory_that_cannot_be(vcontract: Command, tmp_path: Path, place: str) -> None:
    """A file stands in the place of the report directory or above it."""
    (tmp_path / "file").write_text("mine")
    fails(vcontract, 2, f"{place}: cannot hold the report", "run", "--report-dir", place)
    assert (tmp_path / "file").read_text() == "mine"


def test_an_output_folder_that_cannot_be(vcontract: Command, tmp_path: Path) -> None:
    """A file stands in the place of the folder for a WSDL set."""
    (tmp_path / "file").write_text("mine")
    arguments = ("wsdl", "build", "--api", "8.0.3.0", "--root", "Task:CancelTask", "--out", "file")
    fails(vcontract, 2, "cannot write the WSDL set to file", *arguments)


def test_a_port_that_is_taken(vcontract: Command) -> None:
    """The simulator says which port."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        fails(vcontract, 2, f"cannot listen on port {port}", "simulate", "--port", port)


def test_an_exported_govc_url_selects_nothing(vcontract: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --target the simulator is started, whatever govc would talk to."""
    monkeypatch.setenv("GOVC_URL", "http://127.0.0.1:1/sdk")
    ended = vcontract("run", "--seed", "1", "--max-calls", "1", "--report-dir", "r")
    assert ended.code == 5
    assert "(vcontract simulator)" in ended.err[0]
    assert "report: r/" in ended.out[-1]
    assert sorted(each.name for each in Path("r/latest").iterdir()) == [
        "cells.jsonl",
        "findings.jsonl",
        "history.jsonl",
        "junit.xml",
        "report.html",
        "run.json",
    ]


def _cut(folder: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    file = folder / name
    file.write_bytes(change(file.read_bytes()))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the files of a saved run, of the first calls of an ordinary one."""
    # the fixtures of a command are for one test each, so this one asks the room below
    place = tmp_path_factory.mktemp("saved")
    execute(RunRequest(seed=1, max_calls=1, report_dir=place))
    return {each.name: each.read_bytes() for each in (place / "latest").iterdir()}


@pytest.mark.parametrize(
    ("verb", "name", "change", "said"),
    [
        ("judge", "run.json", lambda body: body[:300], "run.json: truncated or not JSON"),
        ("report", "run.json", lambda body: body[:300], "run.json: truncated or not JSON"),
        ("replay", "run.json", lambda body: body[:300], "run.json: truncated or not JSON"),
        ("report", "run.json", lambda _: b"\xff\xfe", "run.json: truncated or not JSON"),
        ("report", "run.json", lambda _: b"[]", "its schema is None"),
        ("judge", "run.json", lambda body: body.replace(b"run/1", b"run/9"), "its schema is 'vcontract.run/9'"),
        ("judge", "run.json", lambda body: body.replace(b'"seed": 1', b'"seed": "x"'), "$.seed"),
        ("judge", "history.jsonl", lambda body: body[:200], "holds no facts"),
        ("judge", "history.jsonl", lambda body: b"{" + body, "history.jsonl:1: not an event"),
        ("judge", "history.jsonl", lambda body: body.replace(b'"manager":{', b'"manger":{'), "no facts of a run"),
        ("judge", "history.jsonl", lambda body: body.replace(b'"8.0.3.0"', b'"1.2.3"'), "1.2.3"),
        ("replay", "run.json", lambda body: body, "run has no finding 0123456789ab"),
    ],
)
def test_a_saved_run_that_is_broken(
    vcontract: Command,
    saved: dict[str, bytes],
    verb: str,
    name: str,
    change: Callable[[bytes], bytes],
    said: str,
) -> None:
    """Truncated, of another format, or without what the verb needs; nothing of it is changed."""
    folder = Path("run")
    folder.mkdir()
    for each, body in saved.items():
        (folder / each).write_bytes(body)
    _cut(folder, name, change)
    fails(vcontract, 2, said, verb, f"{folder}#0123456789ab" if verb == "replay" else folder)


def test_a_run_may_be_named_by_its_file(vcontract: Command, saved: dict[str, bytes]) -> None:
    """`judge` and `report` take the directory or its run.json, and a history whose last line was cut."""
    folder = Path("run")
    folder.mkdir()
    for each, body in saved.items():
        (folder / each).write_bytes(body)
    _cut(folder, "history.jsonl", lambda body: body[:-30])
    assert vcontract("report", folder / "run.json").code == 0
    assert vcontract("judge", folder / "run.json").code == 5
    assert sorted(each.name for each in folder.iterdir()) == sorted(saved)
