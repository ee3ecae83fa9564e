"""A HAR file is read entry by entry, whoever wrote it; what cannot be used is one line."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from vcontract._errors import UsageError
from vcontract._traffic.archive import read_archive


def entry(text: str = "<a/>", **response: Any) -> dict[str, Any]:
    """Give an entry as tools write it."""
    return {
        "startedDateTime": "2026-01-01T00:00:00.000Z",
        "time": 12.5,
        "request": {"method": "POST", "url": "https://vc/sdk", "headers": [], "postData": {"text": text}},
        "response": {"status": 200, "headers": [], "content": {"text": "<b/>", "mimeType": "text/xml"}} | response,
    }


def written(file: Path, *entries: Any) -> Path:
    """Write an archive."""
    file.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return file


def test_bodies_come_as_text_in_base64_and_packed(tmp_path: Path) -> None:
    """A reply in base64, packed by gzip or not, is the same as one in plain text; so is a file that is packed."""
    plain, packed = b"<b>\xc3\xa4</b>", gzip.compress(b"<b>\xc3\xa4</b>")
    contents = [
        {"text": plain.decode()},
        {"text": base64.b64encode(plain).decode(), "encoding": "base64"},
        {"text": base64.b64encode(packed).decode(), "encoding": "base64"},
    ]
    file = written(tmp_path / "x.har", *(entry(content=each) for each in contents))
    whole = tmp_path / "x.har.gz"
    whole.write_bytes(gzip.compress(file.read_bytes()))
    for place in (file, whole):
        found = read_archive(place)
        assert [each.reply.body if each.reply else b"" for each in found.exchanges] == [plain] * 3
        assert not found.damaged


def test_exchanges_stand_in_the_order_of_their_time(tmp_path: Path) -> None:
    """Whatever the order in the file; times count from the first, and a time without a zone is UTC."""
    late = entry("<late/>") | {"startedDateTime": "2026-01-01T00:00:30+00:00"}
    early = entry("<early/>") | {"startedDateTime": "2026-01-01T00:00:00"}
    first, second = read_archive(written(tmp_path / "x.har", late, early)).exchanges
    assert (first.request, first.start, second.request, second.start) == (b"<early/>", 0.0, b"<late/>", 30.0)
    assert (first.entry, second.entry) == (2, 1)
    assert first.end == pytest.approx(0.0125)


@pytest.mark.parametrize(
    "response",
    [{"status": 0}, {"content": {}}, {"content": {"mimeType": "text/xml"}}],
    ids=["no status", "no content", "no body"],
)
def test_half_an_exchange_has_no_reply(response: dict[str, Any], tmp_path: Path) -> None:
    """It was cut, or the tool kept no body: that is no reply that could be held against a server."""
    (found,) = read_archive(written(tmp_path / "x.har", entry(**response))).exchanges
    assert found.reply is None


def test_what_is_no_post_is_counted_alone(tmp_path: Path) -> None:
    """Pages, pictures and questions of a browser are entries, and no exchanges."""
    page = entry() | {"request": {"method": "GET", "url": "https://vc/ui"}}
    found = read_archive(written(tmp_path / "x.har", page, entry(), {"request": {"method": "POST"}}))
    assert (len(found.exchanges), found.entries, found.damaged) == (1, 3, ())


@pytest.mark.parametrize(
    ("damaged", "says"),
    [
        (entry() | {"startedDateTime": "yesterday"}, "yesterday"),
        (entry(content={"text": "!!", "encoding": "base64"}), "base64"),
        (entry(content={"text": base64.b64encode(b"\x1f\x8bxx").decode(), "encoding": "base64"}), "gzip"),
        ({"request": 7}, "object"),
        ("entry", "object"),
    ],
    ids=["time", "base64", "gzip", "shape", "text"],
)
def test_a_damaged_entry_is_a_line_and_the_others_count(damaged: Any, says: str, tmp_path: Path) -> None:
    """It is named by its number, from 1."""
    found = read_archive(written(tmp_path / "x.har", entry(), damaged))
    assert len(found.exchanges) == 1
    (line,) = found.damaged
    assert line.startswith("entry 2 cannot be read: ")
    assert says in line
    assert "\n" not in line


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\x01",
        b"[]",
        b"{}",
        b'{"log": 1}',
        b'{"log": {"entries": [',
        b"[" * 1_000_000,
        b'{"log": {"entries": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}}",
        b"\x1f\x8b\x08\x00cut",
        gzip.compress(b"{}", mtime=0)[:-9],
    ],
)
def test_what_is_no_archive_is_one_line(content: bytes, tmp_path: Path) -> None:
    """It names the file; the user wrote the command, so it is a mistake of usage."""
    file = tmp_path / "x.har"
    file.write_bytes(content)
    with pytest.raises(UsageError, match=r"^--calls .*x\.har: no HTTP archive") as told:
        read_archive(file)
    assert "\n" not in str(told.value)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """What a small file packs is bounded; a body's, too."""
    bomb = gzip.compress(b"0" * (1 << 29))
    file = tmp_path / "x.har"
    file.write_bytes(bomb)
    with pytest.raises(UsageError, match="larger than 256 MiB"):
        read_archive(file)
    packed = {"text": base64.b64encode(bomb).decode(), "encoding": "base64"}
    assert "larger than 256 MiB" in read_archive(written(file, entry(content=packed))).damaged[0]


def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """So is a folder."""
    for place in (tmp_path / "none.har", tmp_path):
        with pytest.raises(UsageError, match="cannot be read"):
            read_archive(place)
