"""One process of a stress run, from the survey to the verdict on what it recorded."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import gevent

from vcontract._check.concurrent import ConcurrentResult
from vcontract._config.request import record_of
from vcontract._exchanges import exchanges_of
from vcontract._history import ASKED, FACTS
from vcontract._report.events import FindingSeen, Note, Progressed, RunEnded, RunEvent, RunStarted
from vcontract._report.result import RunResult, Stress, TargetFacts
from vcontract._report.run_directory import HISTORY
from vcontract._report.timeline import draw_disorders
from vcontract._run.interrupted_run import note_of
from vcontract._run.start import StartedRun
from vcontract._run.summary import exit_code
from vcontract._stress.closing import close
from vcontract._stress.crew import Crew
from vcontract._stress.crowd import Crowd
from vcontract._stress.disturbing import Disturbing
from vcontract._stress.judging import concluded, judge_history
from vcontract._stress.load import Load
from vcontract._terms import Finding, Verdict
from vcontract._testbed import as_json

ROWS = 7
"""The guarantees that are judged."""
REMEMBERED = (1 << 15, 1 << 26)
"""So many exchanges are remembered until they are judged, with so many bytes of bodies: those of a minute or more."""
_TICK = 0.1
_SHOWN = 6
"""So many operations of one finding are kept beside the one that shows it: a report shows no more."""


class Stressing:
    """Surveys the target, waits while the crowd works, brings the VMs to rest, and judges the history."""

    def __init__(self, started: StartedRun, load: Load, crowd: Crowd, disturbing: Disturbing | None = None) -> None:
        self.started, self.load, self.crowd, self.disturbing = started, load, crowd, disturbing
        if disturbing is not None:
            disturbing.hear(started.site.target)
        self._started, self._from = datetime.now(UTC), time.monotonic()
        self.began = self._ended = 0.0
        self.notes: list[str] = []
        self.unsure: list[str] = []

    def set_out(self) -> None:
        """Look round, and note what the verdict will need."""
        site = self.started.site
        self.crew = Crew(site, self.load)
        try:
            self._note_and_prepare()
        except BaseException:
            self.crew.claims.release()
            raise

    def _note_and_prepare(self) -> None:
        site = self.started.site
        recorder, request = site.target.recorder, site.request
        site.target.exchanges.remember(*REMEMBERED)
        recorder.observed(ASKED, note_of(site, self._started).noted())
        recorder.observed(FACTS, as_json(self.crew.facts))
        if self.disturbing is not None:
            self.disturbing.prepare(self.crew)
        self.crowd.join(self.crew)
        self._tell(RunStarted(self.target_facts(), request.seed, ROWS, int(self.load.seconds), "seconds"))
        for note in self.crew.notes:
            self._tell(Note(note))

    def work(self, ends: Callable[[], bool], *, limited: bool = True) -> bool:
        """Wait until the time is over (if `limited`), `ends` is true, or user or crew end the load; then for the clients.

        Gives whether user or crew ended it.
        """
        self.began = time.monotonic()
        if self.disturbing is not None:
            self.disturbing.begin()
        wished = False
        while not (self.crew.over or self.crowd.rung or wished):
            done = time.monotonic() - self.began
            if limited and done >= self.load.seconds:
                break
            self._tell(Progressed(min(int(done), int(self.load.seconds)), int(self.load.seconds)))
            time.sleep(_TICK)
            wished = ends()
        if self.crowd.rung:
            self.unsure.append("interrupted: the load ended early")
        early = bool(self.crew.over or self.crowd.rung)
        self.crew.stop("the time is over")
        self._ended = time.monotonic()
        if self.disturbing is not None:
            self.disturbing.end()
        self.crowd.ended()
        return early

    def end(self) -> RunResult:
        """Bring the VMs to rest, log out, and judge; the crowd must have stopped."""
        crew, site = self.crew, self.started.site
        target = site.target
        target.pacing.lift()
        if crew.failed is not None:
            crew.claims.release()
            raise crew.failed
        if not crew.halted and not target.over:
            self.unsure += [f"not at rest: {why}" for why in close(crew, self.crowd.clients, site.config.boot_seconds)]
        self.notes += crew.claims.release()
        if not crew.halted and not target.over:
            for client in self.crowd.clients:
                client.close()
        fired: dict[str, int] = {}
        if self.disturbing is not None:
            fired, unsure = self.disturbing.strikes()
            self.unsure += unsure
        self._tell(Note(f"judging {target.recorder.requests} operations"))
        judged = self._judged()
        self.unsure += [f"the target is gone: {target.pulse.stopped}"] if target.pulse.stopped else []
        self.unsure += [f"halted for safety: {crew.halted}"] if crew.halted else []
        result = self._result(judged, fired)
        for finding in result.findings:
            self._keep_exchanges(finding)
            self.crowd.blame(finding.method, finding.row)
            self._tell(FindingSeen(finding))
        draw_disorders(self.started.directory, judged.disorders)
        self._tell(RunEnded(result))
        return result

    def _keep_exchanges(self, finding: Finding) -> None:
        """Write what went over the wire for a finding beside the history, as far as it is remembered.

        Raises ReportError: the file cannot be written.
        """
        ops = filter(None, (finding.op, finding.shown, *sorted(finding.ops)[:_SHOWN]))
        self.started.site.target.exchanges.keep(ops, self.started.directory / exchanges_of(HISTORY))

    def _judged(self) -> ConcurrentResult:
        """Judge the history in a thread of the system's, so that greenlets go on meanwhile."""
        path, replay = self.started.directory / HISTORY, self.started.site.context.replay
        judged: ConcurrentResult = gevent.get_hub().threadpool.apply(judge_history, (path, replay))
        return judged

    def _result(self, judged: ConcurrentResult, fired: dict[str, int]) -> RunResult:
        crew, request = self.crew, self.started.site.request
        safe = not crew.halted and not self.started.site.target.pulse.stopped
        unsure = Verdict.INCONCLUSIVE
        run = RunResult(
            verdict=unsure,
            exit_code=exit_code(unsure, safe=safe),
            seed=request.seed,
            calls=0,
            requests=0,
            target=self.target_facts(),
            replay=self.started.site.context.replay,
            notes=[*self.crew.notes, *self.notes, *self.unsure, *_lost(judged)],
            started=self._started.isoformat(timespec="seconds"),
            seconds=round(time.monotonic() - self._from, 3),
            stress=Stress(
                clients=len(self.crowd.clients),
                vms=len(crew.machines),
                seconds=round(self._ended - self.began, 3),
                histories=[HISTORY],
                unsure=self.unsure,
                scenario=self.disturbing.scenario if self.disturbing else "",
                fired=fired,
                fail_if=list(self.load.fail_if),
            ),
            request=record_of(request),
        )
        return concluded(run, [judged])

    def target_facts(self) -> TargetFacts:
        """Give what is tested."""
        target = self.started.site.target
        build, name = (str(target.about.get(field, "")) for field in ("build", "fullName"))
        return TargetFacts(target.url, target.api_version, build, name)

    def _tell(self, event: RunEvent) -> None:
        for reporter in self.started.reporters:
            reporter.on(event)


def _lost(judged: ConcurrentResult) -> list[str]:
    return [f"{judged.lost} operations got no usable answer"] if judged.lost else []
