"""Conditions on the request and its caller: oracle rows W, Q, O, V."""

from vcontract._model.conditions.registry import condition
from vcontract._model.state import Asked, State


@condition("request.malformed")
def _malformed(_: State, asked: Asked) -> bool:
    return asked.request == "malformed"


@condition("request.badValue")
def _bad_value(_: State, asked: Asked) -> bool:
    return asked.request == "badValue"


@condition("request.unsettled")
def _unsettled(_: State, asked: Asked) -> bool:
    return asked.request == "unsettled"


@condition("request.unknownMethod")
def _unknown_method(_: State, asked: Asked) -> bool:
    return asked.request == "unknownMethod"


@condition("request.unlistedVersion")
def _unlisted_version(_: State, asked: Asked) -> bool:
    return asked.request == "unlistedVersion"


@condition("api.9.1")
def _api_9_1(_: State, asked: Asked) -> bool:
    return asked.api >= (9, 1)


@condition("session.none")
def _no_session(_: State, asked: Asked) -> bool:
    return asked.session == "none"


@condition("this.unknown")
def _this_unknown(_: State, asked: Asked) -> bool:
    return asked.this == "unknown"


@condition("this.otherType")
def _this_other(_: State, asked: Asked) -> bool:
    return asked.this == "otherType"


@condition("vm.unknown")
def _vm_unknown(_: State, asked: Asked) -> bool:
    return asked.vm == "unknown"


@condition("vm.gone")
def _vm_gone(state: State, _: Asked) -> bool:
    return not state.exists


@condition("vm.otherType")
def _vm_other(_: State, asked: Asked) -> bool:
    return asked.vm == "otherType"


@condition("argument.unknown")
def _argument_unknown(_: State, asked: Asked) -> bool:
    return asked.argument == "unknown"


@condition("argument.otherType")
def _argument_other(_: State, asked: Asked) -> bool:
    return asked.argument == "otherType"


@condition("privilege.nowhere")
def _nowhere(_: State, asked: Asked) -> bool:
    return asked.privilege == "nowhere"


@condition("privilege.vmOnly")
def _vm_only(_: State, asked: Asked) -> bool:
    return asked.privilege == "vmOnly"


@condition("privilege.rootOnly")
def _root_only(_: State, asked: Asked) -> bool:
    return asked.privilege == "rootOnly"
