"""The commands that are printed: what they repeat, how a shell reads them, and that nobody's password is in them."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.hostile_texts import SHELL, misleading
from vcontract._config.printed_command import finding_command, repeating_command, with_target, without_userinfo
from vcontract._config.request import MANAGER, RunRequest

HERE = Path.cwd()


@pytest.mark.parametrize(
    ("request_", "command"),
    [
        (RunRequest(), "vcontract run --seed 0"),
        (RunRequest(seed=4, max_calls=3, report_dir=Path("x"), insecure=True), "vcontract run --seed 4"),
        (
            RunRequest(target="https://vc/sdk", contract="VirtualMachine", methods=("A", "B"), seed=4, complete=0),
            "vcontract run --target https://vc/sdk --contract VirtualMachine --seed 4 --method A --method B --complete 0",
        ),
        (
            RunRequest(seed=1, explore=5, explore_only=True, profile=Path("p.json"), contract=MANAGER),
            f"vcontract run --seed 1 --explore 5 --profile {HERE / 'p.json'} --explore-only",
        ),
        (
            RunRequest(config=Path("my lab/vcontract.toml"), wsdl="https://u:p@vc/sdk/vim.wsdl", seed=2),
            f"vcontract run --seed 2 --config '{HERE}/my lab/vcontract.toml' --wsdl https://vc/sdk/vim.wsdl",
        ),
        (RunRequest(api="7.0.3.0", seed=2), "vcontract run --seed 2 --api 7.0.3.0"),
    ],
)
def test_the_command_that_repeats_a_run_names_what_decides_it(request_: RunRequest, command: str) -> None:
    """What is tested, with which configuration, and how it was drawn; limits, reports and accounts are the caller's.

    Files are named by their whole paths: a shell stands anywhere.
    """
    assert repeating_command(request_) == command


def test_a_finding_is_sent_again_to_the_target_where_it_was_seen() -> None:
    """The target of the run, or the configuration that names it; none for the simulator, or for a recording."""
    place, id_ = "reports/20261130T021319Z-7", "0123456789ab"
    shown = f"vcontract replay {place}#{id_}"
    assert finding_command(place, id_, RunRequest()) == shown
    assert finding_command(place, id_, RunRequest(target="replay:file.jsonl")) == shown
    asked = RunRequest(target="https://vc.example/sdk", config=Path("a.toml"))
    told = f"{shown} --target https://vc.example/sdk --config {HERE / 'a.toml'}"
    assert finding_command(place, id_, asked) == told


def test_a_finding_is_judged_again_by_what_it_was_judged_by() -> None:
    """By the WSDL and the profile of the run, or on a simulator of the same version."""
    shown = "vcontract replay R#0123456789ab"
    asked = RunRequest(target="https://vc.example/sdk", wsdl="wsdl/vimService.wsdl", profile=Path("p.json"))
    told = f"--target https://vc.example/sdk --wsdl {HERE / 'wsdl/vimService.wsdl'} --profile {HERE / 'p.json'}"
    assert finding_command("R", "0123456789ab", asked) == f"{shown} {told}"
    by_words = RunRequest(profile=Path("documented"), api="7.0.3.0", wsdl="https://vc/sdk/vim.wsdl")
    told = "--wsdl https://vc/sdk/vim.wsdl --profile documented --api 7.0.3.0"
    assert finding_command("R", "0123456789ab", by_words) == f"{shown} {told}"


@pytest.mark.parametrize("text", SHELL)
def test_a_shell_reads_every_value_as_one_word(text: str) -> None:
    """Whatever a folder, a file or a target is called."""
    request = RunRequest(target=text, config=Path(text), methods=(text,), alphabet=(text,), profile=Path(text))
    for command in (
        repeating_command(request),
        finding_command(text, "0" * 12, request),
        with_target("adopt", request),
    ):
        assert misleading(command) == []
        assert "\n" not in command
        if "$'" not in command:
            words = shlex.split(command)
            assert {word for word in words if "touch" in word or "root" in word} <= {
                text,
                str(HERE / text),
                f"{text}#{'0' * 12}",
            }


@pytest.mark.parametrize(
    ("url", "bare"),
    [
        ("https://user:pass@vc.example:8443/sdk", "https://vc.example:8443/sdk"),
        ("https://user@vc.example/sdk", "https://vc.example/sdk"),
        ("https://user:pa@ss@vc.example/sdk", "https://vc.example/sdk"),
        ("https://user:pa/ss@vc.example/sdk", "https://vc.example/sdk"),
        ("https://user:pa?ss@vc.example", "https://vc.example"),
        ("http://user:pass@[::1]:80/sdk", "http://[::1]:80/sdk"),
        ("https://vc.example/sdk", "https://vc.example/sdk"),
        ("https://vc.example/files/a@b.wsdl", "https://vc.example/files/a@b.wsdl"),
        ("reports/a@b", "reports/a@b"),
        ("replay:/tmp/a@b.jsonl", "replay:/tmp/a@b.jsonl"),
    ],
)
def test_a_printed_url_holds_no_user_and_no_password(url: str, bare: str) -> None:
    """Also where the password has the characters that end a host; a path with an `@` stays."""
    assert without_userinfo(url) == bare
    assert repeating_command(RunRequest(target=url)) == f"vcontract run --target {shlex.quote(bare)} --seed 0"


def test_a_finding_is_sent_again_at_the_level_at_which_it_was_seen() -> None:
    """What was found without changing a VM is not sent again in a way that does."""
    for level, told in (("refusals", " --risk refusals"), ("full", ""), ("", "")):
        printed = finding_command("RUN", "0123456789ab", RunRequest(target="https://vc/sdk", risk=level))
        assert printed == f"vcontract replay RUN#0123456789ab --target https://vc/sdk{told}"
