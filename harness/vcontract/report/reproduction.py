"""A script for each finding that shows it with nothing of ours: pyVmomi for well-formed calls, plain HTTP for edited envelopes.

Every script is the same text but for one constant, the plan of what to send as JSON in ASCII: whatever a server called a VM
or a file says of a finding, none of it becomes code. Passwords are read from the environment when a script runs.
"""

from __future__ import annotations

import json
from pathlib import Path

from vcontract.report.events import RunEnded, RunEvent
from vcontract.report.run_directory import write_whole
from vcontract.report.safe_text import file_name
from vcontract.saved_file import PRIVATE_DIRECTORY
from vcontract.terms import Envelope, Finding, Json, ReplayStep

FOLDER = "reproductions"
PLAN = "@PLAN@"
"""Stands in the text of all scripts where the plan goes."""
_SCRIPT = '''"""Shows one finding of vcontract again, with pyVmomi and plain HTTP alone.

Run it with VC_URL=https://host/sdk VC_USER=... VC_PASSWORD=... and the passwords that it asks for in the environment; it needs
pyVmomi (pip install pyvmomi). VC_INSECURE=1 does not verify the certificate. It acts on the machine that it names first.
"""

import http.client
import json
import os
import re
import ssl
import time
from urllib.parse import urlsplit

from pyVim.connect import SmartConnect
from pyVmomi import SoapStubAdapter, VmomiSupport, vim

PLAN = json.loads(@PLAN@)
SECRET = re.compile(r"secret:((?:guest|account|learned)\\.[\\w.@-]+)")
WHOLE = re.compile(r"secret:((?:guest|account|learned)\\..+)")
METHOD = re.compile(r"[A-Z][A-Za-z0-9]*(_Task)?")
URL = urlsplit(os.environ["VC_URL"])
TLS = ssl._create_unverified_context() if os.environ.get("VC_INSECURE") else ssl.create_default_context()
MADE = {}


def say(text):
    """Print a line without what a terminal or a build server would obey."""
    print("".join(letter if letter.isprintable() else "\\N{REPLACEMENT CHARACTER}" for letter in text).replace("##", "# #"))


def password(found):
    return os.environ[re.sub(r"\\W", "_", found[1]).upper()]


def connect(user, word):
    return SmartConnect(protocol=URL.scheme, host=URL.hostname, port=URL.port or 443, user=user, pwd=word,
                        sslContext=TLS if URL.scheme == "https" else None)


for title in ("row", "expected", "observed", "machine"):
    say(title + ": " + PLAN[title])
SESSIONS = {"full": connect(os.environ["VC_USER"], os.environ["VC_PASSWORD"])}


def session(actor):
    """The named session, opened when it is first needed; nobody and stranger have none."""
    if actor in SESSIONS:
        return SESSIONS[actor]
    if actor == "unprivileged":
        SESSIONS[actor] = connect(os.environ["VC_USER_UNPRIVILEGED"], os.environ["VC_PASSWORD_UNPRIVILEGED"])
    elif actor in ("nobody", "stranger"):
        stub = SESSIONS["full"]._stub
        SESSIONS[actor] = vim.ServiceInstance("ServiceInstance", SoapStubAdapter(
            host=URL.hostname, port=(URL.port or 443) if URL.scheme == "https" else -(URL.port or 80),
            version=stub.version, path="/sdk", sslContext=TLS if URL.scheme == "https" else None))
    else:
        SESSIONS[actor] = connect(os.environ["VC_USER"], os.environ["VC_PASSWORD"])
    return SESSIONS[actor]


def machine(name):
    content = SESSIONS["full"].content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    moid = next((vm._moId for vm in view.view if vm.name == name), None)
    if moid is None:
        raise SystemExit("no virtual machine is called " + ascii(name))
    return moid


def wsdl_type(name):
    return VmomiSupport.GetWsdlType("urn:vim25", name)


def ref(kind, moid, actor="full"):
    return wsdl_type(kind)(MADE.get(moid, moid), session(actor)._stub)


def value_of(wire):
    """Make the value that pyVmomi sends from the one in the plan."""
    if isinstance(wire, str):
        found = WHOLE.fullmatch(wire)
        return password(found) if found else wire
    if isinstance(wire, list):
        return [value_of(item) for item in wire]
    if not isinstance(wire, dict):
        return wire
    if wire.get("_typeName") == "ManagedObjectReference":
        return ref(wire["type"], wire["value"])
    if "_value" in wire:
        return value_of(wire["_value"])
    fields = {name: value_of(item) for name, item in wire.items() if name != "_typeName"}
    return wsdl_type(wire.get("_typeName", "DynamicData"))(**fields)


def show(what, value):
    say(what + " -> " + type(value).__name__ + " " + str(value).strip()[:600])


def call(step):
    """Send a call; wait for its task's end, or until it runs."""
    method, (old_task, old_result) = step["method"], step["gave"]
    if not METHOD.fullmatch(method):
        raise SystemExit("not a method of the API: " + repr(method))
    try:
        target = ref(step["type"], step["moid"], step["actor"])
        answer = getattr(target, method)(**{name: value_of(item) for name, item in step["arguments"].items()})
    except Exception as fault:
        return show(method, fault)
    show(method, answer)
    if isinstance(answer, vim.Task):
        MADE[old_task] = answer._moId
        while answer.info.state not in (("success", "error") if step["settled"] else ("running", "success", "error")):
            time.sleep(0.02)
        show(method + " task " + answer.info.state, answer.info.error or answer.info.result)
        if isinstance(answer.info.result, vim.ManagedEntity):
            MADE[old_result] = answer.info.result._moId


def send(step):
    """Send bytes as they are, but for the passwords in them."""
    actor, body = step["actor"], SECRET.sub(password, step["envelope"])
    for old, new in MADE.items():
        body = body.replace(">" + old + "<", ">" + new + "<")
    cookie = session(actor)._stub.cookie.split(";")[0] if actor in ("full", "unprivileged") else ""
    kind = http.client.HTTPSConnection if URL.scheme == "https" else http.client.HTTPConnection
    connection = kind(URL.hostname, URL.port, **({"context": TLS} if URL.scheme == "https" else {}))
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": PLAN["action"], "Cookie": cookie, **step["headers"]}
    headers = {name: value for name, value in headers.items() if value}
    connection.request("POST", URL.path or "/sdk", body.encode("utf-8", "surrogateescape"), headers)
    answer = connection.getresponse()
    say(str(answer.status) + " " + answer.read()[:2000].decode("utf-8", "replace"))


MADE[PLAN["moid"]] = machine(PLAN["machine"])
for step in PLAN["steps"]:
    send(step) if "envelope" in step else call(step)
'''


class ReproductionReporter:
    """Writes `reproductions/ID.py` into a run directory for every finding, when the run ends."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER

    def on(self, event: RunEvent) -> None:
        """Write the scripts at the end."""
        if not isinstance(event, RunEnded):
            return
        shown = [finding for finding in event.summary.findings if finding.program]
        if shown:
            self._folder.mkdir(PRIVATE_DIRECTORY, exist_ok=True)
        for finding in shown:
            write_whole(
                self._folder / f"{file_name(finding.id)}.py", script(finding, event.summary.target.api_version).encode()
            )


def script(finding: Finding, api: str) -> str:
    """Give the script of a finding: the text of all scripts, with the plan as a string of JSON in ASCII."""
    plan = {
        "row": finding.row,
        "expected": finding.expected,
        "observed": finding.observed,
        "moid": finding.root[0],
        "machine": finding.root[1],
        "action": f'"urn:vim25/{api}"',
        "steps": [_step(step) for step in finding.program],
    }
    return _SCRIPT.replace(PLAN, repr(json.dumps(plan)))


def _step(step: ReplayStep) -> dict[str, Json]:
    call, payload = step.call, step.call.payload
    if isinstance(payload, Envelope):
        body = payload.body.decode("utf-8", "surrogateescape")
        return {"actor": call.actor, "envelope": body, "headers": dict(payload.headers)}
    return {
        "actor": call.actor,
        "type": call.object.type,
        "moid": call.object.value,
        "method": call.method,
        "settled": step.settled,
        "gave": list(step.gave),
        "arguments": payload.values,
    }
