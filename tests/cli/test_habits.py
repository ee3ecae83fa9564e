"""What is shipped for the tools of others: an action, a job, a hook; and completion, as a shell asks for it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Command
from vcontract._config.request import DECLARED
from vcontract._report.outputs import FORMATS

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "vcontract" / "action.yml"
JOB = ROOT / "harness" / "vcontract" / "_report" / "gitlab.yml"
HOOK = ROOT / ".pre-commit-hooks.yaml"


def on_path(folder: Path, **more: str) -> dict[str, str]:
    """Give an environment in which `vcontract` and `python` are those of this test."""
    (folder / "bin").mkdir()
    entry = "import sys; sys.argv[0] = 'vcontract'; from vcontract._cli import main; main()"
    for name, given in (("vcontract", f'-c "{entry}" '), ("python", "")):
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {given}"$@"\n')
        script.chmod(0o755)
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT / "harness")} | more


def steps_of(file: Path) -> list[str]:
    """Give the scripts of an action: blocks below `run: |`, without their indentation."""
    blocks = re.findall(r"^( +)run: \|\n((?:\1  .*\n)+)", file.read_text("utf-8"), re.MULTILINE)
    return ["\n".join(line[len(indent) + 2 :] for line in block.splitlines()) for indent, block in blocks]


def test_the_action_runs_and_gives_its_verdict(tmp_path: Path) -> None:
    """Its script, in a shell, on the simulator: annotations on standard output, a summary, the exit code of the run."""
    (script,) = steps_of(ACTION)
    (tmp_path / "vcontract.toml").write_text('target = "http://127.0.0.1:1/sdk"\n')
    files = {name: str(tmp_path / name.lower()) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    asked = {"CONFIG": "vcontract.toml", "REPORT_DIR": "r", "ARGUMENTS": "--target simulator --max-calls 1 --seed 1"}
    # the configuration is for another server than the one that is started
    script = script.replace('--config "$CONFIG" ', "")
    done = subprocess.run(  # noqa: S603 - ours
        ["bash", "-eo", "pipefail", "-c", script],  # noqa: S607 - as GitHub calls it
        cwd=tmp_path, env=on_path(tmp_path, **files, **asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 5, done.stderr
    assert "::warning title=vcontract%3A " in done.stdout
    assert Path(files["GITHUB_OUTPUT"]).read_text() in {"verdict=untested\n", "verdict=inconclusive\n"}
    assert Path(files["GITHUB_STEP_SUMMARY"]).read_text("utf-8").startswith("# vcontract: ")


def test_what_job_and_hook_call_exists(vcontract: Command) -> None:
    """Each option of the command, and each form of output; the hook's entry is a verb."""
    (line,) = (line.strip(" -") for line in JOB.read_text().splitlines() if line.strip().startswith("- vcontract run"))
    forms = re.findall(r"--output (\w+)=", line)
    assert set(forms) == {"junit", "gitlab"} <= set(FORMATS)
    (entry,) = re.findall(r"entry: (.*)", HOOK.read_text())
    name, *words = shlex.split(entry)
    shown = vcontract(*words, "--help")
    assert (name, shown.code) == ("vcontract", 0)
    assert shown.out[0].startswith(f"Usage: {entry} ")


@pytest.mark.parametrize(("typed", "offered"), [("re", {"report", "replay"}), ("sch", {"schema"})])
def test_a_shell_completes_verbs(typed: str, offered: set[str], tmp_path: Path) -> None:
    """As Bash asks, once `--install-completion` has told it how."""
    asked = {"_VCONTRACT_COMPLETE": "complete_bash", "COMP_WORDS": f"vcontract {typed}", "COMP_CWORD": "1"}
    done = subprocess.run(["vcontract"], env=on_path(tmp_path, **asked), capture_output=True, text=True, check=False)  # noqa: S607 - the one above
    assert set(done.stdout.split()) == offered


def test_the_environment_says_where_reports_go_and_no_more(
    vcontract: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folder, further outputs and how much is told; a configuration that lies in the folder is mentioned, and not used."""
    monkeypatch.chdir(tmp_path)
    Path("vcontract.toml").write_text("no configuration")
    for name, value in (("REPORT_DIR", "elsewhere"), ("OUTPUT", "json=run.json markdown=run.md"), ("QUIET", "1")):
        monkeypatch.setenv(f"VCONTRACT_{name}", value)
    done = vcontract("run", "--seed", "1", "--max-calls", "1")
    assert done.err == ["note: vcontract.toml lies here and is not used; --config vcontract.toml uses it"]
    assert "report: elsewhere/" in done.out[-1]
    assert json.loads(Path("run.json").read_bytes())["calls"] == 1
    assert Path("run.md").is_file()
    sent = {each.field for each in DECLARED.values() if each.option.environment}
    assert sent == {"report_dir", "outputs", "verbose", "quiet"}
