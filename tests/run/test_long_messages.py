"""A server that says much: what it says is cut and told, and its verdicts are what they were."""

from __future__ import annotations

import re

from tests.mangler import Exchange, Mangled, Reply, Run
from vcontract._terms import LONG, Verdict

TEXT = b"x" * (10 * 1024 * 1024)
METHOD = "AbortCustomization_Task"


def test_a_message_of_ten_megabytes_conforms(mangled: Mangled, ran: Run) -> None:
    """In faults and in ended tasks; the run says that it was cut, and gives the verdicts that it gives without."""
    said = 0

    def act(exchange: Exchange) -> Reply:
        nonlocal said
        reply = exchange.ask()
        long = re.sub(rb"(</faultstring>|</localizedMessage>)", lambda match: TEXT + match[1], reply.body, count=1)
        said += long != reply.body
        return reply.with_body(lambda _: long)

    result, operations = ran(mangled(act).url, METHOD, calls=6, exchange=20.0)
    assert said >= 2
    told = [problem for done in operations for problem in done.problems if problem.startswith(LONG)]
    assert len(told) >= said
    assert all(" are kept" in problem for problem in told)
    assert not [problem for done in operations for problem in done.deviations]
    assert result.findings == []
    assert {row.verdict for row in result.rows} <= {Verdict.CONFORMS, Verdict.UNTESTED}
    assert any(LONG in note for note in result.notes)
