"""A load that is repeated until it fails: a race that one load met is not met by every load."""

from __future__ import annotations

from collections.abc import Callable

UNTIL_SHOWN = 8
"""So often, at most, the command that is printed of a finding repeats the load: one of them is not enough for a race."""
_FAILS = 1
_ROUNDS = "--rounds "
_TOLD = {0: "nothing was found", 5: "inconclusive"}
"""The exit codes after which a load is worth repeating, and what they say."""


def until_shown(replay: str) -> str:
    """Make of the command that repeats a load, as it is printed, the one that repeats it until it shows a finding again."""
    return f"{replay} {_ROUNDS}{UNTIL_SHOWN}" if replay and _ROUNDS not in replay else replay


def repeated(load: Callable[[], tuple[int, bool]], most: int, say: Callable[[str], None]) -> int:
    """Repeat a load until it fails, `most` times at most; gives the exit code, the worst if none failed, and says how often.

    `load` gives its exit code, and whether somebody interrupted it: then, or if it could not be carried out, it is the last.
    """
    worst = 0
    for number in range(1, most + 1):
        code, interrupted = load()
        if most == 1:
            return code
        place = f"load {number} of at most {most}"
        if code == _FAILS:
            say(f"{place}: failed (exit {code}), after {number - 1} that did not")
            return code
        if code not in _TOLD or interrupted:
            say(f"{place}: it is the last (exit {code}); none failed")
            return code
        say(f"{place}: {_TOLD[code]}")
        worst = max(worst, code)
    say(f"{most} loads: none failed (exit {worst})")
    return worst
