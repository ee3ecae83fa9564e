"""The fields of replies that are secret whatever they hold, and how they are taken out of a decoded value.

Sources: the `secret` flag of the vendor's metadata (pyVmomi's F_SECRET), all of it and not only what the shipped WSDL sets
reach, for a server may be judged by a WSDL of its own; what the metadata leaves unmarked is listed apart, with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from vcontract._terms import Json

MARKED: Mapping[str, tuple[str, ...]] = {
    "ActiveVsanDirectoryServerConfig": ("password",),
    "CryptoKeyPlain": ("keyData",),
    "CustomizationPassword": ("value",),
    "HostAccountSpec": ("password",),
    "HostActiveDirectorySpec": ("password",),
    "HostConnectSpec": ("password", "vimAccountPassword"),
    "HostInternetScsiHbaAuthenticationProperties": ("chapSecret", "mutualChapSecret"),
    "HostIpmiInfo": ("password",),
    "HostNasVolumeSpec": ("password",),
    "HostPatchManagerPatchManagerOperationSpec": ("password",),
    "HostSecuritySpec": ("adminPassword",),
    "HostServiceTicket": ("sessionId",),
    "KmipServerSpec": ("password",),
    "NamePasswordAuthentication": ("password",),
    "PasswordField": ("value",),
    "SAMLTokenAuthentication": ("token",),
    "ServiceLocatorNamePassword": ("password",),
    "ServiceLocatorSAMLCredential": ("token",),
    "SessionManagerGenericServiceTicket": ("id",),
    "TicketedSessionAuthentication": ("ticket",),
    "VAppPropertyInfo": ("defaultValue", "value"),
    "VASAProviderUpgradeSpec": ("password",),
    "VasaProviderSpec": ("password",),
    "VirtualMachineMksTicket": ("ticket",),
    "VirtualMachineTicket": ("ticket",),
    "VsanClusterTelemetryProxyConfig": ("password",),
    "VsanHostCreateNativeKeyProviderSpec": ("keyDerivationKey",),
    "VsanHostEncryptionInfo": ("clientKey",),
    "VsanMetricProfile": ("authToken",),
    "VsanObjSnapParams": ("cookie",),
    "VsanObjectSnapshotId": ("cookie",),
    "VsanRemoteVcInfoStandalone": ("password",),
    "VsanVbossObjectStoreConfig": ("secretKey",),
}
"""Fields that the vendor marks, by type; `tests/client/test_secret_fields.py` holds them against the metadata."""

UNMARKED: Mapping[str, tuple[str, ...]] = {
    # a token by which Windows accepts a login; the metadata does not mark it
    "SSPIAuthentication": ("sspiToken",),
    # whatever an administrator wrote for the guest: scripts and cloud-init data hold passwords and keys
    "CustomizationLinuxPrep": ("scriptText",),
    "CustomizationSysprep": ("scriptText",),
    "CustomizationSysprepText": ("value",),
    "CustomizationCloudinitPrep": ("metadata", "userdata"),
    "CustomizationGuiRunOnce": ("commandList",),
    # a key of Windows
    "CustomizationUserData": ("productId",),
    # names a session for TerminateSession, and is the very cookie on some servers (govmomi's vcsim)
    "UserSession": ("key",),
    "SessionManagerLocalTicket": ("passwordFilePath",),
}
"""Fields that are secret all the same, by type."""

RESULTS = frozenset({"AcquireCloneTicket"})
"""Methods whose result is the secret itself (marked so in the metadata)."""

_BY_TYPE: Mapping[str, frozenset[str]] = {
    name: frozenset({*MARKED.get(name, ()), *UNMARKED.get(name, ())}) for name in MARKED.keys() | UNMARKED.keys()
}
_NONE: frozenset[str] = frozenset()
Hidden = tuple[str, str, str]
"""What was hidden: the field (the name of its element), the value, the name that stands for it."""
Veil = Callable[[str, str], str]
"""Takes a secret and the kind of thing it is, gives the name that stands for it."""


def veiled(method: str, value: Json, learn: Veil, types: Collection[str]) -> tuple[Json, list[Hidden]]:
    """Replace the secrets in what a method returned, or in the fields of a fault, by names; gives it and what was hidden.

    `types` are those of all objects in the value; most often none of them has a secret field.
    """
    hidden: list[Hidden] = []
    if method in RESULTS:
        return _hide(value, learn, method, "returnval", hidden), hidden
    return value if _BY_TYPE.keys().isdisjoint(types) else _veil(value, learn, hidden), hidden


def _veil(value: Json, learn: Veil, hidden: list[Hidden]) -> Json:
    if isinstance(value, dict):
        kind = value.get("_typeName", "")
        secret = _BY_TYPE.get(kind, _NONE)
        return {
            name: _hide(field, learn, kind, name, hidden) if name in secret else _veil(field, learn, hidden)
            for name, field in value.items()
        }
    return [_veil(item, learn, hidden) for item in value] if isinstance(value, list) else value


def _hide(value: Json, learn: Veil, kind: str, field: str, hidden: list[Hidden]) -> Json:
    """Hide every text in the value of a secret field, at any depth."""
    if isinstance(value, dict):
        return {
            name: item if name == "_typeName" else _hide(item, learn, kind, field if name == "_value" else name, hidden)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_hide(item, learn, kind, field, hidden) for item in value]
    if not isinstance(value, str):
        return value
    name = learn(value, kind)
    if name != value:
        hidden.append((field, value, name))
    return name
