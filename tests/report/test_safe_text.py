"""Each function of safe_text.py, alone: nothing hostile is obeyed, and what is honest is shown as it is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.hostile_texts import SHELL, TEXTS, misleading
from vcontract._report.safe_text import (
    console_json,
    file_name,
    in_dot,
    in_markdown,
    in_sarif,
    in_toml,
    in_xml,
    one_line,
    printable,
    shell_word,
)

ANY = st.text(st.characters()) | st.sampled_from(TEXTS)
HONEST = (
    "web-01 (München), 東京 — ümlaut é ☃ 😀",
    "fe80::1%eth0",
    "::1",
    "CustomizationFault{localizedMessage=A specified parameter was not correct: spec}",
    "VMware vCenter Server 8.0.3 build-24022515",
)


@given(ANY)
def test_a_console_obeys_nothing(text: str) -> None:
    """Neither a control, nor what hides or reverses, nor a command to a build server; by JSON no more."""
    assert misleading(printable(text)) == []
    assert misleading(one_line(text)) == []
    assert not {"\n", "\t"} & set(one_line(text))
    plain = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    document = json.dumps({"a": plain}, ensure_ascii=False)
    assert misleading(console_json(document)) == []
    assert json.loads(console_json(document)) == {"a": plain}


@pytest.mark.parametrize("text", HONEST)
def test_an_honest_text_is_shown_as_it_is(text: str) -> None:
    """Letters of every script, addresses and messages."""
    assert printable(text) == one_line(text) == text
    assert json.loads(in_toml(text)) == text
    assert shell_word("reports/20261130T021319Z-7#0123456789ab") == "reports/20261130T021319Z-7#0123456789ab"
    assert shell_word("https://vc.example:8443/sdk") == "https://vc.example:8443/sdk"


@given(ANY)
def test_xml_holds_a_text_and_no_element_of_it(text: str) -> None:
    """As content and as a quoted attribute."""
    element = ET.fromstring(f'<a b="{in_xml(text)}">{in_xml(text)}</a>')  # noqa: S314 - ours
    assert (len(element), element.text or "") == (0, printable(text))


@given(ANY)
def test_toml_gives_a_text_back(text: str) -> None:
    """But for surrogates; on one line without anything that misleads who reads the file."""
    written = in_toml(text)
    assert "\n" not in written
    assert misleading(f"name = {written}") == []
    assert tomllib.loads(f"name = {written}")["name"] == re.sub("[\ud800-\udfff]", "\ufffd", text)


@given(ANY, ANY)
def test_markdown_shows_a_text_and_does_nothing_else(text: str, other: str) -> None:
    """In a table it stays in its cell; no link, no image, no HTML, no emphasis comes of it."""
    table = f"| a | b |\n|---|---|\n| {in_markdown(text)} | {in_markdown(other)} |\n"
    tokens = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(table)
    kinds = [token.type for token in tokens]
    assert kinds.count("td_open") == 2
    assert kinds.count("tr_open") == 2
    inner = {child.type for token in tokens for child in token.children or ()}
    assert inner <= {"text", "code_inline"}
    for cell in (in_markdown(text), in_markdown(other)):
        assert "\n" not in cell
        bare = re.sub("(`+).*?\\1", "", cell)
        assert not re.search(r"@|://|www\.|#\d", bare) or "`" in cell


@given(ANY)
def test_a_message_of_sarif_holds_no_link(text: str) -> None:
    """What stands in brackets is not followed by what stands in parentheses."""
    assert not re.search(r"\[[^\]]*\]\(", in_sarif(text))
    assert misleading(in_sarif(text)) == []


@given(ANY)
def test_dot_holds_a_text_as_one_string(text: str) -> None:
    """Its quotation ends where it is ended by us."""
    written = in_dot(text)
    assert re.fullmatch(r'"(?:[^"\\\n]|\\.)*"', written)


@given(ANY)
def test_a_file_is_named_inside_its_folder(text: str) -> None:
    """Whatever the text is: one name, that no other folder has, is not hidden and can be made."""
    name = file_name(text)
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", name)
    assert Path("/a", name).resolve().parent == Path("/a")


@pytest.mark.parametrize("text", [*SHELL, *TEXTS])
def test_a_shell_gives_a_word_back(text: str, tmp_path: Path) -> None:
    """As one argument, the one that was meant; nothing is run, and nothing of it misleads who reads the command."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no Bash")
    word = shell_word(text)
    assert misleading(word) == []
    assert "\n" not in word
    command = f"printf '%s\\0' {word}"
    done = subprocess.run([bash, "-c", command], cwd=tmp_path, capture_output=True, check=True, timeout=60)  # noqa: S603 - ours
    if "\x00" not in text:
        assert done.stdout == text.encode("utf-8", "replace") + b"\0"
    assert list(tmp_path.iterdir()) == []
