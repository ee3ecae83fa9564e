"""What one thing that a run does costs, as a range; costs are added up."""

from __future__ import annotations

import msgspec


class Range(msgspec.Struct, frozen=True):
    """From `least` to `most`, both included."""

    least: float = 0
    most: float = 0

    def __add__(self, other: Range) -> Range:
        """Add up what both count."""
        return Range(self.least + other.least, self.most + other.most)

    def times(self, least: float, most: float) -> Range:
        """Give it so many times, at the least and at the most."""
        return Range(self.least * least, self.most * most)

    def __contains__(self, number: float) -> bool:
        """Whether a number lies in it."""
        return self.least <= number <= self.most

    def text(self) -> str:
        """Write it in whole numbers; one number if both ends are the same."""
        least, most = round(self.least), round(self.most)
        return f"{least}" if least == most else f"{least} to {most}"


class Cost(msgspec.Struct, frozen=True):
    """What is sent and what is waited for.

    `calls` are judged, `requests` are all that is sent, `arrangements` the states that are arranged for cells, `tasks` those
    that are followed to their ends, `boots` those of which Tools are waited for, `reports` the waits for what Tools may report
    late, `settling` those for what a program does in a guest.
    """

    calls: Range = Range()
    requests: Range = Range()
    arrangements: Range = Range()
    tasks: Range = Range()
    boots: Range = Range()
    reports: Range = Range()
    settling: Range = Range()

    def __add__(self, other: Cost) -> Cost:
        """Add up two costs."""
        names = self.__struct_fields__
        return Cost(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def times(self, least: float, most: float) -> Cost:
        """Give it so many times, at the least and at the most."""
        return Cost(**{name: getattr(self, name).times(least, most) for name in self.__struct_fields__})


def sends(least: float, most: float | None = None, **more: Range) -> Cost:
    """Give the cost of so many requests (`most` None: always `least`)."""
    return Cost(requests=Range(least, least if most is None else most), **more)


ONE = Range(1, 1)
MAYBE = Range(0, 1)

LOOK = sends(1)
"""A read of a VM."""
LOOK_AGAIN = sends(0, 1)
"""A read that is left out where nothing can have changed since the last one."""
TASK = sends(5, 6.5, tasks=ONE)
"""A call with a task: itself, a read, two waits for news (at the least one, at the most every other time three), the read of
its end, a look at the VM."""
WATCHED = sends(0, 2)
"""What it takes to wait for news of another object than before."""
BOOT = sends(3, 6, boots=ONE)
"""Waiting for Tools: a look, and a wait and a look for each of the up to three things that are told of a boot."""
LEVER = sends(2, 3, settling=ONE)
"""A command line in the guest, and the looks around it."""
PLAIN = sends(2, 3)
"""A call without a task, and the looks around it."""
BEGUN = sends(3, 4, calls=ONE)
"""A judged call that begins work: itself, the reads until its task runs, a look."""
ENDED = sends(2, 4, tasks=ONE)
"""Following work that was begun to its end: one wait or two, the read of its end, a look at the VM."""
REFUSED = sends(2, 2.2, calls=ONE)
"""A judged call that is refused: itself, and the look after it; one in five is preceded by a look, as the last is two seconds
old or of another VM."""
UNSEEN = sends(1, calls=ONE)
"""A judged call about no VM."""
ACCEPTED = TASK + Cost(calls=ONE)
"""A judged call with a task that is seen to its end."""
OPEN = sends(2, 7, calls=ONE, tasks=MAYBE)
"""A judged call that may be refused or accepted."""
CUSTOMIZED = sends(6, 9, calls=Range(1, 2), tasks=Range(1, 2))
"""A customization that the contract permits: a task that is seen to its end; or, if the guest refuses it, one that is over when
it is read first, and an abort that frees its lock."""
DOUBTFUL = sends(2, 9, calls=Range(1, 2), tasks=Range(0, 2))
"""One that breaks a rule: refused at once, or in its task."""
FREED = sends(1, 4, calls=Range(0.2, 0.8), tasks=Range(0.2, 0.8))
"""An abort that frees the lock which a network start that failed may have left: often the next state needs no free one."""
OFF = sends(1, 4)
"""Waiting until a guest that was asked to has shut down."""
SHOWN = sends(0, 3, reports=Range(0, 2))
"""Reading a VM until it shows the settings that it must: at the least the last read has, at the most two waits do not."""
