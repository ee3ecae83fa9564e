"""NotAuthenticated in a session that had begun: what `currentSession` says right after decides (oracle rule A13)."""

from __future__ import annotations

from typing import Any

import pytest

from vcontract._terms import Grade, Lost, Ref, Returned, Verdict

N = "StartGuestNetwork_Task"
SESSIONS = Ref("SessionManager", "SessionManager")
DENIED = {"_missing": {"currentSession": {"_typeName": "NotAuthenticated"}}}
LIVES = {"currentSession": {"_typeName": "UserSession", "key": "1"}}


@pytest.mark.parametrize("fault", ["NotAuthenticated", "SessionNotFound"])
@pytest.mark.parametrize("shown", [{}, DENIED, None])
def test_the_session_had_ended(shown: dict[str, Any] | None, fault: str, story: Any) -> None:
    """It is not shown, or nobody may look without one: the call tells nothing."""
    story.vm()
    story.refused(N, fault)
    story.read(SESSIONS, shown, fault)
    story.vm()
    found = story.verdict()
    assert (found.verdict, found.grade, found.observed) == (Verdict.INCONCLUSIVE, Grade.CONFORMS, "session ended")


def test_the_session_lives(story: Any) -> None:
    """It is shown: once that may be a gateway's word, so nothing is known yet."""
    story.vm()
    story.refused(N, "NotAuthenticated")
    story.read(SESSIONS, LIVES)
    story.vm()
    found = story.verdict()
    assert (found.verdict, found.observed) == (Verdict.INCONCLUSIVE, "denied in a session that lives")


def test_another_session_lives(story: Any) -> None:
    """What answers is not the session that was refused: it tells nothing of that one."""
    story.feed(SESSIONS, "Login", Returned({"_typeName": "UserSession", "key": "1"}), userName="admin")
    for key, observed in (("1", "denied in a session that lives"), ("2", "session ended")):
        story.vm()
        story.refused(N, "NotAuthenticated")
        story.read(SESSIONS, {"currentSession": {"_typeName": "UserSession", "key": key}})
        story.vm()
        found = story.verdict()
        assert (found.verdict, found.observed) == (Verdict.INCONCLUSIVE, observed)


def test_nobody_asked(story: Any) -> None:
    """Without that read nothing excuses it; nor does one that another call came before."""
    story.vm()
    story.refused(N, "NotAuthenticated")
    story.vm()
    story.read(SESSIONS, {})
    assert story.verdict().verdict is Verdict.VIOLATES


@pytest.mark.parametrize(("shown", "verdict"), [({}, Verdict.CONFORMS), (LIVES, Verdict.VIOLATES)])
def test_a_read_of_a_task_that_met_the_end(shown: dict[str, Any], verdict: Verdict, story: Any) -> None:
    """The task is not forgotten by that: it is read again. In a session that lives it is unreadable, and that is wrong."""
    story.vm()
    story.accepted(N)
    story.read(Ref("Task", "task-1"), None, "NotAuthenticated")
    story.read(SESSIONS, shown)
    if verdict is Verdict.CONFORMS:
        story.task("task-1", "success")
    story.vm()
    assert story.verdict().verdict is verdict


@pytest.mark.parametrize(("reason", "observed"), [
    ("turned away: HTTP 429", "turned away"),
    ("turned away: HTTP 503, Retry-After: 1", "turned away"),
    ("turned away: HTTP 503", "turned away without a time"),
    ("closed", "Lost"),
])  # fmt: skip
def test_no_answer(reason: str, observed: str, story: Any) -> None:
    """Nothing is known, and the reason names the call."""
    story.vm()
    story.call(N, Lost(reason))
    story.vm()
    found = story.verdict()
    assert (found.verdict, found.observed, found.why) == (Verdict.INCONCLUSIVE, observed, f"{N}: {reason}")


def test_what_never_left_leaves_no_ghost(story: Any) -> None:
    """After a call that was not sent nothing can run; after one that was lost it may."""
    story.vm()
    begin = story.time + 2
    story.call(N, Lost("not sent: connection refused"))
    assert story.judge.tracker.running("vm-1", begin, begin + 100) == []
    story.call(N, Lost("closed without a reply"))
    assert len(story.judge.tracker.running("vm-1", begin, begin + 100)) == 1
