"""The labels that a history gives its operations: which step of a run each belongs to. They are written and read here alone."""

from __future__ import annotations

import msgspec

REPEAT = "#"
"""Stands in a label before the number of a try, from the second one on."""
EXPLORE = "explore"
"""How the labels of random programs begin."""
_JOINED, _WORD = "+", " > "


class Label(msgspec.Struct, frozen=True):
    """A step, and which try of it: `METHOD:INPUT+INPUT#2`.

    `tries` are the numbers of its tries where that is not the first: a step that is repeated may itself be tried again.
    """

    step: str
    tries: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Label:
        """Read a label as a history has it."""
        step, *tries = text.split(REPEAT)
        return cls(step, tuple(int(number) for number in tries if number.isdigit()))

    def __str__(self) -> str:
        """Write it as a history has it."""
        return REPEAT.join((self.step, *map(str, self.tries)))

    def tried(self, number: int) -> Label:
        """Give the label of so many a try, counted from 1."""
        return Label(self.step, (*self.tries, number)) if number > 1 else self

    @property
    def method(self) -> str:
        """The method that is called, where the step is a call."""
        return self.step.partition(":")[0]

    @property
    def inputs(self) -> str:
        """What the step says after the method: what is not as in a valid call, what came before, or what disturbs it."""
        return self.step.partition(":")[2]

    @property
    def deviations(self) -> tuple[str, ...]:
        """What is not as in a valid call, one by one."""
        return tuple(self.inputs.split(_JOINED))


class ProgramLabel(msgspec.Struct, frozen=True):
    """A move of a random program, `explore:PROGRAM.MOVE:WHAT`; without a number of a move what was done before or after all.

    What is done while work runs belongs to the move that began it.
    """

    program: int
    what: str
    move: int | None = None

    @classmethod
    def parse(cls, text: str) -> ProgramLabel | None:
        """Read the label of a random program; None if it is no such label."""
        kind, _, rest = text.partition(":")
        if kind != EXPLORE:
            return None
        place, _, what = rest.partition(":")
        program, _, move = place.partition(".")
        return cls(int(program), what, int(move) if move else None)

    def __str__(self) -> str:
        """Write it as a history has it."""
        move = f".{self.move}" if self.move is not None else ""
        return f"{EXPLORE}:{self.program}{move}:{self.what}"


def inputs_of(text: str) -> str:
    """Give what a label says after the method, the number of the try with it; the whole label if there is no method."""
    return text.partition(":")[2] or text


def word_label(names: tuple[str, ...]) -> Label:
    """Give the label of a word of inputs, made one after the other."""
    return Label(_WORD.join(names))


def scope_of(text: str) -> str:
    """Give how the labels begin that tell of the same beginning: of a move of a program that program, else the label itself."""
    label = ProgramLabel.parse(text)
    return f"{EXPLORE}:{label.program}" if label is not None and label.move is not None else text
