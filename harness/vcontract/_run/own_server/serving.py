"""The server that a configuration names: started for as long as a target is asked, and its connections watched."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from vcontract._client import Recorder, Secrets, Target
from vcontract._client.actors import Connect
from vcontract._client.trust import tls_context
from vcontract._client.wire import Connection, parse_url
from vcontract._config.config import Config, address_of, variables_of
from vcontract._config.request import RunRequest
from vcontract._config.server import Server
from vcontract._errors import UsageError
from vcontract._run.own_server.adopting import Adopting
from vcontract._run.preparation import Preparation
from vcontract._server import LOG, StartedServer, WatchedConnection, started
from vcontract._testbed import secrets_of


@contextmanager
def served(
    request: RunRequest, preparation: Preparation, config: Config, secrets: Secrets, directory: Path | None = None
) -> Iterator[StartedServer | None]:
    """Start the server that the configuration names, while the context lasts; None if it names none.

    Nobody but the file that this command line names may say what is started: no recording, and no run that is gone on with.
    """
    named = preparation.recorded is None and request.config is not None
    url = address_of(request, config) if named else ""
    log = directory / LOG if directory is not None else None

    def marked() -> None:
        """Mark the VMs that the operator named, as `vcontract adopt` does: the server may have forgotten it."""
        if not config.server.adopt:
            return
        trust, recorder = config.trust(insecure=request.insecure), Recorder()
        target = Target.open(url, wsdl=request.wsdl or None, trust=trust, recorder=recorder, secrets=secrets_of(config))
        with closing(target):
            adopting = Adopting(target, config, release=False)
            try:
                adopting.carry_out(adopting.changes(config.server.adopt))
            except UsageError as error:
                raise UsageError(f"[server] adopt: {error}") from error

    server = config.server if url else Server()
    without = variables_of(config)
    with started(url, server, log=log, redact=secrets.redact_all, without=without, then=marked) as each:
        yield each


def watched(server: StartedServer | None, url: str, config: Config, request: RunRequest) -> Connect | None:
    """Give what makes connections to a server that was started here, which tell when it has ended or hangs; else None."""
    if server is None:
        return None
    endpoint, trust = parse_url(url), config.trust(insecure=request.insecure)
    tls = tls_context(trust) if endpoint.secure else None
    return lambda _: WatchedConnection(partial(Connection, endpoint, trust, tls=tls), server)
