"""`wsdl diff --calls`: of all that an upgrade changes, what a client's own calls meet."""

from __future__ import annotations

import pytest

from tests.traffic.conftest import Client, Recorded
from vcontract._commands.wsdl_diff import wsdl_diff
from vcontract._report.behaviour import CallsDifference
from vcontract._schema import load
from vcontract._terms import Difference, Impact
from vcontract._traffic.archive import read_archive
from vcontract._traffic.calls import heard
from vcontract._traffic.upgrade import met


def waits(client: Client) -> None:
    """Read a task: the TaskInfo of 8.0 has a field that 7.0 lacks."""
    vm = client.vm("linux-1")
    client.does(vm, client.abort(vm))


@pytest.mark.parametrize(("old", "new"), [("8.0.3.0", "7.0.3.2"), ("7.0.3.2", "8.0.3.0")])
def test_only_what_the_calls_meet_is_told(old: str, new: str, recorded: Recorded) -> None:
    """Each difference names the entries that meet it, and none is one that the whole comparison has not."""
    every = wsdl_diff(old, new, (), "breaking")
    mine = wsdl_diff(old, new, (), "breaking", recorded(waits))
    assert {each.fingerprint for each in mine.differences} < {each.fingerprint for each in every.differences}
    assert "TaskInfo.progressDetails" in {each.path for each in mine.differences}
    assert all("met by entry" in each.more[0] for each in mine.differences)
    assert any("calls meet" in note for note in mine.notes)


def test_a_method_that_the_new_side_lacks_breaks_the_calls_of_it(recorded: Recorded) -> None:
    """AbortCustomization_Task came with 6.8.7 [M]: exit 100, for this client alone."""
    mine = wsdl_diff("8.0.3.0", "6.7.3", (), "breaking", recorded(waits))
    removed = [each for each in mine.differences if each.path.startswith("AbortCustomization_Task")]
    assert removed
    assert "AbortCustomization_Task" in removed[0].more[0]
    assert mine.exit_code == 100
    others = wsdl_diff("8.0.3.0", "6.7.3", (), "breaking", recorded(lambda client: client.look(client.vm("linux-1"))))
    assert not [each for each in others.differences if each.path.startswith("AbortCustomization_Task")]


def test_a_word_that_is_gone_counts_for_calls_that_say_it(recorded: Recorded) -> None:
    """Whoever never sent it meets nothing; a field counts only for calls that hold it."""
    calls = heard(read_archive(recorded(waits))).calls
    schema = load("8.0.3.0")

    def difference(kind: str, path: str, old: str = "string?") -> Difference:
        return Difference("0" * 12, Impact.BREAKING, kind, path, old, "", "it is refused", "sent")

    said, unsaid = (difference("valueRemoved", f"Word.{word}", word) for word in ("root", "toor"))
    held, free = (difference("fieldRemoved", f"GuestAuthentication.{name}") for name in ("interactiveSession", "other"))
    wanted = difference("requiredFieldAdded", "NamePasswordAuthentication.more", "")
    found = met([said, unsaid, held, free, wanted], calls, schema)
    assert [each.path for each in found] == ["Word.root", "GuestAuthentication.interactiveSession", wanted.path]
    assert all(isinstance(each, CallsDifference) and each.calls for each in found)
