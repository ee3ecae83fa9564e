"""VMs brought into states: survey, lanes, choice of VMs, arranging, clones, quarantine, health.

`embedded_simulator` is imported by its own name: it alone brings the simulator with it.
"""

from vcontract._testbed.actors import FULL, LEAVER, READONLY, SECOND, UNPRIVILEGED
from vcontract._testbed.claims.claims import claimant_of, claims_now, told_claims
from vcontract._testbed.driver import MADE_BY, SNAPSHOT_NAME, Driver
from vcontract._testbed.judged_calls import (
    judged_call,
    read_new_tasks,
    repeat_refused,
    sandwiched,
    see_settings,
    settled,
    still_running,
    task_of,
    unfinished,
)
from vcontract._testbed.lane import Lane
from vcontract._testbed.leak_audit import adopted, audit
from vcontract._testbed.marked_vms import find_marked_vms, names_of
from vcontract._testbed.not_arranged import NotArrangedError, RefusedError
from vcontract._testbed.ownership import Seen, guard_of, look_round, lost_hosts, marks_of
from vcontract._testbed.perform_move import make_call, perform
from vcontract._testbed.survey import (
    Logged,
    actors_of,
    as_json,
    built_in,
    customizable,
    host_names,
    instance_of,
    log_in,
    marked,
    reached,
    secrets_by_name,
    secrets_of,
    survey_target,
)
from vcontract._testbed.tenants import Tenants, privileges_of
from vcontract._testbed.testbed import Known, Site, Source, Testbed, claims_of, given, open_testbed, surveyed
from vcontract._testbed.vm_selection import CLONE
from vcontract._testbed.working_clones import clone_parents, own_clones

__all__ = [
    "CLONE",
    "FULL",
    "LEAVER",
    "MADE_BY",
    "READONLY",
    "SECOND",
    "SNAPSHOT_NAME",
    "UNPRIVILEGED",
    "Driver",
    "Known",
    "Lane",
    "Logged",
    "NotArrangedError",
    "RefusedError",
    "Seen",
    "Site",
    "Source",
    "Tenants",
    "Testbed",
    "actors_of",
    "adopted",
    "as_json",
    "audit",
    "built_in",
    "claimant_of",
    "claims_now",
    "claims_of",
    "clone_parents",
    "customizable",
    "find_marked_vms",
    "given",
    "guard_of",
    "host_names",
    "instance_of",
    "judged_call",
    "log_in",
    "look_round",
    "lost_hosts",
    "make_call",
    "marked",
    "marks_of",
    "names_of",
    "open_testbed",
    "own_clones",
    "perform",
    "privileges_of",
    "reached",
    "read_new_tasks",
    "repeat_refused",
    "sandwiched",
    "secrets_by_name",
    "secrets_of",
    "see_settings",
    "settled",
    "still_running",
    "survey_target",
    "surveyed",
    "task_of",
    "told_claims",
    "unfinished",
]
