"""A script for each finding that shows it without vcontract: pyVmomi for well-formed calls, plain HTTP for edited envelopes.

It reads passwords from the environment, and contains none.
"""

from __future__ import annotations

import re
from pathlib import Path

from vcontract.report.events import RunEnded, RunEvent, printable
from vcontract.report.run_directory import write_whole
from vcontract.terms import SECRET, Envelope, Finding, Json, ReplayStep

FOLDER = "reproductions"
_HEAD = '''"""{row}

expected: {expected}
observed: {observed}

Run it with VC_URL=https://host/sdk VC_USER=... VC_PASSWORD=... and the passwords named below in the environment; it needs
pyVmomi (pip install pyvmomi). VC_INSECURE=1 does not verify the certificate. It acts on the virtual machine {vm!r}.
"""

import http.client
import os
import ssl
import time
from urllib.parse import urlsplit

from pyVim.connect import SmartConnect
from pyVmomi import SoapStubAdapter, VmomiSupport, vim

URL = urlsplit(os.environ["VC_URL"])
TLS = ssl._create_unverified_context() if os.environ.get("VC_INSECURE") else ssl.create_default_context()
MADE = {{}}


def connect(user, password):
    return SmartConnect(protocol=URL.scheme, host=URL.hostname, port=URL.port or 443, user=user, pwd=password,
                        sslContext=TLS if URL.scheme == "https" else None)


SESSIONS = {{"full": connect(os.environ["VC_USER"], os.environ["VC_PASSWORD"])}}


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
    return next(each._moId for each in view.view if each.name == name)


def T(name):
    return VmomiSupport.GetWsdlType("urn:vim25", name)


def ref(kind, moid, actor="full"):
    return T(kind)(MADE.get(moid, moid), session(actor)._stub)


def show(what, value):
    print(what, "->", type(value).__name__, str(value).strip()[:600])


def call(actor, kind, moid, method, wait, old_task, old_result, **arguments):
    """Send a call; wait for its task's end, or until it runs."""
    try:
        target = ref(kind, moid, actor)
        answer = getattr(target, method)(**arguments)
    except Exception as fault:
        return show(method, fault)
    show(method, answer)
    if isinstance(answer, vim.Task):
        MADE[old_task] = answer._moId
        while answer.info.state not in (("success", "error") if wait else ("running", "success", "error")):
            time.sleep(0.02)
        show(method + " task " + answer.info.state, answer.info.error or answer.info.result)
        if isinstance(answer.info.result, vim.ManagedEntity):
            MADE[old_result] = answer.info.result._moId


def raw(actor, body, headers):
    """Send bytes as they are."""
    for old, new in MADE.items():
        body = body.replace(">" + old + "<", ">" + new + "<")
    cookie = session(actor)._stub.cookie.split(";")[0] if actor in ("full", "unprivileged") else ""
    kind = http.client.HTTPSConnection if URL.scheme == "https" else http.client.HTTPConnection
    connection = kind(URL.hostname, URL.port, **({{"context": TLS}} if URL.scheme == "https" else {{}}))
    sent = {{"Content-Type": "text/xml; charset=utf-8", "SOAPAction": SOAP_ACTION, "Cookie": cookie, **headers}}
    sent = {{name: value for name, value in sent.items() if value}}
    connection.request("POST", URL.path or "/sdk", body.encode("utf-8", "surrogateescape"), sent)
    answer = connection.getresponse()
    print(answer.status, answer.read()[:2000].decode("utf-8", "replace"))


SOAP_ACTION = {action!r}
MADE[{moid!r}] = machine({vm!r})
'''


class ReproductionReporter:
    """Writes `reproductions/ID.py` into a run directory for every finding, when the run ends."""

    def __init__(self, directory: Path) -> None:
        self._folder = directory / FOLDER

    def on(self, event: RunEvent) -> None:
        """Write the scripts at the end."""
        if not isinstance(event, RunEnded):
            return
        reproducible = [finding for finding in event.summary.findings if finding.program]
        if reproducible:
            self._folder.mkdir(exist_ok=True)
        for finding in reproducible:
            write_whole(self._folder / f"{finding.id}.py", script(finding, event.summary.target.api_version).encode())


def script(finding: Finding, api: str) -> str:
    """Give the script of a finding."""
    head = _HEAD.format(
        row=printable(finding.row), expected=finding.expected, observed=finding.observed, moid=finding.root[0],
        vm=finding.root[1], action=f'"urn:vim25/{api}"',
    )  # fmt: skip
    return head + "\n".join(_step(step) for step in finding.program) + "\n"


def _step(step: ReplayStep) -> str:
    call, payload = step.call, step.call.payload
    if isinstance(payload, Envelope):
        body = _secret_parts(payload.body.decode("utf-8", "surrogateescape"))
        return f"raw({call.actor!r}, {body}, {payload.headers!r})"
    arguments = "".join(f", {name}={_python(value)}" for name, value in payload.values.items())
    where = f"{call.actor!r}, {call.object.type!r}, {call.object.value!r}, {call.method!r}"
    return f"call({where}, {step.settled}, {step.gave[0]!r}, {step.gave[1]!r}{arguments})"


def _python(value: Json) -> str:
    """Write a wire value as a Python expression."""
    if isinstance(value, str) and value.startswith(SECRET):
        return _environment(value)
    if isinstance(value, list):
        return "[" + ", ".join(_python(item) for item in value) + "]"
    if not isinstance(value, dict):
        return repr(value)
    if value.get("_typeName") == "ManagedObjectReference":
        return f"ref({value['type']!r}, {value['value']!r})"
    if "_value" in value:
        return _python(value["_value"])
    fields = ", ".join(f"{name}={_python(field)}" for name, field in value.items() if name != "_typeName")
    return f"T({value.get('_typeName', 'DynamicData')!r})({fields})"


def _secret_parts(body: str) -> str:
    """Write a text as a Python expression that reads its secrets from the environment."""
    parts = re.split(rf"({SECRET}[\w.@-]+)", body)
    return " + ".join(_environment(part) if part.startswith(SECRET) else repr(part) for part in parts if part)


def _environment(secret: str) -> str:
    name = re.sub(r"\W", "_", secret.removeprefix(SECRET)).upper()
    return f"os.environ[{name!r}]"
