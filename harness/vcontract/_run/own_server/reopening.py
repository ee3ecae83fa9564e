"""Opens the testbed of a run again once its server was started again: surveyed anew, for the judge that has heard all."""

from __future__ import annotations

from vcontract._check import SHRINKING, Judge
from vcontract._errors import HaltedError, HarnessError
from vcontract._history import RESUMED
from vcontract._run.announcer import Announcer
from vcontract._terms import Arguments, Call, Ref
from vcontract._testbed import FULL, Known, Site, Source, Testbed, open_testbed, survey_target

_INSTANCE = Ref("ServiceInstance", "ServiceInstance")


class Reopening:
    """Starts the server of a run again, and opens its testbed on it.

    It is not done where somebody else started the server, nor for a run that is recorded. `before` are the VMs (moIds) that
    the run did not make: they must be there again.
    """

    def __init__(self, site: Site, announcer: Announcer, before: frozenset[str]) -> None:
        self._site, self._announcer, self._before = site, announcer, before
        self._fresh = -1
        self._ends: list[str] = []

    @property
    def possible(self) -> bool:
        """Whether the server is ours to start again."""
        return self._site.server is not None and self._site.request.record is None

    def notes(self) -> list[str]:
        """Say how often the server was started again, and what was left on its port by a run that was killed."""
        server = self._site.server
        again = f"the server ended {len(self._ends)} times, and was started again; first: " if self._ends else ""
        return [*(server.notes if server is not None else ()), *(f"{again}{why}" for why in self._ends[:1])]

    def after_end(self, testbed: Testbed, *, counted: bool) -> Testbed | None:
        """Give the testbed to go on with if the server ended or hangs; None if it does not, or is not ours to start.

        Raises HaltedError if it cannot be started again, or is not what it was. Ends that are not `counted` were provoked.
        """
        why = self._site.target.pulse.ended
        if not why or not self.possible:
            return None
        if counted:
            self._announcer.note(f"the server is started again: {why}")
            self._ends.append(why)
        return self._again(testbed, why, ended=counted)

    def fresh(self, testbed: Testbed) -> Testbed:
        """Give a testbed on a server that nothing was asked of yet, but what it takes to survey it. Raises HaltedError."""
        if self._site.target.recorder.requests == self._fresh:
            return testbed
        # what was called is judged by now: a read of another cell says so to who judges the saved history
        testbed.driver.enter(SHRINKING)
        self._site.target.send(Call(_INSTANCE, "CurrentTime", Arguments({}), FULL))
        return self._again(testbed, "tried again from its start", ended=False)

    def _again(self, testbed: Testbed, why: str, *, ended: bool) -> Testbed:
        target, server = self._site.target, self._site.server
        assert server is not None
        try:
            target.close()  # who waits for its connections to end is soon done
            server.restart(ended=ended)
            target.recorder.observed(RESUMED, {"server": why})
            testbed.judge.resume()
            target.pulse.begin_again()
            opened = open_testbed(self._site, self._known(testbed.judge))
            opened.lane.restorer.take_over(self._before)
        except HaltedError:
            if target.pulse.ended:  # it ended at once
                return self._again(testbed, target.pulse.ended, ended=True)
            raise
        except HarnessError as error:
            raise HaltedError(f"the server ended ({why}), and the run cannot go on: {error}") from error
        self._fresh = target.recorder.requests
        return opened

    def _known(self, judge: Judge) -> Source:
        """Go on with what was known, once the server was found to have the same VMs."""

        def source(site: Site) -> Known:
            facts = survey_target(site.target, site.config, site.contract, run=site.context.run)
            known = judge.tracker.facts
            gone = sorted(known.vms[moid].name for moid in self._before - facts.vms.keys())
            if gone or facts.manager != known.manager:
                raise HaltedError(
                    f"since the server was started again it lacks {', '.join(gone) or facts.manager.type}, or their marks:"
                    " [server] adopt = PATTERN marks them each time"
                )
            return Known(judge, site.target.recorder.operations, claims=True, others=facts.others)

        return source
