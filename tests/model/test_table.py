"""The table state x call -> permitted outcomes, written here once more and by hand, against contract files and `expect`."""

from __future__ import annotations

import re
from typing import Any

import pytest
from msgspec.structs import replace

from vcontract._contract import Contract
from vcontract._model import Asked, Expectation, State, expect, holding, settle
from vcontract._terms import Grade

C, N, A = "CustomizeGuest_Task", "StartGuestNetwork_Task", "AbortCustomization_Task"
METHODS = (C, N, A)
SHORT = {
    "IPS": "InvalidPowerState", "IS": "InvalidState", "IVS": "InvalidVmState", "TIP": "TaskInProgress",
    "VTIP": "VAppTaskInProgress", "IGL": "InvalidGuestLogin", "GPD": "GuestPermissionDenied",
    "CF": "CustomizationFault", "UCF": "UnexpectedCustomizationFault", "UG": "UncustomizableGuest",
    "CP": "CustomizationPending", "NSM": "NicSettingMismatch", "MNF": "ManagedObjectNotFound",
    "IA": "InvalidArgument", "IR": "InvalidRequest", "IT": "InvalidType", "MN": "MethodNotFound",
    "NA": "NotAuthenticated", "SNF": "SessionNotFound", "AR": "AuthenticationRequired", "NP": "NoPermission",
    "NS": "NotSupported", "HNC": "HostNotConnected", "HNR": "HostNotReachable", "HC": "HostCommunication",
    "IHCS": "InvalidHostConnectionState", "IHS": "InvalidHostState", "QP": "QuestionPending",
    "GOU": "GuestOperationsUnavailable", "GCO": "GuestComponentsOutOfDate", "ONS": "OperationNotSupportedByGuest",
    "RC": "RequestCanceled", "SE": "SystemError",
    "VMM": "VersionMismatchFaultCode",
}  # fmt: skip
TABLE: dict[str, str | tuple[str, str, str]] = {
    "W1": "IR IT",
    "W1.value": "IR IT IA",
    "W1.open": "OK IR IT IA",
    "W2": "MN{method} ~IR",
    "W4": "OK ?MN ?IR ?VMM",
    "Q1": "NA SNF AR",
    "O1": "MNF{obj}",
    "O1.type": "MNF IR IT MN",
    "O2": "MNF{obj}",
    "O3": "MNF IR IT IA",
    "V1": "NP{privilege}",
    "V2": "OK ?NP",
    "V2.root": "NP ?OK",
    "P1": "IPS{existingState} ~IS",
    "P2": "IPS{existingState} ~IS",
    "P3": "IPS{existingState} ~IS IVS NS",
    "H1": "HNC HNR ~HC IHCS ~IHS ~IS",
    "H2": "HNC HNR ~HC IVS ~IS ?MNF",
    "I1": "OK QP IS",
    "I2": ("OK CP", "OK", "OK"),
    "B1": "OK+ TIP{task} IS",
    "B2": "OK TIP IS ?SE{vix}",
    "X1": ("NSM{counts} ~CF IA", "", ""),
    "X2": ("@rule ~CF IA", "", ""),
    "X3": ("OK UG CF IA NS", "", ""),
    "T1": "IS IVS ?GOU ?SE{vix}",
    "T2": "IS IVS UG CF ?GOU ?SE{vix}",
    "T3": "OK IS IVS ?GOU ?SE{vix}",
    "T5": "OK+ IS IVS TIP ?GOU ?SE{vix}",
    "T4": "OK IS CF ?GCO",
    "L1": "IGL ?SE{vix}",
    "L2": "GPD",
    "L3": "OK IGL ?ONS ?GOU ?IA ?NS",
    "K1": ("TIP{task} IS CF CP OK+ ?SE{vix}", "OK TIP{task} IS CF ?SE{vix}", "OK TIP{task} IS ?SE{vix}"),
    "K3": ("OK TIP{task} IS CF ?SE{vix}", "OK TIP{task} IS CF ?SE{vix}", "OK TIP{task} IS ?SE{vix}"),
    "K4": ("OK TIP{task} IS CF ?SE{vix}", "OK TIP{task} IS CF ?SE{vix}", "OK TIP{task} IS ?SE{vix}"),
    "K2": ("IS CF CP ?OK", "OK IS CF", "OK"),
    "E1": ("CF UCF UG ?IS ?NS", "OK CF UCF UG", "OK CF UCF UG"),
    "K5": ("OK", "OK", "OK ?IS"),
    "Z0": "OK",
    "S1": ("OK ?@any", "OK ?@any", ""),
    "M1": "OK IPS IS CF UCF ?GOU ?SE{vix}",
    "M2": "OK IPS IS CF UCF ?GOU ?SE{vix} MNF",
    "M3": "OK ?RC",
    "M4": "OK HNC HNR ~HC IHCS IS",
    "M5": "OK IS CF UCF ?GOU ?SE{vix}",
    "M6": "OK RC{cancelled}",
    "M7": ("OK+ CF UCF IS RC", "OK IS CF", "OK"),
    "M8": "OK ?TIP ?IS",
    "M9": "OK ?NP ?IGL",
}
"""`+`: only by what the lives of the tasks show (B1: it began after the other's end; K1: neither lies inside the other; T5: the
VM was thawed; M7: it ended soon); {}: the field that is judged. B2's VAppTaskInProgress stands apart.

W1.open is ours: requests of which no source says whether they are of the schema.
"""

ISOLATED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "W1": ({}, {"request": "malformed"}),
    "W1.value": ({}, {"request": "badValue"}),
    "W1.open": ({}, {"request": "unsettled"}),
    "W2": ({}, {"request": "unknownMethod"}),
    "W4": ({}, {"request": "unlistedVersion"}),
    "Q1": ({}, {"session": "none", "api": (9, 1)}),
    "O1": ({}, {"this": "unknown"}),
    "O1.type": ({}, {"this": "otherType"}),
    "O2": ({"exists": False}, {}),
    "O3": ({}, {"vm": "otherType"}),
    "V1": ({}, {"privilege": "nowhere"}),
    "V2": ({}, {"privilege": "vmOnly"}),
    "V2.root": ({}, {"privilege": "rootOnly"}),
    "P1": ({"power": "poweredOff"}, {}),
    "P2": ({"power": "suspended"}, {}),
    "P3": ({"template": True}, {}),
    "H1": ({"connection": "notResponding"}, {}),
    "H2": ({"connection": "orphaned"}, {}),
    "I1": ({"question": True}, {}),
    "I2": ({"pending": True}, {}),
    "B1": ({"running": "exclusive"}, {}),
    "B2": ({"running": "shared"}, {}),
    "X1": ({}, {"spec": frozenset({"nicCount"})}),
    "X2": ({}, {"spec": frozenset({"rule"}), "rule_faults": ("IpHostnameGeneratorError",)}),
    "X3": ({}, {"spec": frozenset({"inferred"})}),
    "T1": ({"tools": "stopped"}, {}),
    "T2": ({"tools": "never"}, {}),
    "T3": ({"tools": "starting"}, {}),
    "T5": ({"frozen": True}, {}),
    "T4": ({"tools": "old"}, {}),
    "L1": ({}, {"login": "rejected"}),
    "L2": ({}, {"login": "mayNot"}),
    "L3": ({}, {"login": "unsettled"}),
    "K1": ({"running": "customize"}, {}),
    "K3": ({"running": "abort"}, {}),
    "K4": ({"running": "network"}, {}),
    "K2": ({"orphaned": True}, {}),
    "E1": ({"engine": "broken"}, {}),
    "K5": ({}, {}),
    "Z0": ({"guest": "undefined"}, {}),
    "S1": ({"mid": frozenset({"slow"})}, {}),
    "M1": ({"mid": frozenset({"power", "off"})}, {}),
    "M2": ({"mid": frozenset({"gone", "off"})}, {}),
    "M3": ({"mid": frozenset({"session"})}, {}),
    "M4": ({"mid": frozenset({"host"})}, {}),
    "M5": ({"mid": frozenset({"tools"})}, {}),
    "M6": ({"mid": frozenset({"cancel"})}, {}),
    "M7": ({"mid": frozenset({"abort"})}, {}),
    "M8": ({"mid": frozenset({"moved"})}, {}),
    "M9": ({"mid": frozenset({"account"})}, {}),
}
MARKS = {Grade.CONFORMS: "", Grade.IMPRECISE: "~", Grade.UNSETTLED: "?"}
SPLIT = re.compile(r"([~?]?)(@?\w+)(\{\w+\})?(\+?)")


def written(id_: str, method: str) -> set[str]:
    """Write a line of the table with the faults' full names."""
    line = TABLE[id_]
    text = line if isinstance(line, str) else line[METHODS.index(method)]
    found = set()
    for each in text.split():
        match = SPLIT.fullmatch(each)
        assert match, each
        mark, name, field, plus = (part or "" for part in match.groups())
        found.add(mark + SHORT.get(name, name) + field + plus)
    return found


def shown(expectation: Expectation) -> set[str]:
    """Write an expectation as the table does."""
    return {
        MARKS[each.grade] + name + "".join(f"{{{field}}}" for field in each.fields) + "+" * bool(each.conditions)
        for name, each in expectation.allowed.items()
    }


def expected(method: str, state: dict[str, Any], asked: dict[str, Any], contract: Contract) -> Expectation:
    """Ask the model about a call that deviates from "everything valid" in the given fields."""
    return expect([settle(replace(State(), **state))], replace(Asked(method), **asked), contract)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("id_", TABLE)
def test_contract_file_says_what_the_table_says(id_: str, method: str, contract: Contract) -> None:
    """Each situation permits exactly what its line lists, with the line's marks and fields."""
    situation = next(each for each in contract.situations if each.id == id_)
    found = {
        MARKS[each.grade]
        + each.outcome
        + (f"{{{each.field}}}" if each.field else "")
        + "+" * each.condition.startswith("task.")
        for each in situation.permitted(method)
        if each.condition != "vm.inVApp"
    }
    assert found == written(id_, method)


def test_contract_has_the_tables_lines_and_no_other(contract: Contract) -> None:
    """No situation is missing and none is made up."""
    assert {each.id for each in contract.situations} == set(TABLE)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("id_", ISOLATED)
def test_expectation_where_one_thing_is_wrong(id_: str, method: str, contract: Contract) -> None:
    """In the cell with only this line's condition wrong, `expect` gives the line; what always holds adds what K5 lists."""
    state, asked = ISOLATED[id_]
    found = expected(method, state, asked, contract)
    line = written(id_, method) or {"OK"}  # X lines are of CustomizeGuest_Task alone: the call is valid for the others
    if id_.startswith("X") and method == C:
        line = {"IpHostnameGeneratorError" if each == "@rule" else each for each in line}
    idle = method == A and "K5" in found.situations
    if idle and not {"InvalidState", "?InvalidState"} & line:
        line = line | {"?InvalidState"}
    assert shown(found) == line
    assert id_ in found.situations or not written(id_, method)


IDLE_ROWS = ("W1.open", "W4", "I1", "I2", "L3", "T3", "T4", "E1", "O1", "O1.type", "V1", "V2", "V2.root", "K5", "Z0")


@pytest.mark.parametrize("id_", ISOLATED)
def test_nothing_runs_is_known_only_after_an_accepted_login(id_: str, contract: Contract) -> None:
    """K5 holds beside another line only where Tools are up, the login is accepted, nothing runs, and nothing hides it."""
    state, asked = ISOLATED[id_]
    known = id_ in IDLE_ROWS or id_.startswith(("M", "S", "X"))
    assert ("K5" in expected(A, state, asked, contract).situations) is known


def test_vapp_task_is_permitted_in_a_vapp_alone(contract: Contract) -> None:
    """VAppTaskInProgress beside shared work needs a VM in a vApp (oracle row B2)."""
    busy = {"running": "shared"}
    assert "VAppTaskInProgress" not in expected(C, busy, {}, contract).allowed
    assert "VAppTaskInProgress" in expected(C, {**busy, "vapp": True}, {}, contract).allowed
    assert "VAppTaskInProgress" not in expected(C, {"vapp": True}, {}, contract).allowed


def test_power_fault_of_a_task_needs_a_vm_that_went_off(contract: Contract) -> None:
    """M1 permits InvalidPowerState only if the VM is off; a reset leaves it on."""
    assert "InvalidPowerState" not in expected(C, {"mid": frozenset({"power"})}, {}, contract).allowed
    assert "InvalidPowerState" in expected(C, {"mid": frozenset({"power", "off"})}, {}, contract).allowed


WORKED: list[tuple[tuple[str, ...], dict[str, Any], dict[str, Any], str]] = [
    (METHODS, {"power": "poweredOff", "running": "exclusive"}, {"login": "rejected"}, "IPS IS TIP"),
    (METHODS, {"power": "suspended"}, {"login": "rejected"}, "IPS IS"),
    (METHODS, {"tools": "never"}, {"login": "rejected"}, "IS IVS UG CF"),
    (METHODS, {"tools": "starting"}, {"login": "rejected"}, "IGL IS IVS"),
    (METHODS, {"running": "customize"}, {"login": "rejected"}, "IGL IS TIP"),
    ((C,), {"running": "customize"}, {"privilege": "nowhere"}, "NP TIP IS CF CP"),
    ((N,), {"running": "customize"}, {"privilege": "nowhere"}, "NP TIP IS CF"),
    ((A,), {"running": "customize"}, {"privilege": "nowhere"}, "NP TIP IS"),
    (METHODS, {"orphaned": True}, {"login": "mayNot"}, "GPD"),
    (METHODS, {"connection": "disconnected", "power": "poweredOff"}, {}, "HNC HNR HC IHCS IHS IS IPS"),
    (METHODS, {"template": True}, {"privilege": "nowhere"}, "NP IPS IS IVS NS"),
    (METHODS, {"exists": False}, {"privilege": "nowhere"}, "MNF NP"),
]


@pytest.mark.parametrize(("methods", "state", "asked", "outcomes"), WORKED)
def test_worked_example(
    methods: tuple[str, ...], state: dict[str, Any], asked: dict[str, Any], outcomes: str, contract: Contract
) -> None:
    """What is permitted, inferences aside, where two or three things are wrong at once."""
    for method in methods:
        found = expected(method, state, asked, contract)
        named = {name for name, each in found.allowed.items() if each.grade is not Grade.UNSETTLED}
        assert named == {SHORT[each] for each in outcomes.split()}


@pytest.mark.parametrize("id_", [each for each in ISOLATED if not each.startswith("W")])
def test_without_a_session_nothing_else_counts(id_: str, contract: Contract) -> None:
    """Q1 hides every line but W, whatever the VM is like."""
    state, asked = ISOLATED[id_]
    for method in METHODS:
        found = expected(method, state, {**asked, "session": "none", "api": (9, 1)}, contract)
        assert shown(found) == written("Q1", method)


def test_who_has_no_session_hears_of_it_in_the_words_of_the_release(contract: Contract) -> None:
    """SessionNotFound and AuthenticationRequired came with API 9.1."""
    newer = {(): False, (8, 0, 3, 0): False, (9, 0, 0, 0): False, (9, 1, 0, 0): True, (10, 0): True}
    for api, told in newer.items():
        found = shown(expected(C, {}, {"session": "none", "api": api}, contract))
        assert found == (written("Q1", C) if told else {"NotAuthenticated"}), api


def test_a_version_that_the_server_does_not_list_hides_nothing(contract: Contract) -> None:
    """W4: if such a call is served, all else holds as for any other; and without a session it may be refused for either."""
    off = expected(C, {"power": "poweredOff"}, {"request": "unlistedVersion"}, contract)
    assert set(off.situations) == {"W4", "P1"}
    assert "OK" not in off.allowed
    nobody = expected(C, {}, {"request": "unlistedVersion", "session": "none"}, contract)
    assert set(nobody.situations) == {"W4", "Q1"}


@pytest.mark.parametrize("id_", ["W1", "W1.value", "W2"])
def test_a_broken_request_hides_all_but_the_session(id_: str, contract: Contract) -> None:
    """W hides all but Q1: the request was read before anything else, the session may have been checked before that."""
    for state in ({"power": "poweredOff"}, {"exists": False}, {"running": "customize"}, {"connection": "disconnected"}):
        worst = {**ISOLATED[id_][1], "login": "rejected", "privilege": "nowhere", "this": "unknown"}
        assert shown(expected(C, state, worst, contract)) == written(id_, C)
        without = expected(C, state, {**worst, "session": "none", "api": (9, 1)}, contract)
        assert shown(without) == written(id_, C) | written("Q1", C)


@pytest.mark.parametrize(("state", "asked", "id_"), [({"exists": False}, {}, "O2"), ({}, {"vm": "otherType"}, "O3")])
def test_an_unknown_vm_hides_all_but_the_manager_and_the_privilege(
    state: dict[str, Any], asked: dict[str, Any], id_: str, contract: Contract
) -> None:
    """O2 and O3 leave V1 and, since either reference may be looked up first, O1 (oracle section C)."""
    wrong = {"login": "rejected", "spec": frozenset({"nicCount", "inferred"})}
    assert shown(expected(C, state, {**asked, **wrong}, contract)) == written(id_, C)
    both = expected(C, state, {**asked, **wrong, "privilege": "nowhere", "this": "unknown"}, contract)
    assert set(both.situations) == {id_, "V1", "O1"}


def test_login_is_known_only_where_tools_can_ask_the_guest(contract: Contract) -> None:
    """InvalidGuestLogin and GuestPermissionDenied need a powered-on, connected VM with Tools up (oracle rule A3)."""
    for login, fault in (("rejected", "InvalidGuestLogin"), ("mayNot", "GuestPermissionDenied")):
        for hidden in (
            {"power": "poweredOff"}, {"power": "suspended"}, {"template": True}, {"connection": "disconnected"},
            {"connection": "invalid"}, {"tools": "stopped"}, {"tools": "never"}, {"frozen": True},
        ):  # fmt: skip
            assert fault not in expected(C, hidden, {"login": login}, contract).allowed
        for seen in ({}, {"tools": "starting"}, {"tools": "old"}, {"orphaned": True}, {"engine": "broken"}):
            assert fault in expected(C, seen, {"login": login}, contract).allowed


def test_engine_and_lock_are_known_only_after_an_accepted_login(contract: Contract) -> None:
    """E1, K2 and the CustomizationFaults of K1, K3, K4 need a login that the guest accepts (oracle rule A3)."""
    for state in ({"engine": "absent"}, {"orphaned": True}):
        for login in ("rejected", "mayNot"):
            assert "CustomizationFault" not in expected(C, state, {"login": login}, contract).allowed
        assert "CustomizationFault" in expected(C, state, {}, contract).allowed
    for running in ("customize", "abort", "network"):
        for method in (C, N):
            assert "CustomizationFault" in expected(method, {"running": running}, {}, contract).allowed
            beside = expected(method, {"running": running}, {"login": "rejected"}, contract)
            assert "CustomizationFault" not in beside.allowed
            assert "CustomizationPending" not in beside.allowed


def test_success_needs_every_line_to_list_it(contract: Contract) -> None:
    """One line without OK forbids success, and the worst mark on OK counts."""
    assert expected(C, {"question": True}, {}, contract).accepts
    assert not expected(C, {"question": True}, {"login": "rejected"}, contract).accepts
    assert not expected(C, {"pending": True, "engine": "absent"}, {}, contract).accepts
    orphaned = expected(C, {"orphaned": True, "pending": True}, {}, contract)
    assert orphaned.allowed["OK"].grade is Grade.UNSETTLED


def test_expectation_is_the_union_over_every_possible_state(contract: Contract) -> None:
    """What either state permits is permitted; a fault's field is judged only if every state judges it (oracle rule A5)."""
    free, held = State(), State(orphaned=True)
    both = expect([free, held], Asked(C), contract)
    assert both.allowed["OK"].grade is Grade.CONFORMS
    assert "CustomizationFault" in both.allowed
    assert set(both.situations) == {"K5", "Z0", "K2"}
    mixed = expect([State(running="exclusive"), State(running="shared")], Asked(C), contract)
    assert mixed.allowed["TaskInProgress"].fields == ()
    assert mixed.allowed["OK"].conditions == ()


def test_only_requests_sessions_objects_and_privileges_demand_the_call_channel(contract: Contract) -> None:
    """W, Q, O and V are synchronous when true at the call (oracle rule A9); the rest may use either channel."""
    for each in contract.situations:
        assert each.synchronous is (each.id[0] in "WQOV" and each.id not in {"W1.open", "W4"}), each.id
        assert each.mid_task is each.id.startswith(("M", "S")), each.id
    two = expected(C, {"template": True}, {"privilege": "nowhere"}, contract)
    assert two.allowed["NoPermission"].synchronous
    assert not two.allowed["InvalidPowerState"].synchronous
    assert {each.id for each in holding(settle(State(template=True)), Asked(C), contract)} == {"P1", "P3"}
