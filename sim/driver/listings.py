"""What cluster.exe and the cmdlets print: status, properties, owners, checkpoints, and what a command has begun.

Sources:  the words of states (domain.md 58-60, 119); what each switch displays (domain.md 118-121, TechNet cc785087).
Assumed:  the tables' form, which no document gives; `0x` beside the numbers of cluster.exe's properties.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sim.cluster import database, properties, setup
from sim.cluster.plan import ClusterPlan
from sim.cluster.profile import Profile
from sim.cluster.properties import Property
from sim.cluster.state import Cluster, State
from sim.registry import KeyTree, Type, Value
from sim.scenario.command import (
    ClusterVerb,
    GroupVerb,
    NodeVerb,
    OnCluster,
    OnGroup,
    OnNode,
    OnResource,
    ResourceVerb,
    Shell,
)

WIDTHS = {"Resource": 20, "Group": 20, "Node": 15}
"""How wide columns are at least."""


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under headers, each column as wide as its widest entry."""
    listed = [*rows]
    columns = zip(headers, *listed, strict=True)
    widths = [max([WIDTHS.get(column[0], 0), *map(len, column)]) for column in columns]
    lines = [headers, ["-" * width for width in widths], *listed]
    return "\n".join(
        " ".join(each.ljust(width) for each, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def group_word(cluster: Cluster, group: str) -> str:
    """Group status words (TechNet cc783967; domain.md 119)."""
    states = {cluster.resources[each].state for each in cluster.plan.groups[group].resources}
    if not states or states <= {State.OFFLINE, State.FAILED}:
        return "Offline"
    return "Online" if states == {State.ONLINE} else "Partially Online"


# --- status -------------------------------------------------------------------------------------------------


def resources(cluster: Cluster, shell: Shell, names: Iterable[str]) -> str:
    """The status of resources."""
    plan = cluster.plan.resources
    if shell is Shell.POWERSHELL:
        rows = [(name, cluster.resources[name].state, plan[name].group, plan[name].type) for name in names]
        return table(("Name", "State", "OwnerGroup", "ResourceType"), rows)
    shown = [(name, plan[name].group, cluster.owner(name), cluster.resources[name].state) for name in names]
    return table(("Resource", "Group", "Node", "Status"), shown)


def groups(cluster: Cluster, shell: Shell, names: Iterable[str]) -> str:
    """The status of groups."""
    if shell is Shell.POWERSHELL:
        rows = [(name, cluster.groups[name].owner, group_word(cluster, name)) for name in names]
        return table(("Name", "OwnerNode", "State"), rows)
    shown = [(name, cluster.groups[name].owner, group_word(cluster, name)) for name in names]
    return table(("Group", "Node", "Status"), shown)


def nodes(cluster: Cluster, shell: Shell, names: Iterable[str]) -> str:
    """The status of nodes, with their numbers."""
    numbers = {node: str(number) for number, node in enumerate(cluster.plan.nodes, 1)}
    if shell is Shell.POWERSHELL:
        return table(("Name", "ID", "State"), [(name, numbers[name], cluster.nodes[name].state) for name in names])
    return table(("Node", "Node ID", "Status"), [(name, numbers[name], cluster.nodes[name].state) for name in names])


def begun(shell: Shell, request: object) -> str:
    """What cluster.exe says when the cluster has accepted a command, before anything has come of it."""
    match request:
        case OnResource(verb=verb, resource=str(name)) if shell is Shell.CLUSTER:
            return _RESOURCE_WORDS.get(verb, "").format(name)
        case OnGroup(verb=verb, group=str(name)) if shell is Shell.CLUSTER:
            return _GROUP_WORDS.get(verb, "").format(name)
    return ""


_RESOURCE_WORDS = {
    ResourceVerb.ONLINE: "Bringing resource '{}' online...",
    ResourceVerb.OFFLINE: "Taking resource '{}' offline...",
    ResourceVerb.FAIL: "Failing resource '{}'...",
}
_GROUP_WORDS = {
    GroupVerb.ONLINE: "Bringing group '{}' online...",
    GroupVerb.OFFLINE: "Taking group '{}' offline...",
    GroupVerb.MOVE: "Moving group '{}'...",
}
"""What cluster.exe says first (general knowledge: assumed)."""


# --- lists --------------------------------------------------------------------------------------------------


def of_resource(cluster: Cluster, shell: Shell, request: OnResource, root: KeyTree) -> str:
    """What a resource has: its status, owners, dependencies, checkpoints or properties; without a name, all have.

    `root`: HKEY_LOCAL_MACHINE with the cluster database below it.
    """
    names = tuple(cluster.resources) if request.resource is None else (request.resource,)
    match request.verb:
        case ResourceVerb.STATUS:
            return resources(cluster, shell, names)
        case ResourceVerb.OWNERS:
            return table(
                ("Possible Owner Nodes",), [(each,) for name in names for each in setup.possible_owners(cluster, name)]
            )
        case ResourceVerb.DEPENDENCIES:
            needed = [need for name in names for need in cluster.plan.resources[name].depends_on]
            return resources(cluster, shell, needed) if shell is not Shell.POWERSHELL else _expression(names[0], needed)
        case ResourceVerb.CHECKPOINTS:
            return "\n".join(_checkpoints(cluster.plan, root, names, request.name))
        case ResourceVerb.PRIVATE | ResourceVerb.COMMON as verb:
            found = [(name, _stored(cluster.plan, root, name, common=verb is ResourceVerb.COMMON)) for name in names]
            return _properties(shell, "Resource", found, request.name)
    assert request.verb is ResourceVerb.CRYPTO, f"{request.verb} lists nothing"
    return ""  # there are none (domain.md 25: they are keys of cryptographic providers)


def _expression(name: str, needed: Sequence[str]) -> str:
    return table(("Resource", "DependencyExpression"), [(name, " and ".join(f"([{need}])" for need in needed))])


def _checkpoints(plan: ClusterPlan, root: KeyTree, names: Iterable[str], pattern: str | None) -> Iterable[str]:
    wanted = re.compile(re.escape(pattern or "*").replace(r"\*", ".*").replace(r"\?", "."), re.IGNORECASE)
    for name in names:
        for checkpoint in database.listed(plan, root, name):
            if wanted.fullmatch(str(checkpoint.key)):
                yield f"{name}    '{checkpoint.key}'"


def of_group(cluster: Cluster, shell: Shell, request: OnGroup) -> str:
    """What a group has: its status (or that of those which a node owns), preferred owners, properties."""
    names = tuple(cluster.groups) if request.group is None else (request.group,)
    match request.verb:
        case GroupVerb.STATUS:
            owned = [name for name in names if request.node in (None, cluster.groups[name].owner)]
            return groups(cluster, shell, owned)
        case GroupVerb.OWNERS:
            preferred = cluster.plan.groups[names[0]].preferred_owners
            return table(("Preferred Owner Nodes",), [(node,) for node in preferred])
    assert request.verb is GroupVerb.COMMON, f"{request.verb} lists nothing"
    defaults = _defaults(properties.GROUP, cluster.plan.profile)
    return _properties(
        shell,
        "Group",
        [(name, {**defaults, **cluster.plan.groups[name].properties}) for name in names],
        request.name,
    )


def of_node(cluster: Cluster, shell: Shell, request: OnNode, names: Sequence[str]) -> str:
    """What a node has: its status, its properties; networks are not modelled, so it has no interfaces to list."""
    match request.verb:
        case NodeVerb.STATUS:
            return nodes(cluster, shell, names)
        case NodeVerb.INTERFACES:
            return table(("Node", "Network", "Status"), [])
    return _properties(shell, "Node", [(name, {"NodeName": Value.sz(name)}) for name in names], None)


def _stored(plan: ClusterPlan, root: KeyTree, name: str, *, common: bool) -> dict[str, Value]:
    """The properties of a resource as the cluster database has them."""
    tree = root.at(database.parameter_key(plan, name, common=common))
    if tree is None:
        return {}
    if not common:
        return dict(tree.values.items())
    return {name: tree.value(name) or default for name, default in _defaults(properties.RESOURCE, plan.profile).items()}


def _defaults(documented: dict[str, Property], profile: Profile) -> dict[str, Value]:
    """Common properties where nobody has set them."""
    numbers = {name: Value.dword(each.default(profile)) for name, each in documented.items()}
    return {"Description": Value.sz(""), **numbers}


def _properties(shell: Shell, kind: str, found: Iterable[tuple[str, dict[str, Value]]], only: str | None) -> str:
    shown = [
        (name, prop, value)
        for name, values in found
        for prop, value in values.items()
        if only is None or prop.lower() == only.lower()
    ]
    if shell is Shell.POWERSHELL:
        return table(("Object", "Name", "Value"), [(name, prop, _data(value)) for name, prop, value in shown])
    rows = [(LETTERS.get(value.type, "B"), name, prop, _data(value, hexadecimal=True)) for name, prop, value in shown]
    return table(("T", kind, "Name", "Value"), rows)


LETTERS: dict[int, str] = {Type.SZ: "S", Type.EXPAND_SZ: "X", Type.DWORD: "D", Type.QWORD: "U", Type.MULTI_SZ: "M"}
"""What cluster.exe writes in front of a property for its format; bytes are B."""


def _data(value: Value, *, hexadecimal: bool = False) -> str:
    plain = value.plain()
    if isinstance(plain, int):
        return f"{plain} ({plain:#x})" if hexadecimal else str(plain)
    return plain if isinstance(plain, str) else value.show()


# --- what has come of it ------------------------------------------------------------------------------------


def settled(cluster: Cluster, shell: Shell, request: OnResource | OnGroup) -> str:
    """What a command that waited says in the end: the status as it stands; nothing of what was deleted meanwhile."""
    if isinstance(request, OnResource):
        return resources(cluster, shell, [name for name in (request.resource,) if name in cluster.resources])
    return groups(cluster, shell, [name for name in (request.group,) if name in cluster.groups])


def of_cluster(profile: Profile, request: OnCluster) -> str:
    """`cluster /version`, `cluster /list`: the generation that is simulated, and the one cluster there is."""
    if request.verb is ClusterVerb.LIST:
        return table(("Cluster Name",), [(NAME,)])
    return f"Cluster Name: {NAME}\nCluster Version: {VERSIONS[profile]}"


NAME = "CLUSTER"
"""What the cluster is called: the scenario language gives it no name."""

VERSIONS = {Profile.NT4: "4.0 to 5.2 (Windows NT 4.0 to Server 2003)", Profile.WSFC: "6.1 (Windows Server 2008 R2)"}
