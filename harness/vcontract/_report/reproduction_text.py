"""The text of all scripts that show a finding with nothing of ours, up to where they judge: what they send, and to whom."""

PLAN = "@PLAN@"
"""Stands in the text where the plan goes."""
SENDING = '''"""Shows one finding of vcontract again, with pyVmomi and plain HTTP alone, and judges it.

Run it with VC_URL=https://host/sdk VC_USER=... VC_PASSWORD=... and the passwords that it asks for in the environment; it needs
pyVmomi (pip install pyvmomi). VC_INSECURE=1 does not verify the certificate. It acts on the machine that it names first, which
must carry the mark of its owner, and puts back what it changed. VC_PATIENCE (180) is for how many seconds a task may run, and
a guest may report late. Exit code: 1 the deviation shows, 0 it does not, 2 something must be given, 3 the machine may not be
touched, cannot be reached or could not be put back, 5 it cannot be told.
"""

import http.client
import json
import os
import re
import ssl
import sys
import time
import xml.etree.ElementTree as ET
from urllib.parse import urlsplit

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import SoapStubAdapter, VmomiSupport, vim
from pyVmomi.SoapAdapter import SoapResponseDeserializer

PLAN = json.loads(@PLAN@)
SECRET = re.compile(r"secret:((?:guest|account|learned)\\.[\\w.@-]+)")
WHOLE = re.compile(r"secret:((?:guest|account|learned)\\..+)")
METHOD = re.compile(r"[A-Z][A-Za-z0-9]*(_Task)?")
NAMED = re.compile(r'type="VirtualMachine"[^>]*>([^<]+)<')
OWNER = "vcontract.owner"
TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
FINAL = ("success", "error")
URL = urlsplit(os.environ.get("VC_URL", ""))
TLS = ssl._create_unverified_context() if os.environ.get("VC_INSECURE") else ssl.create_default_context()
PATIENCE = float(os.environ.get("VC_PATIENCE") or 180)
SESSIONS, MADE, JUDGED, READ, USED, SENT = {}, {}, [], [], [], []


def say(text):
    """Print a line without what a terminal or a build server would obey."""
    print("".join(letter if letter.isprintable() else "\\N{REPLACEMENT CHARACTER}" for letter in text).replace("##", "# #"))


class Ends(Exception):
    """Why the script ends before it can tell, with its exit code."""

    def __init__(self, why, code):
        super().__init__(why)
        self.code = code


def given(name):
    if not os.environ.get(name):
        raise Ends("set " + name + " in the environment", 2)
    return os.environ[name]


def password(found):
    kind, _, name = found[1].partition(".")
    if kind == "guest" and name not in PLAN["guests"]:  # an account that nobody has
        return "made-up"
    word = given(re.sub(r"\\W", "_", found[1]).upper())
    SENT.append(word)
    return word


def connect(role=""):
    user, word = (given(name + role) for name in ("VC_USER", "VC_PASSWORD"))
    return SmartConnect(protocol=URL.scheme, host=URL.hostname, port=URL.port or 443, user=user, pwd=word,
                        sslContext=TLS if URL.scheme == "https" else None)


def session(actor):
    """The named session, opened when it is first needed; nobody and stranger have none."""
    if actor not in SESSIONS:
        if actor in ("nobody", "stranger"):
            SESSIONS[actor] = vim.ServiceInstance("ServiceInstance", SoapStubAdapter(
                host=URL.hostname, port=(URL.port or 443) if URL.scheme == "https" else -(URL.port or 80),
                version=session("full")._stub.version, path="/sdk", sslContext=TLS if URL.scheme == "https" else None))
        else:
            SESSIONS[actor] = connect("_" + actor.upper() if actor in ("unprivileged", "readonly") else "")
    return SESSIONS[actor]


def everything(kind):
    content = session("full").content
    view = content.viewManager.CreateContainerView(content.rootFolder, [kind], True)
    found = {each._moId: each for each in view.view}
    view.Destroy()
    return found


def marked(vm):
    """Whether a machine carries the owner's mark, and no other's."""
    names = {field.key for field in vm.availableField or () if field.name == OWNER}
    owners = [option.value for option in (vm.config.extraConfig if vm.config else ()) or () if option.key == OWNER][-1:]
    owners += [value.value for value in vm.customValue or () if value.key in names][-1:]
    owners = [owner for owner in owners if owner]
    return bool(owners) and all(owner == PLAN["owner"] for owner in owners)


def demand_marks(step):
    """Send nothing about a machine that does not carry the mark, nor about the host of one."""
    told = [step.get("moid", ""), *NAMED.findall(step.get("envelope", "")), *references(step.get("arguments"))]
    about = {MADE.get(moid, moid) for moid in told}
    for vm in everything(vim.VirtualMachine).values():
        at_stake = vm._moId in about or (step.get("type") == "HostSystem" and vm.runtime.host._moId in about)
        if at_stake and not marked(vm):
            raise Ends("the machine " + ascii(vm.name) + " does not carry the mark " + OWNER + " = " + ascii(PLAN["owner"]), 3)


def references(wire):
    if isinstance(wire, dict) and wire.get("_typeName") == "ManagedObjectReference":
        return [wire["value"]]
    inner = wire.values() if isinstance(wire, dict) else wire if isinstance(wire, list) else ()
    return [moid for each in inner for moid in references(each)]


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
    kind, fields = wsdl_type(wire.get("_typeName", "DynamicData")), {}
    for name, item in wire.items():
        if name != "_typeName":  # the name of a type is a type to pyVmomi
            fields[name] = wsdl_type(item) if kind._GetPropertyInfo(name).type is type else value_of(item)
    return kind(**fields)


def exchange(actor, body, action, more):
    """Send bytes in a session; gives status, type and bytes of the reply."""
    cookie = (session(actor)._stub.cookie or "").split(";")[0]
    cookie = {"nobody": "", "stranger": 'vmware_soap_session="made-up"'}.get(actor, cookie)
    kind = http.client.HTTPSConnection if URL.scheme == "https" else http.client.HTTPConnection
    connection = kind(URL.hostname, URL.port, **({"context": TLS} if URL.scheme == "https" else {}))
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": action, "Cookie": cookie, **more}
    headers = {name: value for name, value in headers.items() if value}
    connection.request("POST", URL.path or "/sdk", body, headers)
    reply = connection.getresponse()
    return reply.status, (reply.headers.get("Content-Type") or "").partition(";")[0].strip().lower(), reply.read()


def local(tag):
    return str(tag).rpartition("}")[2]


def read_reply(method, status, kind, body):
    """Take a reply apart; gives what of SOAP it breaks, and the name of its outcome."""
    try:
        root = ET.fromstring(body)
        content = next(iter(next(child for child in root if local(child.tag) == "Body")))
    except (ET.ParseError, StopIteration):
        return ["the reply is no SOAP envelope"], "Lost"
    broken = [] if kind == "text/xml" else ["content type is " + kind]
    if local(content.tag) != "Fault":
        broken += ["status without a Fault"] if status != 200 else []
        broken += ["response element is another"] if local(content.tag) != method + "Response" else []
        return broken, "OK"
    broken += ["status with a Fault"] if status != 500 else []
    parts = {local(part.tag): part for part in content}
    broken += ["the Fault has no " + name for name in ("faultcode", "faultstring") if name not in parts]
    detail = list(parts["detail"]) if "detail" in parts else []
    if len(detail) != 1:
        return [*broken, "the Fault has no detail" if not detail else "the detail has more"], "MethodFault"
    element, stated = local(detail[0].tag), (detail[0].get(TYPE) or "").rpartition(":")[2]
    broken += ["the detail's element is of another type"] if stated and element != stated + "Fault" else []
    return broken, stated or element.removesuffix("Fault")


def named(value):
    return VmomiSupport.GetWsdlName(type(value))


def send(step):
    """Send a step's call as it was recorded, follow its task, and keep what is judged."""
    actor, method = step["actor"], step["method"]
    if not METHOD.fullmatch(method):
        raise Ends("not a method of the API: " + repr(method), 5)
    if method == "Login":
        SESSIONS.pop(actor, None)
        return session(actor)
    demand_marks(step)
    wait_for(step)
    stub, info, more = session(actor)._stub, getattr(wsdl_type(step["type"]), method).info, step.get("headers") or {}
    before = look(step)
    if "envelope" in step:
        body, action = SECRET.sub(password, step["envelope"]), PLAN["action"]
        for old, new in MADE.items():
            body = body.replace(">" + old + "<", ">" + new + "<")
        body = body.encode("utf-8", "surrogateescape")
    else:
        arguments = [value_of(step["arguments"].get(parameter.name)) for parameter in info.params]
        body, action = stub.SerializeRequest(ref(step["type"], step["moid"], actor), info, arguments), stub.versionId
    status, kind, reply = exchange(actor, body, action, more)
    broken, outcome = read_reply(method, status, kind, reply)
    value = None
    try:
        value = SoapResponseDeserializer(stub).Deserialize(reply, info.result)
    except Exception as error:  # what pyVmomi cannot read
        broken = broken or ["pyVmomi cannot read the reply: " + str(error)[:200]]
    channel = "" if outcome == "OK" else "call"
    say(method + " -> HTTP " + str(status) + " " + outcome + " " + reply.decode("utf-8", "replace")[:300].replace("\\n", " "))
    infos = []
    if outcome == "OK" and isinstance(value, vim.Task):
        task = vim.Task(value._moId, stub)
        MADE[step["gave"][0]] = task._moId
        infos = followed(task, settled=step["settled"])
        if step["settled"]:
            outcome, channel, value = ended(infos, value)
            say(method + " task -> " + outcome)
            if isinstance(value, vim.ManagedEntity) or isinstance(value, vim.vm.Snapshot):
                MADE[step["gave"][1]] = value._moId
    if not step["judged"]:
        READ.append((method, outcome, value, reply))
    if step["judged"]:
        JUDGED.append({"step": step, "broken": broken, "outcome": outcome, "channel": channel, "value": value,
                       "infos": infos, "before": before, "reply": reply})


def followed(task, settled):
    """Read a task until it has ended (`settled`) or runs, and a little longer; gives what was read."""
    infos, until = [], time.monotonic() + PATIENCE
    while True:
        try:
            infos.append(task.info)
        except Exception as fault:
            mine = task._stub is session("full")._stub
            if mine or not isinstance(fault, vim.fault.NotAuthenticated):
                return [*infos, fault]
            task = vim.Task(task._moId, session("full")._stub)  # the session that called has ended, and its task goes on
            continue
        state = infos[-1].state
        if state in FINAL or (not settled and state == "running") or time.monotonic() > until:
            break
        time.sleep(0.02)
    return [*infos, *(task.info for _ in range(5 if infos[-1].state in FINAL else 0))]


def ended(infos, value):
    """The outcome of a task, by the first read that shows its end."""
    last = next((info for info in infos if getattr(info, "state", "") in FINAL), infos[-1])
    if isinstance(last, Exception) or last.state not in FINAL:
        return ("unfinished" if isinstance(last, Exception) else "stuck"), "task", value
    if last.state == "success":
        return "OK", "", last.result
    return (named(last.error) if last.error else "none"), "task", last.error


def machine_of(step):
    """The machine that a step is about; None if it is not there."""
    told = [step.get("moid", ""), *NAMED.findall(step.get("envelope", "")), *references(step.get("arguments"))]
    known = everything(vim.VirtualMachine)
    return next((known[moid] for moid in (MADE.get(moid, moid) for moid in told) if moid in known), None)


def look(step):
    """What of a machine the judging rests on."""
    vm = machine_of(step)
    if vm is None:
        return {}
    devices = vm.config.hardware.device if vm.config else ()
    nics = sum(isinstance(device, vim.vm.device.VirtualEthernetCard) for device in devices)
    tasks = {task._moId for task in vm.recentTask}
    return {"moid": vm._moId, "power": str(vm.runtime.powerState), "nics": nics, "tasks": tasks}


def wait_for(step):
    """Wait until the machine looks as it did when the call was recorded, but not for ever."""
    vm, seen, until = machine_of(step), step["seen"], time.monotonic() + min(PATIENCE, 3 * step["waited"] + 1)
    while vm is not None and seen and time.monotonic() < until:
        ready = bool(vm.guest and vm.guest.guestOperationsReady)
        if str(vm.runtime.powerState) == seen.get("power") and (seen.get("tools") != "ready" or ready):
            return
        time.sleep(0.05)
'''
