"""A bounded proof: every deviation of an implementation with a few states more than the model, on a chosen alphabet."""

from __future__ import annotations

from collections import Counter

import msgspec
from msgspec.structs import replace

from vcontract._check.verdicts import is_blocked
from vcontract._config.config import Config
from vcontract._config.request import RunRequest
from vcontract._contract import Contract
from vcontract._errors import UsageError
from vcontract._model.alphabet import Alphabet, Spoken, alphabet, spoken
from vcontract._model.moves import MOVES
from vcontract._model.suite import Suite, Word, suite
from vcontract._proof.word_runner import End, Ending, WordRunner
from vcontract._report.result import RunResult
from vcontract._run.active_run import ActiveRun, Phase
from vcontract._run.conformance import carried_out
from vcontract._run.phases import ReadObject, ShrinkFindings, led_to_by_run
from vcontract._run.plan import Plan, Step
from vcontract._run.planning import Planned, look_at_vms
from vcontract._run.start import StartedRun
from vcontract._run.step_runner import TRIES
from vcontract._run.summary import exit_code
from vcontract._terms import Finding, Operation, RowVerdict, Verdict
from vcontract._testbed import Testbed

MOST = 20_000
"""Judged calls of a suite that is run without `--max-calls`."""
COUNTED = 300_000
"""A suite with more inputs than these is not counted to its end."""
PREPARING = 2
"""Judged calls that may be needed to free the lock of the VM that is cloned."""
_SHOWN = 5


class Proof(msgspec.Struct, frozen=True):
    """What is to be proved: the alphabet, its machine, the suite, and the moves that were left out for want of a lever."""

    alphabet: Alphabet
    spoken: Spoken
    suite: Suite
    left_out: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        """How many judged calls the suite makes."""
        return sum(name in self.alphabet.calls for word in self.suite.words for name in word)

    def text(self) -> list[str]:
        """Say the size of the suite, what it guarantees and on what that rests."""
        made = self.suite
        moves = sum(map(len, made.words)) - self.calls
        size = f"{len(made.words)} words, each on a fresh instant clone: at most {self.calls} judged calls and {moves} moves"
        states = (
            f"{made.apart + made.extra} states of a VM: the {made.apart} of the model that this alphabet tells apart"
        )
        rests = "a clone of a settled VM is a new beginning, after which the same inputs always get the same answers"
        lines = [
            f"--complete {made.extra}: {size}; alphabet: {' '.join(self.alphabet.inputs)}",
            f"guarantee: finds every deviation of an implementation with at most {states}, and {made.extra} more",
            f"assumed: {rests}; a call that is refused leaves the VM as it was{_OPEN if made.assumed else ''}",
        ]
        if made.alike:
            pairs = [f"{self.spoken.name(one)} / {self.spoken.name(other)}" for one, other in made.alike]
            lines.append(f"not told apart by this alphabet: {'; '.join(dict.fromkeys(pairs))}")
        if self.left_out:
            lines.append(f"left out of the alphabet, as the configuration gives no lever: {' '.join(self.left_out)}")
        return lines


_OPEN = "; an answer that no source settles does not come where it would make two states look alike"


def prepared(contract: Contract, config: Config, request: RunRequest) -> Proof:
    """Generate the suite that the request asks for. Raises UsageError if it is too large or cannot be run here."""
    offered = alphabet(contract, request.alphabet, request.methods)
    levers = {lever.does for lever in config.levers}
    lacking = tuple(move for move in offered.moves if MOVES[move].lever not in {"", *levers})
    if lacking and request.alphabet:
        raise UsageError(f"--alphabet {lacking[0]}: the configuration gives no lever {MOVES[lacking[0]].lever}")
    offered = replace(offered, moves=tuple(move for move in offered.moves if move not in lacking))
    language = spoken(contract, offered)
    extra = request.complete or 0
    made = suite(language.machine, extra, COUNTED)
    proof = Proof(offered, language, made, lacking) if made is not None else None
    limit = request.max_calls or MOST
    if proof is None or proof.calls + PREPARING > limit:
        size = f"needs {proof.calls + PREPARING} judged calls" if proof else f"has more than {COUNTED} inputs"
        raise UsageError(
            f"--complete {extra}: the suite {size}, the limit is {limit}:"
            " raise --max-calls, or choose a smaller alphabet with --alphabet and --method"
        )
    return proof


class RunWords:
    """The phase that runs the words of a proof, each on a fresh clone."""

    def __init__(self, proof: Proof) -> None:
        self.proof = proof
        self.ended: Counter[End] = Counter()
        self.why: dict[str, None] = {}
        self._dead: dict[Word, End] = {}
        self._unsettled: dict[str, None] = {}

    def plan(self, testbed: Testbed) -> Planned:
        """Plan the words, by their names."""
        look_at_vms(testbed)
        return Planned(Plan([Step(" > ".join(word)) for word in self.proof.suite.words]))

    def run(self, run: ActiveRun) -> None:
        """Run every word until the run must stop."""
        for line in self.proof.text():
            run.announcer.note(line)
        proof, testbed = self.proof, run.testbed
        words = WordRunner(testbed.lane, proof.alphabet, proof.spoken.machine, proof.suite)
        self._unsettled = words.unsettled
        listed = proof.suite.words
        for number, word in enumerate(listed):
            if reason := run.spent():
                self.why[reason] = None
                return
            testbed.health.look()
            self.ended[self._take(word, words, run.site.config.confirm)] += 1
            run.tell_judgements(number + 1, len(listed))

    def _take(self, word: Word, words: WordRunner, confirm: int) -> End:
        """Run a word, again to confirm a violation or to get further; none whose beginning went wrong before."""
        for made, end in self._dead.items():
            if word[: len(made)] == made:
                return end
        ending, confirmed = Ending(End.LEFT, ()), 0
        for number in range(1, max(TRIES, confirm) + 1):
            ending = words.run(word, number)
            confirmed += ending.end is End.VIOLATED
            if ending.end is End.MADE or confirmed >= confirm:
                break
        if ending.end is not End.MADE:
            self._dead[ending.made] = ending.end
        if ending.end is End.LEFT:
            self.why[ending.why] = None
        return ending.end

    def told(self, result: RunResult) -> RunResult:
        """Add what was proved; a run that conforms and did not prove it is inconclusive."""
        line, proved = self._outcome()
        result = replace(result, notes=[*self.proof.text(), line, *result.notes])
        if result.verdict is Verdict.CONFORMS and not proved:
            code = result.exit_code or exit_code(Verdict.INCONCLUSIVE)
            return replace(result, verdict=Verdict.INCONCLUSIVE, exit_code=code)
        return result

    def _outcome(self) -> tuple[str, bool]:
        """Say what was proved, and whether that is all."""
        words, why = len(self.proof.suite.words), list(self.why)
        if self.ended[End.MADE] < words:
            counts = f"{self.ended[End.MADE]} of {words} words were run to their end"
            counts += f", {self.ended[End.VIOLATED]} found a violation" if self.ended[End.VIOLATED] else ""
            return f"not proved: {counts}{_listed(why)}", False
        if self._unsettled:
            return f"not proved: an answer that no source settles came{_listed(list(self._unsettled))}", False
        return f"proved: all {words} words were answered as the contract permits", True


def led_to_on_clone(run: ActiveRun, finding: Finding) -> list[Operation]:
    """Give what happened to the clone on which something was found."""
    known = led_to_by_run(run, finding)
    made = [done.op for done in known if done.call.method == MOVES["fork"].method and done.op < finding.op]
    return [done for done in known if done.op > max(made, default=0)]


def reached_by_alphabet(row: RowVerdict) -> bool:
    """Whether the alphabet of a proof reaches a row."""
    return row.verdict is not Verdict.UNTESTED or is_blocked(row)


def carry_out(started: StartedRun, proof: Proof) -> RunResult:
    """Carry out a proof on what a run stands on."""
    words = RunWords(proof)
    phases: list[Phase] = [ReadObject(), words, ShrinkFindings(led_to_on_clone)]
    return carried_out(started, words.plan, phases, keep=reached_by_alphabet, change=words.told)


def _listed(texts: list[str]) -> str:
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "".join(f"; {text}" for text in texts[:_SHOWN]) + more
