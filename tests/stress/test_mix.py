"""What clients do is data: the shipped mix, one of the user's, and every way to get it wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from vcontract._errors import UsageError
from vcontract._stress.load import Load
from vcontract._stress.mix import Mix, load_mix

METHODS = ("CustomizeGuest_Task", "AbortCustomization_Task")


def test_actions_come_by_weight() -> None:
    """A weight of 0 never comes."""
    mix = Mix(calls={"A": 3.0, "B": 0.0}, reads={"vm": 1.0})
    random = Random(1)  # noqa: S311 - no secret
    seen = Counter(mix.action(random) for _ in range(4000))
    assert set(seen) == {("call", "A"), ("read", "vm")}
    assert 0.7 < seen["call", "A"] / 4000 < 0.8


def test_the_shipped_mix_fits_the_contract() -> None:
    """It calls every method, bears every login, and can do without power."""
    mix = load_mix(None, (*METHODS, "StartGuestNetwork_Task"))
    assert all(weight > 0 for weight in mix.calls.values())
    assert set(mix.logins) == {"accepted", "mayNot", "rejected"}
    assert mix.power
    assert not mix.without_power().power


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[calls]\nCustomizeGuest = 1\n[logins]\naccepted = 1", "CustomizeGuest: no method of the contract"),
        ("[calls]\nCustomizeGuest_Task = 0\n[logins]\naccepted = 1", "no method has a weight"),
        ("[calls]\nCustomizeGuest_Task = 1", "no login has a weight"),
        ("[calls]\nCustomizeGuest_Task = -1", ">= 0"),
        ("[call]\n", "unknown field `call`"),
        ("[calls\n", "mix.toml"),
    ],
)
def test_a_bad_mix_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    """It says what is wrong, and in which file."""
    path = tmp_path / "mix.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_mix(path, METHODS)
    assert says in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_each_worker_has_names_for_its_clients() -> None:
    """As many as it may get, and no two workers have a name in common."""
    shares = [Load(clients=7, share=(number, 3)).actors for number in range(3)]
    assert [len(each) for each in shares] == [3, 3, 3]
    assert len({name for share in shares for name in share}) == 9
    assert Load(clients=2).actors == ("c1", "c2")
