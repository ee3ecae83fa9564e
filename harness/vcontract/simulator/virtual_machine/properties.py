"""The properties of a virtual machine, in the shapes that real servers give them."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim

from vcontract.simulator.guest.state import ToolsPhase
from vcontract.simulator.virtual_machine.machine import POWERED_ON, Nic
from vcontract.simulator.virtual_machine.offline import Offline

NETWORK_NAME = "VM Network"
HARDWARE_VERSION = "vmx-21"
TOOLS_VERSION = "12389"
MEMORY_MB = 1024
# What no state of this simulator allows, by power state: the WSDL names as a real 8.0 server lists them.
NEVER_WHEN_ON = [
    "Destroy_Task",
    "UnregisterVM",
    "CustomizeVM_Task",
    "MarkAsTemplate",
    "PowerOnVM_Task",
    "MarkAsVirtualMachine",
]
NEVER_WHEN_NOT_ON = [
    "PowerOffVM_Task",
    "SuspendVM_Task",
    "ResetVM_Task",
    "ShutdownGuest",
    "RebootGuest",
    "StandbyGuest",
    "TerminateVM",
    "InstantClone_Task",
]


class Properties(Offline):
    """What the property collector reads; every value is made when it is asked for."""

    def get_disabledMethod(self) -> list[str]:
        """Give the methods that make no sense in this power state."""
        return list(NEVER_WHEN_ON if self.power == POWERED_ON else NEVER_WHEN_NOT_ON)

    def get_guestHeartbeatStatus(self) -> str:
        """Give the heartbeat: grey, as a guest without one."""
        return "gray"

    def get_resourcePool(self) -> Any:
        """Give the resource pool of the host; a template is in none."""
        return None if self.template else self.host.pool.ref

    def get_capability(self) -> Any:
        """Give what operations the machine supports."""
        return vim.vm.Capability(
            snapshotOperationsSupported=True,
            multipleSnapshotsSupported=True,
            poweredOffSnapshotsSupported=True,
            memorySnapshotsSupported=True,
            revertToSnapshotSupported=True,
        )

    def get_runtime(self) -> Any:
        """Give VirtualMachineRuntimeInfo."""
        return vim.vm.RuntimeInfo(
            host=self.host.ref,
            connectionState="connected" if self.host.connected else "disconnected",
            powerState=self.power,
            faultToleranceState="notConfigured",
            toolsInstallerMounted=False,
            bootTime=self.boot_time,
            suspendInterval=0,
            maxCpuUsage=0,
            maxMemoryUsage=0,
            numMksConnections=0,
            recordReplayState="inactive",
            onlineStandby=False,
            consolidationNeeded=False,
            paused=False,
            snapshotInBackground=False,
            instantCloneFrozen=False,
        )

    def get_guest(self) -> Any:
        """Give GuestInfo; what Tools report is there only while they run."""
        up = self.tools_status == "guestToolsRunning"
        nics = [self._guest_nic(place, nic) for place, nic in enumerate(self.nics)] if up else []
        addresses = [address for nic in nics for address in nic.ipAddress]
        guest = self.guest
        return vim.vm.GuestInfo(
            toolsStatus=self._tools_status(),
            toolsVersionStatus=self._tools_version_status(),
            toolsVersionStatus2=self._tools_version_status(),
            toolsRunningStatus=self.tools_status,
            toolsVersion="0" if guest.tools is ToolsPhase.ABSENT else TOOLS_VERSION,
            guestId=guest.guest_id if up else None,
            guestFamily=guest.family if up else None,
            guestFullName=guest.full_name if up else None,
            hostName=guest.host_name if up else None,
            ipAddress=addresses[0] if addresses else None,
            net=nics,
            ipStack=[self._ip_stack()] if up else [],
            guestState="running" if up else "notRunning",
            appHeartbeatStatus="appStatusGray",
            guestKernelCrashed=False,
            appState="none",
            guestOperationsReady=self.ready,
            interactiveGuestOperationsReady=False,
            guestStateChangeSupported=up,
            hwVersion=HARDWARE_VERSION,
            customizationInfo=vim.vm.GuestInfo.CustomizationInfo(
                customizationStatus=guest.customization.status,
                startTime=guest.customization.start,
                endTime=guest.customization.end,
                errorMsg=guest.customization.error,
            ),
        )

    def _tools_status(self) -> str:
        if self.guest.tools is ToolsPhase.ABSENT:
            return "toolsNotInstalled"
        return "toolsOk" if self.tools_status == "guestToolsRunning" else "toolsNotRunning"

    def _tools_version_status(self) -> str:
        return "guestToolsNotInstalled" if self.guest.tools is ToolsPhase.ABSENT else "guestToolsUnmanaged"

    def _guest_nic(self, place: int, nic: Nic) -> Any:
        interface = self.guest.network.interfaces[place]
        held = [(interface.address, interface.prefix)] if interface.address and nic.connected else []
        addresses = [*held, *interface.ipv6] if nic.connected else []
        return vim.vm.GuestInfo.NicInfo(
            network=NETWORK_NAME,
            ipAddress=[address for address, _ in addresses],
            macAddress=nic.mac,
            connected=nic.connected,
            deviceConfigId=nic.key,
            ipConfig=vim.net.IpConfigInfo(
                ipAddress=[
                    vim.net.IpConfigInfo.IpAddress(ipAddress=address, prefixLength=prefix, state="preferred")
                    for address, prefix in addresses
                ]
            ),
        )

    def _ip_stack(self) -> Any:
        network = self.guest.network
        routes = [
            vim.net.IpRouteConfigInfo.IpRoute(
                network="0.0.0.0",  # noqa: S104 - the default route, nothing is bound
                prefixLength=0,
                gateway=vim.net.IpRouteConfigInfo.Gateway(ipAddress=gateway, device=str(place)),
            )
            for place, interface in enumerate(network.interfaces)
            for gateway in interface.gateways
        ]
        return vim.vm.GuestInfo.StackInfo(
            dnsConfig=vim.net.DnsConfigInfo(
                dhcp=not network.dns_servers,
                hostName=self.guest.host_name,
                domainName=network.domain,
                ipAddress=network.dns_servers,
                searchDomain=network.dns_suffixes,
            ),
            ipRouteConfig=vim.net.IpRouteConfigInfo(ipRoute=routes),
        )

    def _devices(self) -> list[Any]:
        return [
            vim.vm.device.VirtualVmxnet3(
                key=nic.key,
                deviceInfo=vim.Description(label=f"Network adapter {place}", summary=NETWORK_NAME),
                backing=vim.vm.device.VirtualEthernetCard.NetworkBackingInfo(deviceName=NETWORK_NAME),
                connectable=vim.vm.device.VirtualDevice.ConnectInfo(
                    startConnected=True, allowGuestControl=True, connected=nic.connected and self.power == POWERED_ON
                ),
                addressType="assigned",
                macAddress=nic.mac,
                wakeOnLanEnabled=True,
            )
            for place, nic in enumerate(self.nics, 1)
        ]

    def _path(self, extension: str) -> str:
        return f"[datastore1] {self.name}/{self.name}.{extension}"

    def get_config(self) -> Any:
        """Give VirtualMachineConfigInfo."""
        return vim.vm.ConfigInfo(
            changeVersion=self.change_version,
            modified=self.modified,
            name=self.name,
            guestFullName=self.guest.full_name,
            version=HARDWARE_VERSION,
            uuid=self.uuid,
            createDate=self.created,
            instanceUuid=self.instance_uuid,
            template=self.template,
            guestId=self.guest.guest_id,
            alternateGuestName="",
            annotation=self.annotation,
            files=vim.vm.FileInfo(vmPathName=self._path("vmx")),
            tools=vim.vm.ToolsConfigInfo(
                toolsVersion=0, pendingCustomization=self.pending.name if self.pending else ""
            ),
            flags=vim.vm.FlagInfo(),
            defaultPowerOps=vim.vm.DefaultPowerOpInfo(),
            hardware=vim.vm.VirtualHardware(numCPU=1, numCoresPerSocket=1, memoryMB=MEMORY_MB, device=self._devices()),
            extraConfig=[vim.option.OptionValue(key=key, value=value) for key, value in self.extra_config.items()],
        )

    def get_resourceConfig(self) -> Any:
        """Give an allocation without limits."""
        return vim.ResourceConfigSpec(
            cpuAllocation=vim.ResourceAllocationInfo(), memoryAllocation=vim.ResourceAllocationInfo()
        )

    def get_summary(self) -> Any:
        """Give VirtualMachineSummary."""
        guest = self.get_guest()
        return vim.vm.Summary(
            vm=self.ref,
            runtime=self.get_runtime(),
            guest=vim.vm.Summary.GuestSummary(
                guestId=guest.guestId,
                guestFullName=guest.guestFullName,
                toolsStatus=guest.toolsStatus,
                toolsVersionStatus=guest.toolsVersionStatus,
                toolsVersionStatus2=guest.toolsVersionStatus2,
                toolsRunningStatus=guest.toolsRunningStatus,
                hostName=guest.hostName,
                ipAddress=guest.ipAddress,
                hwVersion=guest.hwVersion,
            ),
            config=vim.vm.Summary.ConfigSummary(
                name=self.name,
                template=self.template,
                vmPathName=self._path("vmx"),
                memorySizeMB=MEMORY_MB,
                numCpu=1,
                numEthernetCards=len(self.nics),
                numVirtualDisks=0,
                uuid=self.uuid,
                instanceUuid=self.instance_uuid,
                guestId=self.guest.guest_id,
                guestFullName=self.guest.full_name,
                annotation=self.annotation,
                installBootRequired=False,
                hwVersion=HARDWARE_VERSION,
            ),
            quickStats=vim.vm.Summary.QuickStats(guestHeartbeatStatus="gray"),
            overallStatus="green",
            customValue=self.get_customValue(),
        )
