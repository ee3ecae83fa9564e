"""The names that each room hands to the others; a change here is a change of a room's interface."""

from __future__ import annotations

import importlib

import pytest

EXPORTED = {
    "_check": (
        "ABORTS Answer BELOW Confirming Disorder Judge Judgement Limits NAMED ORDER Order PROPERTIES SHRINKING SINCE "
        "SINGLETON Summary answer_of as_finding explain fingerprint insisted legal_orders object_findings object_rows "
        "retell row_of summarise worst"
    ),
    "_contract": (
        "ANY Contract DocumentedFault EVERY_METHOD Method OK OLD Permit Promise RULE Row Situation "
        "VERSION_MISMATCH ancestors before documented_as load names older_version parse_permit row_id rows "
        "version_number"
    ),
    "_disturbances": "",
    "_model": (
        "Allowed Asked BY_NAME Branch Cell DEVIATIONS EFFECTS Expectation Facts GuestAccount LATER Lever PASSING Pin "
        "Pinned SHOWN STATE_PATHS Sharpness State TASK_PATHS TaskLife Tracker VARIED VmFacts all_cells asks_session cell "
        "cell_of cells changed_fields changes classify compact deviations_of expect facts_of family_of ground holding "
        "is_visible located observe passes possible read_of recent_tasks refused settle settled sharpness steady step "
        "subject tour universe unsettled"
    ),
    "_report": "",
    "_run": "",
    "_schema": (
        "DataType Field Operation SHIPPED Schema bases_of load newest_usable parse_name_spaces parse_versions_document plain "
        "release"
    ),
    "_simulator": "Settings SimulatorServer serve_forever",
    "_strategies": "",
    "strategies": "BrokenRequest broken_requests customization_specs guest_authentications",
    "_testbed": (
        "CLONE Driver FULL Known LEAVER Lane Logged MADE_BY NotArrangedError READONLY RefusedError SECOND SNAPSHOT_NAME "
        "Seen Site Source Tenants Testbed UNPRIVILEGED actors_of adopted as_json audit built_in claimant_of "
        "claims_now claims_of clone_parents customizable "
        "find_marked_vms given guard_of host_names instance_of judged_call log_in look_round lost_hosts make_call marked "
        "marks_of names_of open_testbed own_clones perform privileges_of reached read_new_tasks repeat_refused sandwiched "
        "secrets_by_name "
        "secrets_of "
        "see_settings settled still_running survey_target surveyed task_of told_claims unfinished"
    ),
    "_client": "Guard Limits Logins Marks NOBODY Occupancy Pacing Recorder STRANGER Secrets SpentError Target Trust",
}


@pytest.mark.parametrize("room", EXPORTED)
def test_a_room_exports_what_is_written_here(room: str) -> None:
    """`__all__` of the room, and every name in it exists."""
    module = importlib.import_module(f"vcontract.{room}")
    exported = getattr(module, "__all__", [])
    assert sorted(exported) == EXPORTED[room].split()
    assert [each for each in exported if not hasattr(module, each)] == []
