"""govmomi's simulator, which somebody else wrote, as a target: started from build/vcsim, driven by calls only."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.model import Lever
from harness.run.config import LOOPBACK
from harness.run.survey import secrets_of
from harness.target import Target
from harness.target.properties import list_vms
from harness.terms import Arguments, Call, Returned

HERE = Path(__file__).parent
BINARY = HERE.parent.parent / "build" / "vcsim"
CONFIG = HERE / "vcontract.toml"


@pytest.fixture
def vcsim(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[str, str]]]:
    """Give a starter: of arguments a URL, and the file of its certificate if it was asked for."""
    if not BINARY.exists():
        pytest.skip(
            "no build/vcsim: `make test-deps` builds it, with Debian's golang-go and golang-github-vmware-govmomi-dev"
        )
    monkeypatch.setenv("VCSIM_PASSWORD", "not-checked-by-vcsim")
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[str, str]:
        process = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, text=True)  # noqa: S603 - built by make
        started.append(process)
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        return url, process.stdout.readline().removeprefix("certificate in ").strip() if "-ca" in arguments else ""

    yield start
    for each in started:
        each.terminate()
        each.wait()
        if each.stdout is not None:
            each.stdout.close()


@pytest.fixture
def marked(vcsim: Callable[..., tuple[str, str]]) -> str:
    """Give a vcsim whose VMs an operator marked, and told to be Linux: as vcsim makes them they are of no known guest."""
    url, _ = vcsim("-vm", "2")
    target = Target.open(url, secrets=secrets_of(LOOPBACK))
    target.login("full", "administrator@vsphere.local", "account.full")
    spec = {**Lever("adopt", extra_config={"vcontract.owner": "vcontract"}).spec(), "guestId": "otherLinux64Guest"}
    for vm in list_vms(target, "full", ("name",)):
        done = target.send(Call(vm, "ReconfigVM_Task", Arguments({"spec": spec}), "full"))
        assert isinstance(done.outcome, Returned)
    target.close()
    return url
