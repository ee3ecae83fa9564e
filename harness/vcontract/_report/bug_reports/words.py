"""The words in which a state, a grade, an expectation and a source are told to somebody who does not know ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from vcontract._terms import Grade, Json

UNUSUAL = {
    "poweredOn": "the VM is powered on",
    "poweredOff": "the VM is powered off",
    "suspended": "the VM is suspended",
    "template": "the VM is a template",
    "noTemplate": "the VM is no template",
    "hostLost": "the VM's host is not connected",
    "unusable": "the VM is orphaned, inaccessible or invalid",
    "hostFull": "the VM's host has too few resources to run it",
    "question": "the VM waits for an answer to a question",
    "pendingPackage": "a customization for the next boot is pending",
    "frozen": "the VM is frozen for instant clones, or paused",
    "busy": "another task works on the VM",
    "shared": "a task that may share the VM works on it",
    "toolsStopped": "VMware Tools do not run",
    "toolsNever": "VMware Tools never ran in the guest",
    "toolsStarting": "VMware Tools are starting",
    "toolsOld": "VMware Tools are too old",
    "customizing": "a guest customization is running on the VM",
    "aborting": "an abort of a guest customization is running on the VM",
    "networkStarting": "a start of the guest's network is running on the VM",
    "orphanedLock": "the guest still holds the lock of a customization that no longer runs",
    "engineAbsent": "the guest has no customization engine (Perl and its modules)",
    "engineBroken": "the customization engine in the guest fails",
    "undefinedGuest": "a customization was aborted or failed, so that the guest's settings are undefined",
    "nicCount": "the specification has another number of NICs than the VM",
    "specRule": "the specification breaks a documented rule",
    "specInferred": "the specification breaks a rule that is only inferred",
    "loginRejected": "the guest does not know the user name or the password of the call",
    "loginMayNot": "the guest account of the call is not allowed to customize",
    "loginUnsettled": "no document says whether the guest accepts the login of the call",
    "malformed": "the request is not valid by the WSDL",
    "badValue": "a value in the request is none of its type",
    "oldVersion": "the client asks for an API version that does not have the method",
    "noSession": "the caller has no session",
    "thisUnknown": "the request is addressed to an object that does not exist",
    "thisOtherType": "the request is addressed to an object of another type",
    "vmUnknown": "the VM of the call does not exist",
    "vmGone": "the VM was destroyed",
    "vmOtherType": "the reference to the VM is one of another type",
    "argumentUnknown": "a reference in the arguments is to an object that does not exist",
    "argumentOtherType": "a reference in the arguments is to an object of another type",
    "noPrivilege": "the caller lacks the privilege",
    "privilegeOnVm": "the caller has the privilege on the VM only",
    "privilegeOnRoot": "the caller has the privilege on the root folder only",
}
"""What is unusual about a call or its VM, by the names of `vcontract._model.cells`; a test holds them against each other."""

GRADES = {
    Grade.WRONG: "the answer is not the one that holds in this state",
    Grade.MISSING: "the call was accepted and succeeded, and must be refused",
    Grade.SPURIOUS: "the call was refused, and must be accepted",
    Grade.UNDECLARED: "the method may not raise this fault at all",
    Grade.PROTOCOL: "the reply breaks the rules of the wire, whatever it says",
    Grade.UNPROFILED: "the documents permit the answer, the profile of this target says that another one comes",
}
"""What is wrong, by the grade of a finding."""

BESIDE = {"secret": "no reply shows a password, a ticket or a session that it was given"}
"""Promises of every reply, whatever its method, by the field of a finding that breaks them."""

CONCURRENT = "/concurrency/"
"""Stands in a row that is promised to many clients at once."""
GUARANTEES = {
    "legal-order": "some order of the operations explains every answer about a VM",
    "one-customization": "no two customizations of one VM both succeed, one of them wholly inside the life of the other",
    "blamed-task": "a TaskInProgress names a task that was under way then, on that VM",
    "kept-tasks": "each call gets a task of its own, which stays what it became",
    "guest-names": "after a boot a guest bears the name that the last customization gave it",
    "own-sessions": "each client is who it logged in as, and may what that account may",
    "replies": "every reply keeps the wire contract",
}
"""What is promised to many clients at once, by the last part of its row."""

SOURCES = {
    "S": "the published page of the method",
    "M": "the vendor's type metadata (pyVmomi)",
    "W": "the vendor's WSDL",
    "D": "the vendor's documents: API reference, programming guide, knowledge base",
    "O": "observed in public: recordings, issues, samples",
    "G": "the source of guest software, such as open-vm-tools",
    "V": "tried with the vendor's own client",
    "C": "the source of another simulator",
    "I": "inference alone",
}
"""The letters by which contract files cite."""

_PAGE = "https://developer.broadcom.com/xapis/virtual-infrastructure-json-api/latest/sdk/vim25/release/{}/moId/{}/post/"
_READ = {
    "runtime.powerState": {"poweredOn": "powered on", "poweredOff": "powered off", "suspended": "suspended"},
    "guest.toolsRunningStatus": {
        "guestToolsRunning": "VMware Tools running",
        "guestToolsNotRunning": "VMware Tools not running",
        "guestToolsExecutingScripts": "VMware Tools starting",
    },
}


def unusual(name: str) -> str:
    """Say what is unusual by its name; one that a run made up of others, or a newer one, is told as it is."""
    edited = name.removeprefix("request:")
    if edited != name:
        return f"the request was edited: {edited.replace(':', ', ')}"
    happened = name.removeprefix("mid.")
    return f"while its task ran: {happened}" if happened != name else UNUSUAL.get(name, name)


def read_state(values: Mapping[str, Json] | None) -> str:
    """Say a state as a read of the VM showed it, in one line; empty if nothing was read."""
    if values is None:
        return ""
    said = [words.get(str(values[path]), str(values[path])) for path, words in _READ.items() if values.get(path)]
    if "guest.guestOperationsReady" in values:
        said.append(f"guest operations {'ready' if values['guest.guestOperationsReady'] else 'not ready'}")
    if connection := values.get("runtime.connectionState"):
        said.append(f"host {connection}")
    if values.get("config.template"):
        said.append("a template")
    if name := values.get("guest.hostName"):
        said.append(f"guest host name {name}")
    if address := values.get("guest.ipAddress"):
        said.append(f"guest address {address}")
    return ", ".join(said)


def outcomes(expected: str) -> list[str]:
    """Say an expectation, `OK ~InvalidState ?SystemError`, outcome by outcome; any other text is told as it is."""
    words = expected.split()
    if not words or not all(word.lstrip("~?@").replace("_", "").isalnum() for word in words) or not _is_list(words):
        return [expected] if expected else []
    return [_outcome(word) for word in words]


def cited(source: str) -> tuple[str, ...]:
    """Say where a promise stands: what its letters mean."""
    return tuple(SOURCES[letter] for letter in source.split() if letter in SOURCES)


def page_of(source: str, object_: str, method: str) -> str:
    """Give the address of the published page of a method that a contract file knows; empty if it is none of the sources."""
    return _PAGE.format(object_, method) if "S" in source.split() and method else ""


def counted(number: int, what: str, several: str = "") -> str:
    """Count things in words: `1 call`, `2 calls`."""
    return f"{number:,} {what if number == 1 else several or f'{what}s'}"


def _is_list(words: Sequence[str]) -> bool:
    # a sentence, such as "settings that show as the documents say", has a word in lower case
    return all(word.lstrip("~?@")[:1].isupper() or word.lstrip("~?") in {"@any", "@rule"} for word in words)


def _outcome(word: str) -> str:
    name = word.lstrip("~?")
    said = {"OK": "success", "@any": "any fault", "@rule": "the fault of the rule that is broken"}.get(name, name)
    if word.startswith("~"):
        return f"{said} (less precise, accepted)"
    return f"{said} (no document settles it, accepted)" if word.startswith("?") else said
