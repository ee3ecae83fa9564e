"""The user's configuration: strict about every key, and never guessed for a target that is not on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from vcontract.client import Trust
from vcontract.config.config import (
    Account,
    Config,
    Guest,
    config_for,
    password_of,
    read_password,
)
from vcontract.errors import UsageError
from vcontract.run.preparation import Preparation
from vcontract.toml_file import read_toml

WHOLE = """
target = "https://vc.example.com/sdk"
proxy = "http://proxy.example.com:3128"
owner = "me"
staleness = 30.0
publish = 10.0
task_seconds = 600.0
confirm = 2
hosts = ["esx-2"]
allow = ["tools", "host"]
thumbprint = "7F:07:46:B2:72:4C:55:B6:C8:BC:D9:4A:D6:8B:87:68:D9:3C:73:25"

[limits]
calls_per_second = 5
parallel_calls = 1
total_calls = 9000

[[account]]
role = "full"
username = "administrator"
password_env = "SOME_PASSWORD"

[[guest]]
username = "root"
may_customize = true
password_file = "secret"

[[vm]]
name = "*"

[[vm]]
name = "*-noengine"
engine = "absent"

[[lever]]
does = "stopTools"
program = "/bin/systemctl"
arguments = "stop vmtoolsd"

[[waive]]
row = "*/privilege"
reason = "one account only"
"""


def written(folder: Path, text: str) -> Path:
    """Write a configuration."""
    file = folder / "vcontract.toml"
    file.write_text(text, "utf-8")
    return file


def test_a_whole_file(tmp_path: Path) -> None:
    """Everything that may stand in it."""
    config = read_toml(written(tmp_path, WHOLE), Config)
    assert (config.owner, config.confirm, config.hosts) == ("me", 2, ("esx-2",))
    assert (config.engine("linux-noengine"), config.engine("linux")) == ("absent", "ok")
    assert config.proxy == "http://proxy.example.com:3128"
    assert config.waiver("X/Y_Task/privilege") == "one account only"
    assert config.waiver("X/Y_Task/since") == ""
    assert [each.does for each in config.levers] == ["stopTools"]
    assert replace(config, allow=("power",)).levers == ()
    assert (config.limits.calls_per_second, config.limits.parallel_calls, config.limits.total_calls) == (5.0, 1, 9000)
    assert config.trust().thumbprint.startswith("7F:")
    assert config.trust(insecure=True) == Trust(insecure=True)


def test_what_is_left_out_is_careful(tmp_path: Path) -> None:
    """Findings must repeat, properties may be stale, and no task is called stuck."""
    config = read_toml(written(tmp_path, ""), Config)
    assert (config.confirm, config.task_seconds) == (3, 0.0)
    assert config.staleness > 0
    assert config.publish > 0
    assert (config.account, config.lever, config.hosts, config.insecure) == ((), (), (), False)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('owner = "me"', 'owner = "me"\nowners = "me"', "owners"),
        ('role = "full"', 'roll = "full"', "roll"),
        ('role = "full"', 'role = "boss"', "boss"),
        ('does = "stopTools"', 'does = "stopEverything"', "stopEverything"),
        ('engine = "absent"', 'engine = "gone"', "gone"),
        ("confirm = 2", "confirm = 0", "confirm"),
        ("publish = 10.0", "publish = -1.0", "publish"),
        ('password_env = "SOME_PASSWORD"', 'password_evn = "X"', "password_evn"),
        ("may_customize = true", 'may_customize = "yes"', "may_customize"),
        ("may_customize = true\n", "", "may_customize"),
        ("[[waive]]", "[[waiver]]", "waiver"),
        ('reason = "one account only"', "", "reason"),
        ("confirm = 2", 'confirm = "2"', "confirm"),
        ('program = "/bin/systemctl"', "", "program"),
        ('owner = "me"', "owner = me", "line 4"),
        ('"tools", "host"', '"tools", "hosts"', "hosts"),
        ("thumbprint =", "insecure = true\nthumbprint =", "thumbprint stands in the place of"),
        ("parallel_calls = 1", "parallel_calls = -1", "parallel_calls"),
        ("total_calls = 9000", "total = 9000", "total"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_key(old: str, new: str, told: str, tmp_path: Path) -> None:
    """A typo is never silently a default."""
    assert old in WHOLE
    file = written(tmp_path, WHOLE.replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        read_toml(file, Config)
    assert str(file) in str(caught.value)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, or no text."""
    with pytest.raises(UsageError, match="cannot be read"):
        read_toml(tmp_path / "missing.toml", Config)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"binary\.toml"):
        read_toml(tmp_path / "binary.toml", Config)


def test_a_file_wins_over_the_built_in_configuration(tmp_path: Path) -> None:
    """Also on loopback."""
    assert config_for("http://127.0.0.1/sdk", written(tmp_path, 'owner = "me"')) == Config(owner="me")


def test_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, from a file's first line, or as given; one that is nowhere is the user's mistake."""
    monkeypatch.setenv("SOME_PASSWORD", "from-environment")
    file = tmp_path / "password"
    file.write_text("from file \nsecond line\n", "utf-8")
    assert password_of(Account("full", "a", password_env="SOME_PASSWORD")) == "from-environment"
    assert password_of(Account("full", "a", password_file=str(file))) == "from file "
    assert password_of(Account("full", "a", password="given")) == "given"
    monkeypatch.delenv("SOME_PASSWORD")
    with pytest.raises(UsageError, match="environment variable SOME_PASSWORD is not set"):
        password_of(Account("full", "a", password_env="SOME_PASSWORD"))
    with pytest.raises(UsageError, match="the password of a: give"):
        password_of(Account("full", "a"))
    with pytest.raises(UsageError, match="cannot read the password"):
        read_password(tmp_path / "missing")


def test_whoever_prints_an_account_or_a_preparation_prints_no_password() -> None:
    """A traceback of pytest shows the arguments of functions."""
    config = Config(
        account=(Account("full", "me", password="a-secret"),),
        guest=(Guest("root", may_customize=True, password="a-secret"),),
    )
    preparation = Preparation(password="a-secret")
    assert "a-secret" not in f"{config!r} {config} {preparation!r} {preparation}"
    assert "Account('me')" in repr(config)
