"""The steps of a scenario: operators who type, applications that write, faults that strike.

A step is an operation like any other, but no node's: an operator whose node dies reads an error and goes on.
"""

from __future__ import annotations

from msgspec import Struct

from sim.checkpoint.effects import Op
from sim.cluster.effects import Condition, Operation, sleep
from sim.cluster.profile import Span
from sim.driver import faults
from sim.driver.console import Asked, ask, begin_edits, conclude, host_of, node_for
from sim.driver.edits import REGISTRY_REQUESTS, Edit
from sim.driver.flights import Flight, Running
from sim.driver.world import IN_FLIGHT, LANDINGS, PERFORMERS, World
from sim.history import events
from sim.scenario.command import FOREVER, Command, SetParameters
from sim.scenario.model import App, At, Do, Fault, Step


class TakeUp(Struct, frozen=True):
    """Answered with the step when its time has come."""

    index: int


class Type(Struct, frozen=True):
    """A command is typed on a node; answered with what it started: writes, something to wait for, or nothing."""

    index: int
    command: int


class MakeEdit(Struct, frozen=True):
    """One write of a command; answered whether the node is still there to make it."""

    node: str
    edit: Edit
    command: int


class AwaitUntil(Struct, frozen=True):
    """Answered True when the condition holds, False at that time, None where it held only while others went on."""

    condition: Condition
    time: int


class Conclude(Struct, frozen=True):
    """A command that waited has ended."""

    asked: Asked
    in_time: bool


class Strike(Struct, frozen=True):
    """The step's fault strikes; answered with what to wait for."""

    index: int


class Relieve(Struct, frozen=True):
    """The step's fault ends."""

    index: int


class Last(Struct, frozen=True):
    """Answered when the step's fault has lasted its time."""

    index: int


class Finish(Struct, frozen=True):
    """The step has completed: what follows it may start."""

    index: int


class RunStep(Operation, frozen=True):
    """One step of the scenario, from waiting for its time to its completion (index from 0)."""

    index: int

    @property
    def subject(self) -> str:
        return str(self.index + 1)

    def run(self) -> Op[None]:
        step = yield TakeUp(self.index)
        assert isinstance(step, Step)
        match step.act:
            case Do(commands=commands) | App(commands=commands):
                for number in range(len(commands)):
                    if number:
                        yield from sleep("registry_write", f"step {self.index + 1}")
                    yield from self.command(number)
            case Fault() as fault:
                condition = yield Strike(self.index)
                if condition is not None:
                    yield AwaitUntil(condition, FOREVER)
                yield Finish(self.index)
                if fault.lasts is not None:
                    yield Last(self.index)
                    yield Relieve(self.index)
                return
        yield Finish(self.index)

    def command(self, number: int) -> Op[None]:
        """Type one command, make its writes, wait for what it waits for."""
        asked = yield Type(self.index, number)
        assert isinstance(asked, Asked)
        for edit in asked.edits:
            yield from sleep("registry_write", f"step {self.index + 1}")
            if not (yield MakeEdit(asked.node, edit, asked.command)):
                return
        if asked.wait is not None:
            in_time: bool | None = True
            if asked.condition is not None:
                in_time = None
            while in_time is None and asked.condition is not None:
                # A group that has just arrived is not settled: whoever brings it online goes on in the same instant.
                in_time = yield AwaitUntil(asked.condition, asked.until)
            if asked.replies:
                yield from asked.await_replies()
            yield Conclude(asked, bool(in_time))

    def touches(self, world: World) -> frozenset[str]:
        """A registry command touches its node's registry and the resources whose keys it may be in.

        A command to the cluster touches the cluster and its resources, a fault everything.
        """
        act = world.steps[self.index].act
        if isinstance(act, Do | App) and all(isinstance(each.request, REGISTRY_REQUESTS) for each in act.commands):
            node = host_of(world, act.resource) if isinstance(act, App) else act.node or world.plan.nodes[0]
            nodes = {f"registry {other or node}" for each in act.commands for other in _machines(each)}
            covering = {f"resource {checkpoint.resource}" for checkpoint in world.machines[node].watches}
            return frozenset(nodes | covering)
        if isinstance(act, Do) and not any(isinstance(each.request, REGISTRY_REQUESTS) for each in act.commands):
            return world.everything_at(None)
        everything = set().union(*(world.everything_at(node) for node in world.plan.nodes))
        return frozenset(everything)


def _machines(command: Command) -> tuple[str | None, ...]:
    """The nodes whose registries the command names; None: the one on which it is typed."""
    named = (getattr(command.request, name, None) for name in ("target", "source", "left", "right"))
    return tuple(target.node for target in named if target is not None) or (None,)


def _take_up(world: World, running: Running, effect: TakeUp) -> object:
    step = world.steps[effect.index]
    when = step.when
    span: Span = when.time if isinstance(when, At) else when.delay
    length = world.draw(f"step/{effect.index + 1}", span)
    if isinstance(when, At):
        length -= world.now
    return world.fly(running, effect, max(0, length))


def _taken_up(world: World, _: Running, flight: Flight) -> Step:
    effect: TakeUp = flight.effect
    return world.steps[effect.index]


def _type(world: World, running: Running, effect: Type) -> Asked:
    step = world.steps[effect.index]
    act = step.act
    assert isinstance(act, Do | App)
    command = act.commands[effect.command]
    if isinstance(act, App) or isinstance(command.request, (*REGISTRY_REQUESTS, SetParameters)):
        asked = begin_edits(world, effect.index, act, command)
    else:
        asked = ask(world, effect.index, command, node_for(world, act, command))
    running.because = (asked.command,)
    return asked


def _make_edit(world: World, running: Running, effect: MakeEdit) -> bool:
    if not world.cluster.nodes[effect.node].system:
        return False
    make(world, effect.node, effect.edit, effect.command)
    return True


def make(world: World, node: str, edit: Edit, command: int) -> None:
    """Make one write, record it, and let the watches see it."""
    typed = world.recorder.events[command - 1]
    assert isinstance(typed, events.Command), f"event {command} is no command"
    registry = world.registry_of(node, edit.key, typed.by)
    match edit.change:
        case events.Change.SET:
            assert edit.name is not None
            assert edit.value is not None
            registry.create_key(edit.key)
            registry.set_value(edit.key, edit.name, edit.value)
        case events.Change.CREATE:
            registry.create_key(edit.key)
        case events.Change.DELETE if edit.name is None:
            if registry.root.at(edit.key) is not None:
                registry.delete_tree(edit.key)
        case events.Change.DELETE:
            assert edit.name is not None
            registry.delete_value(edit.key, edit.name)
    write = record(world, node, edit, command)
    world.touched(node, (write,))


def record(world: World, node: str, edit: Edit, command: int, *, rejected: bool = False) -> int:
    """Record a write; the id of its event."""
    return world.emit(
        events.Write,
        node,
        (command,),
        write=world.recorder.next_write(),
        command=command,
        key=edit.key,
        value=edit.name,
        change=edit.change,
        data=edit.value,
        rejected=rejected,
    )


def _await_until(world: World, running: Running, effect: AwaitUntil) -> object:
    if effect.condition.holds(world.cluster):
        return True
    if effect.time >= FOREVER:
        return world.park(running, effect, effect.condition)
    flight = Flight(running, effect)
    flight.length, flight.condition = effect.time - world.now, effect.condition
    world.clock.launch(flight)
    return IN_FLIGHT


def _waited_until(world: World, _: Running, flight: Flight) -> bool | None:
    effect: AwaitUntil = flight.effect
    if effect.condition.holds(world.cluster):
        return True
    return None if world.now < effect.time else False


def _conclude(world: World, running: Running, effect: Conclude) -> None:
    conclude(world, running, effect.asked, effect.in_time)


def _strike(world: World, running: Running, effect: Strike) -> Condition | None:
    fault = world.steps[effect.index].act
    assert isinstance(fault, Fault)
    slower = 0 if fault.by is None else world.draw(f"quorum-slow/step {effect.index + 1}", fault.by)
    return faults.strike(world, fault, slower)


def _last(world: World, running: Running, effect: Last) -> object:
    fault = world.steps[effect.index].act
    assert isinstance(fault, Fault)
    assert fault.lasts is not None
    return world.fly(running, effect, world.draw(f"for/step {effect.index + 1}", fault.lasts))


def _relieve(world: World, _: Running, effect: Relieve) -> None:
    fault = world.steps[effect.index].act
    assert isinstance(fault, Fault)
    faults.relieve(world, fault)


def _finish(world: World, _: Running, effect: Finish) -> None:
    world.done[effect.index] = world.now
    after = effect.index + 1
    if after < len(world.steps) and not isinstance(world.steps[after].when, At):
        world.start(RunStep(None, after), ())


PERFORMERS |= {
    TakeUp: _take_up,
    Type: _type,
    MakeEdit: _make_edit,
    AwaitUntil: _await_until,
    Conclude: _conclude,
    Strike: _strike,
    Last: _last,
    Relieve: _relieve,
    Finish: _finish,
}
LANDINGS |= {TakeUp: _taken_up, AwaitUntil: _waited_until}
