"""Faults: what breaks, and what mends it, as changes of the world (contract: Faults).

Each is recorded first, so that what follows from it has a cause. A fault that finds nothing to break (a crash of
a node that is down) is recorded and changes nothing.
"""

from __future__ import annotations

from msgspec.structs import replace

from sim.cluster import database, state
from sim.cluster.effects import NodeIs
from sim.cluster.node import Boot, StartService
from sim.cluster.profile import Span, Window
from sim.cluster.state import NodeState
from sim.driver.world import Flush, World
from sim.history import events
from sim.registry import KeyPath, Win32Error
from sim.scenario.model import Fault, FaultKind
from sim.scenario.times import format_time

OPPOSITE = {
    FaultKind.CRASH: FaultKind.BOOT,
    FaultKind.STOP_SERVICE: FaultKind.START_SERVICE,
    FaultKind.FREEZE: FaultKind.THAW,
    FaultKind.PARTITION: FaultKind.HEAL,
    FaultKind.QUORUM_OFFLINE: FaultKind.QUORUM_ONLINE,
    FaultKind.OPEN_KEY: FaultKind.CLOSE_KEY,
}
"""What ends a lasting fault; those of the disk that have none here are ended by `relieve`."""

UP = (NodeState.UP, NodeState.PAUSED)


def strike(world: World, fault: Fault, by: int = 0) -> NodeIs | None:
    """Make the fault; what its step has to wait for, if anything. `by`: how much slower, in microseconds."""
    node = fault.node
    because = (world.emit(events.Fault, node, fault=fault.kind, parameters=_parameters(fault, by)),)
    match fault.kind:
        case FaultKind.CRASH:
            assert node is not None
            world.crash(node, because)
        case FaultKind.BOOT:
            assert node is not None
            if not world.cluster.nodes[node].system:
                world.start(Boot(node, node), because)
            return NodeIs(node, UP)
        case FaultKind.STOP_SERVICE:
            assert node is not None
            world.stop_service(node, because, known=False)
        case FaultKind.START_SERVICE:
            assert node is not None
            start_service(world, node, because)
            return NodeIs(node, UP)
        case FaultKind.FAIL:
            assert fault.resource is not None
            _fail(world, fault.resource, because)
        case FaultKind.HANG:
            assert fault.resource is not None
            _hang(world, fault.resource, because)
        case FaultKind.QUORUM_OFFLINE:
            _quorum_offline(world, because)
        case FaultKind.QUORUM_ONLINE:
            world.disk.offline = world.disk.refuses = False
            world.disk.slower = 0
            world.changed(replace(world.cluster, disk_gone=False))
        case FaultKind.QUORUM_WRITE_ERROR:
            world.disk.refuses = True
        case FaultKind.QUORUM_SLOW:
            world.disk.slower = by
        case FaultKind.QUORUM_DAMAGE:
            assert fault.file is not None
            _damage(world, fault.file, because)
        case FaultKind.DISK_LOSS:
            assert node is not None
            _lose_disk(world, node, because)
        case FaultKind.OPEN_KEY | FaultKind.CLOSE_KEY:
            assert node is not None
            assert fault.key is not None
            _hold(world, node, fault.key, opened=fault.kind is FaultKind.OPEN_KEY)
        case FaultKind.FREEZE:
            assert node is not None
            world.freeze(node, because)
        case FaultKind.THAW:
            assert node is not None
            world.thaw(node, because)
        case FaultKind.PARTITION:
            world.changed(replace(world.cluster, cuts=world.cluster.cuts | _cuts(fault)), because)
        case FaultKind.HEAL:
            world.changed(replace(world.cluster, cuts=frozenset()))
    return None


def relieve(world: World, fault: Fault) -> None:
    """End a fault that was to last for a time."""
    opposite = OPPOSITE.get(fault.kind)
    if opposite is not None:
        strike(world, Fault(opposite, node=fault.node, key=fault.key))
        return
    world.emit(events.Fault, fault.node, fault=fault.kind, parameters={**_parameters(fault, 0), "ended": "yes"})
    if fault.kind is FaultKind.QUORUM_WRITE_ERROR:
        world.disk.refuses = False
    elif fault.kind is FaultKind.QUORUM_SLOW:
        world.disk.slower = 0


def start_service(world: World, node: str, because: tuple[int, ...]) -> None:
    """Start the cluster service of a node whose system runs."""
    seen = world.cluster.nodes[node]
    if seen.system and seen.state is NodeState.DOWN and not seen.evicted:
        world.start(StartService(node, node), because)


def _fail(world: World, resource: str, because: tuple[int, ...]) -> None:
    if resource not in world.cluster.resources:
        return  # it was deleted
    if world.cluster.resources[resource].process:
        world.end_process(world.cluster.owner(resource), resource, because, "died")


def _hang(world: World, resource: str, because: tuple[int, ...]) -> None:
    seen = world.cluster.resources.get(resource)
    if seen is not None and seen.process and not seen.hung:
        world.machines[world.cluster.owner(resource)].hang_process(resource)
        world.changed(state.with_resource(world.cluster, resource, hung=True), because)


def _quorum_offline(world: World, because: tuple[int, ...]) -> None:
    if world.disk.offline:
        return
    world.disk.offline = True
    for flight in list(world.clock.flights.values()):
        if flight.on_disk:
            world.clock.abort(flight)
    world.changed(replace(world.cluster, disk_gone=True), because)


def _damage(world: World, file: str, because: tuple[int, ...]) -> None:
    folder, _, name = file.replace("/", "\\").rpartition("\\")
    number = int(name.split(".")[0])
    for resource, plan in world.plan.resources.items():
        if folder.lower() in (resource.lower(), plan.guid.lower()):
            for checkpoint in database.listed(world.plan, world.database.root, resource):
                damaged = world.disk.damage(checkpoint) if checkpoint.number == number else None
                if damaged is not None:
                    version, left = damaged
                    fields = {"resource": resource, "key": checkpoint.key, "version": version, "left": left}
                    world.emit(events.ImageDamaged, None, because, **fields)


def _lose_disk(world: World, node: str, because: tuple[int, ...]) -> None:
    world.crash(node, because)
    world.kill(lambda operation: isinstance(operation, Flush) and operation.node == node)
    world.machines[node].lose_disk()
    world.emit(events.HiveReverted, node, because, to="setup")


def _cuts(fault: Fault) -> frozenset[tuple[str, str]]:
    """Every pair of nodes on different sides, in both directions."""
    sides = fault.between
    return frozenset((one, other) for side in sides for rest in sides if side != rest for one in side for other in rest)


def _hold(world: World, node: str, key: KeyPath, *, opened: bool) -> None:
    machine = world.machines[node]
    if opened and key not in machine.opened:
        try:
            machine.opened[key] = machine.registry.open_key(key)
        except Win32Error:
            return  # nothing there to hold open
    elif not opened and key in machine.opened:
        machine.registry.close_key(machine.opened.pop(key))


def _parameters(fault: Fault, by: int) -> dict[str, str]:
    """What the fault was told, by the scenario's names; `by` as it was drawn, `for` as it is stated."""
    named = {
        "resource": fault.resource,
        "file": fault.file,
        "key": None if fault.key is None else fault.key.hklm,
        "by": format_time(by) if by else None,
        "between": " | ".join(", ".join(side) for side in fault.between) or None,
        "for": None if fault.lasts is None else _stated(fault.lasts),
    }
    return {name: value for name, value in named.items() if value is not None}


def _stated(span: Span) -> str:
    return f"{format_time(span.low)} to {format_time(span.high)}" if isinstance(span, Window) else format_time(span)
