"""Puts every VM back at the end of a run: in a time that is told if the run ends early, and not after a second signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vcontract._config.risk import CLONES, level_of
from vcontract._errors import HaltedError
from vcontract._run.ending import UNREACHED, cut_short
from vcontract._terms import Ended
from vcontract._testbed import audit, own_clones

if TYPE_CHECKING:
    from vcontract._run.active_run import ActiveRun

RESTORING, EXCHANGE = 120.0, 5.0
"""Seconds in which VMs are put back after a run that ends early (or half of its time limit), and for one exchange of that."""
_BOOTS = 2
"""So many of the slowest boots that were seen are a VM's part of that time, if that is longer: one, and one that fails."""
_TASKS = 4
"""Of that time one part in so many is for seeing the tasks that were begun to their ends."""
_LATE = "the time for putting VMs back was over"


def put_back(run: ActiveRun, *, audits: bool) -> list[str]:
    """See all tasks to their ends, and put back what was changed; gives the names of the clones that are left.

    A run that was told to end, or that has a time limit, gets a bounded time for it. The first signal bounds it too; the
    second one ends it, and a note says which VMs were not put back.
    """
    target = run.site.target
    target.pacing.lift()
    target.recorder.outlive_file()
    if target.over:
        return []
    try:
        left = _put_back(run, audits=audits)
        run.notes.extend(run.testbed.claims.release())  # of the testbed as it is after a restart
    except KeyboardInterrupt:
        names = run.testbed.lane.restorer.due()
        if names:
            run.notes.append(Ended.NOT_RESTORED.note(f"{', '.join(names)}: a second signal ended it"))
        run.notes.extend(run.testbed.claims.staying("a second signal ended it"))
        return []
    return left


def _put_back(run: ActiveRun, *, audits: bool) -> list[str]:
    told = any(Ended.of_note(note) is Ended.INTERRUPTED for note in run.notes)
    if told or run.site.request.time_limit:
        return _within_bounds(run, audits=audits)
    try:
        _see_to_ends(run)
        return _restored(run, audits=audits)
    except KeyboardInterrupt:
        run.notes.append(Ended.INTERRUPTED.note(UNREACHED))
        return _within_bounds(run, audits=audits)


def _within_bounds(run: ActiveRun, *, audits: bool) -> list[str]:
    """Do it in the time that is told; what is left over when the time is, is named in the notes."""
    target, due = run.site.target, run.testbed.lane.restorer.due()
    boots = _BOOTS * run.testbed.driver.wait.patience.slowest.get("Tools", 0.0) * len(due)
    seconds = max(RESTORING, run.site.request.time_limit / 2, boots)
    end = target.recorder.now() + seconds
    if due:
        run.announcer.note(
            f"putting back {len(due)} VMs that were disturbed, for at most {seconds:.0f} s; a second signal ends it at once"
        )
    target.end_at(target.recorder.now() + seconds / _TASKS, EXCHANGE, _LATE)
    _see_to_ends(run)
    target.end_at(end, EXCHANGE, _LATE)
    return _restored(run, audits=audits)


def _see_to_ends(run: ActiveRun) -> None:
    """Judge what was begun by how it ends."""
    with cut_short(run.notes, run.halted):
        try:
            run.exerciser.end()
        except HaltedError:
            if not run.revive():
                raise


def _restored(run: ActiveRun, *, audits: bool) -> list[str]:
    """Put VMs back; gives the clones that are left."""
    site, left = run.site, list[str]()
    with cut_short(run.notes, run.halted):
        if site.target.pulse.ended:
            run.revive()
        lane = run.testbed.lane
        run.testbed.driver.enter("restore")
        before = run.interrupted.facts if run.interrupted is not None else None
        every = level_of(site.request) == CLONES
        own_clones(lane, run.testbed.working_clones, before, site.config, every=every)
        failed = lane.restorer.restore()
        run.notes.extend(Ended.NOT_RESTORED.note(reason) for reason in failed)
        if run.testbed.limit is not None and run.testbed.limit.touched and not failed:
            run.notes.append(
                f"{run.testbed.limit.over}; the VM was put back as it was found, but for what is inside its guest"
            )
        if audits:
            left, told = audit(lane, run.testbed.guard, site.context.run)
            run.notes.extend(told)
    return left
