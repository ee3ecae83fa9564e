"""The options of `vcontract run` for Typer: made of the declarations, for `run` and for each verb that shares some."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Annotated, Any

import msgspec
import typer

from vcontract._config.request import DECLARED, Declaration, RunRequest, drawn_seed, request_of

_GIVEN = "given"


class Given(msgspec.Struct, frozen=True):
    """What a command line asks for, and the fields of the request that it says itself."""

    request: RunRequest
    said: frozenset[str]


def requests(
    *names: str, closed: tuple[str, ...] = (), helps: Mapping[str, str] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a verb options of `run`, those of the named fields (none: all), in the place of its parameter `given`.

    Of an open option the verb may show the default, as if it were `closed`; `helps` are texts in the place of the declared.
    """
    declared = [DECLARED[name] for name in names or DECLARED]
    texts = {each.field: _help(each, closed) for each in declared} | dict(helps or {})

    def decorate(verb: Callable[..., None]) -> Callable[..., None]:
        own = inspect.signature(verb, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for each in own.parameters.values():
            if each.name == _GIVEN:
                parameters += [_parameter(one, texts[one.field], closed) for one in declared]
            else:
                parameters.append(each.replace(kind=inspect.Parameter.KEYWORD_ONLY))
        unsaid = {each.field: _default(each, closed) for each in declared}

        @wraps(verb)
        def asking(**values: Any) -> None:
            said = {name: values.pop(name) for name in unsaid}
            verb(**values, given=_given(said, unsaid))

        asking.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined] # Typer reads it
        asking.__annotations__ = {each.name: each.annotation for each in parameters}
        return asking

    return decorate


def declared_option(name: str) -> Any:
    """Give Typer's description of the option of one field, for a verb that shows its default and takes it by itself."""
    return _option(DECLARED[name], _help(DECLARED[name], (name,)))


def _given(values: Mapping[str, Any], unsaid: Mapping[str, object]) -> Given:
    said = frozenset(name for name, value in values.items() if (value or unsaid[name]) != unsaid[name])
    given = dict(values)
    if "seed" in given and given["seed"] is None:
        given["seed"] = drawn_seed()
    return Given(request_of(given), said)


def _parameter(declared: Declaration, text: str, closed: tuple[str, ...]) -> inspect.Parameter:
    kind = list[str] | None if declared.is_list else declared.kind
    if declared.option.open and declared.field not in closed:
        kind |= None
    return inspect.Parameter(
        declared.field,
        inspect.Parameter.KEYWORD_ONLY,
        default=_default(declared, closed),
        annotation=Annotated[kind, _option(declared, text)],
    )


def _option(declared: Declaration, text: str) -> Any:
    names = () if declared.kind is not bool and not declared.option.name else (f"--{declared.name}",)
    names = (*names, declared.option.short) if declared.option.short else names
    bounds = {"min": declared.option.min, "max": declared.option.max}
    variable = declared.option.environment or None
    return typer.Option(*names, envvar=variable, help=text, metavar=declared.option.metavar or None, **bounds)  # type: ignore[arg-type] # Typer takes ints for ints


def _default(declared: Declaration, closed: tuple[str, ...]) -> Any:
    """Give what the option's parameter holds if the command line does not say it."""
    if declared.is_list or (declared.option.open and declared.field not in closed):
        return None
    return declared.default


def _help(declared: Declaration, closed: tuple[str, ...]) -> str:
    """Write the help: of an open option it says what counts if nothing is said, for Typer shows no default."""
    text = declared.option.help
    if declared.option.open and declared.default and declared.field not in closed:
        return f"{text.removesuffix('.')}; {declared.default} if none is given."
    return text
