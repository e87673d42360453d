"""What an administrator's command changes in the setup of a cluster that runs: owners, dependencies, what there is.

A change is data. `refusal` says by which documented error the cluster refuses it; `applied` is the cluster after it,
whatever it refuses, so that a refused command can say what it intended. Neither does anything.

Sources:  MS-CMRP by section of protocol version 2, the generation of `nt4`, where nothing else is cited.
Assumed:  that names identify what they name (a thing that was deleted and made again has its old GUID); the numbers
          that are marked so below.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec.structs import replace

from sim.cluster.plan import ClusterPlan, GroupPlan, ResourcePlan, ResourceType
from sim.cluster.state import PENDING, Cluster, Group, NodeState, Resource, State, with_node
from sim.registry import Value, Win32

T = TypeVar("T")


class Change(msgspec.Struct, frozen=True, tag=True):
    """One change of the setup; `here` is the node on which the command was typed."""

    def refusal(self, cluster: Cluster) -> Win32 | None:
        raise NotImplementedError

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        raise NotImplementedError


# --- owners -------------------------------------------------------------------------------------------------


class AddOwner(Change, frozen=True, tag=True):
    """`/addowner`: one more node may host the resource (3.1.4.1.24)."""

    resource: str
    node: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        if self.resource not in cluster.plan.resources:
            return Win32.RESOURCE_NOT_FOUND
        if cluster.nodes[self.node].evicted:
            return Win32.CLUSTER_NODE_NOT_FOUND
        return Win32.OBJECT_ALREADY_EXISTS if cluster.may_host(self.node, self.resource) else None

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        return _with_owners(cluster, self.resource, {*possible_owners(cluster, self.resource), self.node})


class RemoveOwner(Change, frozen=True, tag=True):
    """`/removeowner`: one node less may host the resource (3.1.4.1.25)."""

    resource: str
    node: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        if self.resource not in cluster.plan.resources:
            return Win32.RESOURCE_NOT_FOUND
        if not cluster.may_host(self.node, self.resource):
            return Win32.CLUSTER_NODE_NOT_FOUND
        return Win32.INVALID_STATE if _in_use(cluster, self.resource, self.node) else None

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        return _with_owners(cluster, self.resource, {*possible_owners(cluster, self.resource)} - {self.node})


class SetPossibleOwners(Change, frozen=True, tag=True):
    """`Set-ClusterOwnerNode -Resource`: these and no others may host the resource."""

    resource: str
    nodes: tuple[str, ...]

    def refusal(self, cluster: Cluster) -> Win32 | None:
        if self.resource not in cluster.plan.resources:
            return Win32.RESOURCE_NOT_FOUND
        if any(cluster.nodes[node].evicted for node in self.nodes):
            return Win32.CLUSTER_NODE_NOT_FOUND
        owner = cluster.owner(self.resource)
        leaves = owner not in self.nodes and _in_use(cluster, self.resource, owner)
        return Win32.INVALID_STATE if leaves else None

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        return _with_owners(cluster, self.resource, set(self.nodes))


class SetPreferredOwners(Change, frozen=True, tag=True):
    """`/setowners`, `Set-ClusterOwnerNode -Group`: in this order the group prefers its owners; none: no order."""

    group: str
    nodes: tuple[str, ...]

    def refusal(self, cluster: Cluster) -> Win32 | None:
        if self.group not in cluster.plan.groups:
            return Win32.GROUP_NOT_FOUND
        return Win32.CLUSTER_NODE_NOT_FOUND if any(cluster.nodes[node].evicted for node in self.nodes) else None

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        return with_group_plan(cluster, self.group, preferred_owners=self.nodes)


def possible_owners(cluster: Cluster, resource: str) -> tuple[str, ...]:
    """The nodes that may host the resource, in the plan's order; none where there is no such resource."""
    if resource not in cluster.plan.resources:
        return ()
    return tuple(node for node in members_of(cluster) if cluster.may_host(node, resource))


def members_of(cluster: Cluster) -> tuple[str, ...]:
    """The nodes that belong to the cluster, whatever their state, in the plan's order."""
    return tuple(node for node in cluster.plan.nodes if not cluster.nodes[node].evicted)


def _with_owners(cluster: Cluster, resource: str, owners: set[str]) -> Cluster:
    return with_resource_plan(
        cluster, resource, possible_owners=tuple(node for node in cluster.plan.nodes if node in owners)
    )


def _in_use(cluster: Cluster, resource: str, node: str) -> bool:
    """Whether the resource is online or on its way on its owner, or its group is not wholly offline there."""
    if cluster.owner(resource) != node:
        return False
    names = cluster.plan.groups[cluster.plan.resources[resource].group].resources
    return any(cluster.state_of(name) not in (State.OFFLINE, State.FAILED) for name in names)


# --- dependencies -------------------------------------------------------------------------------------------


class AddDependency(Change, frozen=True, tag=True):
    """`/adddependency`: the resource needs another one of its group.

    By 3.1.4.1.20 and .22 and MSDN addclusterresourcedependency: refused while it is online or coming online, which
    only 2008 and later allow.
    """

    resource: str
    on: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        plan = cluster.plan
        if self.resource not in plan.resources or self.on not in plan.resources:
            return Win32.RESOURCE_NOT_FOUND
        if self.on in plan.resources[self.resource].depends_on:
            return Win32.DEPENDENCY_ALREADY_EXISTS
        return _dependency_refusal(cluster, self.resource, self.on) or _while_online(cluster, self.resource)

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        needs = _needs(cluster, self.resource)
        return with_resource_plan(
            cluster, self.resource, depends_on=(*(each for each in needs if each != self.on), self.on)
        )


class RemoveDependency(Change, frozen=True, tag=True):
    """`/removedependency`: it needs the other one no more (3.1.4.1.21: both must be Offline or Failed)."""

    resource: str
    on: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        if self.resource not in cluster.plan.resources:
            return Win32.RESOURCE_NOT_FOUND
        if self.on not in _needs(cluster, self.resource):
            return Win32.DEPENDENCY_NOT_FOUND
        stopped = (State.OFFLINE, State.FAILED)
        both = all(cluster.state_of(name) in stopped for name in (self.resource, self.on))
        return None if both else Win32.INVALID_STATE

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        left = tuple(each for each in _needs(cluster, self.resource) if each != self.on)
        return with_resource_plan(cluster, self.resource, depends_on=left)


class SetDependencies(Change, frozen=True, tag=True):
    """`Set-ClusterResourceDependency`: it needs these and no others."""

    resource: str
    on: tuple[str, ...]

    def refusal(self, cluster: Cluster) -> Win32 | None:
        plan = cluster.plan
        if any(name not in plan.resources for name in (self.resource, *self.on)):
            return Win32.RESOURCE_NOT_FOUND
        refused = (_dependency_refusal(cluster, self.resource, each) for each in self.on)
        return next((each for each in refused if each is not None), None) or _while_online(cluster, self.resource)

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        return with_resource_plan(cluster, self.resource, depends_on=self.on)


def _needs(cluster: Cluster, resource: str) -> tuple[str, ...]:
    planned = cluster.plan.resources.get(resource)
    return () if planned is None else planned.depends_on


def _dependency_refusal(cluster: Cluster, resource: str, on: str) -> Win32 | None:
    plan = cluster.plan
    if resource == on or plan.resources[resource].group != plan.resources[on].group:
        return Win32.INVALID_PARAMETER
    return Win32.CIRCULAR_DEPENDENCY if on in cluster.all_dependents(resource) else None


def _while_online(cluster: Cluster, resource: str) -> Win32 | None:
    online = cluster.state_of(resource) in (State.ONLINE, *PENDING)
    return Win32.RESOURCE_ONLINE if online else None


# --- what there is ------------------------------------------------------------------------------------------


class CreateResource(Change, frozen=True, tag=True):
    """`/create /group: /type:`: a new resource, Offline, that nobody has asked to be online."""

    resource: str
    group: str
    kind: ResourceType

    def refusal(self, cluster: Cluster) -> Win32 | None:
        if self.resource in cluster.plan.resources:
            return Win32.OBJECT_ALREADY_EXISTS
        return None if self.group in cluster.plan.groups else Win32.GROUP_NOT_FOUND

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        plan = cluster.plan
        if self.resource in plan.resources or self.group not in plan.groups:
            return cluster
        made = ResourcePlan(name=self.resource, group=self.group, type=self.kind)
        members = (*plan.groups[self.group].resources, self.resource)
        resources = {**cluster.resources, self.resource: Resource(State.OFFLINE, wanted=False, process=False)}
        cluster = replace(
            cluster, plan=replace(plan, resources={**plan.resources, made.name: made}), resources=resources
        )
        return with_group_plan(cluster, self.group, resources=members)


class DeleteResource(Change, frozen=True, tag=True):
    """`/delete`: the resource goes, its checkpoints with it (domain.md 8; 3.1.4.2.11).

    Online it cannot be deleted, and says so by ERROR_IO_PENDING (KB 258629; domain.md 72).
    """

    resource: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        if self.resource not in cluster.plan.resources:
            return Win32.RESOURCE_NOT_FOUND
        if cluster.dependents(self.resource):
            return Win32.DEPENDENT_RESOURCE_EXISTS
        if cluster.groups[cluster.plan.resources[self.resource].group].moving:
            return Win32.CLUSTER_GROUP_MOVING
        return None if cluster.state_of(self.resource) in (State.OFFLINE, State.FAILED) else Win32.IO_PENDING

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        planned = cluster.plan.resources.get(self.resource)
        if planned is None:
            return cluster
        group = cluster.plan.groups[planned.group]
        left = tuple(each for each in group.resources if each != self.resource)
        cluster = with_group_plan(cluster, group.name, resources=left)
        return replace(
            cluster,
            plan=replace(cluster.plan, resources=_without(cluster.plan.resources, self.resource)),
            resources=_without(cluster.resources, self.resource),
        )


class ChangeGroup(Change, frozen=True, tag=True):
    """`resource /moveto:GROUP`: it changes its group, and its whole tree of dependencies with it.

    Both groups must be hosted by the same node (MSDN clusresource-changeresourcegroup; the error's number is assumed).
    """

    resource: str
    group: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        plan = cluster.plan
        if self.resource not in plan.resources:
            return Win32.RESOURCE_NOT_FOUND
        if self.group not in plan.groups:
            return Win32.GROUP_NOT_FOUND
        pair = (cluster.groups[plan.resources[self.resource].group], cluster.groups[self.group])
        if any(group.moving for group in pair):
            return Win32.CLUSTER_GROUP_MOVING
        if pair[0].owner != pair[1].owner:
            return Win32.HOST_NODE_NOT_GROUP_OWNER
        pending = any(cluster.state_of(name) in PENDING for name in self._tree(cluster))
        return Win32.INVALID_STATE if pending else None

    def _tree(self, cluster: Cluster) -> tuple[str, ...]:
        """The resource and all that are tied to it by dependencies, in the plan's order."""
        found = {self.resource}
        while True:
            more = {tied for name in found for tied in (*cluster.dependents(name), *_needs(cluster, name))} - found
            if not more:
                return tuple(name for name in cluster.plan.resources if name in found)
            found |= more

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        plan = cluster.plan
        if self.resource not in plan.resources or self.group not in plan.groups:
            return cluster
        moved = self._tree(cluster)
        before = plan.groups[plan.resources[self.resource].group]
        if before.name == self.group:
            return cluster
        left = tuple(name for name in before.resources if name not in moved)
        cluster = with_group_plan(cluster, before.name, resources=left)
        members = (*cluster.plan.groups[self.group].resources, *moved)
        cluster = with_group_plan(cluster, self.group, resources=members)
        for name in moved:
            cluster = with_resource_plan(cluster, name, group=self.group)
        return cluster


class CreateGroup(Change, frozen=True, tag=True):
    """`group /create`: a new group without resources, owned by the node where the command was typed (assumed)."""

    group: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        return Win32.OBJECT_ALREADY_EXISTS if self.group in cluster.plan.groups else None

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        if self.group in cluster.plan.groups:
            return cluster
        groups = {**cluster.plan.groups, self.group: GroupPlan(name=self.group)}
        return replace(
            cluster, plan=replace(cluster.plan, groups=groups), groups={**cluster.groups, self.group: Group(here)}
        )


class DeleteGroup(Change, frozen=True, tag=True):
    """`group /delete`: refused as long as it has resources (3.1.4.1.44)."""

    group: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        if self.group not in cluster.plan.groups:
            return Win32.GROUP_NOT_FOUND
        if cluster.groups[self.group].moving:
            return Win32.CLUSTER_GROUP_MOVING
        return Win32.DIR_NOT_EMPTY if cluster.plan.groups[self.group].resources else None

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        if self.group not in cluster.plan.groups or cluster.plan.groups[self.group].resources:
            return cluster
        plan = replace(cluster.plan, groups=_without(cluster.plan.groups, self.group))
        return replace(cluster, plan=plan, groups=_without(cluster.groups, self.group))


class SetGroupProperties(Change, frozen=True, tag=True):
    """`group /prop NAME=VALUE`: common properties of a group."""

    group: str
    values: tuple[tuple[str, Value], ...]

    def refusal(self, cluster: Cluster) -> Win32 | None:
        return None if self.group in cluster.plan.groups else Win32.GROUP_NOT_FOUND

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        if self.group not in cluster.plan.groups:
            return cluster
        properties = {**cluster.plan.groups[self.group].properties, **dict(self.values)}
        return with_group_plan(cluster, self.group, properties=properties)


class EvictNode(Change, frozen=True, tag=True):
    """`node /evict`: the node is removed from the setup, and from every list of owners (3.1.4.1.72).

    Refused unless the others know that it is down (ERROR_CANT_EVICT_ACTIVE_NODE's own text).
    """

    node: str

    def refusal(self, cluster: Cluster) -> Win32 | None:
        seen = cluster.nodes[self.node]
        if seen.evicted:
            return Win32.CLUSTER_NODE_NOT_FOUND
        down = seen.state is NodeState.DOWN and seen.removed
        return None if down else Win32.CANT_EVICT_ACTIVE_NODE

    def applied(self, cluster: Cluster, here: str) -> Cluster:
        cluster = with_node(cluster, self.node, evicted=True)
        for name, group in cluster.plan.groups.items():
            left = tuple(node for node in group.preferred_owners if node != self.node)
            cluster = with_group_plan(cluster, name, preferred_owners=left)
        for name, planned in cluster.plan.resources.items():
            owners = planned.possible_owners
            if owners is not None:
                left = tuple(node for node in owners if node != self.node)
                cluster = with_resource_plan(cluster, name, possible_owners=left)
        return cluster


AnyChange = (
    AddDependency
    | AddOwner
    | ChangeGroup
    | CreateGroup
    | CreateResource
    | DeleteGroup
    | DeleteResource
    | EvictNode
    | RemoveDependency
    | RemoveOwner
    | SetDependencies
    | SetGroupProperties
    | SetPossibleOwners
    | SetPreferredOwners
)
"""Every change of the setup."""


# --- transitions --------------------------------------------------------------------------------------------


def with_properties(cluster: Cluster, resource: str, values: tuple[tuple[str, Value], ...]) -> Cluster:
    """The cluster with properties of a resource set."""
    properties = {**cluster.plan.resources[resource].properties, **dict(values)}
    return with_resource_plan(cluster, resource, properties=properties)


def with_resource_plan(cluster: Cluster, name: str, **changed: object) -> Cluster:
    """The cluster with the plan of one resource changed; unchanged where there is no such resource."""
    plan = cluster.plan
    if name not in plan.resources:
        return cluster
    resources = {**plan.resources, name: replace(plan.resources[name], **changed)}
    return replace(cluster, plan=replace(plan, resources=resources))


def with_group_plan(cluster: Cluster, name: str, **changed: object) -> Cluster:
    """The cluster with the plan of one group changed; unchanged where there is no such group."""
    plan: ClusterPlan = cluster.plan
    if name not in plan.groups:
        return cluster
    groups = {**plan.groups, name: replace(plan.groups[name], **changed)}
    return replace(cluster, plan=replace(plan, groups=groups))


def _without(things: dict[str, T], name: str) -> dict[str, T]:
    return {each: thing for each, thing in things.items() if each != name}
