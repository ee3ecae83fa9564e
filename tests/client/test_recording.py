"""Recordings: what is written is answered again, in order and without a network; what is no recording is said to be none."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from vcontract._client.recorder import Recorder
from vcontract._client.recording import FORMAT, POST, Exchange, Opening, Tape, read_recording
from vcontract._client.replayed import Replay, ReplayedConnection
from vcontract._client.secrets import Secrets
from vcontract._client.wire import HttpReply
from vcontract._errors import RunFileError, UsageError
from vcontract._terms import Lost

OPENING = Opening(FORMAT, "http://127.0.0.1:1/sdk", "2026-01-01T00:00:00+00:00")
FIRST = msgspec.json.encode(OPENING).decode()
LINE = '{"actor":"full","verb":"GET","path":"/","sent":0,"ended":1,"reply":{"status":200}}'
PASSWORD = "a-long & <unusual> password"


def body(method: str, argument: str = "") -> bytes:
    """Give an envelope, as short as one can be."""
    return f"<Envelope><Body><{method}>{argument}</{method}></Body></Envelope>".encode()


def replay_of(tmp_path: Path, *told: tuple[str, bytes, str, float]) -> tuple[Replay, ReplayedConnection]:
    """Record exchanges (actor, body, answer, end) and open them; gives the connection of `full`."""
    path = tmp_path / "run.rec"
    tape = Tape(path, OPENING, Secrets(), Recorder())
    for actor, sent, answer, ended in told:
        reply: HttpReply | Lost = HttpReply(200, (), answer.encode()) if answer else Lost("reset")
        tape.exchange(actor, POST, "/sdk", ended - 0.1, ended, reply, request=({"SOAPAction": "x"}, sent))
    tape.close()
    replay = Replay(read_recording(path))
    return replay, replay.connect("full")


def answer(connection: ReplayedConnection, sent: bytes) -> str:
    """Send a body; gives the answer's, or the reason why there is none."""
    found = connection.post("/sdk", sent, {"SOAPAction": "x", "Cookie": "any"}, (), 1.0)
    return found.reason if isinstance(found, Lost) else found.body.decode()


READ, OTHER, ACT = body("RetrievePropertiesEx", "a"), body("RetrievePropertiesEx", "b"), body("PowerOnVM_Task")


def test_a_request_gets_its_answers_in_order(tmp_path: Path) -> None:
    """The same request is answered each time as it was then, a lost one is lost again, and actors are not mixed up."""
    told = [("full", ACT, "1", 1.0), ("second", ACT, "2", 2.0), ("full", ACT, "", 3.0), ("full", ACT, "4", 4.0)]
    replay, full = replay_of(tmp_path, *told)
    second = replay.connect("second")
    assert [answer(full, ACT), answer(second, ACT), answer(full, ACT), answer(full, ACT)] == ["1", "2", "reset", "4"]
    assert replay.over == ""


def test_one_who_polls_more_gets_the_last_answer_again(tmp_path: Path) -> None:
    """Until something happens: then the reads after it answer."""
    told = [("full", READ, "1", 1.0), ("full", READ, "2", 2.0), ("full", ACT, "done", 3.0), ("full", READ, "3", 4.0)]
    _, full = replay_of(tmp_path, *told)
    assert [answer(full, READ) for _ in range(4)] == ["1", "2", "2", "2"]
    assert [answer(full, ACT), answer(full, READ), answer(full, READ)] == ["done", "3", "3"]


def test_one_who_polls_less_skips_ahead(tmp_path: Path) -> None:
    """Reads may be left out, what acts may not."""
    told = [("full", READ, "1", 1.0), ("full", READ, "2", 2.0), ("full", OTHER, "b", 3.0), ("full", ACT, "done", 4.0)]
    told += [("full", ACT, "again", 5.0), ("full", body("Logout"), "bye", 6.0)]
    replay, full = replay_of(tmp_path, *told)
    assert [answer(full, READ), answer(full, OTHER), answer(full, ACT)] == ["1", "b", "done"]
    assert answer(full, body("Logout")) == replay.over != ""


def test_what_was_never_asked_is_lost_and_ends_it(tmp_path: Path) -> None:
    """The reason names the method; what follows, recorded or not, is not answered out of its place."""
    replay, full = replay_of(tmp_path, ("full", READ, "1", 1.0), ("full", ACT, "done", 2.0))
    said = "the recording holds no answer to Destroy_Task of full after 1 of its 2 exchanges"
    assert [answer(full, READ), answer(full, body("Destroy_Task")), answer(full, ACT)] == ["1", said, said]
    assert (replay.over, full.over) == (said, said)


def test_its_clock_is_that_of_the_run(tmp_path: Path) -> None:
    """Whoever sleeps does not wait; time passes with the answers, also what the run spent on thinking between them."""
    replay, full = replay_of(tmp_path, ("full", READ, "1", 5.0), ("full", ACT, "done", 400.0))
    recorder = Recorder(clock=replay.clock)
    answer(full, READ)
    assert recorder.now() == pytest.approx(5.0, abs=0.001)
    assert recorder.now() == pytest.approx(399.9, abs=0.001)
    recorder.sleep(1000)
    assert recorder.now() == pytest.approx(1399.9, abs=0.001)
    before = recorder.now()
    answer(full, ACT)
    assert recorder.now() > before


def test_no_secret_and_no_cookie_is_written(tmp_path: Path) -> None:
    """Passwords stand by name however a reply spells them; cookies and sessions by one name each time."""
    path = tmp_path / "run.rec"
    secrets = Secrets({"account.full": PASSWORD})
    tape = Tape(path, OPENING, secrets, Recorder())
    spelt = "a-long &amp; &#60;unusual&#x3E; password"
    reply = HttpReply(
        200,
        (("set-cookie", 'vmware_soap_session="0123456789abcdef"; Path=/'), ("x-token", "unknown"), ("location", "/a")),
        f"<a>{spelt}|{PASSWORD}|0123456789abcdef</a>".encode(),
    )
    headers = {"Cookie": 'vmware_soap_session="0123456789abcdef"'}
    for each in (reply, Lost(f"said {PASSWORD}")):
        tape.exchange("full", POST, "/sdk", 0, 1, each, request=(headers, b"<b>secret:account.full</b>"))
    tape.exchange("full", POST, "/sdk", 0, 1, HttpReply(200, (), f"<a>{PASSWORD}</a>".encode("utf-16")))
    tape.exchange("full", POST, "/sdk", 0, 1, HttpReply(200, (), b"\xff" + PASSWORD.encode()))
    text = path.read_text("utf-8")
    for canary in (PASSWORD, "unusual", "0123456789abcdef", "x-token"):
        assert canary not in text
    _, first, lost, wide, odd = (msgspec.json.decode(line) for line in text.splitlines())
    name = "secret:learned.session.1"
    assert first["reply"]["headers"] == [["set-cookie", f'vmware_soap_session="{name}"; Path=/'], ["location", "/a"]]
    assert first["reply"]["content"]["text"] == f"<a>secret:account.full|secret:account.full|{name}</a>"
    assert first["headers"] == {"Cookie": f'vmware_soap_session="{name}"'}
    assert lost["lost"] == "said secret:account.full"
    kept = [msgspec.convert(each, Exchange).reply for each in (wide, odd)]
    assert [each and each.content.body for each in kept] == [
        "<a>secret:account.full</a>".encode("utf-16"),
        b"\xffsecret:account.full",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1: no recording: "),
        ("\n", ":1: no recording: "),
        ("not JSON\n", ":1: no recording: "),
        ("[]\n", ":1: no recording: "),
        ('{"format":"vcontract.recording/2"}\n', "is of form 'vcontract.recording/2'"),
        ('{"schema":"vcontract.run/1"}\n', ":1: no recording: "),
        (FIRST.replace('"url"', '"uri"') + "\n", ":1: no recording: "),
        (f"{FIRST}\n{LINE}\n{LINE[:40]}", ":3: the last line is cut"),
        (f"{FIRST}\n{LINE}", ":2: the last line is cut"),
        (f"{FIRST}\n{LINE[:40]}\n{LINE}\n", ":2: not an exchange: "),
        (f"{FIRST}\n\n{LINE}\n", ":2: not an exchange: "),
        (f"{FIRST}\n{LINE.replace('200', 'null')}\n", ":2: not an exchange: "),
        (f'{FIRST}\n{LINE[:-1]},"lost":"x"}}\n', ":2: not an exchange: it takes a reply, or else"),
        (f'{FIRST}\n{{"actor":"","verb":"","path":"","sent":0,"ended":0}}\n', ":2: not an exchange: it takes a reply"),
        (f'{FIRST}\n{LINE[:-1]},"more":1}}\n', ":2: not an exchange: "),
        (f"{FIRST}\n{LINE.replace('1,', '1e999,')}\n", ":2: not an exchange: "),
        (FIRST + "\n" + "[" * 100_000 + "\n", ":2: not an exchange: "),
        (f"{FIRST}\n" + '{"content":{"base64":"!"}}' + "\n", ":2: not an exchange: "),
    ],
)
def test_what_is_no_recording_is_said_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    """The line names the file, the place and what is wrong."""
    path = tmp_path / "run.rec"
    path.write_text(text, "utf-8")
    with pytest.raises(RunFileError) as raised:
        read_recording(path)
    told = str(raised.value)
    assert said in told
    assert told.startswith(str(path))
    assert "\n" not in told
    assert raised.value.exit_code == 2


def test_bytes_that_are_no_text_are_no_recording(tmp_path: Path) -> None:
    """Neither is a file that is not there, nor a folder."""
    path = tmp_path / "run.rec"
    for content in (b"\xff\xfe\x00", FIRST.encode() + b'\n{"actor":"\xff"}\n'):
        path.write_bytes(content)
        with pytest.raises(RunFileError, match=r"run\.rec:[12]: "):
            read_recording(path)
    for other in (tmp_path, tmp_path / "none"):
        with pytest.raises(RunFileError, match="cannot be read"):
            read_recording(other)


def test_a_recording_is_never_written_over(tmp_path: Path) -> None:
    """It may be the only one of its run."""
    path = tmp_path / "run.rec"
    path.write_text("mine", "utf-8")
    with pytest.raises(UsageError, match="is there already"):
        Tape(path, OPENING, Secrets(), Recorder())
    assert path.read_text("utf-8") == "mine"
    with pytest.raises(UsageError, match="cannot be written"):
        Tape(tmp_path / "none" / "run.rec", OPENING, Secrets(), Recorder())
