"""The library's door: scenarios in, verdicts out. The command line is a thin layer over this."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

from sim.checkpoint.policy import Policy
from sim.judge.verdict import Verdict
from sim.scenario import loader
from sim.scenario.model import Scenario
from sim.world.run import images_at_end
from sim.world.run import run as run_world

TOKEN = "fs1"
"""The replay token's format version."""


def load(path: str | Path) -> Scenario:
    """The scenario in a file.

    Raises `sim.ScenarioError`: `.file`, `.line`, `.column`, and the message as on the command line.
    """
    return loader.load(path)


def loads(text: str | bytes, *, folder: str | Path | None = None) -> Scenario:
    """The scenario in a text; files that it names are looked for in `folder`. Raises `sim.ScenarioError`."""
    return loader.loads(text, folder=None if folder is None else Path(folder))


def run(
    scenario: Scenario,
    *,
    seed: int | None = None,
    policy: str | None = None,
    until: int | None = None,
    naive: bool = False,
) -> Verdict:
    """Run a scenario once. Pure: the same arguments give the same run, to the byte.

    `policy`: what a restore does with local changes, by default what the scenario says. `until` ends the run earlier
    or later, in microseconds. `naive`: simulate every heartbeat, poll and renewal one by one; the history is the same.
    Raises ValueError for a policy that there is not, and for an end before the beginning.
    """
    if until is not None and until < 0:
        raise ValueError(f"until={until}: a run ends after it has begun; name a number of microseconds from 0 on")
    chosen = scenario.cluster.policy if policy is None else Policy(policy)
    history, taken = run_world(scenario, seed=seed, policy=chosen, until=until, naive=naive)
    return Verdict(history, token(scenario, taken, chosen, until), scenario.file)


def images(
    scenario: Scenario, *, seed: int | None = None, policy: str | None = None, until: int | None = None
) -> dict[str, bytes]:
    r"""The files on the quorum disk when that run ends, by their paths below `Q:\MSCS` (`/` between).

    `GUID/0000000N.CPT` are the published images, which any registry tool opens; the others are the store's own.
    """
    chosen = scenario.cluster.policy if policy is None else Policy(policy)
    return images_at_end(scenario, seed=seed, policy=chosen, until=until)


def token(scenario: Scenario, taken: dict[str, int], policy: str, until: int | None) -> str:
    """A replay token: the scenario's path and digest, and the choices that were not the first option."""
    content = {
        "file": scenario.file,
        "sha256": scenario.sha256,
        "choices": taken,
        "policy": str(policy),
        "until": until,
    }
    packed = zlib.compress(json.dumps(content, sort_keys=True, separators=(",", ":")).encode("utf-8"), 9)
    return f"{TOKEN}-{base64.urlsafe_b64encode(packed).decode('ascii').rstrip('=')}"
