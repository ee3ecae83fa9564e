"""The PropertyCollector: reading, selecting, filtering, waiting."""

from __future__ import annotations

from typing import Any

import pytest

PC = "PropertyCollector:propertyCollector"
SELF = '<objectSet><obj type="VirtualMachine">{vm}</obj></objectSet>'
WALK = (  # as govmomi and rbvmomi walk: by named specs that refer to each other
    '<objectSet><obj type="Folder">group-d1</obj><skip>true</skip>'
    '<selectSet xsi:type="TraversalSpec"><name>folder</name><type>Folder</type><path>childEntity</path>'
    "<selectSet><name>folder</name></selectSet><selectSet><name>dc</name></selectSet></selectSet>"
    '<selectSet xsi:type="TraversalSpec"><name>dc</name><type>Datacenter</type><path>vmFolder</path>'
    "<selectSet><name>folder</name></selectSet></selectSet></objectSet>"
)


def props(*paths: str, kind: str = "VirtualMachine") -> str:
    """Write a PropertySpec."""
    return f"<propSet><type>{kind}</type>{''.join(f'<pathSet>{path}</pathSet>' for path in paths)}</propSet>"


def retrieve(wire: Any, spec: str, method: str = "RetrieveProperties", options: str = "") -> Any:
    """Read by a FilterSpec."""
    return wire.call(method, PC, f"<specSet>{spec}</specSet>{options}")


def make_filter(wire: Any, spec: str, partial: str = "false") -> str:
    """Create a filter; gives its moId."""
    inner = f"<spec>{spec}</spec><partialUpdates>{partial}</partialUpdates>"
    return str(wire.call("CreateFilter", PC, inner).one("returnval"))


def wait(wire: Any, version: str = "", seconds: Any = 0, most: int | None = None, collector: str = PC) -> Any:
    """Call WaitForUpdatesEx; a call that blocks is given as it is."""
    options = "" if seconds is None else f"<maxWaitSeconds>{seconds}</maxWaitSeconds>"
    options += "" if most is None else f"<maxObjectUpdates>{most}</maxObjectUpdates>"
    inner = f"<version>{version}</version><options>{options}</options>"
    return (wire.call if seconds == 0 else wire.begin)("WaitForUpdatesEx", collector, inner)


CHANGE = "returnval/filterSet/objectSet/changeSet"


def test_paths_reach_into_properties(wire: Any) -> None:
    """Nested fields, array elements by key, enumerations and arrays come typed; what is unset is left out."""
    spec = '<spec><extraConfig><key>a.b</key><value xsi:type="xsd:string">c</value></extraConfig></spec>'
    wire.call("ReconfigVM_Task", f"VirtualMachine:{wire.vm()}", spec)
    wire.pass_time(5)
    paths = ["runtime.powerState", "guest.hostName", 'config.extraConfig["a.b"].value', "snapshot", "recentTask"]
    answer = retrieve(wire, props(*paths) + SELF.format(vm=wire.vm()))
    assert answer.all("returnval/propSet/name") == [paths[0], paths[1], paths[2], "recentTask"]
    text = answer.reply.body.decode()
    assert '<val xsi:type="VirtualMachinePowerState">poweredOn</val>' in text
    assert '<val xsi:type="xsd:string">c</val>' in text
    assert '<val xsi:type="ArrayOfManagedObjectReference"><ManagedObjectReference type="Task" xsi:type="Mana' in text


@pytest.mark.parametrize(
    "path",
    ["nosuch", "runtime.nosuch", "runtime.powerState.x", "runtime.", ".runtime", "", "runtime[1]", "parent.name",
     "config.extraConfig.key", "guest.customizationInfo.nosuch"],
)  # fmt: skip
def test_an_unknown_path_is_an_invalid_property(wire: Any, path: str) -> None:
    """The fault names the path, in every method that takes one."""
    spec = props(path) + SELF.format(vm=wire.vm())
    answer = retrieve(wire, spec)
    assert answer.fault == "InvalidProperty"
    assert f"<name>{path}</name>" in answer.reply.body.decode()
    assert wire.call("CreateFilter", PC, f"<spec>{spec}</spec><partialUpdates>false</partialUpdates>").fault == (
        "InvalidProperty"
    )
    assert wire.call("Fetch", f"VirtualMachine:{wire.vm()}", f"<prop>{path}</prop>").fault == "InvalidProperty"


def test_a_path_newer_than_the_client_is_unknown(wire: Any) -> None:
    """guest.customizationInfo came with 7.0.2.0."""
    spec = f"<specSet>{props('guest.customizationInfo')}{SELF.format(vm=wire.vm())}</specSet>"
    assert wire.call("RetrieveProperties", PC, spec, version="7.0.1.1").fault == "InvalidProperty"
    assert wire.call("RetrieveProperties", PC, spec, version="7.0.2.0").status == 200


def test_an_object_without_properties_has_an_empty_set(wire: Any) -> None:
    """`all` of the customization manager gives the object and nothing of it."""
    manager = "VirtualMachineGuestCustomizationManager"
    objects = f'<objectSet><obj type="{manager}">GuestCustomizationManager</obj></objectSet>'
    answer = retrieve(wire, f"<propSet><type>{manager}</type><all>true</all></propSet>{objects}")
    assert answer.one("returnval/obj") == "GuestCustomizationManager"
    assert answer.all("returnval/propSet") == []
    assert retrieve(wire, props("value", kind=manager) + objects).fault == "InvalidProperty"


def test_named_traversals_that_recur_find_every_machine_once(wire: Any) -> None:
    """The walk that common clients use ends, and gives what a container view gives."""
    named = retrieve(wire, props("name") + WALK)
    inner = '<container type="Folder">group-d1</container><type>VirtualMachine</type><recursive>true</recursive>'
    view = wire.call("CreateContainerView", "ViewManager:ViewManager", inner).one("returnval")
    through = (
        f'<objectSet><obj type="ContainerView">{view}</obj><skip>true</skip><selectSet xsi:type="TraversalSpec">'
        "<type>ContainerView</type><path>view</path></selectSet></objectSet>"
    )
    viewed = retrieve(wire, props("name") + through)
    assert len(named.all("returnval/obj")) > 5
    assert sorted(named.all("returnval/obj")) == sorted(viewed.all("returnval/obj"))
    assert len(set(named.all("returnval/obj"))) == len(named.all("returnval/obj"))
    wrong = WALK.replace("<selectSet><name>dc</name>", "<selectSet><name>none</name>")
    assert retrieve(wire, props("name") + wrong).fault == "InvalidArgument"
    flat = inner.replace("<recursive>true", "<recursive>false").replace("<type>VirtualMachine</type>", "")
    direct = wire.call("CreateContainerView", "ViewManager:ViewManager", flat).one("returnval")
    kinds = wire.call("Fetch", f"ContainerView:{direct}", "<prop>view</prop>").xml[0]
    assert [each.get("type") for each in kinds] == ["Datacenter"]


def test_a_list_view_holds_what_it_was_given(wire: Any) -> None:
    """It can be changed and reset, tells what it could not find, and loses what dies."""
    one, two = wire.vm("linux-1"), wire.vm("linux-2")
    ref = '<{0} type="VirtualMachine">{1}</{0}>'
    made = wire.call("CreateListView", "ViewManager:ViewManager", ref.format("obj", one)).one("returnval")
    view = f"ListView:{made}"

    def content() -> list[str]:
        return list(wire.call("Fetch", view, "<prop>view</prop>").all("returnval/ManagedObjectReference"))

    unresolved = wire.call("ModifyListView", view, ref.format("add", two) + ref.format("add", "vm-0"))
    assert unresolved.all("returnval") == ["vm-0"]
    assert content() == [one, two]
    wire.call("ModifyListView", view, ref.format("remove", one))
    assert content() == [two]
    wire.vcenter.registry.remove(two)
    assert content() == []
    wire.call("ResetListView", view, ref.format("obj", one))
    other = wire.call("CreateListView", "ViewManager:ViewManager").one("returnval")
    wire.call("ResetListViewFromView", f"ListView:{other}", f'<view type="ListView">{made}</view>')
    assert wire.call("Fetch", f"ListView:{other}", "<prop>view</prop>").all("returnval/ManagedObjectReference") == [one]
    assert wire.call("CreateListView", "ViewManager:ViewManager", ref.format("obj", "vm-0")).fault == (
        "ManagedObjectNotFound"
    )
    assert wire.call("DestroyView", view).status == 200
    assert wire.call("DestroyView", view).fault == "ManagedObjectNotFound"


def test_large_results_come_in_parts(wire: Any) -> None:
    """A token leads to the next part; a used or cancelled one is worthless."""
    spec = props("name") + WALK
    everything = retrieve(wire, spec, "RetrievePropertiesEx", "<options></options>")
    assert everything.all("returnval/token") == []
    total = len(everything.all("returnval/objects/obj"))
    part = retrieve(wire, spec, "RetrievePropertiesEx", "<options><maxObjects>4</maxObjects></options>")
    found = part.all("returnval/objects/obj")
    token = part.one("returnval/token")
    while part.all("returnval/token"):
        part = wire.call("ContinueRetrievePropertiesEx", PC, f"<token>{part.one('returnval/token')}</token>")
        found += part.all("returnval/objects/obj")
    assert len(found) == total
    assert wire.call("ContinueRetrievePropertiesEx", PC, f"<token>{token}</token>").fault == "InvalidArgument"
    part = retrieve(wire, spec, "RetrievePropertiesEx", "<options><maxObjects>4</maxObjects></options>")
    dropped = f"<token>{part.one('returnval/token')}</token>"
    assert wire.call("CancelRetrievePropertiesEx", PC, dropped).status == 200
    assert wire.call("CancelRetrievePropertiesEx", PC, dropped).fault == "InvalidArgument"
    none = retrieve(wire, props("name", kind="HostSystem") + SELF.format(vm=wire.vm()), "RetrievePropertiesEx",
                    "<options></options>")  # fmt: skip
    assert (none.status, none.all("returnval")) == (200, [])


def test_what_may_not_be_read_is_missing_not_a_fault(wire: Any) -> None:
    """Without a session every property that needs one is in missingSet; a dead object is a fault, or left out."""
    dead = props("name") + SELF.format(vm="vm-0")
    assert retrieve(wire, dead).fault == "ManagedObjectNotFound"
    tolerant = dead + "<reportMissingObjectsInResults>true</reportMissingObjectsInResults>"
    assert retrieve(wire, tolerant).all("returnval") == []
    wire.cookie = ""
    answer = retrieve(wire, props("name") + SELF.format(vm=wire.vm()))
    assert answer.all("returnval/missingSet/path") == ["name"]
    text = answer.reply.body.decode()
    assert '<fault><fault xsi:type="NotAuthenticated"><object type="VirtualMachine">' in text
    assert "<localizedMessage>The session is not authenticated.</localizedMessage>" in text
    assert wire.call("CreateFilter", PC, f"<spec>{dead}</spec><partialUpdates>true</partialUpdates>").fault == (
        "NotAuthenticated"
    )


def test_waiting_shows_first_all_then_what_changes(wire: Any) -> None:
    """Versions count up; nothing new is an empty answer when asked not to wait."""
    made = make_filter(wire, props("runtime.powerState", "snapshot") + SELF.format(vm=wire.vm()))
    first = wait(wire)
    assert (first.one("returnval/version"), first.one("returnval/filterSet/filter")) == ("1", made)
    assert first.one("returnval/filterSet/objectSet/kind") == "enter"
    assert first.all(f"{CHANGE}/val") == ["poweredOn"]
    assert wait(wire, "1").all("returnval") == []
    wire.call("PowerOffVM_Task", f"VirtualMachine:{wire.vm()}")
    wire.pass_time(2)
    second = wait(wire, "1")
    assert second.one("returnval/filterSet/objectSet/kind") == "modify"
    assert (second.all(f"{CHANGE}/op"), second.all(f"{CHANGE}/val")) == (["assign"], ["poweredOff"])
    assert wait(wire, "1").one("returnval/version") == "2", "a reply that was lost is given again"
    assert wait(wire, "7").fault == "InvalidCollectorVersion"
    assert wait(wire).all(f"{CHANGE}/val") == ["poweredOff"], "an empty version starts over"
    wire.vcenter.registry.remove(wire.vm())
    assert wait(wire, "3").one("returnval/filterSet/objectSet/kind") == "leave"


def test_waiting_blocks_until_something_changes_or_time_is_up(wire: Any) -> None:
    """The call is answered by the change itself; after maxWaitSeconds it is answered with nothing."""
    make_filter(wire, props("runtime.powerState") + SELF.format(vm=wire.vm()))
    wait(wire)
    waiting = wait(wire, "1", seconds=30)
    wire.call("PowerOffVM_Task", f"VirtualMachine:{wire.vm()}")
    wire.pass_time(0.5)
    replies = [waiting.reply]
    wire.pass_time(1)
    replies.append(waiting.reply)
    assert replies[0] is None
    assert b"poweredOff" in replies[1].body
    idle = wait(wire, "2", seconds=30)
    wire.pass_time(29)
    early = idle.reply
    wire.pass_time(2)
    assert early is None
    assert b'<WaitForUpdatesExResponse xmlns="urn:vim25"></WaitForUpdatesExResponse>' in idle.reply.body
    assert wire.vcenter._waiting == []


def test_waiting_ends_with_cancel_logout_and_a_gone_client(wire: Any) -> None:
    """The first two answer RequestCanceled; a client that is gone costs nothing."""
    make_filter(wire, props("name") + SELF.format(vm=wire.vm()))
    wait(wire)
    cancelled, gone = wait(wire, "1", seconds=None), wait(wire, "1", seconds=None)
    gone.cancel()
    wire.call("CancelWaitForUpdates", PC)
    wire.pass_time(0)
    assert b'xsi:type="RequestCanceled"' in cancelled.reply.body
    assert gone.reply is None
    ended = wait(wire, "1", seconds=None)
    wire.call("Logout", "SessionManager:SessionManager")
    wire.pass_time(0)
    assert b'xsi:type="RequestCanceled"' in ended.reply.body
    assert wire.vcenter._waiting == []
    wire.login()
    assert wait(wire, "1").fault == "InvalidCollectorVersion", "filters and versions died with the session"
    assert wire.call("Fetch", PC, "<prop>filter</prop>").all("returnval/ManagedObjectReference") == []


def test_partial_updates_name_the_inner_path(wire: Any) -> None:
    """With partialUpdates only what changed inside a data object is sent, by its own path."""
    task = wire.call("PowerOffVM_Task", f"VirtualMachine:{wire.vm()}").one("returnval")
    objects = f'<objectSet><obj type="Task">{task}</obj></objectSet>'
    make_filter(wire, f"<propSet><type>Task</type><all>true</all></propSet>{objects}", "true")
    first = wait(wire)
    assert "info" in first.all(f"{CHANGE}/name")
    wire.pass_time(0.3)
    changed = dict(zip(*[wait(wire, "1").all(f"{CHANGE}/{each}") for each in ("name", "val")], strict=True))
    assert changed == {"info.progress": "25"}
    wire.pass_time(1)
    last = wait(wire, "2").all(f"{CHANGE}/name")
    assert {"info.state", "info.progress", "info.completeTime"} <= set(last)


def test_updates_come_in_parts_too(wire: Any) -> None:
    """MaxObjectUpdates cuts the set; truncated says that there is more, and the next call gives it at once."""
    make_filter(wire, props("name") + WALK)
    first = wait(wire, most=4)
    assert (first.one("returnval/truncated"), len(first.all("returnval/filterSet/objectSet/obj"))) == ("true", 4)
    rest = wait(wire, "1")
    assert (
        len(rest.all("returnval/filterSet/objectSet/obj"))
        == len(wait(wire).all("returnval/filterSet/objectSet/obj")) - 4
    )
    assert wire.call("WaitForUpdatesEx", PC, "<options><maxWaitSeconds>-1</maxWaitSeconds></options>").fault == (
        "InvalidArgument"
    )


def test_collectors_of_ones_own(wire: Any) -> None:
    """Each has its own filters and versions; the shared one cannot be destroyed."""
    made = wire.call("CreatePropertyCollector", PC).one("returnval")
    own = f"PropertyCollector:{made}"
    spec = props("name") + SELF.format(vm=wire.vm())
    wire.call("CreateFilter", own, f"<spec>{spec}</spec><partialUpdates>false</partialUpdates>")
    assert wait(wire, collector=own).one("returnval/version") == "1"
    assert wait(wire).all("returnval") == []
    filters = wire.call("Fetch", own, "<prop>filter</prop>").all("returnval/ManagedObjectReference")
    assert len(filters) == 1
    assert wire.call("DestroyPropertyCollector", own).status == 200
    assert wire.call("DestroyPropertyFilter", f"PropertyFilter:{filters[0]}").fault == "ManagedObjectNotFound"
    assert wire.call("DestroyPropertyCollector", PC).fault == "NotSupported"
    mine = make_filter(wire, spec)
    assert wire.call("DestroyPropertyFilter", f"PropertyFilter:{mine}").status == 200
    assert wait(wire).all("returnval") == []


def test_everything_of_every_object_can_be_read(wire: Any) -> None:
    """`all` works for the singletons too; whatever exists is written without a mistake of ours."""
    make_filter(wire, props("name") + SELF.format(vm=wire.vm()))
    wire.call("CreateCollectorForTasks", "TaskManager:TaskManager", "<filter></filter>")
    wire.call("CreateListView", "ViewManager:ViewManager")
    for each in list(wire.vcenter.registry._objects.values()):
        kind = each.vmodl_type._wsdlName
        spec = f"<propSet><type>{kind}</type><all>true</all></propSet>"
        answer = retrieve(wire, f'{spec}<objectSet><obj type="{kind}">{each.moid}</obj></objectSet>')
        assert (answer.status, answer.all("returnval/missingSet")) == (200, []), (kind, answer.message)
