"""The plan of a cluster: what its administrator set up.

Plain frozen data. A scenario fills it, the cluster runs it, and the cluster's state holds the one that is in force;
an administrator's command replaces it (`sim.cluster.setup`).
"""

from __future__ import annotations

import uuid
from enum import StrEnum
from functools import lru_cache

import msgspec

from sim.checkpoint.obligations import Obligations
from sim.checkpoint.policy import Policy
from sim.cluster.application import Need, Reads
from sim.cluster.profile import OBLIGATIONS, Profile, Timing, timing
from sim.registry import KeyPath, Value

__all__ = ["ClusterPlan", "GroupPlan", "Obligations", "Policy", "ResourcePlan", "ResourceType", "guid"]


class ResourceType(StrEnum):
    """The resource types whose behaviour is modelled (domain.md 2, 61, 62)."""

    GENERIC_SERVICE = "Generic Service"
    GENERIC_APPLICATION = "Generic Application"
    PHYSICAL_DISK = "Physical Disk"


class ResourcePlan(msgspec.Struct, frozen=True, kw_only=True):
    """A resource: its type, what it depends on (resources of the same group), its checkpointed keys.

    `properties` holds common and private properties by their documented names, as registry values.
    `possible_owners`: the nodes that may host it (domain.md 70); None: every node.
    `needs`: what its process needs of its registry, and `reads` when it reads it (`sim.cluster.application`).
    """

    name: str
    group: str
    type: ResourceType = ResourceType.GENERIC_SERVICE
    depends_on: tuple[str, ...] = ()
    checkpoints: tuple[KeyPath, ...] = ()
    properties: dict[str, Value] = {}
    possible_owners: tuple[str, ...] | None = None
    needs: tuple[Need, ...] = ()
    reads: Reads = Reads.START

    @property
    def guid(self) -> str:
        """The resource's id in the cluster database and the name of its folder on the quorum disk."""
        return guid("resource", self.name)


class GroupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A group: the unit of failover. Without preferred owners every node may own it, in the plan's order."""

    name: str
    preferred_owners: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    properties: dict[str, Value] = {}

    @property
    def guid(self) -> str:
        """The group's id in the cluster database."""
        return guid("group", self.name)


class ClusterPlan(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster: nodes in order, groups, resources in order of their groups, its timing, and its policy at restores.

    `starts_at`: the local time of day when time starts, in microseconds since midnight.
    `obligations`: when its engine saves, beyond the restore before online that every engine owes.
    """

    nodes: tuple[str, ...]
    groups: dict[str, GroupPlan]
    resources: dict[str, ResourcePlan]
    profile: Profile = Profile.NT4
    timing: Timing = timing()
    policy: Policy = Policy.OVERWRITE
    starts_at: int = 0
    obligations: Obligations = OBLIGATIONS[Profile.NT4]


@lru_cache(maxsize=4096)
def guid(kind: str, name: str) -> str:
    """A stable GUID for a thing of the cluster, so that equal scenarios name equal files."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"failsim:{kind}:{name}"))
