"""One measurement of the stress loop in a process of its own: `stress_loop.py locust|bare CLIENTS VMS SECONDS [--profile]`.

`bare` lets the same clients take the same steps in plain greenlets, without Locust's users, statistics and pacing. Prints
JSON: judged calls, requests, seconds, seconds of the processor.
"""
# ruff: isort: skip_file

from __future__ import annotations

from vcontract._config.request import RunRequest
from vcontract._stress.crowd import Crowd  # before all else, for it imports Locust

import cProfile
import json
import pstats
import sys
import tempfile
import threading
import time
from pathlib import Path

from vcontract._contract import load
from vcontract._run.start import underway
from vcontract._stress.brief import Brief
from vcontract._stress.client import Client
from vcontract._stress.crew import Crew
from vcontract._stress.launch import simulator
from vcontract._stress.load import Load
from vcontract._stress.mix import load_mix

MANAGER = "VirtualMachineGuestCustomizationManager"
SEED = 1


def work(crowd: Crowd, crew: Crew, seconds: float, *, bare: bool) -> None:
    """Let the clients work for so long."""
    if bare:
        threads = [threading.Thread(target=steps, args=(Client(crew, each), crew)) for each in crew.load.actors]
        for each in threads:
            each.start()
        time.sleep(seconds)
        crew.stop("over")
        for each in threads:
            each.join()
        return
    crowd.join(crew)
    runner = crowd.environment.create_local_runner()
    runner.start(crew.load.clients, spawn_rate=crew.load.clients)
    time.sleep(seconds)
    crew.stop("over")
    crowd.ended()
    runner.quit()


def steps(client: Client, crew: Crew) -> None:
    """Be a client without Locust."""
    client.open()
    while not crew.over:
        client.step()


def main(mode: str, clients: int, vms: int, seconds: float, *, profile: bool) -> None:
    """Measure and print."""
    contract = load(MANAGER)
    mix = load_mix(None, tuple(each.name for each in contract.methods))
    plan = Load(clients, vms, seconds, 0.0, mix)
    with tempfile.TemporaryDirectory() as folder, simulator(vms, SEED, 64 * clients) as served:
        brief = Brief(plan, RunRequest(seed=SEED, target=served.url, report_dir=Path(folder), output="none"), "")
        crowd = Crowd(plan)
        with underway(brief.request, brief.preparation(), keep=False) as started:
            crew = Crew(started.site, plan)
            recorder = started.site.target.recorder
            before = (recorder.calls, recorder.requests, time.perf_counter(), time.process_time())
            profiler = cProfile.Profile() if profile else None
            if profiler:
                profiler.enable()
            work(crowd, crew, seconds, bare=mode == "bare")
            if profiler:
                profiler.disable()
                pstats.Stats(profiler, stream=sys.stderr).sort_stats("tottime").print_stats(45)
            after = (recorder.calls, recorder.requests, time.perf_counter(), time.process_time())
    names = ("calls", "requests", "seconds", "processor")
    print(json.dumps(dict(zip(names, (b - a for a, b in zip(before, after, strict=True)), strict=True))))  # noqa: T201 - a script talks


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), profile="--profile" in sys.argv)
