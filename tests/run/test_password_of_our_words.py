"""A user whose password is a word that we use ourselves: it is a secret, and all works as with any other."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.windows import fitted
from vcontract._client import Secrets
from vcontract._client.secrets import OWN_TEXTS
from vcontract._commands.adopt import adopt
from vcontract._commands.cleanup import clean_up
from vcontract._commands.run import execute
from vcontract._config.config import LOOPBACK, Config
from vcontract._config.request import RunRequest
from vcontract._run.preparation import PLAIN
from vcontract._simulator import SimulatorServer
from vcontract._terms import SECRET
from vcontract._testbed import built_in, secrets_of
from vcontract._toml_file import read_toml
from vcontract._workers.shared_run import resolved

WORDS = "".join(
    f'[[account]]\nrole = "{account.role}"\nusername = "{account.username}"\npassword = "vcontract"\n'
    for account in LOOPBACK.account
)
GUEST = '[[guest]]\nusername = "root"\npassword = "guest"\nmay_customize = true\n'
ABORT = "AbortCustomization_Task"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Give a configuration of a user whose passwords are that word; it may be written as the built-in one is."""
    file = tmp_path / "vcontract.toml"
    file.write_text(f"staleness = 0.02\npublish = 0.0\ntask_seconds = 20.0\n{WORDS}{GUEST}", "utf-8")
    return file


def test_only_the_built_in_passwords_are_public(config: Path) -> None:
    """By whose they are, not by what they are; a worker, which gets them by a pipe, is told which are."""
    assert set(built_in(LOOPBACK)) == {
        "account.full", "account.unprivileged", "account.readonly", "guest.root", "guest.user",
    }  # fmt: skip
    assert secrets_of(LOOPBACK).redact("the word vcontract") == "the word vcontract"
    users = read_toml(config, Config)
    assert users.account == LOOPBACK.account
    assert built_in(users) == ()
    assert secrets_of(users).redact("the word vcontract") == f"the word {SECRET}account.readonly"
    sent = resolved(LOOPBACK)
    assert secrets_of(sent, built_in(LOOPBACK)).redact("the word vcontract") == "the word vcontract"
    assert SECRET in secrets_of(resolved(users), built_in(users)).redact("the word vcontract")


def test_our_own_texts_stay_in_replies() -> None:
    """Without the keys of our marks no VM would be known as marked; the word alone is taken out, however it is spelled."""
    secrets = Secrets({"mine": "vcontract"})
    for text in OWN_TEXTS:
        assert secrets.redact(text) == text
        assert secrets.clean(f"<key>{text}</key>".encode()) == f"<key>{text}</key>".encode()
    hint = "no VM carries the mark vcontract.owner = x: put it on those (vcontract adopt --vm PATTERN)"
    assert secrets.redact_all(hint) == hint
    body = b"<key>vcontract.owner</key><value>vcontract</value><value>&#118;contract.</value><value>x-vcontract</value>"
    assert secrets.clean(body) == (
        b"<key>vcontract.owner</key><value>secret:mine</value><value>secret:mine.</value><value>x-vcontract</value>"
    )


def test_a_user_with_that_password_can_do_everything(config: Path, tmp_path: Path) -> None:
    """Marks are put on and known, a run judges and restores, cleanup finds nothing left, and no file holds the word alone."""
    reports = tmp_path / "reports"
    with SimulatorServer(fitted(task_time=0.01, boot_time=0.01)) as server:
        request = RunRequest(target=server.url, config=config, report_dir=reports, output="none")
        told: list[str] = []

        def sure(lines: list[str]) -> bool:
            told.extend(lines)
            return True

        for release in (True, False):
            adopt(request, PLAIN, "linux-*", sure, release=release)
        for how in ("loses", "gets"):
            assert any(line.endswith(f"{how} the mark vcontract.owner = vcontract") for line in told), told
        result = execute(replace(request, methods=(ABORT,), max_calls=6))
        assert (result.findings, result.calls) == ([], 6)
        assert result.target.product.endswith("(vcontract simulator)")
        said: list[str] = []
        assert clean_up(None, request, PLAIN, said.append, dry=False), said
    history = next(reports.glob("*/history.jsonl")).read_text("utf-8")
    assert '"_value":"vcontract"' not in history.replace(" ", "")
    assert "vcontract.owner" in history
