"""What somebody else's server lacks is untested, what it has is judged, and what it does wrong is named."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.vcsim.conftest import CONFIG, LISTED
from vcontract._commands.doctor import diagnose
from vcontract._commands.run import execute
from vcontract._config.request import Budget, RunRequest
from vcontract._errors import TargetError
from vcontract._report.result import RunResult
from vcontract._terms import Verdict

Start = Callable[..., tuple[str, str]]
MACHINE, MANAGER = "VirtualMachine", "VirtualMachineGuestCustomizationManager"
MET = 34
"""So many of the listed deviations runs of Debian's have met; others are of today's, or of methods that no seed drew."""
ABSENT = "the target's ServiceContent offers no guestCustomizationManager"


def run(url: str, folder: Path, contract: str = MACHINE, config: Path = CONFIG, **given: object) -> RunResult:
    """Run a contract against a server."""
    request = RunRequest(seed=1, contract=contract, target=url, config=config, report_dir=folder, output="none")
    return execute(msgspec.structs.replace(request, **given))


def test_the_object_that_it_lacks_is_untested(vcsim: Start, tmp_path: Path) -> None:
    """Each row says so, and the run exits 5."""
    url, _ = vcsim()
    result = run(url, tmp_path, MANAGER)
    assert {(each.verdict, each.reason) for each in result.rows} == {(Verdict.UNTESTED, ABSENT)}
    assert (result.exit_code, result.target.api_version) == (5, "6.5")
    assert result.calls == 0


@pytest.mark.parametrize(("contract", "says"), [(MANAGER, "!! object"), (MACHINE, "!! VMs: 0 of")])
def test_doctor_says_what_is_missing(contract: str, says: str, vcsim: Start) -> None:
    """The object, or a VM that may be disturbed; exit 5: what is there can be reached."""
    url, _ = vcsim()
    found = diagnose(RunRequest(contract=contract, target=url, config=CONFIG), lambda _: None)
    assert found.exit_code == 5
    assert any(each.text.startswith(says) for each in found.checks)


def test_nothing_built_in_is_for_somebody_elses_server(vcsim: Start, tmp_path: Path) -> None:
    """At a loopback address, and it would take any account: none is tried, and one line says what to give."""
    url, _ = vcsim()
    with pytest.raises(TargetError, match=r"no account is given; .* none is built in") as refused:
        execute(RunRequest(seed=1, contract=MACHINE, target=url, report_dir=tmp_path, output="none"))
    assert "\n" not in str(refused.value)
    found = diagnose(RunRequest(contract=MACHINE, target=url), lambda _: None)
    assert found.exit_code == 2
    assert not [check for check in found.checks if check.name.startswith("login")]


def test_tls_is_verified(vcsim: Start, tmp_path: Path) -> None:
    """By its thumbprint (its key is too short to be trusted for its CA), or not at all if that is asked for."""
    url, certificate = vcsim("-tls", "-ca")
    assert url.startswith("https://")
    with pytest.raises(TargetError, match="certificate not trusted"):
        run(url, tmp_path, MANAGER)
    assert run(url, tmp_path, MANAGER, insecure=True).exit_code == 5
    trusting = tmp_path / "trusting.toml"
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(certificate).read_text())).hexdigest()
    trusting.write_text(f'thumbprint = "{digest}"\n{CONFIG.read_text()}')
    assert run(url, tmp_path, MANAGER, config=trusting).exit_code == 5


def test_what_nobody_marked_is_left_alone(vcsim: Start, tmp_path: Path) -> None:
    """Exit 3, and the way out."""
    url, _ = vcsim()
    with pytest.raises(TargetError, match="vcontract adopt"):
        run(url, tmp_path)


def test_its_deviations_are_those_that_are_listed(marked: str, tmp_path: Path) -> None:
    """A run of four methods finds most of theirs, none but those, and shows each again with the fewest calls."""
    methods = ("SuspendVM_Task", "ResetVM_Task", "ShutdownGuest", "RebootGuest")
    result = run(marked, tmp_path, methods=methods, shrink=Budget(16, 60.0))
    found = {each.former for each in result.findings}
    assert found <= {id_ for id_, method in LISTED.items() if method in methods}
    assert len(found) >= 12
    assert result.exit_code == 1
    assert {each.repeats for each in result.findings if not each.provisional} == {"3 of 3"}
    assert all(each.program for each in result.findings)


@pytest.mark.long
def test_a_whole_run_finds_all_of_them(marked: str, tmp_path: Path) -> None:
    """All but a few, as the seed will have it; handlers that die on the way cost their VM, not the run."""
    result = run(marked, tmp_path)
    found = {each.former for each in result.findings}
    assert found <= set(LISTED)
    assert len(found) >= MET - 4
    assert any("is set aside: PowerOnVM_Task" in each for each in result.notes)
