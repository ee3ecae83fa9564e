"""`vcontract run --lanes N`: one run on N VMs at once, in threads of this process."""

from __future__ import annotations

from collections.abc import Sequence
from queue import SimpleQueue

from msgspec.structs import replace

from vcontract._config.request import RunRequest
from vcontract._report.result import RunResult
from vcontract._run.preparation import PLAIN, Preparation
from vcontract._workers.lanes.lane_thread import LaneThread
from vcontract._workers.launch import carried_out, refuse
from vcontract._workers.messages import Failed, Finished, Message, StepsDone
from vcontract._workers.shared_run import SharedRun
from vcontract._workers.worker import Orders


def run_in_lanes(request: RunRequest, lanes: int, preparation: Preparation = PLAIN, *, a_host: int = 0) -> RunResult:
    """Run in at most so many lanes, of which so many at most for each host (0: any number).

    Raises HarnessError for all that keeps it from running (AbsentError: nothing to deal).
    """
    refuse(request, replace(preparation, interrupted=None), f"--lanes {lanes}", "lane")
    shared = SharedRun(replace(request, lanes=lanes), preparation)
    shared.open(lanes, lanes=True, a_host=a_host)
    return carried_out(shared, _walk_all)


def _walk_all(shared: SharedRun, orders: Sequence[Orders]) -> None:
    """Let every lane walk, and hear them until the last has ended; a second signal ends them before their next calls."""
    said: SimpleQueue[tuple[int, Message]] = SimpleQueue()
    lanes = {
        each.share.number: LaneThread(each, shared.shared, lambda number, message: said.put((number, message)))
        for each in orders
    }
    shared.bells.extend(lane.stopping.ask for lane in lanes.values())
    if shared.stopping.asked:  # meanwhile
        shared.stop()
    left = set(lanes)
    while left:
        try:
            left -= _heard(shared, *said.get())
        except KeyboardInterrupt:
            for lane in lanes.values():
                lane.stopping.insist()
    for lane in lanes.values():
        lane.join()


def _heard(shared: SharedRun, number: int, message: Message) -> set[int]:
    """Take one message of a lane; gives its number if it was the last."""
    if isinstance(message, StepsDone):
        shared.progress(number, message.count)
        return set()
    if isinstance(message, Finished):
        shared.give(number, message.result)
    elif isinstance(message, Failed):
        shared.died(number, message.reason)
    return {number}
