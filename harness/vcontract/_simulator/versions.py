"""API versions: which a server of some release serves, what a SOAPAction header asks for, and the version document."""

from __future__ import annotations

from functools import cached_property

from pyVmomi import VmomiSupport

from vcontract._errors import UsageError

_OLDEST_SERVED = "vim.version.version1"
_MARK = "urn:vcontract-simulator"
"""A name space that no vCenter has: by it alone a client can tell that the accounts here are those of the simulator."""
_LEGACY = "vim.version.version3"  # 2.5u2: what a client without a version in its SOAPAction gets


class Versions:
    """The versions that a server whose newest is `api` (a wire name as 8.0.3.0) serves; UsageError for an unknown one.

    Source: the vendor's type metadata, in which each version lists those that it contains.
    """

    def __init__(self, api: str) -> None:
        newest = VmomiSupport.versionMap.get(f"vim25/{api}")
        if newest is None:
            meant = [version for version in _known() if version.startswith(f"{api}.")]
            told = f"{' or '.join(meant)} is meant" if meant else f"it knows {', '.join(_known())}"
            raise UsageError(f"API version {api} is unknown to the simulator; {told}")
        self.api = api
        self.newest: str = newest
        self._by_action = {"": _LEGACY, "urn:vim25": _LEGACY, "urn:vim2": _OLDEST_SERVED}
        for action, version in VmomiSupport.versionMap.items():
            if version.startswith("vim.version.") and VmomiSupport.IsChildVersion(newest, version):
                self._by_action[f"urn:{action}"] = version

    def asked(self, action: str) -> str | None:
        """Give the pyVmomi version that a SOAPAction header asks for; None if this server does not serve it."""
        return self._by_action.get(action.strip().strip('"'))

    @cached_property
    def document(self) -> bytes:
        """The body of vimServiceVersions.xml, laid out as real servers do, with one more name space: the simulator's mark."""
        prior = [wire for wire in _known() if wire != self.api and f"urn:vim25/{wire}" in self._by_action]
        listed = "\n".join(f"   <version>{wire}</version>" for wire in reversed(prior))
        return (
            '<?xml version="1.0" encoding="UTF-8" ?>\n<namespaces version="1.0">\n'
            " <namespace>\n  <name>urn:vim25</name>\n"
            f"  <version>{self.api}</version>\n  <priorVersions>\n{listed}\n  </priorVersions>\n </namespace>\n"
            " <namespace>\n  <name>urn:vim2</name>\n  <version>2.0</version>\n </namespace>\n"
            f" <namespace>\n  <name>{_MARK}</name>\n  <version>1</version>\n </namespace>\n</namespaces>\n"
        ).encode()


def known_at(version: str, item: str) -> bool:
    """Whether a client of pyVmomi version `version` knows what came with version `item`."""
    return bool(VmomiSupport.IsChildVersion(version, item))


def _known() -> list[str]:
    """List the wire names, oldest first: a version comes after all that it contains."""
    wires = {v: a.removeprefix("vim25/") for a, v in VmomiSupport.versionMap.items() if a.startswith("vim25/")}
    return [wires[v] for v in sorted(wires, key=lambda v: len(VmomiSupport.GetVersionParents(v)))]
