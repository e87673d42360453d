"""failsim: will my registry change survive the next failover?

A deterministic simulation of Microsoft Cluster Server with the real registry checkpoint engine inside. The public
names are resolved when they are first used, so that `import sim` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sim.api import images, load, loads, run
    from sim.history.verdict import AnomalyKind, Cause, Fate
    from sim.judge.verdict import Verdict
    from sim.scenario.document import ScenarioError
    from sim.scenario.model import Scenario

__version__ = "0.1.0"

__all__ = [
    "AnomalyKind",
    "Cause",
    "Fate",
    "Scenario",
    "ScenarioError",
    "Verdict",
    "__version__",
    "images",
    "load",
    "loads",
    "run",
]

_HOMES = {
    "AnomalyKind": "sim.history.verdict",
    "Cause": "sim.history.verdict",
    "Fate": "sim.history.verdict",
    "Scenario": "sim.scenario.model",
    "ScenarioError": "sim.scenario.document",
    "Verdict": "sim.judge.verdict",
    "images": "sim.api",
    "load": "sim.api",
    "loads": "sim.api",
    "run": "sim.api",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'sim' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - what is not used is not imported

    return getattr(import_module(_HOMES[name]), name)
