"""Speaks for a server about faults that it did not raise and tasks that it never had."""

from vcontract.simulator.session_manager import COOKIE
from vcontract.simulator.standing_in.stand_in import Begun, StandIn
from vcontract.simulator.standing_in.values import check_fields, is_fault, is_method

__all__ = ["COOKIE", "Begun", "StandIn", "check_fields", "is_fault", "is_method"]
