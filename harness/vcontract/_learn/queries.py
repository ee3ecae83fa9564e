"""Asks a target for the answers to words of inputs: each only once, kept in a file, and again where an answer varies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from vcontract import __version__
from vcontract._client import SpentError
from vcontract._errors import HarnessError, UsageError
from vcontract._json_file import both_versions
from vcontract._profile import Automaton
from vcontract._testbed import NotArrangedError

SCHEMA = "vcontract.words/1"
AGAIN = 5
"""How often a word is asked again of which an answer varied."""
PROBES = 3
"""How often each input is asked by itself before anything is learned."""
TRIES = 3
Word = tuple[str, ...]


class System(Protocol):
    """What is asked: a thing that begins anew, and answers one input after the other."""

    def reset(self) -> None:
        """Begin anew. Raises NotArrangedError."""

    def make(self, name: str) -> str:
        """Make an input, and give the answer. Raises NotArrangedError."""


class Modelled:
    """A machine in the place of a target; `made` counts the inputs, `resets` the words."""

    def __init__(self, automaton: Automaton) -> None:
        self._states, self._state = automaton.states, 0
        self.made = self.resets = 0

    def reset(self) -> None:
        """Begin anew."""
        self._state = 0
        self.resets += 1

    def make(self, name: str) -> str:
        """Answer an input."""
        self.made += 1
        answer, self._state = self._states[self._state][name]
        return answer


class VariedError(HarnessError):
    """An answer was not what it had been in the same place: the word that shows it, and the new answer."""

    def __init__(self, word: Word, answer: str) -> None:
        super().__init__(f"{' > '.join(word)}: the answer varies")
        self.word, self.answer = word, answer


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first line of a file of words: who was asked, and the version of the vcontract that began it (empty: not told)."""

    schema: str
    contract: str
    url: str
    api_version: str
    version: str = ""


class _Form(msgspec.Struct, frozen=True):
    """What the first line of a file of words of any schema says."""

    schema: str
    version: str = ""


class WordAnswers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A further line: a word and its answers, or an input that varies and the answers that came in one place."""

    word: Word = ()
    answers: tuple[str, ...] = ()
    varies: str = ""


class Asking:
    """The answers that are known, as a tree of words; what is not known is asked.

    `made` counts the inputs that were made, `resets` the words that began. `varied` are the inputs of which an answer varied.
    Every whole word is appended to `file`, if there is one, so that who is cut can go on.
    """

    def __init__(self, system: System, file: Path | None = None, header: Header | None = None) -> None:
        self._system, self._file = system, file
        self._tree: dict[str, Any] = {}
        self._live: Word | None = None
        self._word: Word = ()
        self._answers: list[str] = []
        self._kept = 0
        self.made = self.resets = 0
        self.varied: dict[str, tuple[str, ...]] = {}
        self._probed: set[str] = set()
        if file is not None and header is not None:
            self._read(file, header)

    @property
    def known(self) -> int:
        """How many answers are known."""

        def size(node: Mapping[str, Any]) -> int:
            return sum(1 + size(below) for _, below in node.values())

        return size(self._tree)

    def ask(self, word: Word) -> str:
        """Give the answer to the last input of a word. Raises VariedError, NotArrangedError, and what ends a run."""
        node, answer = self._tree, None
        for name in word:
            if name not in node:
                break
            answer, node = node[name]
        else:
            return str(answer)
        return self._asked(word)

    def _asked(self, word: Word) -> str:
        for left in reversed(range(TRIES)):
            try:
                return self._go(word)
            except NotArrangedError:
                self._live = None
                if not left:
                    raise
        raise AssertionError

    def _go(self, word: Word) -> str:
        """Make what is missing of a word: it goes on from the one that is under way, or begins anew."""
        if self._live is None or word[: len(self._live)] != self._live:
            self.close()
            self._word, self._answers, self._kept = (), [], 0
            self._live = None
            self._system.reset()
            self.resets += 1
        made, self._live = self._word, None
        for name in word[len(made) :]:
            answer = self._system.make(name)
            self.made += 1
            self._word = (*self._word, name)
            self._answers.append(answer)
            self._learn(self._word, answer)
        self._live = word
        return self._answers[-1]

    def _learn(self, word: Word, answer: str) -> None:
        node = self._tree
        for name in word[:-1]:
            node = node[name][1]
        known, _ = node.setdefault(word[-1], (answer, {}))
        if known != answer:
            raise VariedError(word, answer)

    def probe(self, name: str) -> None:
        """Ask an input by itself `PROBES` times, unless that was done. Raises VariedError."""
        if name not in self._probed:
            self._probed.add(name)
            for _ in range(PROBES - 1):
                self.close()
                self._live = None
                self._go((name,))

    def close(self) -> None:
        """Keep what is not kept yet of the word that is under way."""
        if len(self._word) > self._kept:
            self._append(WordAnswers(self._word, tuple(self._answers)))
            self._kept = len(self._word)

    def again(self, varied: VariedError) -> list[set[str]]:
        """Make a word again and again; gives for each of its inputs the answers that came, those of before too."""
        word = varied.word
        found: list[set[str]] = [set() for _ in word]
        found[-1].add(varied.answer)
        node = self._tree
        for number, name in enumerate(word):
            if name not in node:
                break
            answer, node = node[name]
            found[number].add(answer)
        for _ in range(AGAIN):
            self._live = None
            self._system.reset()
            self.resets += 1
            for number, name in enumerate(word):
                found[number].add(self._system.make(name))
                self.made += 1
        return found

    def leave(self, name: str, answers: Sequence[str]) -> None:
        """Let an input leave the alphabet, with every answer that came after it."""
        self.varied[name] = tuple(answers)
        self._append(WordAnswers((), self.varied[name], name))
        self._forget(self._tree)
        self._live = None

    def _forget(self, node: dict[str, Any]) -> None:
        for name in [name for name in node if name in self.varied]:
            del node[name]
        for _, below in node.values():
            self._forget(below)

    def _append(self, line: msgspec.Struct) -> None:
        if self._file is None:
            return
        try:
            with self._file.open("ab") as file:
                file.write(msgspec.json.encode(line) + b"\n")
        except OSError as error:
            raise SpentError(f"{self._file}: cannot be written: {error.strerror}") from error

    def _read(self, file: Path, header: Header) -> None:
        """Take up what was asked before; the last line may be cut, as by `kill -9`."""
        lines = file.read_bytes().split(b"\n") if file.exists() else []
        if not lines or not lines[0]:
            self._append(replace(header, version=__version__))
            return
        if lines[-1]:
            file.write_bytes(b"\n".join(lines[:-1]) + b"\n")
        try:
            form = msgspec.json.decode(lines[0], type=_Form)
            if form.schema != header.schema:
                both = both_versions(form.version)
                raise UsageError(
                    f"{file}: its schema is {form.schema!r}, expected {header.schema!r}: {both}; "
                    "remove the file, or choose another --out"
                )
            before = replace(msgspec.json.decode(lines[0], type=Header), version=header.version)
            if before != header:
                raise UsageError(
                    f"{file}: these are words of {before.contract} on {before.url}, API {before.api_version}; "
                    "remove the file, or choose another --out"
                )
            for line in lines[1:-1]:
                self._take(msgspec.json.decode(line, type=WordAnswers))
        except msgspec.MsgspecError as error:
            raise UsageError(f"{file}: no file of words: {error}; remove it, or choose another --out") from error
        self._forget(self._tree)
        self._probed = set(self._tree)

    def _take(self, told: WordAnswers) -> None:
        if told.varies:
            self.varied[told.varies] = told.answers
            return
        node = self._tree
        for name, answer in zip(told.word, told.answers, strict=False):
            node = node.setdefault(name, (answer, {}))[1]
