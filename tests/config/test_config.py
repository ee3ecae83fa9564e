"""The user's configuration: strict about every key, and never guessed for a target that is not on this machine."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest
from msgspec.structs import replace

from vcontract._client import Trust
from vcontract._config.config import (
    LOOPBACK,
    Account,
    Config,
    Guest,
    LeverLine,
    RequestLimits,
    VmPattern,
    Waiver,
    config_for,
    password_of,
)
from vcontract._config.elsewhere import polite, told_limits
from vcontract._config.password_file import read_password
from vcontract._errors import UsageError
from vcontract._run.preparation import Preparation
from vcontract._toml_file import read_toml

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
    file.write_text("from file\nsecond line\n", "utf-8")
    assert password_of(Account("full", "a", password_env="SOME_PASSWORD")) == "from-environment"
    assert password_of(Account("full", "a", password_file=str(file))) == "from file"
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


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("\ufeffsecret\n", "begins with a byte order mark"),
        ("secret \n", "ends with a blank"),
        ("secret\t\r\n", "ends with a blank"),
        ("\nsecret\n", "is empty"),
    ],
)
def test_what_an_editor_puts_into_a_password_file_is_told(content: str, told: str, tmp_path: Path) -> None:
    """Before it is sent: a wrong password that is tried may lock the account."""
    file = tmp_path / "password"
    file.write_bytes(content.encode())
    with pytest.raises(UsageError, match=told):
        read_password(file)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("\nacount = 3", "line 2: Object contains unknown field `acount`: nearest is account"),
        ('[[vm]]\nname = "a"\n[[vm]]\nname = "b"\nengin = "ok"', "line 5: Object contains unknown field `engin`"),
        (
            'allow = ["power", "hosts"]',
            "line 1: Invalid enum value 'hosts' - at `$.allow[1]`: permitted are power, tools, host",
        ),
        (
            '[[account]]\nusername = "x"\nrole = "ful"',
            "line 3: Invalid enum value 'ful' - at `$.account[0].role`: permitted are",
        ),
        ('\n[[waive]]\nrow = "x"', "line 2: Object missing required field `reason`"),
        (
            "[limits]\ntotal = 3",
            "line 2: Object contains unknown field `total` - at `$.limits`: nearest is total_calls",
        ),
        ("x = " + "[" * 100_000, "line 1: tables or lists in each other; at most 50 levels are read"),
        ("x = " + "{a = " * 40_000, "line 1: tables or lists in each other"),
        ("x" + ".x" * 50_000 + " = 1", "a dotted key of 50,001 parts"),
        ("[x" + ".x" * 50_000 + "]", "a dotted key of 50,001 parts"),
        ("\n".join(f"a.b{number} = 1" for number in range(10_000)), "10,000 dotted keys"),
        ("\n".join(f"a.b{number} = 1" for number in range(50_000)), "characters; at most 250,000 are read"),
    ],
)
def test_a_mistake_names_its_line_and_the_way_out(content: str, told: str, tmp_path: Path) -> None:
    """The nearest key, or what is permitted there; what is too deep or too much to be read is refused unread."""
    file = written(tmp_path, content)
    with pytest.raises(UsageError) as caught:
        read_toml(file, Config)
    said = str(caught.value)
    assert told in said
    assert "\n" not in said
    assert len(said) < 1000


def test_brackets_in_texts_are_no_levels(tmp_path: Path) -> None:
    """A path in a guest, or a comment, may hold what it likes."""
    file = written(tmp_path, f"""owner = "{"[" * 99}" # {"[" * 99}\nca_file = '{"." * 99}'""")
    assert read_toml(file, Config).owner == "[" * 99


def test_what_does_nothing_is_told() -> None:
    """Waivers, VMs and hosts that match nothing, what is not allowed, roles that come twice, passwords in the file."""
    config = Config(
        account=(
            Account("full", "a", password_env="A"),
            Account("full", "b", password_env="B"),
            Account("readonly", "c"),
        ),
        vm=(VmPattern("linux-*"), VmPattern("win-*")),
        waive=(Waiver("*/GuestPermissionDenied", "x"), Waiver("*/GuestPermissionDenied2", "x"), Waiver("Other/*", "x")),
        lever=(LeverLine("stopTools", "/bin/x"),),
        hosts=("esx-1", "esx-9"),
        allow=("power", "host"),
    )
    assert config.idle(["Manager/Abort/GuestPermissionDenied"], ["Other"]) == [
        "[[waive]] */GuestPermissionDenied2: no row of the contract has such an id",
        '[[lever]]: not used: "tools" is not among allow',
        '[[account]] beside the full one: not used: "account" is not among allow',
        "[[account]] full: given 2 times, one is used",
    ]
    assert config.absent(["linux-1"], ["esx-1"]) == [
        "[[vm]] win-*: no marked VM has such a name",
        "hosts: no marked VM is on a host esx-9",
    ]
    assert config.open_passwords() == []
    told = Config(guest=(Guest("root", may_customize=True, password="x"),)).open_passwords()
    assert told == ["the password of root stands in the configuration: give it as password_env or password_file"]
    assert LOOPBACK.open_passwords() == []


@pytest.mark.parametrize(
    ("address", "said", "rate"),
    [
        ("https://vcenter.example/sdk", 0.0, 20.0),
        ("https://192.0.2.1/sdk", inf, 0.0),
        ("https://vcenter.example/sdk", 5.0, 5.0),
        ("http://127.0.0.1:8989/sdk", 0.0, 0.0),
        ("http://[::1]:8989/sdk", 0.0, 0.0),
        ("http://localhost:8989/sdk", 0.0, 0.0),
        ("", 0.0, 0.0),
    ],
)
def test_a_target_elsewhere_is_asked_little_unless_more_is_allowed(address: str, said: float, rate: float) -> None:
    """What is said counts, also that there is no limit; and it is told."""
    config = polite(Config(limits=RequestLimits(calls_per_second=said)), address)
    said_of_it = f"at most {rate:g} requests a second are sent ([limits] of the configuration)"
    assert told_limits(config) == (said_of_it if rate else "")
