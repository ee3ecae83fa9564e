"""Which level of risk counts where none is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.mangler import Mangled, mangled, simulator
from vcontract._config.request import FULL, RunRequest
from vcontract._config.risk import CLONES, LEVELS, REFUSALS, decided, told
from vcontract._errors import UsageError
from vcontract._simulator import SimulatorServer

__all__ = ["mangled", "simulator"]


def test_our_simulator_may_be_disturbed_and_nothing_else(
    simulator: SimulatorServer, mangled: Mangled, tmp_path: Path
) -> None:
    """Full where the marker shows, with a configuration or without; refusals where it does not, on loopback too."""
    hidden = mangled(
        lambda exchange: exchange.ask().with_body(lambda body: body.replace(b"urn:vcontract-simulator", b"urn:x"))
    )
    config = tmp_path / "vcontract.toml"
    for url, level in ((simulator.url, FULL), (hidden.url, REFUSALS), ("http://127.0.0.1:9/sdk", REFUSALS)):
        config.write_text(f'target = "{url}"\n', "utf-8")
        asked = (RunRequest(target=url), RunRequest(config=config))
        assert [decided(each).risk for each in asked] == [level] * 2
        assert decided(RunRequest(target=url, risk=CLONES)).risk == CLONES
    assert decided(RunRequest()).risk == FULL


def test_a_recording_says_itself_at_which_level_it_was_made() -> None:
    """What is replayed asks no server whose it is."""
    assert not decided(RunRequest(target="replay:x.rec")).risk


def test_a_level_that_does_not_exist_is_told_with_those_that_do() -> None:
    """The line names them all."""
    with pytest.raises(UsageError, match=r"--risk brave: must be one of observe, refusals, clones, full"):
        decided(replace(RunRequest(), risk="brave"))


def test_each_level_says_what_it_does_and_what_it_leaves() -> None:
    """No level but the last one says that nothing is left untested."""
    texts = [told(level) for level in LEVELS]
    assert all(text.startswith(f"--risk {level}: ") for level, text in zip(LEVELS, texts, strict=True))
    assert ["untested stays" in text for text in texts] == [True, True, True, False]
