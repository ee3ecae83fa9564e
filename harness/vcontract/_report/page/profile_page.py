"""A learned profile as one page: open questions with their answers, which condition wins, who says no, every answer."""

from __future__ import annotations

import base64

from vcontract import __version__
from vcontract._check.learned import ranks
from vcontract._profile import Profile
from vcontract._report.drawing import svg
from vcontract._report.page.environment import rendered

_LONGEST, _MOST = 1_000, 2_000
"""Characters of a line, and answers, that are shown."""


def profile_page(profile: Profile) -> bytes:
    """Give the page of a profile, in UTF-8."""
    methods = list(dict.fromkeys(pair.method for pair in profile.precedence))
    drawn = svg(profile.automaton) if profile.automaton is not None and profile.automaton.states else ""
    text = rendered(
        "profile.html.j2",
        longest=_LONGEST,
        profile=profile,
        ranks={method: ranks(profile.precedence, method) for method in methods},
        varied=sum(answer.sole is None for answer in profile.answers),
        shown=profile.answers[:_MOST],
        left=max(0, len(profile.answers) - _MOST),
        methods=sorted({answer.method for answer in profile.answers}),
        drawing=base64.b64encode(drawn.encode("utf-8", "replace")).decode(),
        version=__version__,
    )
    return text.encode("utf-8", "replace") + b"\n"
