"""What happens when a command is typed: the tool's answer, the writes it makes, the operations it starts.

A command is judged against the state at that instant: what it cannot do is answered with the documented error and
leaves no trace but the writes that it intended. Those that wait are concluded later.

Sources: domain.md 14-22 (checkpoint control codes), 33-35, 118-126; where an error's number is not documented
         it is marked as assumed there.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from sim.checkpoint.effects import Op
from sim.checkpoint.engine import add_checkpoint, remove_checkpoint
from sim.cluster import database, setup, state
from sim.cluster.effects import Condition, Hosted, NodeIs, Operation, Settled, look
from sim.cluster.group import MoveGroup
from sim.cluster.node import LeaveCluster
from sim.cluster.plan import ClusterPlan, ResourceType
from sim.cluster.resource import BringOnline, HandleFailure, TakeOffline
from sim.cluster.state import PENDING, NodeState, State
from sim.driver import listings
from sim.driver.edits import REGISTRY_REQUESTS, Edit, Outcome, RunFile, outcome
from sim.driver.faults import UP, start_service
from sim.driver.flights import Running
from sim.driver.setup import carry_out, intended
from sim.driver.world import AwaitReply, Reply, World, error_code
from sim.history import events
from sim.history.events import OPERATOR
from sim.registry import KeyPath, KeyTree, RegFile, Registry, Win32, Win32Error, physical
from sim.registry.registry import check_value
from sim.scenario.command import (
    FOREVER,
    AddCheckpoints,
    Command,
    GroupVerb,
    ImportFile,
    NodeVerb,
    OnCluster,
    OnGroup,
    OnNode,
    OnResource,
    OnService,
    Reconfigure,
    RemoveCheckpoints,
    ResourceVerb,
    SetParameters,
    Shell,
    Target,
)
from sim.scenario.model import App, Do


class Asked(Struct, frozen=True):
    """What a typed command came to. `command` is the id of its event.

    `edits`: writes still to be made on `node`, after the first. `wait` None: it has returned; else it waits for
    `condition`, not beyond the time `until`, and for `replies` of the operations that it started.
    """

    command: int
    node: str
    edits: tuple[Edit, ...] = ()
    wait: int | None = None
    until: int = FOREVER
    condition: Condition | None = None
    replies: tuple[int, ...] = ()
    resource: str | None = None
    wanted: State | None = None
    shell: Shell = Shell.REG
    request: Any = None

    def await_replies(self) -> Op[None]:
        """Wait for every operation that the command started."""
        for reply in self.replies:
            yield AwaitReply(reply)


class ChangeList(Operation, frozen=True):
    """Add or remove one checkpoint of a resource, on the node that owns its group."""

    resource: str
    key: KeyPath
    command: int
    adds: bool
    online_here: bool

    @property
    def subject(self) -> str:
        return self.resource

    def run(self) -> Op[None]:
        if self.adds:
            cluster = yield from look()
            plan, here = cluster.plan, self.online_here
            error = yield from add_checkpoint(self.resource, self.key, plan.policy, plan.obligations, online_here=here)
        else:
            error = yield from remove_checkpoint(self.resource, self.key)
        yield Reply(self.command, error)


def node_for(world: World, act: Do | App, command: Command) -> str:
    """The node on which a command is typed (contract: Commands)."""
    if isinstance(act, App):
        return host_of(world, act.resource)
    if act.node is not None:
        return act.node
    members = world.cluster.active()
    if command.shell is Shell.REG or not members:
        return world.plan.nodes[0]
    return members[0]


def host_of(world: World, resource: str) -> str:
    """The node that owns the resource's group; of one that was deleted, the first node listed."""
    return world.cluster.owner(resource) if resource in world.cluster.resources else world.plan.nodes[0]


# --- commands on a registry -----------------------------------------------------------------------------------


def begin_edits(world: World, index: int, act: Do | App, command: Command) -> Asked:
    """Answer a registry command: record it, and hand back the writes that it makes."""
    node = node_for(world, act, command)
    target = getattr(command.request, "target", None)
    if target is not None and target.node is not None:
        node = target.node
    found = _outcome(world, node, act, command)
    label = world.steps[index].label
    by = act.resource if isinstance(act, App) else OPERATOR
    number = world.emit(
        events.Command,
        node,
        text=command.text,
        by=by,
        step=index + 1,
        label=label,
        status=found.status,
        error=None if found.error is None else error_code(found.error),
        output=found.output,
    )
    from sim.driver.steps import make, record  # noqa: PLC0415 - steps type commands, commands make a step's writes

    if found.error is not None:
        for edit in found.edits:
            record(world, node, edit, number, rejected=True)
        return Asked(number, node)
    if found.file is not None:
        world.files[found.file[0]] = found.file[1]
    if found.restored is not None:
        key, tree = found.restored
        world.registry_of(node, key).restore_key(key, tree)
        for edit in found.edits:
            record(world, node, edit, number)
        world.touched(node, (number,))
        return Asked(number, node)
    if isinstance(command.request, SetParameters):
        world.changed(setup.with_properties(world.cluster, command.request.resource, command.request.values))
    if found.edits:
        make(world, node, found.edits[0], number)
    return Asked(number, node, found.edits[1:])


def _outcome(world: World, node: str, act: Do | App, command: Command) -> Outcome:
    """What the command does, or why the node, the process or the registry refuses."""
    request, shell = command.request, command.shell
    if isinstance(request, SetParameters):
        return _parameters(world, node, request)
    assert isinstance(request, REGISTRY_REQUESTS)
    target = getattr(request, "target", None)
    registry = world.registry_of(node, target.key) if target is not None else world.machines[node].registry
    files: dict[str, RunFile | RegFile] = {**world.files}
    if isinstance(request, ImportFile) and (undo := world.undo_file(request.file)) is not None:
        files[request.file] = undo
    found = outcome(request, shell, registry.root, files, lambda other: _root_of(world, node, other))
    refused = _refused(world, node, act, target) or _unreachable(world, node_for(world, act, command), request)
    if refused is None and found.error is None and found.edits and found.restored is None:
        refused = _limits(Registry(registry.root), found.edits)
    if refused is None and found.restored is not None:
        refused = _held(world, node, found.restored[0])
    if refused is None:
        return found
    return Outcome(found.edits, refused, 1, f"ERROR: {refused.text}")


def _root_of(world: World, node: str, other: Target) -> KeyTree:
    return world.registry_of(other.node or node, other.key).root


def _unreachable(world: World, typed: str, request: Any) -> Win32 | None:
    """Whether a key that the command names is on a machine that does not run, or that this node does not reach."""
    named = (getattr(request, name, None) for name in ("target", "source", "left", "right"))
    nodes = [each.node for each in named if each is not None and each.node]
    gone = any(not world.cluster.nodes[node].system or not world.cluster.connected(typed, node) for node in nodes)
    return Win32.BAD_NETPATH if gone else None


def _refused(world: World, node: str, act: Do | App, target: Any) -> Win32 | None:
    if not world.cluster.nodes[node].system:
        return Win32.BAD_NETPATH
    if world.cluster.nodes[node].frozen:
        return Win32.TIMEOUT
    if isinstance(act, App):
        seen = world.cluster.resources.get(act.resource)
        if not (seen is not None and seen.process) and (node, act.resource) not in world.by_hand:
            return Win32.SERVICE_NOT_ACTIVE
        if seen is not None and seen.hung:
            return Win32.SERVICE_REQUEST_TIMEOUT
    if target is not None and database.ROOT.covers(target.key) and not world.cluster.is_up(node):
        # The hive is not loaded, and nobody creates a direct child of HKEY_LOCAL_MACHINE (domain.md 96).
        return Win32.INVALID_PARAMETER
    if target is not None and database.ROOT.covers(target.key) and not world.cluster.reaches_quorum(node):
        return Win32.CLUSTER_NODE_UNREACHABLE  # a change of the database needs the other members (domain.md 87)
    return None


def _limits(registry: Registry, edits: tuple[Edit, ...]) -> Win32 | None:
    """Whether the registry's limits allow the writes: keys on a copy, as what is refused changes nothing."""
    for edit in edits:
        try:
            if edit.change is not events.Change.DELETE:
                registry.create_key(edit.key)
            if edit.name is not None and edit.value is not None:
                check_value(edit.key, edit.name, edit.value)
        except Win32Error as error:
            return error.code
    return None


def _held(world: World, node: str, key: KeyPath) -> Win32 | None:
    """RegRestoreKey fails where the key or one below it is held open (domain.md 104)."""
    held = any(key.covers(opened) for _, opened in world.machines[node].registry.open_handles())
    return Win32.ACCESS_DENIED if held else None


def _parameters(world: World, node: str, request: SetParameters) -> Outcome:
    if request.resource not in world.plan.resources:
        return Outcome((), Win32.RESOURCE_NOT_FOUND, Win32.RESOURCE_NOT_FOUND, Win32.RESOURCE_NOT_FOUND.text)
    key = database.parameter_key(world.plan, request.resource, common=request.common)
    edits = tuple(Edit(events.Change.SET, key, name, value) for name, value in request.values)
    error = _no_cluster(world, node)
    return Outcome(edits, error, error or 0, error.text) if error is not None else Outcome(edits)


def _no_cluster(world: World, node: str) -> Win32 | None:
    """Why cluster.exe on this node reaches no cluster, if it does not."""
    if world.cluster.nodes[node].frozen:
        return Win32.TIMEOUT
    if not world.cluster.nodes[node].system:
        return Win32.RPC_S_SERVER_UNAVAILABLE
    if not world.cluster.is_up(node):
        return Win32.EPT_S_NOT_REGISTERED
    return None if world.cluster.reaches_quorum(node) else Win32.CLUSTER_NODE_UNREACHABLE


# --- commands to the cluster ----------------------------------------------------------------------------------


class Answer(Struct):
    """What the cluster says to a request: an error, or what it waits for and what there is to read."""

    error: Win32 | None = None
    output: str = ""
    condition: Condition | None = None
    wait: int | None = None
    start: tuple[Operation, ...] = ()
    lists: tuple[tuple[KeyPath, bool], ...] = ()
    edits: tuple[Edit, ...] = ()
    host: str | None = None
    resource: str | None = None
    wanted: State | None = None


def ask(world: World, index: int, command: Command, node: str) -> Asked:
    """Answer a request to the cluster, and start what it asks for."""
    from sim.driver.steps import make, record  # noqa: PLC0415 - steps type commands, commands make a step's writes

    request = command.request
    answer = _answer(world, node, command)
    number = world.emit(
        events.Command,
        node,
        text=command.text,
        by=OPERATOR,
        step=index + 1,
        label=world.steps[index].label,
        status=0 if answer.error is None else _status(command.shell, answer.error),
        error=None if answer.error is None else error_code(answer.error),
        output=_said(command, answer) if answer.error is None else _complaint(command.shell, answer.error),
    )
    if answer.error is not None:
        for edit in answer.edits:
            record(world, node, edit, number, rejected=True)
        return Asked(number, node)
    if isinstance(request, Reconfigure):
        carry_out(world, request.change, node, (number,))
        for edit in answer.edits:
            make(world, node, edit, number)
    for operation in answer.start:
        world.start(operation, (number,))
    replies = []
    for place, (key, online_here) in enumerate(answer.lists):
        resource = answer.resource
        assert resource is not None
        reply = -(number * 1000 + place)
        adds = isinstance(request, AddCheckpoints)
        world.start(ChangeList(answer.host, resource, key, reply, adds, online_here), (number,))
        replies.append(reply)
    return Asked(
        number,
        node,
        wait=answer.wait,
        until=world.now + (answer.wait or 0),
        condition=answer.condition,
        replies=tuple(replies),
        resource=answer.resource,
        wanted=answer.wanted,
        shell=command.shell,
        request=request,
    )


def _said(command: Command, answer: Answer) -> str:
    return answer.output or listings.begun(command.shell, command.request)


def conclude(world: World, running: Running, asked: Asked, in_time: bool) -> None:
    """A command that waited has ended: what it says now, and its exit status."""
    errors = [world.replies.pop(reply) for reply in asked.replies]
    error = next((each for each in errors if each is not None), None)
    if not in_time:
        error = Win32.IO_PENDING
    elif error is None and asked.wanted is not None:
        assert asked.resource is not None
        reached = world.cluster.state_of(asked.resource) is asked.wanted
        error = None if reached else Win32.RESOURCE_FAILED
    elif error is None and not _has_started(world, asked):
        error = Win32.PROCESS_ABORTED  # it could neither join nor form, and ended by itself (the number is assumed)
    world.report(
        running,
        events.Completed,
        asked.node,
        command=asked.command,
        status=0 if error is None else _status(asked.shell, error),
        error=None if error is None else error_code(error),
        output=_concluded(world, asked) if error is None else _complaint(asked.shell, error),
    )


def _status(shell: Shell, error: Win32) -> int:
    # cluster.exe's exit status is the Win32 code (assumed: domain.md 122); a cmdlet that throws leaves 1; net 2.
    return {Shell.CLUSTER: error.value, Shell.NET: 2}.get(shell, 1)


def _complaint(shell: Shell, error: Win32) -> str:
    if shell is Shell.CLUSTER:
        return f"System error {error.value} has occurred.\n{error.text}"
    return error.text


def _has_started(world: World, asked: Asked) -> bool:
    """Whether the cluster service that the command started, if it did, is up."""
    match asked.request:
        case OnNode(verb=NodeVerb.START, node=node):
            return world.cluster.is_up(node or asked.node)
    return True


def _concluded(world: World, asked: Asked) -> str:
    """What a command says when what it waited for has come to pass."""
    match asked.request:
        case OnNode() if asked.shell is Shell.NET:
            return net_word(CLUSTER_SERVICE, asked.request.verb is NodeVerb.START)
        case OnResource() | OnGroup() as request:
            return listings.settled(world.cluster, asked.shell, request)
    return ""


CLUSTER_SERVICE = "Cluster Service"
"""The cluster service by the name that `net` shows."""


def net_word(service: str, started: bool) -> str:
    """What `net start` and `net stop` say in the end (general knowledge: assumed)."""
    return f"The {service} service was {'started' if started else 'stopped'} successfully."


def _answer(world: World, node: str, command: Command) -> Answer:
    request, shell = command.request, command.shell
    if isinstance(request, OnService):
        return _service(world, node, request)
    if isinstance(request, OnNode) and request.verb in (NodeVerb.START, NodeVerb.STOP):
        return _cluster_service(world, node, request, shell)
    error = _no_cluster(world, node)
    if error is not None:
        edits = intended(world, request.change, node) if isinstance(request, Reconfigure) else ()
        return Answer(error, edits=edits)
    match request:
        case OnResource() | AddCheckpoints() | RemoveCheckpoints() if request.resource not in (
            None,
            *world.cluster.resources,
        ):
            return Answer(Win32.RESOURCE_NOT_FOUND)
        case OnGroup() if request.group not in (None, *world.cluster.groups):
            return Answer(Win32.GROUP_NOT_FOUND)
        case OnNode() if request.node is not None and world.cluster.nodes[request.node].evicted:
            return Answer(Win32.CLUSTER_NODE_NOT_FOUND)
        case OnResource():
            return _resource(world, request, shell)
        case AddCheckpoints() | RemoveCheckpoints():
            return _list(world, request)
        case OnGroup():
            return _group(world, request, shell)
        case OnNode():
            return _node(world, node, request, shell)
        case OnCluster():
            return Answer(output=listings.of_cluster(world.plan.profile, request))
        case Reconfigure(change=change):
            return Answer(change.refusal(world.cluster), edits=intended(world, change, node))
    raise AssertionError(f"nobody answers {request!r}")


LISTING = (
    ResourceVerb.STATUS,
    ResourceVerb.CHECKPOINTS,
    ResourceVerb.CRYPTO,
    ResourceVerb.PRIVATE,
    ResourceVerb.COMMON,
    ResourceVerb.OWNERS,
    ResourceVerb.DEPENDENCIES,
)


def _resource(world: World, request: OnResource, shell: Shell) -> Answer:
    cluster, name = world.cluster, request.resource
    if request.verb in LISTING:
        return Answer(output=listings.of_resource(cluster, shell, request, world.database.root))
    assert name is not None
    seen, owner = cluster.resources[name], cluster.owner(name)
    if not cluster.answers(owner):
        return Answer(Win32.HOST_NODE_NOT_AVAILABLE)
    if cluster.groups[world.plan.resources[name].group].moving:
        return Answer(Win32.CLUSTER_GROUP_MOVING)
    match request.verb:
        case ResourceVerb.ONLINE:
            if seen.state is State.OFFLINE_PENDING:
                return Answer(Win32.INVALID_STATE)
            if not all(cluster.may_host(owner, each) for each in (name, *cluster.all_dependencies(name))):
                return Answer(Win32.NODE_CANT_HOST_RESOURCE)
            _want(world, (name, *cluster.all_dependencies(name)), wanted=True)
            return _until_settled(request, name, State.ONLINE, (BringOnline(owner, name),))
        case ResourceVerb.OFFLINE:
            if seen.state is State.ONLINE_PENDING:
                return Answer(Win32.INVALID_STATE)
            _want(world, (name, *cluster.all_dependents(name)), wanted=False)
            return _until_settled(request, name, State.OFFLINE, (TakeOffline(owner, name),))
        case ResourceVerb.FAIL:
            if seen.state in PENDING:
                return Answer(Win32.RESMON_INVALID_STATE)
            if seen.state is not State.ONLINE:
                return Answer(Win32.RESOURCE_NOT_ONLINE)
            if seen.process:
                world.end_process(owner, name, (), "died")
            return Answer(start=(HandleFailure(owner, name),))
    raise AssertionError(f"nobody answers {request!r}")


def _until_settled(request: OnResource, name: str, wanted: State, start: tuple[Operation, ...]) -> Answer:
    condition = Settled((name,)) if request.wait is not None else None
    return Answer(condition=condition, wait=request.wait, start=start, resource=name, wanted=wanted)


def _want(world: World, names: tuple[str, ...], *, wanted: bool) -> None:
    cluster = world.cluster
    for name in names:
        cluster = state.with_resource(cluster, name, wanted=wanted)
    world.changed(cluster)


def _list(world: World, request: AddCheckpoints | RemoveCheckpoints) -> Answer:
    name = request.resource
    owner = world.cluster.owner(name)
    adds = isinstance(request, AddCheckpoints)
    if not world.cluster.answers(owner):
        return Answer(Win32.HOST_NODE_NOT_AVAILABLE)
    if adds and world.plan.resources[name].type is ResourceType.PHYSICAL_DISK:
        # It would lie on what it is to be restored for (fact 22: a candidate; assumed for every disk).
        return Answer(Win32.INVALID_OPERATION_ON_QUORUM)
    listed = {each.key for each in database.listed(world.plan, world.database.root, name)}
    keys = []
    for text in request.text or tuple(str(key) for key in sorted(listed)):
        if text.startswith("\\"):  # "no leading backslash or the call fails" (fact 15; the number is assumed)
            return Answer(Win32.INVALID_PARAMETER)
        key = KeyPath.parse(text.rstrip("\\"))
        if database.ROOT.covers(key):  # to be changed through the cluster's own API (fact 23; assumed)
            return Answer(Win32.INVALID_PARAMETER)
        if adds and key in listed:
            return Answer(Win32.ALREADY_EXISTS)
        if not adds and key not in listed:
            return Answer(Win32.FILE_NOT_FOUND)
        if adds and world.machines[owner].registry.root.at(physical(key)) is None:
            return Answer(Win32.FILE_NOT_FOUND)
        keys.append(key)
    online_here = world.cluster.resources[name].state in (State.ONLINE, State.ONLINE_PENDING)
    lists = tuple((key, online_here) for key in keys)
    return Answer(wait=FOREVER if adds else None, lists=lists, host=owner, resource=name)


def _group(world: World, request: OnGroup, shell: Shell) -> Answer:
    cluster, name = world.cluster, request.group
    if request.verb in (GroupVerb.STATUS, GroupVerb.OWNERS, GroupVerb.COMMON):
        return Answer(output=listings.of_group(cluster, shell, request))
    assert name is not None
    group, names = cluster.groups[name], world.plan.groups[name].resources
    if not cluster.answers(group.owner):
        return Answer(Win32.HOST_NODE_NOT_AVAILABLE)
    if group.moving:
        return Answer(Win32.CLUSTER_GROUP_MOVING)
    if request.verb is GroupVerb.MOVE:
        return _move(world, request, name)
    if any(cluster.resources[each].state in PENDING for each in names):
        return Answer(Win32.INVALID_STATE)
    online = request.verb is GroupVerb.ONLINE
    if online and request.node not in (None, group.owner):
        return _online_elsewhere(world, request, name)
    _want(world, names, wanted=online)
    start: tuple[Operation, ...] = tuple(
        BringOnline(group.owner, each) if online else TakeOffline(group.owner, each) for each in names
    )
    return Answer(condition=Hosted(name), wait=request.wait, start=start)


def _online_elsewhere(world: World, request: OnGroup, name: str) -> Answer:
    """`/online:NODE`: the group goes there, and all of it comes online there."""
    answer = _move(world, request, name)
    if answer.error is None:
        _want(world, world.plan.groups[name].resources, wanted=True)
    return answer


def _move(world: World, request: OnGroup, name: str) -> Answer:
    cluster = world.cluster
    owner = cluster.groups[name].owner
    target = request.node or cluster.best_owner(name, besides=owner)
    if target is None:
        return Answer(Win32.HOST_NODE_NOT_AVAILABLE)
    if cluster.nodes[target].evicted:
        return Answer(Win32.CLUSTER_NODE_NOT_FOUND)
    seen = cluster.nodes[target].state
    if seen is NodeState.PAUSED:
        return Answer(Win32.CLUSTER_NODE_PAUSED)
    if seen is not NodeState.UP:
        return Answer(Win32.CLUSTER_NODE_DOWN)
    if target == owner:
        return Answer()
    if not cluster.may_own(target, name):
        # "SHOULD fail ... the destination node is not identified as a potential owner" (CMRP 3.1.4.1.53); the
        # number is assumed.
        return Answer(Win32.HOST_NODE_NOT_RESOURCE_OWNER)
    return Answer(condition=Hosted(name), wait=request.wait, start=(MoveGroup(owner, name, target),))


def _node(world: World, here: str, request: OnNode, shell: Shell) -> Answer:
    name = request.node or here
    seen = world.cluster.nodes[name].state
    match request.verb:
        case NodeVerb.STATUS | NodeVerb.COMMON | NodeVerb.INTERFACES:
            nodes = setup.members_of(world.cluster) if request.node is None else (name,)
            return Answer(output=listings.of_node(world.cluster, shell, request, nodes))
        case NodeVerb.PAUSE:
            if seen is not NodeState.UP:
                return Answer(Win32.CLUSTER_NODE_PAUSED if seen is NodeState.PAUSED else Win32.CLUSTER_NODE_DOWN)
            _set_node(world, name, NodeState.PAUSED)
        case NodeVerb.RESUME:
            if seen is not NodeState.PAUSED:
                return Answer(Win32.CLUSTER_NODE_NOT_PAUSED)
            _set_node(world, name, NodeState.UP)
    return Answer()


def _set_node(world: World, node: str, to: NodeState) -> None:
    world.emit(events.NodeState, node, state=to)
    world.changed(state.with_node(world.cluster, node, state=to))


def _cluster_service(world: World, here: str, request: OnNode, shell: Shell) -> Answer:
    """`net start|stop clussvc`, on the node itself or, by a cluster command, on another."""
    name = request.node or here
    seen = world.cluster.nodes[name]
    if not world.cluster.nodes[here].system or not seen.system:
        return Answer(Win32.RPC_S_SERVER_UNAVAILABLE)
    if request.verb is NodeVerb.START:
        if seen.state is not NodeState.DOWN:
            return Answer(Win32.SERVICE_ALREADY_RUNNING)
        if seen.evicted:  # it has to be installed anew (MSDN clusnode-evict); the number is assumed
            return Answer(Win32.SERVICE_DISABLED)
        start_service(world, name, ())
        output = f"The {CLUSTER_SERVICE} service is starting." if shell is Shell.NET else ""
        return Answer(output=output, condition=NodeIs(name, (*UP, NodeState.DOWN)), wait=request.wait)
    if seen.state is NodeState.DOWN:
        return Answer(Win32.SERVICE_NOT_ACTIVE)
    output = f"The {CLUSTER_SERVICE} service is stopping." if shell is Shell.NET else ""
    condition = NodeIs(name, (NodeState.DOWN,))
    return Answer(output=output, condition=condition, wait=request.wait, start=(LeaveCluster(name, name),))


def _service(world: World, node: str, request: OnService) -> Answer:
    """`net start|stop SERVICE`: the service itself, behind the cluster's back (KB 188674; domain.md 53, 140)."""
    if not world.cluster.nodes[node].system:
        return Answer(Win32.RPC_S_SERVER_UNAVAILABLE)
    name, place = request.resource, (node, request.resource)
    seen = world.cluster.resources.get(name)
    hosted = seen is not None and seen.process and world.cluster.owner(name) == node
    service = service_name(world.plan, name)
    alive = hosted or place in world.by_hand
    if request.start:
        if alive:
            return Answer(Win32.SERVICE_ALREADY_RUNNING)
        world.by_hand |= {place}
        started = world.emit(events.ProcessStarted, node, resource=name)
        if world.read_keys(node, name, (started,)) is not None:
            return Answer(Win32.PROCESS_ABORTED)
        return Answer(output=f"The {service} service is starting.\n{net_word(service, True)}")
    if not alive:
        return Answer(Win32.SERVICE_NOT_ACTIVE)
    if hosted and seen is not None and seen.hung:
        return Answer(Win32.SERVICE_REQUEST_TIMEOUT)
    world.end_process(node, name, (), "stopped")
    return Answer(output=f"The {service} service is stopping.\n{net_word(service, False)}")


def service_name(plan: ClusterPlan, resource: str) -> str:
    """The service of a resource, by its ServiceName (domain.md 61)."""
    planned = plan.resources.get(resource)
    named = None if planned is None else planned.properties.get("ServiceName")
    plain = None if named is None else named.plain()
    return plain if isinstance(plain, str) else resource
