"""One worker's walk over its share of a plan."""

from __future__ import annotations

from msgspec.structs import replace

from vcontract.client import Target
from vcontract.config.config import Config
from vcontract.config.options import Options
from vcontract.contract import Contract
from vcontract.model import Facts
from vcontract.run.conformance import Conformance
from vcontract.run.plan import Plan, all_cells, plan
from vcontract.testbed import Driver, Lane, log_in
from vcontract.workers.shares import Share


class ShareWalk(Conformance):
    """Walks one share, with sessions of its own; `methods` are those of the rows that were selected."""

    def __init__(
        self,
        target: Target,
        contract: Contract,
        config: Config,
        options: Options,
        share: Share,
        methods: frozenset[str],
    ) -> None:
        super().__init__(target, contract, config, replace(options, max_calls=share.max_calls), ())
        self.share = share
        self._selected_methods = methods

    def _survey(self) -> Facts:
        log_in(self.target, self.config)
        return self.share.facts

    def _methods(self) -> tuple[str, ...]:
        return tuple(each.name for each in self.contract.methods if each.name in self._selected_methods)

    def _plan(self, lane: Lane) -> Plan:
        for vm in self.share.facts.vms.values():
            lane.driver.read_vm(vm.ref)
        mine = set(self.share.cells)
        cells = [each for each in all_cells(self.contract) if each.id in mine]
        whole = plan(self.contract, self._methods(), cells, self.caller.cases(), self.options.seed)
        steps = set(self.share.steps)
        return replace(whole, steps=[each for each in whole.steps if each.label in steps])

    def _read_object(self, driver: Driver) -> None:
        """Leave that to who deals the shares out: once is enough."""

    def _audit(self, lane: Lane) -> list[str]:
        """Leave that to who dealt the shares out: other workers still use what they made."""
        del lane
        return []
