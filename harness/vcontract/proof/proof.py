"""A bounded proof: every deviation of an implementation with a few states more than the model, on a chosen alphabet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from vcontract.check import Judge
from vcontract.client import Target
from vcontract.config.config import Config
from vcontract.config.options import Options
from vcontract.contract import Contract
from vcontract.errors import UsageError
from vcontract.model.alphabet import MOVES, Alphabet, Spoken, alphabet, spoken
from vcontract.model.suite import Suite, Word, suite
from vcontract.proof.word_runner import End, Ending, Words
from vcontract.report.events import Note, Reporter
from vcontract.report.result import RunResult
from vcontract.run.conformance import Conformance
from vcontract.run.exerciser import Exerciser
from vcontract.run.plan import Plan, Step
from vcontract.run.step_runner import TRIES
from vcontract.run.summary import Part, exit_code
from vcontract.terms import Finding, Operation, RowVerdict, Verdict
from vcontract.testbed import Lane

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
        return sum(each in self.alphabet.calls for word in self.suite.words for each in word)

    def text(self) -> list[str]:
        """Say the size of the suite, what it guarantees and on what that rests."""
        found = self.suite
        moves = sum(map(len, found.words)) - self.calls
        size = f"{len(found.words)} words, each on a fresh instant clone: at most {self.calls} judged calls and {moves} moves"
        states = (
            f"{found.apart + found.extra} states of a VM: the {found.apart} of the model that this alphabet tells apart"
        )
        rests = "a clone of a settled VM is a new beginning, after which the same inputs always get the same answers"
        told = [
            f"--complete {found.extra}: {size}; alphabet: {' '.join(self.alphabet.inputs)}",
            f"guarantee: finds every deviation of an implementation with at most {states}, and {found.extra} more",
            f"assumed: {rests}; a call that is refused leaves the VM as it was{_OPEN if found.assumed else ''}",
        ]
        if found.alike:
            pairs = [f"{self.spoken.name(one)} / {self.spoken.name(other)}" for one, other in found.alike]
            told.append(f"not told apart by this alphabet: {'; '.join(dict.fromkeys(pairs))}")
        if self.left_out:
            told.append(f"left out of the alphabet, as the configuration gives no lever: {' '.join(self.left_out)}")
        return told


_OPEN = "; an answer that no source settles does not come where it would make two states look alike"


def prepared(contract: Contract, config: Config, options: Options) -> Proof:
    """Generate the suite that the options ask for. Raises UsageError if it is too large or cannot be run here."""
    given = alphabet(contract, options.alphabet, options.methods)
    levers = {each.does for each in config.levers}
    lacking = tuple(each for each in given.moves if MOVES[each].lever not in {"", *levers})
    if lacking and options.alphabet:
        raise UsageError(f"--alphabet {lacking[0]}: the configuration gives no lever {MOVES[lacking[0]].lever}")
    given = replace(given, moves=tuple(each for each in given.moves if each not in lacking))
    said = spoken(contract, given)
    extra = options.complete or 0
    found = suite(said.machine, extra, COUNTED)
    proof = Proof(given, said, found, lacking) if found is not None else None
    limit = options.max_calls or MOST
    if proof is None or proof.calls + PREPARING > limit:
        size = f"needs {proof.calls + PREPARING} judged calls" if proof else f"has more than {COUNTED} inputs"
        raise UsageError(
            f"--complete {extra}: the suite {size}, the limit is {limit}:"
            " raise --max-calls, or choose a smaller alphabet with --alphabet and --method"
        )
    return proof


class Proving(Conformance):
    """A run that carries out a proof."""

    def __init__(
        self,
        target: Target,
        contract: Contract,
        config: Config,
        options: Options,
        reporters: Sequence[Reporter],
        proof: Proof,
    ) -> None:
        super().__init__(target, contract, config, options, reporters)
        self.proof = proof
        self.ended: Counter[End] = Counter()
        self.why: dict[str, None] = {}
        self._dead: dict[Word, End] = {}
        self._unsettled: dict[str, None] = {}

    def _plan(self, lane: Lane) -> Plan:
        for vm in lane.driver.facts.vms.values():
            lane.driver.read_vm(vm.ref)
        return Plan([Step(" > ".join(each)) for each in self.proof.suite.words])

    def _walk(self, steps: Sequence[Step], exerciser: Exerciser, judge: Judge) -> None:
        del steps  # they are the words by name
        for line in self.proof.text():
            self._tell(Note(line))
        proof = self.proof
        words = Words(exerciser.lane, proof.alphabet, proof.spoken.machine, proof.suite)
        self._unsettled = words.unsettled
        listed = self.proof.suite.words
        for number, word in enumerate(listed):
            if reason := self._spent(judge):
                self.why[reason] = None
                return
            self.health.look()
            self.ended[self._take(word, words)] += 1
            self._report_new(judge, number + 1, len(listed))

    def _take(self, word: Word, words: Words) -> End:
        """Run a word, again to confirm a violation or to get further; none whose beginning went wrong before."""
        for made, end in self._dead.items():
            if word[: len(made)] == made:
                return end
        ending, confirmed = Ending(End.LEFT, ()), 0
        for number in range(1, max(TRIES, self.config.confirm) + 1):
            ending = words.run(word, number)
            confirmed += ending.end is End.VIOLATED
            if ending.end is End.MADE or confirmed >= self.config.confirm:
                break
        if ending.end is not End.MADE:
            self._dead[ending.made] = ending.end
        if ending.end is End.LEFT:
            self.why[ending.why] = None
        return ending.end

    def _led_to(self, finding: Finding) -> list[Operation]:
        """Give what happened to the clone on which it was found."""
        known = super()._led_to(finding)
        made = [each.op for each in known if each.call.method == "InstantClone_Task" and each.op < finding.op]
        return [each for each in known if each.op > max(made, default=0)]

    def _selected(self, verdicts: Sequence[RowVerdict]) -> list[RowVerdict]:
        """Leave out the rows that the alphabet does not reach."""
        kept = super()._selected(verdicts)
        return [each for each in kept if each.verdict is not Verdict.UNTESTED or each.reason.startswith("blocked")]

    def result(self, parts: Sequence[Part]) -> RunResult:
        """Add what was proved; a run that conforms and did not prove it is inconclusive."""
        told, proved = self._outcome()
        (walked,) = parts
        result = super().result([replace(walked, notes=[*walked.notes, *self.proof.text(), told])])
        if result.verdict is Verdict.CONFORMS and not proved:
            result = replace(
                result, verdict=Verdict.INCONCLUSIVE, exit_code=result.exit_code or exit_code(Verdict.INCONCLUSIVE)
            )
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


def _listed(texts: list[str]) -> str:
    more = f"; and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return "".join(f"; {each}" for each in texts[:_SHOWN]) + more
