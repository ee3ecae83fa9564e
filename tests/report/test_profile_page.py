"""The page of a learned profile: what it tells, and that nothing of a server's in it is obeyed."""

from __future__ import annotations

import pytest
from lxml import etree

from tests.hostile_texts import misleading
from tests.report.awkward_results import CLEAN, WRITABLE, said_everywhere
from vcontract._profile import Answer, Automaton, Channel, Latency, Observed, Precedence, Profile, Settled, Target
from vcontract._report.page.profile_page import profile_page

METHOD = "CustomizeGuest_Task"


def learned() -> Profile:
    """Give a profile with something in every place."""
    busy = Observed("TaskInProgress", "call", 2)
    return Profile(
        "VirtualMachineGuestCustomizationManager",
        Target("http://127.0.0.1:1/sdk", "8.0.3.0", "123", "VMware vCenter Server"),
        1,
        answers=(
            Answer(f"{METHOD}:busy+loginRejected", METHOD, ("busy", "loginRejected"), (busy,), ("TaskInProgress",)),
            Answer(f"{METHOD}:orphanedLock", METHOD, ("orphanedLock",), (busy, Observed("Success", "task", 1))),
            Answer("AbortCustomization_Task:valid", "AbortCustomization_Task", (), (Observed("Success", "task", 3),)),
        ),
        precedence=(Precedence(METHOD, "busy", "loginRejected", "TaskInProgress", "call"),),
        channels=(Channel(METHOD, "TaskInProgress", 4, 0),),
        open=(Settled("nothing runs and the lock is free", "AbortCustomization_Task:valid", ("Success (task)",)),),
        latency=(Latency(METHOD, "Success", "task", 3, 0.1234, 0.5),),
        automaton=Automaton(({"valid": ("Success (task)", 0)},)),
        left={"no lever": 7},
        calls=1234,
        started="2026-01-01T12:00:00+00:00",
    )


def text_of(page: bytes) -> str:
    """Give what a reader sees, without breaks."""
    tree = etree.fromstring(page, etree.HTMLParser())
    return " ".join(" ".join(str(text) for body in tree.iter("body") for text in body.itertext()).split())


def test_the_page_tells_what_was_learned() -> None:
    """The server, each open question with its answer, the order of conditions in words, channels, answers and times."""
    shown = text_of(profile_page(learned()))
    for told in (
        "learned", "VMware vCenter Server", "1,234 calls", "in 1 of them it gave more than one answer",
        "nothing runs and the lock is free", "Success (task)", "TaskInProgress (call) 2 times", "0.123", "no lever: 7",
        "nothing is unusual", "1 states",
    ):  # fmt: skip
        assert told in shown, told
    order = shown.partition("Which condition wins")[2].partition("Who says no")[0]
    assert 0 < order.index("another task works on the VM") < order.index("does not know the user name")


def test_a_profile_that_was_cut_says_so() -> None:
    """In the first words; one without anything is a page, too."""
    empty = Profile("C", Target(""), 1, complete=False)
    assert "learned in part" in text_of(profile_page(empty))
    assert "No fault came." in text_of(profile_page(empty))


@pytest.mark.parametrize("text", WRITABLE)
def test_nothing_in_it_is_obeyed(text: str) -> None:
    """Whatever stands in a profile: the same elements, no link and no script but ours."""
    told, plain = (profile_page(said_everywhere(learned(), each)) for each in (text, CLEAN))
    assert misleading(told.decode()) == []
    trees = [etree.fromstring(each, etree.HTMLParser()) for each in (told, plain)]
    if text:
        parts = [[(element.tag, sorted(element.attrib)) for element in tree.iter()] for tree in trees]
        assert parts[0] == parts[1]
    held = [str(each.get(name)) for each in trees[0].iter() for name in ("href", "src") if each.get(name)]
    assert all(value.startswith(("#", "data:image/svg+xml;base64,")) for value in held)
    assert sum(each.tag == "script" for each in trees[0].iter()) == 1


def test_a_large_profile_is_cut_and_says_so() -> None:
    """So many answers are shown as a browser opens at once; the rest is counted."""
    many = learned()
    page = profile_page(Profile(many.contract, many.target, 1, answers=many.answers * 1000))
    assert len(page) < 5_000_000
    assert "1,000 more are in the profile." in text_of(page)
