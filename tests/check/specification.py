"""A specification that any Linux guest with one NIC takes, as a wire value."""

from __future__ import annotations

from typing import Any

SPEC: dict[str, Any] = {
    "_typeName": "CustomizationSpec",
    "identity": {
        "_typeName": "CustomizationLinuxPrep",
        "hostName": {"_typeName": "CustomizationFixedName", "name": "web"},
        "domain": "example.com",
    },
    "globalIPSettings": {"_typeName": "CustomizationGlobalIPSettings"},
    "nicSettingMap": [
        {
            "_typeName": "CustomizationAdapterMapping",
            "adapter": {
                "_typeName": "CustomizationIPSettings",
                "ip": {"_typeName": "CustomizationFixedIp", "ipAddress": "10.1.0.9"},
                "subnetMask": "255.255.255.0",
            },
        }
    ],
}
