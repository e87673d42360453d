"""The common properties that decide what becomes of a failure: their names, defaults and sources, as data.

Units:    milliseconds, but for `FailoverPeriod` (hours), the window's hours of the day, and what counts.
Assumed:  what is marked so; every one can be set on the resource or group, by its documented name.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sim.cluster.plan import ClusterPlan
from sim.cluster.profile import Profile
from sim.registry import Value

NEVER = 0xFFFFFFFF
"""In RetryPeriodOnFailure: no retry; in a failback window: none; in FailoverThreshold: all nodes but one; in a poll
interval: the resource type's."""


class Property(msgspec.Struct, frozen=True):
    """One documented number: what each generation takes where nobody has set it, and its source."""

    nt4: int
    wsfc: int
    source: str
    assumed: bool = False

    def default(self, profile: Profile) -> int:
        return self.nt4 if profile is Profile.NT4 else self.wsfc


RESOURCE: dict[str, Property] = {
    "RestartAction": Property(2, 2, "MSDN resources-restartaction (domain.md 65)"),
    "RestartThreshold": Property(3, 3, "MSDN resources-restartthreshold (domain.md 65)"),
    "RestartPeriod": Property(900_000, 900_000, "MSDN resources-restartperiod (domain.md 65)"),
    "RestartDelay": Property(0, 500, "MSDN resources-restartdelay: Server 2012; before it none (domain.md 66)"),
    "RetryPeriodOnFailure": Property(
        NEVER, 3_600_000, "MSDN resources-retryperiodonfailure: Server 2008; before it never (domain.md 66)", True
    ),
    "LooksAlivePollInterval": Property(NEVER, NEVER, "MSDN resources-looksalivepollinterval (domain.md 63)"),
    "IsAlivePollInterval": Property(NEVER, NEVER, "MSDN resources-isalivepollinterval (domain.md 63)"),
    "PendingTimeout": Property(180_000, 180_000, "MSDN resources-pendingtimeout (domain.md 64)"),
}
"""Of a resource. The poll intervals of the types and `PendingTimeout` are also timers (`sim.cluster.profile`)."""

GROUP: dict[str, Property] = {
    "FailoverThreshold": Property(10, NEVER, "SDK98 cluprops_3t2r; MSDN groups-failoverthreshold (domain.md 67)"),
    "FailoverPeriod": Property(6, 6, "SDK98 cluprops_4n03; MSDN groups-failoverperiod (domain.md 67)"),
    "AutoFailbackType": Property(0, 0, "MSDN groups-autofailbacktype (domain.md 69)"),
    "FailbackWindowStart": Property(NEVER, NEVER, "MSDN groups-failbackwindowstart (domain.md 69)"),
    "FailbackWindowEnd": Property(NEVER, NEVER, "MSDN groups-failbackwindowend (domain.md 69)"),
}
"""Of a group."""


def of_resource(plan: ClusterPlan, resource: str, name: str) -> int:
    """A numeric common property of the resource, or its documented default."""
    return _number(plan.resources[resource].properties, name, RESOURCE[name].default(plan.profile))


def of_group(plan: ClusterPlan, group: str, name: str) -> int:
    """A numeric common property of the group, or its documented default."""
    return _number(plan.groups[group].properties, name, GROUP[name].default(plan.profile))


def failover_threshold(plan: ClusterPlan, group: str) -> int:
    """How many failovers for failure the group may make within its period."""
    stated = of_group(plan, group, "FailoverThreshold")
    return len(plan.nodes) - 1 if stated == NEVER else stated


def failback_window(plan: ClusterPlan, group: str) -> tuple[int, int] | None:
    """The hours of the day (0 to 23) between which the group may go back; None: at any time.

    "Both ... must be specified for a failback window to exist" (MSDN groups-failbackwindowstart).
    """
    start, end = (of_group(plan, group, name) for name in ("FailbackWindowStart", "FailbackWindowEnd"))
    return (start, end) if max(start, end) < 24 else None


def _number(properties: Mapping[str, Value], name: str, default: int) -> int:
    value = properties.get(name)
    if value is None:
        return default
    plain = value.plain()
    assert isinstance(plain, int), f"{name} is {value!r}"
    return plain
