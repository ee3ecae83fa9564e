"""A worker: it gets its share from the master, works on VMs of its own, judges them, and sends the result."""

from __future__ import annotations

import time

import msgspec
from locust import runners
from locust.runners import WorkerRunner
from msgspec.structs import replace

from vcontract._errors import TargetError
from vcontract._report.mishap import mishap
from vcontract._report.result import RunResult
from vcontract._run.start import underway
from vcontract._stress.brief import Brief
from vcontract._stress.crowd import Crowd
from vcontract._stress.disturbing import disturbed
from vcontract._stress.messages import END, FAILED, HELLO, JUDGED, OVER, READY, SHARE, STOP, LoadShare, Mail
from vcontract._stress.stressing import Stressing

_TRIES = 6
"""How often the connection to the master is tried, for five seconds each."""
_SOON, _LATER = 1.0, 60.0


def serve(brief: Brief) -> RunResult:
    """Work for a master until it has the result. Raises TargetError if it cannot be reached."""
    runners.CONNECT_RETRY_COUNT = _TRIES
    crowd = Crowd(brief.load)
    try:
        runner = crowd.environment.create_worker_runner(brief.host, brief.port)
    except ConnectionError as error:
        raise TargetError(
            f"no master answers at {brief.host}:{brief.port}: start `vcontract stress --master`"
        ) from error
    mail = Mail(runner, SHARE, STOP, END)
    try:
        return _work(_shared(brief, mail), crowd, runner, mail)
    except BaseException as error:
        mail.send(FAILED, mishap(error))
        time.sleep(_SOON)  # the message leaves in another thread
        raise


def _shared(brief: Brief, mail: Mail) -> Brief:
    """Say hello until the share comes; gives the brief with it."""
    while True:
        mail.send(HELLO)
        if message := mail.next(SHARE, _SOON):
            share = msgspec.json.decode(message[1], type=LoadShare)
            request = replace(brief.request, seed=share.seed, contract=share.contract)
            return replace(brief, load=share.load, request=request, replay=share.replay, claimant=share.claimant)


def _work(brief: Brief, crowd: Crowd, runner: WorkerRunner, mail: Mail) -> RunResult:
    with (
        disturbed(brief) as (routed, disturbing),
        underway(routed.request, routed.preparation(), stop=crowd.ring, keep=False) as started,
    ):
        stressing = Stressing(started, routed.load, crowd, disturbing)
        stressing.set_out()
        mail.send(READY, stressing.target_facts())
        if stressing.work(lambda: mail.next(STOP) is not None, limited=False):
            mail.send(OVER, stressing.crew.over)
        result = stressing.end()
        mail.send(JUDGED, (str(started.directory.resolve()), result))
        mail.next(END, _LATER)
    runner.quit()
    return result
