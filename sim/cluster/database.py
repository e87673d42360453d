r"""The cluster database: the tree of `HKLM\Cluster`, one copy for all members (plainest true form).

Layout:   `Resources\<GUID>` with Name, Type, `Parameters`, and `RegSync`, the list of checkpointed keys: REG_SZ
          values `00000001` ... whose data is the HKLM-relative key (domain.md 28); `Groups\<GUID>` with Name and
          Contains, the GUIDs of its resources (TechNet blog askcore, "Deleting a Cluster resource? Do it the
          supported way"); `Nodes\N`, N the node's number.
Assumed:  the names PreferredOwners, PossibleOwners and DependsOn, that they are REG_MULTI_SZ, of node numbers or of
          GUIDs, and that they are absent where nothing is listed: no document was found.
"""

from __future__ import annotations

from functools import lru_cache

from sim.checkpoint.effects import Checkpoint
from sim.cluster.plan import ClusterPlan, guid
from sim.registry import EMPTY, KeyPath, KeyTree, Value

ROOT = KeyPath.parse("Cluster")

COMMON = {
    "Description": "text",
    "RestartAction": "number",
    "RestartThreshold": "number",
    "RestartPeriod": "number",
    "RetryPeriodOnFailure": "number",
    "LooksAlivePollInterval": "number",
    "IsAlivePollInterval": "number",
    "PendingTimeout": "number",
    "RestartDelay": "number",
}
"""Common properties, kept in the resource's own key; all others are private and live below `Parameters`."""

PRIVATE = {
    "ServiceName": "text",
    "StartupParameters": "text",
    "UseNetworkName": "number",
    "CommandLine": "text",
    "CurrentDirectory": "text",
    "InteractWithDesktop": "number",
}
"""The documented private properties, and whether each is a number or a text (domain.md 61, 62)."""

GROUP_COMMON = {
    "Description": "text",
    "FailoverThreshold": "number",
    "FailoverPeriod": "number",
    "AutoFailbackType": "number",
    "FailbackWindowStart": "number",
    "FailbackWindowEnd": "number",
}
"""A group's common properties, as far as they are modelled (domain.md 67, 69)."""


def at_start(plan: ClusterPlan) -> KeyTree:
    """The database of a cluster that has just been set up, the checkpoints that the plan states listed."""
    tree = described(plan, plan.nodes)
    for name, resource in plan.resources.items():
        key = ("Resources", resource.guid, "RegSync")
        for checkpoint in stated_checkpoints(plan, name):
            tree = tree.with_value(key, file_number(checkpoint), Value.sz(str(checkpoint.key)))
    return tree


def described(plan: ClusterPlan, nodes: tuple[str, ...]) -> KeyTree:
    """What the database says of a plan whose nodes are these; the checkpoints are listed by whoever adds them."""
    tree = EMPTY
    numbers = {node: str(number) for number, node in enumerate(plan.nodes, 1)}
    for node in nodes:
        tree = tree.with_value(("Nodes", numbers[node]), "NodeName", Value.sz(node))
    for group in plan.groups.values():
        key: tuple[str, ...] = ("Groups", group.guid)
        tree = tree.with_value(key, "Name", Value.sz(group.name))
        tree = _with_list(tree, key, "Contains", [plan.resources[name].guid for name in group.resources])
        tree = _with_list(tree, key, "PreferredOwners", [numbers[node] for node in group.preferred_owners])
        for prop, value in group.properties.items():
            tree = tree.with_value(key, prop, value)
    for name, resource in plan.resources.items():
        key = ("Resources", resource.guid)
        tree = tree.with_value(key, "Name", Value.sz(name)).with_value(key, "Type", Value.sz(resource.type))
        tree = _with_list(tree, key, "DependsOn", [guid("resource", need) for need in resource.depends_on])
        if resource.possible_owners is not None:
            owners = [numbers[node] for node in resource.possible_owners]
            tree = tree.with_value(key, "PossibleOwners", Value.multi_sz(owners))
        for prop, value in resource.properties.items():
            tree = tree.with_value(key if prop in COMMON else (*key, "Parameters"), prop, value)
    return tree


def _with_list(tree: KeyTree, key: tuple[str, ...], name: str, texts: list[str]) -> KeyTree:
    return tree.with_value(key, name, Value.multi_sz(texts)) if texts else tree


def stated_checkpoints(plan: ClusterPlan, resource: str) -> tuple[Checkpoint, ...]:
    """The checkpoints that the plan states, numbered in its order."""
    keys = plan.resources[resource].checkpoints
    return tuple(Checkpoint(resource, number, key) for number, key in enumerate(keys, 1))


def resource_key(plan: ClusterPlan, resource: str) -> KeyPath:
    """The resource's own key, below HKEY_LOCAL_MACHINE."""
    return _below_resources(plan.resources[resource].guid)


def list_key(plan: ClusterPlan, resource: str) -> KeyPath:
    """The key that lists the resource's checkpoints."""
    return _below_resources(plan.resources[resource].guid, "RegSync")


@lru_cache(maxsize=4096)
def _below_resources(*names: str) -> KeyPath:
    return KeyPath((*ROOT.names, "Resources", *names))


def parameter_key(plan: ClusterPlan, resource: str, *, common: bool) -> KeyPath:
    """The key of the resource's common or private properties."""
    return resource_key(plan, resource) if common else resource_key(plan, resource) / "Parameters"


def file_number(checkpoint: Checkpoint) -> str:
    """`00000001`, as in the list and in the file's name (domain.md 27)."""
    return f"{checkpoint.number:08d}"


def listed(plan: ClusterPlan, root: KeyTree, resource: str) -> tuple[Checkpoint, ...]:
    """The resource's checkpoints by the database below `root` (HKEY_LOCAL_MACHINE), in order of file numbers."""
    tree = root.at(list_key(plan, resource))
    return () if tree is None else _numbered(tree, resource)


@lru_cache(maxsize=4096)
def _numbered(tree: KeyTree, resource: str) -> tuple[Checkpoint, ...]:
    """What a list of checkpoints says; asked at every turn, and hardly ever changed."""
    found = []
    for name, value in tree.values.items():
        key = value.plain()
        if name.isdecimal() and isinstance(key, str) and key and not key.startswith("\\"):
            found.append(Checkpoint(resource, int(name), KeyPath.parse(key)))
    return tuple(sorted(found, key=lambda checkpoint: checkpoint.number))
