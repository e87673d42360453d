"""The world: a cluster, its nodes' registries and the quorum disk, driven over simulated time.

It performs the effects of the engine's and the cluster's operations: those that take time fly (`flights`), the
others are done at once. A node that goes down takes its operations with it: nothing is sent to them any more.

Faults:  see `sim.driver.faults`; each is a change of this state.
Holds:   a run is a function of scenario and choices; a copy of a world goes on as the original does.
Units:   microseconds of simulated time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from sim.checkpoint import effects as engine
from sim.checkpoint.effects import Checkpoint, Woken
from sim.checkpoint.engine import OWN_SOURCE, SOURCE, STORE_DAMAGED, save_on_change
from sim.checkpoint.policy import HIVE, base_key
from sim.checkpoint.store import Contested, Tenure
from sim.cluster import database, effects, state
from sim.cluster.application import Reads, misfit
from sim.cluster.effects import Operation
from sim.cluster.group import OnlineGroup
from sim.cluster.node import RESERVATION_LOST, RenewReservation, WatchNode, WatchOwner
from sim.cluster.plan import ClusterPlan
from sim.cluster.profile import Span, Window
from sim.cluster.properties import NEVER, of_resource
from sim.cluster.resource import PollClosely, PollResource
from sim.cluster.state import Cluster, NodeState, Process, State
from sim.driver.beats import FIRST, Series
from sim.driver.choices import Choices
from sim.driver.edits import RunFile
from sim.driver.flights import Flight, Running
from sim.driver.ground import Clock, Disk, Ground, Machine, NodeRegistry, UnreachableError
from sim.driver.recorder import Recorder
from sim.history import events
from sim.history.events import ErrorCode, Trigger
from sim.registry import (
    EMPTY,
    Change,
    ChangeKind,
    KeyPath,
    KeyTree,
    RegFile,
    Registry,
    Value,
    Win32,
    Win32Error,
    entries_of,
    physical,
)
from sim.scenario.command import QUORUM
from sim.scenario.model import FaultKind, Step

CHANGES = {
    ChangeKind.CREATED: events.Change.CREATE,
    ChangeKind.SET: events.Change.SET,
    ChangeKind.DELETED: events.Change.DELETE,
}

HOUR = 3_600_000_000
DAY = 24 * HOUR

IN_FLIGHT = object()
"""What a performer answers when the effect takes time."""


class SaveOnChange(Operation, frozen=True):
    """The engine's answer to a watch that fired."""

    checkpoint: Checkpoint

    @property
    def subject(self) -> str:
        return self.checkpoint.resource

    def run(self) -> engine.Op[None]:
        cluster = yield from effects.look()
        yield from save_on_change(self.checkpoint, cluster.plan.policy)


class Flush(Operation, frozen=True):
    """The lazy writer of a node's registry: part of its system, not of its cluster service."""

    node: str

    @property
    def subject(self) -> str:
        return self.node

    def run(self) -> engine.Op[None]:
        yield from effects.sleep("registry_flush", self.node)
        yield FlushHive(self.node)


class FlushHive(Struct, frozen=True):
    """The node's registry is written to its own disk."""

    node: str


class Reply(Struct, frozen=True):
    """The operation that a command started has ended, with this error or none."""

    command: int
    error: Win32 | None


class AwaitReply(Struct, frozen=True):
    """Answered with the error, or None, when the operation that the command started has ended."""

    command: int


class Overdue(Struct, frozen=True):
    """A process says nothing while it starts or stops; answered when its PendingTimeout is over."""

    resource: str


class World:
    """Everything that a run consists of, at one instant. `begin` is the history's first event."""

    def __init__(
        self,
        plan: ClusterPlan,
        begin: events.Begin,
        steps: tuple[Step, ...],
        choices: Choices,
        ground: Ground,
        *,
        naive: bool = False,
    ) -> None:
        self.naive = naive
        self.steps = steps
        self.cluster = state.at_start(plan)
        self.choices = choices
        self.ground = ground
        self.recorder = Recorder(begin)
        self.database = Registry(EMPTY.with_key(database.ROOT, begin.database))
        self.disk.take_over(plan.nodes[0])
        self.running: dict[int, Running] = {}
        self.by_operation: dict[Operation, int] = {}
        self.claims: dict[tuple[str, int], KeyPath] = {}
        self.series: dict[tuple[str, str], Series] = {}
        self.saves: dict[int, int] = {}
        self.files: dict[str, RunFile] = {}
        self.done: dict[int, int] = {}
        self.replies: dict[int, Win32 | None] = {}
        self.by_hand: frozenset[tuple[str, str]] = frozenset()
        self.held: list[tuple[Running, Flight | None, Any]] = []
        self.late: dict[str, tuple[Tenure, list[tuple[Checkpoint, KeyTree]]]] = {}
        self._started = self._ranked = 0
        for resource in plan.resources:
            owner = self.machines[self.cluster.owner(resource)]
            for checkpoint in database.stated_checkpoints(plan, resource):
                tree = owner.registry.save_key(physical(checkpoint.key))
                self.disk.save(checkpoint, tree, self.cluster.owner(resource))
                if plan.obligations.saves_on_change:
                    owner.watches[checkpoint] = owner.registry.watch(physical(checkpoint.key))
        for node in plan.nodes:
            self.begin_beats("heartbeat", node)
            self.start(WatchNode(None, node), ())
            self.start(WatchOwner(None, node), ())
        self.begin_beats("reservation_renewal", "quorum")
        self.start(RenewReservation(None), ())
        for resource in plan.resources:
            self.poll(resource, ())

    def copy(self) -> World:
        """An independent world at the same instant: its future is the same."""
        other = World.__new__(World)
        other.cluster = self.cluster
        other.choices, other.recorder = self.choices.copy(), self.recorder.copy()
        other.database = self.database.copy()
        other.running = {number: running.copy() for number, running in self.running.items()}
        other.ground = self.ground.copy(other.running)
        other.by_operation = dict(self.by_operation)
        other.claims, other.series, other.naive = dict(self.claims), dict(self.series), self.naive
        other.saves, other.files, other.done = dict(self.saves), dict(self.files), dict(self.done)
        other.replies, other.by_hand, other.steps = dict(self.replies), self.by_hand, self.steps
        other.late = {node: (tenure, list(late)) for node, (tenure, late) in self.late.items()}
        other.held = []
        for running, flight, answer in self.held:
            if running.number in other.running:
                again = other.running[running.number]
                other.held.append((again, None if flight is None else flight.copy(again), answer))
        other._started, other._ranked = self._started, self._ranked
        return other

    @property
    def plan(self) -> ClusterPlan:
        """The cluster's setup as it is now."""
        return self.cluster.plan

    @property
    def clock(self) -> Clock:
        return self.ground.clock

    @property
    def disk(self) -> Disk:
        return self.ground.disk

    @property
    def machines(self) -> dict[str, Machine]:
        return self.ground.machines

    @property
    def now(self) -> int:
        return self.clock.now

    # --- running operations -------------------------------------------------------------------------------

    def start(self, operation: Operation, because: tuple[int, ...]) -> None:
        """Start an operation, unless an equal one is running, and take it as far as it goes without waiting.

        One whose node is gone, known or found just now, is carried by nobody.
        """
        if operation in self.by_operation:
            return
        try:
            generator = self.ground.carry(operation)
        except UnreachableError as gone:
            if self._is_news(gone):
                self.lost(gone)
            self._nobody_answers(operation)
            return
        self._started += 1
        running = Running(self._started, operation, because, generator)
        self.running[running.number] = running
        self.by_operation[operation] = running.number
        self._proceed(running, None)

    def _is_held(self, running: Running, flight: Flight | None, answer: Any) -> bool:
        """Whether the operation's node is frozen: what has come due goes on when it thaws."""
        host = running.operation.host
        if host is None or not self.cluster.nodes[host].frozen:
            return False
        self.held.append((running, flight, answer))
        return True

    def step(self, until: int) -> bool:
        """Settle the next thing that comes due; False where nothing does until then."""
        while self.clock.advance(until):
            self._pass_beats()
            if self.clock.ready:
                break
        else:
            return False
        flight = self._next() if len(self.clock.ready) > 1 else self.clock.ready[0]
        self.clock.ready.remove(flight)
        if not self._is_held(flight.running, flight, None):
            self._settle(flight)
        self.clock.drain()
        return True

    def _settle(self, flight: Flight) -> None:
        """An effect that took time has come due: its operation goes on."""
        running = flight.running
        lander = LANDINGS.get(type(flight.effect))
        answer = flight.answer if lander is None else self._surviving(running, lander, flight)
        if answer is not IN_FLIGHT and running.number in self.running:
            self._proceed(running, answer)

    def _next(self) -> Flight:
        """The next of what is due: in the order in which it was scheduled, unless a choice says otherwise."""
        ready = sorted(self.clock.ready, key=lambda flight: (flight.order, flight.running.number))
        touched = [self._touches(flight.running.operation) for flight in ready]
        tied = _tied(touched)
        if len(tied) == 1:
            return ready[0]
        subject = f"order/{type(ready[0].running.operation).__name__}/{ready[0].running.operation.subject}"
        return ready[tied[self.choices.pick(subject, len(tied))]]

    def _touches(self, operation: Operation) -> frozenset[str]:
        """What an operation may read or change when it goes on; operations that share nothing have no order."""
        match operation:
            case SaveOnChange(checkpoint=checkpoint):
                return frozenset({f"resource {checkpoint.resource}"})
            case Flush(node=node):
                return frozenset({f"registry {node}"})
            case _:
                return operation.touches(self) if hasattr(operation, "touches") else self.everything_at(operation.host)

    def everything_at(self, node: str | None) -> frozenset[str]:
        """The cluster, all resources, and the registry of a node."""
        names = {"cluster", *(f"resource {name}" for name in self.plan.resources)}
        return frozenset(names if node is None else {*names, f"registry {node}"})

    def _proceed(self, running: Running, answer: Any) -> None:
        """Send an operation its answer, and perform what it asks for until something takes time."""
        if self._is_held(running, None, answer):
            return
        while True:
            running.answers.append(answer)
            try:
                effect = running.generator.send(answer)
            except StopIteration:
                self._end(running)
                return
            except UnreachableError as gone:
                self.lost(gone)
                return
            answer = self._surviving(running, PERFORMERS[type(effect)], effect)
            if answer is IN_FLIGHT or running.number not in self.running:
                return

    def _surviving(self, running: Running, act: Callable[[World, Running, Any], Any], effect: Any) -> Any:
        """Do it; a node found gone by it has crashed, and it is tried on what is left, if its operation is."""
        while True:
            try:
                answer = act(self, running, effect)
                break
            except UnreachableError as gone:
                self.lost(gone)
                if running.number not in self.running:
                    return IN_FLIGHT
        if self.disk.reports:
            self._heed_disk(running.because)
        return answer

    def _end(self, running: Running) -> None:
        del self.running[running.number]
        del self.by_operation[running.operation]
        if isinstance(running.operation, SaveOnChange):
            self._saves_ended(running.operation)

    def _saves_ended(self, ended: SaveOnChange) -> None:
        for flight in list(self.clock.flights.values()):
            effect = flight.effect
            if isinstance(effect, engine.AwaitSaves) and not self._saving(
                effect.resource, flight.running.operation.host
            ):
                self.clock.wake(flight, None)

    def kill(self, doomed: Callable[[Operation], bool]) -> None:
        """Stop sending to these operations: for them, that is the crash."""
        for running in list(self.running.values()):
            if doomed(running.operation):
                self.clock.cancel(running.number)
                del self.running[running.number]
                del self.by_operation[running.operation]
                running.generator.close()
                self._nobody_answers(running.operation)
                for save in [save for save, owner in self.saves.items() if owner == running.number]:
                    self._abandon(save)

    def _nobody_answers(self, operation: Operation) -> None:
        """Whoever waits for the operation, since a command started it, is told that its node is gone."""
        command = getattr(operation, "command", None)
        if command is not None:
            self.reply(command, Win32.HOST_NODE_NOT_AVAILABLE)

    def reply(self, command: int, error: Win32 | None) -> None:
        """An operation that a command started has ended; whoever waits for it goes on."""
        self.replies[command] = error
        for flight in list(self.clock.flights.values()):
            if isinstance(flight.effect, AwaitReply) and flight.effect.command == command:
                self.clock.wake(flight, error)

    def _abandon(self, save: int) -> None:
        """A save in flight dies with its node: the store holds what it held, or, on a real disk, all of it landed."""
        del self.saves[save]
        started = self.recorder.events[save - 1]
        assert isinstance(started, events.SaveStarted), f"event {save} starts no save"
        resource, key, version = started.resource, started.key, started.version
        tree = self.recorder.ledger.saving[save].tree
        listed = database.listed(self.plan, self.database.root, resource)
        numbers = {each.key: each.number for each in listed} | {
            taken: number for (of, number), taken in self.claims.items() if of == resource
        }
        checkpoint = Checkpoint(resource, numbers[key], key) if key in numbers else None
        if checkpoint is not None and self.disk.landed(checkpoint, tree, version):
            common = {"resource": resource, "key": key, "version": version, "trigger": started.trigger, "save": save}
            self.emit(events.Saved, started.node, (save,), **common)
        else:
            self.recorder.ledger.saving.pop(save)

    # --- recording ----------------------------------------------------------------------------------------

    def emit(self, kind: type[events.AnyEvent], node: str | None, because: tuple[int, ...] = (), **fields: Any) -> int:
        """Record an event at this instant; its id."""
        return self.recorder.emit(kind, self.clock.now, node, because, **fields)

    def report(self, running: Running, kind: type[events.AnyEvent], node: str | None, **fields: Any) -> int:
        """Record an event that an operation causes: the cause of its next one."""
        event = self.recorder.emit(kind, self.clock.now, node, running.because, **fields)
        running.because = (event,)
        return event

    def changed(self, cluster: Cluster, because: tuple[int, ...] = ()) -> None:
        """The cluster's state is this now; whoever waited for it goes on. `because`: why, for a beat that finds it."""
        self.cluster = cluster
        for flight in list(self.clock.flights.values()):
            if flight.condition is None:
                continue
            holds = flight.condition.holds(cluster)
            if flight.series is not None:
                self._beats_find(flight, holds, because)
            elif holds:
                self.clock.wake(flight, None)

    # --- beats --------------------------------------------------------------------------------------------

    def begin_beats(self, timer: str, subject: str, stated: int | None = None) -> None:
        """From now on there are beats of this timer, at an interval of so many microseconds or as the plan says."""
        name = timer, subject
        interval = self.draw(f"{timer}/{subject}", self.plan.timing[timer]) if stated is None else stated
        self._ranked += 1
        self.series[name] = Series(self.now, interval, FIRST + self._ranked)
        for flight in list(self.clock.flights.values()):
            if flight.series == name and not flight.parked:
                self._await_next(flight)

    def poll(self, resource: str, because: tuple[int, ...]) -> None:
        """The resource is online: its Resource Monitor polls it from now on, in both ways (domain.md 63)."""
        host = self.cluster.owner(resource)
        if self._begin_polls("looks_alive", resource, "LooksAlivePollInterval"):
            self.start(PollResource(host, resource), because)
        if self._begin_polls("is_alive", resource, "IsAlivePollInterval"):
            self.start(PollClosely(host, resource), because)

    def _begin_polls(self, timer: str, resource: str, stated: str) -> bool:
        """The beats of one kind of poll, at the resource's own interval or its type's; 0: none (assumed)."""
        milliseconds = of_resource(self.plan, resource, stated)
        typical = self.draw(f"{timer}/{resource}", self.plan.timing[timer])
        interval = typical if milliseconds == NEVER else milliseconds * 1000
        if interval:
            self.begin_beats(timer, resource, interval)
        return bool(interval)

    def stop_polls(self, resource: str) -> None:
        """Nobody polls the resource any more."""
        polls = PollResource, PollClosely
        self.kill(lambda operation: isinstance(operation, polls) and operation.resource == resource)

    def await_beat(self, running: Running, effect: effects.AwaitBeat) -> object:
        """Let an operation wait for the beat that finds its condition to hold."""
        flight = Flight(running, effect)
        flight.series, flight.condition = (effect.timer, effect.subject), effect.condition
        flight.beats = effect.times if effect.times else self.plan.timing.counts["heartbeats_missed"]
        flight.holding = effect.condition.holds(self.cluster)
        flight.parked = True
        self.clock.launch(flight)
        if flight.holding or self.naive:
            self._await_next(flight)
        return IN_FLIGHT

    def _await_next(self, flight: Flight) -> None:
        """Let the next beat come: simulated one by one, or the one at which the condition has held often enough."""
        assert flight.series is not None
        series = self.series[flight.series]
        wait = series.next_after(self.now) - self.now
        if not self.naive:
            wait += (flight.beats - 1) * series.interval
        self.clock.reschedule(flight, wait, series.rank)

    def _beats_find(self, flight: Flight, holds: bool, because: tuple[int, ...]) -> None:
        """The condition of a wait for beats holds, or does not, from now on."""
        if holds and not flight.holding and because:
            flight.running.because = because
        flight.holding = holds
        if self.naive:
            return
        assert flight.series is not None
        if flight.parked:
            if holds:
                self._await_next(flight)
        elif not holds:
            flight.broken = self.now if flight.broken is None else flight.broken
        elif flight.broken is not None:
            found_well = self.series[flight.series].next_after(flight.broken) <= self.now
            flight.broken = None
            if found_well:
                self._await_next(flight)

    def _pass_beats(self) -> None:
        """Take the beats that find all well, or have not found it otherwise often enough, out of the way."""
        for flight in list(self.clock.ready):
            if flight.series is None or flight.heard == flight.beats:
                continue
            flight.heard = flight.heard + 1 if flight.holding else 0
            if not self.naive:
                flight.heard, flight.broken = flight.beats if flight.holding else 0, None
            if flight.heard == flight.beats:
                continue
            self.clock.ready.remove(flight)
            if self.naive:
                self._await_next(flight)
            else:
                self.clock.reschedule(flight, None, 0)

    def settle(self) -> None:
        """The run is over: the history must account for all there is, a node that was found gone just now included."""
        while True:
            try:
                self.check_ledger()
                return
            except UnreachableError as gone:
                self.lost(gone)

    def check_ledger(self) -> None:
        """The history must account for every registry: what the ledger holds by events alone is what is there."""
        for node, machine in self.machines.items():
            assert self.recorder.ledger.nodes[node].tree == machine.registry.root.without_key(HIVE), (
                f"the history does not explain {node}"
            )
        for (resource, key), image in self.recorder.ledger.newest.items():
            for checkpoint in database.listed(self.plan, self.database.root, resource):
                stored = self.disk.newest(checkpoint) if checkpoint.key == key else None
                assert stored is None or stored == image.tree, (
                    f"the history does not explain the image of {key} for {resource}"
                )

    # --- times --------------------------------------------------------------------------------------------

    def draw(self, subject: str, span: Span) -> int:
        """A length of time: itself, or a choice within its window."""
        return self.choices.between(subject, span.low, span.high) if isinstance(span, Window) else span

    def fly(self, running: Running, effect: Any, length: int) -> object:
        """Let an effect take so long."""
        flight = Flight(running, effect)
        flight.length = length
        self.clock.launch(flight)
        return IN_FLIGHT

    def park(self, running: Running, effect: Any, condition: effects.Condition | None = None) -> object:
        """Let an effect wait until it is woken."""
        flight = Flight(running, effect)
        flight.parked, flight.condition = True, condition
        self.clock.launch(flight)
        return IN_FLIGHT

    def transfer(self, running: Running, effect: Any, timer: str, checkpoint: Checkpoint) -> object:
        """Let an effect take its turn at the quorum disk; a disk that is gone answers at once."""
        flight = Flight(running, effect)
        if not self.disk.offline:
            subject = f"{timer}/{checkpoint.resource}/{database.file_number(checkpoint)}"
            flight.length = self.draw(subject, self.plan.timing[timer]) + self.disk.slower
            flight.on_disk = True
        self.clock.launch(flight)
        return IN_FLIGHT

    def undo_file(self, path: str) -> RegFile | None:
        r"""The undo file that a command names: `Q:\MSCS\RESOURCE\NAME`, RESOURCE a name or GUID.

        Every node reaches it (assumed: in the product the owner of the disk, and the others through its share).
        """
        place, _, name = path.rpartition("\\")
        folder, _, resource = place.rpartition("\\")
        for each, plan in self.plan.resources.items():
            if folder.lower() == QUORUM.lower() and resource.lower() in (each.lower(), plan.guid):
                return self.disk.undo_file(plan.guid, name.lower())
        return None

    # --- registries ---------------------------------------------------------------------------------------

    def registry_of(self, node: str, key: KeyPath, by: str = events.OPERATOR) -> NodeRegistry:
        """Where a key of a node really is: its own registry, as this writer reaches it, or the one database."""
        return self.database if database.ROOT.covers(key) else self.machines[node].registry_of(by)

    def touched(self, node: str, because: tuple[int, ...]) -> None:
        """A node's registry has changed: its watches may have fired, and a flush is due."""
        machine = self.machines[node]
        if not machine.dirty and machine.unflushed:
            machine.dirty = True
            self.start(Flush(node, node), because)
        for signal in machine.registry.take_signals():
            self._noticed(node, signal, because)
        for resource, planned in self.plan.resources.items():
            if planned.needs and planned.reads is Reads.ALWAYS and self.runs(node, resource):
                self.read_keys(node, resource, because)

    def _noticed(self, node: str, signal: int, because: tuple[int, ...]) -> None:
        machine = self.machines[node]
        checkpoint = next((each for each, watch in machine.watches.items() if watch == signal), None)
        assert checkpoint is not None, f"watch {signal} of {node} belongs to no checkpoint"
        notice = self.emit(events.Notified, node, because, resource=checkpoint.resource, key=checkpoint.key)
        operation = SaveOnChange(node, checkpoint)
        number = self.by_operation.get(operation)
        if number is None:
            self.start(operation, (notice,))
            return
        flight = self.clock.flights.get(number)
        if flight is not None and isinstance(flight.effect, engine.AwaitRetry):
            flight.running.because = (notice,)
            self.clock.wake(flight, Woken.CHANGED)

    def runs(self, node: str, resource: str) -> bool:
        """Whether the resource's process runs on the node, for the cluster or started by hand."""
        seen = self.cluster.resources.get(resource)
        hosted = seen is not None and seen.process and not seen.hung and self.cluster.owner(resource) == node
        return hosted or (node, resource) in self.by_hand

    def read_keys(self, node: str, resource: str, because: tuple[int, ...]) -> int | None:
        """The resource's process reads what it needs of its registry: None, or the event of its death of a misfit."""
        planned = self.plan.resources.get(resource)
        if planned is None or not planned.needs:
            return None
        found = misfit(planned.needs, self.machines[node].registry.root)
        return None if found is None else self.end_process(node, resource, because, "died", found)

    def end_process(
        self, node: str, resource: str, because: tuple[int, ...], reason: str, why: events.Misfit | None = None
    ) -> int:
        """The resource's process is gone from the node: the event that says so."""
        self.machines[node].end_process(resource)
        ended = self.emit(events.ProcessEnded, node, because, resource=resource, reason=reason, misfit=why)
        self.by_hand -= {(node, resource)}
        seen = self.cluster.resources.get(resource)
        if seen is not None and seen.process and self.cluster.owner(resource) == node:
            self.changed(state.with_resource(self.cluster, resource, process=False, hung=False), (ended,))
        return ended

    def _saving(self, resource: str, node: str | None) -> bool:
        return any(
            isinstance(operation, SaveOnChange) and operation.host == node and operation.checkpoint.resource == resource
            for operation in self.by_operation
        )

    # --- nodes --------------------------------------------------------------------------------------------

    def stop_service(self, node: str, because: tuple[int, ...], *, known: bool) -> None:
        """The cluster service of a node is gone; whatever it hosted is gone with it, and nothing is saved.

        A node that leaves unannounced has to be missed by the others first.
        """
        if self.cluster.nodes[node].state is NodeState.DOWN:
            return
        down = self.emit(events.NodeState, node, because, state=NodeState.DOWN)
        if self.cluster.nodes[node].frozen and node in self.late:
            self.late[node][1].extend(self._on_their_way(node))
        self.kill(lambda operation: operation.host == node and not isinstance(operation, Flush))
        self.machines[node].stop_service()
        self.claims = {place: key for place, key in self.claims.items() if self.cluster.owner(place[0]) != node}
        owned = self.cluster.quorum_owner == node
        cluster = state.with_node(self.cluster, node, state=NodeState.DOWN, removed=known, had_quorum=owned)
        if cluster.forming == node:
            cluster = replace(cluster, forming=None)
        if owned:
            cluster = replace(cluster, quorum_owner=None)
            self.emit(events.QuorumOwner, None, (down,), owner=None)
            self.disk.owner = ""
        for name, group in cluster.groups.items():
            if group.owner == node:
                cluster = state.with_group(cluster, name, moving=False)
        cluster = self._end_resources(cluster, node, (down,))
        if known:
            self.changed(cluster)
            self._hand_over(node, owned, (down,))
            return
        if not cluster.members():
            cluster = state.with_node(cluster, node, removed=True)
        self.changed(cluster, (down,))

    # --- a node that stands still -------------------------------------------------------------------------

    def freeze(self, node: str, because: tuple[int, ...]) -> None:
        """Nothing on the node moves any more: it sends no heartbeat, renews no reservation, and does not know it."""
        if not self.cluster.is_up(node) or self.cluster.nodes[node].frozen:
            return
        owner = self.cluster.quorum_owner == node
        if owner:
            self.late[node] = (self.disk.tenure, [])
        self.changed(state.with_node(self.cluster, node, frozen=True, removed=False, had_quorum=owner), because)

    def thaw(self, node: str, because: tuple[int, ...]) -> None:
        """The node goes on where it stood; where the others went on without it, it finds that out at once (fact 79)."""
        if not self.cluster.nodes[node].frozen:
            return
        up = self.cluster.is_up(node)
        self.changed(state.with_node(self.cluster, node, frozen=False, removed=True))
        tenure, late = self.late.pop(node, (None, []))
        if not up:
            if tenure is not None:
                for checkpoint, tree in late:
                    self._land_late(node, tenure, checkpoint, tree, because)
            text = "The node was not part of the cluster any more when it went on; its Cluster service stopped."
            fields = {"source": SOURCE, "event_id": RESERVATION_LOST, "text": text}
            self.emit(events.EventLog, node, because, **fields)
        held, self.held = self.held, []
        for running, flight, answer in held:
            if running.operation.host != node:
                self.held.append((running, flight, answer))
            elif running.number in self.running:
                if flight is None:
                    self._proceed(running, answer)
                else:
                    self._settle(flight)

    def _on_their_way(self, node: str) -> Iterator[tuple[Checkpoint, KeyTree]]:
        """The images that had left the node when it froze."""
        flights = [*self.clock.flights.values(), *(flight for _, flight, _ in self.held if flight is not None)]
        for flight in flights:
            if flight.running.operation.host == node and isinstance(flight.effect, engine.SaveImage):
                yield flight.effect.checkpoint, flight.effect.tree

    def _land_late(
        self, node: str, tenure: Tenure, checkpoint: Checkpoint, tree: KeyTree, because: tuple[int, ...]
    ) -> None:
        """A write that had left the node before it stood still reaches the disk, which has another owner by now."""
        error = self.disk.save_late(checkpoint, tree, node, tenure)
        self.emit(
            events.SaveFailed,
            node,
            because,
            resource=checkpoint.resource,
            key=checkpoint.key,
            version=self.disk.next_version(checkpoint),
            trigger=Trigger.CHANGE,
            error=error_code(error),
        )

    def lost(self, gone: UnreachableError) -> None:
        """A node, or its cluster service alone, was found gone: that was a fault, whoever made it."""
        assert self._is_news(gone), f"{gone.node} was asked for something though it is known to be gone"
        kind = FaultKind.STOP_SERVICE if gone.service else FaultKind.CRASH
        because = (self.emit(events.Fault, gone.node, fault=kind, parameters={"found": "gone"}),)
        if gone.service:
            self.stop_service(gone.node, because, known=False)
        else:
            self.crash(gone.node, because)

    def _is_news(self, gone: UnreachableError) -> bool:
        known = self.cluster.nodes[gone.node]
        return known.state is not NodeState.DOWN if gone.service else known.system

    def crash(self, node: str, because: tuple[int, ...]) -> None:
        """A power loss: the node's service and processes are gone, its registry is what was flushed."""
        if not self.cluster.nodes[node].system:
            return
        machine, ledger = self.machines[node], self.recorder.ledger
        machine.lose_power()
        self.stop_service(node, because, known=False)
        self.kill(lambda operation: operation.host == node)
        left = machine.on_disk.without_key(HIVE)
        if left != ledger.nodes[node].tree.without_volatile() and left != ledger.flushed[node].tree:
            raise AssertionError(f"the disk of {node} holds what was never flushed")
        if left != ledger.nodes[node].tree:
            self.emit(events.HiveReverted, node, because, to="flush")
        self.by_hand = frozenset(each for each in self.by_hand if each[0] != node)
        self.late.pop(node, None)
        self.changed(state.with_node(self.cluster, node, system=False, frozen=False))

    def _hand_over(self, node: str, owned: bool, because: tuple[int, ...]) -> None:
        """A node left by itself: the members take what it still owned, if they can reach the quorum disk."""
        members = self.cluster.active()
        if not members or self.disk.offline:
            return
        if owned:
            self.emit(events.QuorumOwner, members[0], because, owner=members[0])
            self.changed(replace(self.cluster, quorum_owner=members[0]))
            self.begin_beats("reservation_renewal", "quorum")
            self.disk.take_over(members[0])
        for name in self.plan.groups:
            target = self.cluster.heir(name)
            if self.cluster.groups[name].owner == node and target is not None:
                taken = self.emit(events.GroupOwner, target, because, group=name, owner=target)
                self.changed(state.with_group(self.cluster, name, owner=target))
                self.start(OnlineGroup(target, name), (taken,))

    def _heed_disk(self, because: tuple[int, ...]) -> None:
        """Log what the store has found; an owner that somebody else's claim has put out stops its service (fact 44)."""
        while self.disk.reports:
            report = self.disk.reports.pop(0)
            match report.what:
                case str(damage):
                    fields = {"source": OWN_SOURCE, "event_id": STORE_DAMAGED, "text": f"Quorum disk: {damage}."}
                    self.emit(events.EventLog, report.node, because, **fields)
                case Contested(by=rival, epoch=epoch):
                    text = (
                        "Ownership of the quorum disk has been unexpectedly lost by this node: "
                        f"{rival} {f'claims it in epoch {epoch}' if epoch else 'has reserved it'}."
                    )
                    fields = {"source": SOURCE, "event_id": RESERVATION_LOST, "text": text}
                    lost = self.emit(events.EventLog, report.node, because, **fields)
                    try:
                        self.stop_service(report.node, (lost,), known=True)
                    except UnreachableError as gone:  # whoever was to have the disk next
                        self.lost(gone)

    def _end_resources(self, cluster: Cluster, node: str, because: tuple[int, ...]) -> Cluster:
        for name, resource in cluster.resources.items():
            if cluster.owner(name) != node:
                continue
            if resource.process:
                self.emit(events.ProcessEnded, node, because, resource=name, reason="killed")
            if resource.state is not State.OFFLINE:
                self.emit(events.ResourceState, node, because, resource=name, state=State.OFFLINE)
            cluster = state.with_resource(cluster, name, state=State.OFFLINE, process=False, hung=False, failures=())
        return cluster


def _tied(touched: list[frozenset[str]]) -> list[int]:
    """Those that share something with the first, or with one that does: only among them is the order a choice."""
    tied, seen = [0], set(touched[0])
    grown = True
    while grown:
        more = [each for each in range(len(touched)) if each not in tied and seen & touched[each]]
        grown = bool(more)
        tied += more
        for each in more:
            seen |= touched[each]
    return sorted(tied)


# --- performing effects: at once, or in flight ------------------------------------------------------------------


def _host(running: Running) -> str:
    assert running.operation.host is not None, f"{running.operation} runs on no node"
    return running.operation.host


def _list(world: World, _: Running, effect: engine.ListCheckpoints) -> tuple[Checkpoint, ...]:
    return database.listed(world.plan, world.database.root, effect.resource)


def _claim(world: World, _: Running, effect: engine.Claim) -> Checkpoint | Win32:
    taken = {each.number: each.key for each in database.listed(world.plan, world.database.root, effect.resource)}
    taken |= {number: key for (resource, number), key in world.claims.items() if resource == effect.resource}
    if effect.key in taken.values():
        return Win32.ALREADY_EXISTS
    free = next(number for number in range(1, len(taken) + 2) if number not in taken)
    world.claims[effect.resource, free] = effect.key
    return Checkpoint(effect.resource, free, effect.key)


def _give_up(world: World, _: Running, effect: engine.GiveUp) -> None:
    world.claims.pop((effect.checkpoint.resource, effect.checkpoint.number), None)


def _enter_list(world: World, running: Running, effect: engine.EnterList) -> None:
    checkpoint = effect.checkpoint
    world.claims.pop((checkpoint.resource, checkpoint.number), None)
    key = database.list_key(world.plan, checkpoint.resource)
    world.database.create_key(key)
    value = Value.sz(str(checkpoint.key))
    world.database.set_value(key, database.file_number(checkpoint), value)
    fields = {"resource": checkpoint.resource, "key": checkpoint.key, "number": checkpoint.number}
    world.report(running, events.CheckpointAdded, running.operation.host, **fields)


def _leave_list(world: World, running: Running, effect: engine.LeaveList) -> None:
    checkpoint = effect.checkpoint
    world.database.delete_value(database.list_key(world.plan, checkpoint.resource), database.file_number(checkpoint))
    world.disk.delete(checkpoint, _host(running))
    fields = {"resource": checkpoint.resource, "key": checkpoint.key, "number": checkpoint.number}
    world.report(running, events.CheckpointRemoved, running.operation.host, **fields)


def _read_key(world: World, running: Running, effect: engine.ReadKey) -> Any:
    try:
        return world.machines[_host(running)].registry.save_key(physical(effect.key))
    except Win32Error:
        return None


def _cut_off(world: World, running: Running) -> Win32 | None:
    """Why a node does not reach the quorum disk: it does so by way of the disk's owner (assumed: through its share)."""
    return None if world.cluster.reaches_quorum(_host(running)) else Win32.BAD_NETPATH


def _save_image(world: World, running: Running, effect: engine.SaveImage) -> object:
    checkpoint = effect.checkpoint
    save = world.report(
        running,
        events.SaveStarted,
        _host(running),
        resource=checkpoint.resource,
        key=checkpoint.key,
        version=world.disk.next_version(checkpoint),
        trigger=Trigger(effect.trigger),
    )
    world.saves[save] = running.number
    return world.transfer(running, effect, "checkpoint_save", checkpoint)


def _image_saved(world: World, running: Running, flight: Flight) -> Win32 | None:
    effect: engine.SaveImage = flight.effect
    checkpoint = effect.checkpoint
    (save,) = (save for save, owner in world.saves.items() if owner == running.number)
    common = {
        "resource": checkpoint.resource,
        "key": checkpoint.key,
        "version": world.disk.next_version(checkpoint),
        "trigger": Trigger(effect.trigger),
        "save": save,
    }
    error = _cut_off(world, running) or world.disk.save(checkpoint, effect.tree, _host(running))
    del world.saves[save]  # only now: a node that dies in it leaves a save that may have landed
    if error is None:
        world.report(running, events.Saved, _host(running), **common)
    else:
        world.report(running, events.SaveFailed, _host(running), error=error_code(error), **common)
    return error


def _save_impossible(world: World, running: Running, effect: engine.SaveImpossible) -> None:
    world.report(
        running,
        events.SaveFailed,
        _host(running),
        resource=effect.checkpoint.resource,
        key=effect.checkpoint.key,
        version=world.disk.next_version(effect.checkpoint),
        trigger=Trigger(effect.trigger),
        error=error_code(effect.error),
    )


def _load_image(world: World, running: Running, effect: engine.LoadImage) -> object:
    return world.transfer(running, effect, "checkpoint_restore", effect.checkpoint)


def _image_loaded(world: World, running: Running, flight: Flight) -> Any:
    return _cut_off(world, running) or world.disk.load(flight.effect.checkpoint, _host(running))


def _restore_key(world: World, running: Running, effect: engine.RestoreKey) -> Win32 | None:
    checkpoint, node = effect.checkpoint, _host(running)
    registry, key = world.machines[node].registry, physical(checkpoint.key)
    fields = {"resource": checkpoint.resource, "key": checkpoint.key}
    try:
        registry.create_key(key)  # RegCreateKeyEx opens or creates: a node may never have had the key
        registry.restore_key(key, effect.image.tree)
    except Win32Error as error:
        world.report(running, events.RestoreFailed, node, error=error_code(error.code), **fields)
        return error.code
    world.report(running, events.Restored, node, version=effect.image.version, **fields)
    world.touched(node, running.because)
    return None


def _restore_impossible(world: World, running: Running, effect: engine.RestoreImpossible) -> None:
    fields = {"resource": effect.checkpoint.resource, "key": effect.checkpoint.key, "error": error_code(effect.error)}
    world.report(running, events.RestoreFailed, _host(running), **fields)


def _base_key(world: World, checkpoint: Checkpoint) -> KeyPath:
    return base_key(world.plan.resources[checkpoint.resource].guid, checkpoint.number, checkpoint.key)


def _read_base(world: World, running: Running, effect: engine.ReadBase) -> Any:
    try:
        return world.machines[_host(running)].registry.save_key(_base_key(world, effect.checkpoint))
    except Win32Error:
        return None


def _keep_base(world: World, running: Running, effect: engine.KeepBase) -> None:
    node = _host(running)
    registry, key = world.machines[node].registry, _base_key(world, effect.checkpoint)
    with suppress(Win32Error):  # a key so deep that its base would be too deep: there is none, which is safe
        if effect.tree is not None:
            registry.create_key(key)
            registry.restore_key(key, effect.tree)
        elif registry.root.at(key) is not None:
            registry.delete_tree(key)
    world.touched(node, running.because)


def _quarantine(world: World, running: Running, effect: engine.Quarantine) -> object:
    return world.transfer(running, effect, "checkpoint_save", effect.checkpoint)


def _quarantined(world: World, running: Running, flight: Flight) -> str | Win32:
    effect: engine.Quarantine = flight.effect
    checkpoint, node = effect.checkpoint, _host(running)
    entries = tuple(entries_of(effect.lost, physical(checkpoint.key)))
    name = _cut_off(world, running) or world.disk.quarantine(checkpoint, RegFile(5, entries), node)
    if isinstance(name, Win32):
        return name
    file = f"{QUORUM}\\{world.plan.resources[checkpoint.resource].guid}\\{name}"
    fields = {"resource": checkpoint.resource, "key": checkpoint.key, "file": file}
    world.report(running, events.Quarantined, node, changes=_local_changes(effect.lost, checkpoint), **fields)
    return file


def _record_merge(world: World, running: Running, effect: engine.RecordMerge) -> None:
    checkpoint = effect.checkpoint
    changes = _local_changes(effect.taken, checkpoint)
    fields = {"resource": checkpoint.resource, "key": checkpoint.key, "changes": changes}
    world.report(running, events.Merged, _host(running), **fields)


def _local_changes(changes: tuple[Change, ...], checkpoint: Checkpoint) -> tuple[events.LocalChange, ...]:
    names = physical(checkpoint.key).names
    return tuple(
        events.LocalChange(KeyPath((*names, *each.path)), each.name, CHANGES[each.kind], each.after) for each in changes
    )


def _watch(world: World, running: Running, effect: engine.Watch) -> None:
    machine, key = world.machines[_host(running)], physical(effect.checkpoint.key)
    if effect.checkpoint not in machine.watches and machine.registry.root.at(key) is not None:
        machine.watches[effect.checkpoint] = machine.registry.watch(key)


def _rearm(world: World, running: Running, effect: engine.Rearm) -> None:
    machine = world.machines[_host(running)]
    watch = machine.watches.get(effect.checkpoint)
    if watch is None:
        return
    with suppress(Win32Error):  # the key is gone: the save that follows says so, a later re-arming may find it again
        machine.registry.rearm(watch)


def _unwatch(world: World, running: Running, effect: engine.Unwatch) -> None:
    node = _host(running)
    machine = world.machines[node]
    for checkpoint in [each for each in machine.watches if each.resource == effect.resource]:
        if effect.checkpoint in (None, checkpoint):
            machine.registry.unwatch(machine.watches.pop(checkpoint))
    for flight in list(world.clock.flights.values()):
        operation = flight.running.operation
        waits = isinstance(flight.effect, engine.AwaitRetry) and operation.host == node
        closed = waits and flight.effect.checkpoint.resource == effect.resource
        if closed and effect.checkpoint in (None, flight.effect.checkpoint):
            world.clock.wake(flight, Woken.CLOSED)


def _signalled(world: World, running: Running, effect: engine.Signalled) -> bool:
    machine = world.machines[_host(running)]
    watch = machine.watches.get(effect.checkpoint)
    return watch is not None and machine.registry.signalled(watch)


def _await_retry(world: World, running: Running, effect: engine.AwaitRetry) -> object:
    machine = world.machines[_host(running)]
    watch = machine.watches.get(effect.checkpoint)
    if watch is None:
        return Woken.CLOSED
    if machine.registry.signalled(watch) and machine.registry.root.at(physical(effect.checkpoint.key)) is not None:
        return Woken.CHANGED
    subject = f"checkpoint_retry/{effect.checkpoint.resource}/{database.file_number(effect.checkpoint)}"
    return world.fly(running, effect, world.draw(subject, world.plan.timing["checkpoint_retry"]))


def _retry_due(world: World, running: Running, flight: Flight) -> Woken:
    return Woken.RETRY if flight.answer is None else flight.answer


def _await_saves(world: World, running: Running, effect: engine.AwaitSaves) -> object:
    return world.park(running, effect) if world._saving(effect.resource, running.operation.host) else None


def _log_event(world: World, running: Running, effect: engine.LogEvent) -> None:
    node = running.operation.host or running.operation.subject
    world.emit(events.EventLog, node, running.because, source=effect.source, event_id=effect.event_id, text=effect.text)


def _look(world: World, _: Running, effect: effects.Look) -> Cluster:
    return world.cluster


def _await(world: World, running: Running, effect: effects.Await) -> object:
    if effect.condition.holds(world.cluster):
        return world.cluster
    return world.park(running, effect, effect.condition)


def _awaited(world: World, _: Running, flight: Flight) -> Cluster:
    return world.cluster


def _sleep(world: World, running: Running, effect: effects.Sleep) -> object:
    length = world.draw(f"{effect.timer}/{effect.subject}", world.plan.timing[effect.timer])
    return world.fly(running, effect, length) if length else None


def _await_beat(world: World, running: Running, effect: effects.AwaitBeat) -> object:
    return world.await_beat(running, effect)


def _lapse(world: World, running: Running, effect: effects.Lapse) -> object:
    return world.fly(running, effect, effect.micros) if effect.micros else None


def _await_hour(world: World, running: Running, effect: effects.AwaitHour) -> object:
    start, end = effect.start * HOUR, effect.end * HOUR
    local = (world.plan.starts_at + world.now) % DAY
    opened = (local - start) % DAY
    if opened < ((end - start) % DAY or DAY):  # a window from an hour to the same hour is the whole day (assumed)
        return None
    return world.fly(running, effect, DAY - opened)


def _set_state(world: World, running: Running, effect: effects.SetState) -> None:
    node = world.cluster.owner(effect.resource)
    world.report(running, events.ResourceState, node, resource=effect.resource, state=effect.state)
    world.stop_polls(effect.resource)
    world.changed(state.with_resource(world.cluster, effect.resource, state=effect.state))
    if effect.state is State.ONLINE:
        world.poll(effect.resource, running.because)


def _set_wanted(world: World, _: Running, effect: effects.SetWanted) -> None:
    cluster = world.cluster
    for name in effect.resources:
        cluster = state.with_resource(cluster, name, wanted=effect.wanted)
    world.changed(cluster)


def _count_failure(world: World, _: Running, effect: effects.CountFailure) -> Cluster:
    seen = world.cluster.resources[effect.resource]
    failed = seen.failed + 1
    counted = {"failed": failed, "failures": (*seen.failures, failed)}
    world.changed(state.with_resource(world.cluster, effect.resource, **counted))
    return world.cluster


def _forget_failure(world: World, _: Running, effect: effects.ForgetFailure) -> None:
    seen = world.cluster.resources.get(effect.resource)
    if seen is not None:
        left = tuple(each for each in seen.failures if each != effect.failure)
        world.changed(state.with_resource(world.cluster, effect.resource, failures=left))


def _count_failover(world: World, _: Running, effect: effects.CountFailover) -> Cluster:
    seen = world.cluster.groups[effect.group]
    failed_over = seen.failed_over + 1
    counted = {"failed_over": failed_over, "failovers": (*seen.failovers, failed_over)}
    world.changed(state.with_group(world.cluster, effect.group, **counted))
    return world.cluster


def _forget_failover(world: World, _: Running, effect: effects.ForgetFailover) -> None:
    seen = world.cluster.groups.get(effect.group)
    if seen is not None:
        left = tuple(each for each in seen.failovers if each != effect.failover)
        world.changed(state.with_group(world.cluster, effect.group, failovers=left))


def _start_process(world: World, running: Running, effect: effects.StartProcess) -> object:
    owner = world.cluster.owner(effect.resource)
    assert owner == _host(running), f"{effect.resource} starts on {_host(running)}, its group is owned by {owner}"
    world.machines[_host(running)].start_process(effect.resource)
    world.report(running, events.ProcessStarted, _host(running), resource=effect.resource)
    world.changed(state.with_resource(world.cluster, effect.resource, process=True, hung=False))
    died = world.read_keys(_host(running), effect.resource, running.because)
    if died is not None:
        running.because = (died,)  # found when it should be ready (assumed)
    return _while_pending(world, running, effect, "resource_online")


def _while_pending(
    world: World, running: Running, effect: effects.StartProcess | effects.StopProcess, timer: str
) -> object:
    """Let a process take its time, but for no longer than PendingTimeout: it reports nothing meanwhile (assumed)."""
    length = world.draw(f"{timer}/{effect.resource}", world.plan.timing[timer])
    patience = _pending_timeout(world, effect.resource)
    if length > patience:
        return world.fly(running, Overdue(effect.resource), patience)
    return world.fly(running, effect, length)


def _pending_timeout(world: World, resource: str) -> int:
    """PendingTimeout of the resource, or else the plan's (domain.md 64), in microseconds."""
    if "PendingTimeout" in world.plan.resources[resource].properties:
        return of_resource(world.plan, resource, "PendingTimeout") * 1000
    return world.draw(f"pending_timeout/{resource}", world.plan.timing["pending_timeout"])


def _process_started(world: World, running: Running, flight: Flight) -> object:
    name = flight.effect.resource
    seen = world.cluster.resources[name]
    if seen.hung:
        return _await_overdue(world, running, flight)
    return Process.READY if seen.process else Process.GONE


def _await_overdue(world: World, running: Running, flight: Flight) -> object:
    """A process that hangs is not where it should be by now: the rest of its PendingTimeout passes."""
    name = flight.effect.resource
    return world.fly(running, Overdue(name), max(0, _pending_timeout(world, name) - flight.length))


def _overdue(world: World, _: Running, flight: Flight) -> Process:
    return Process.SILENT if world.cluster.resources[flight.effect.resource].process else Process.GONE


def _stop_process(world: World, running: Running, effect: effects.StopProcess) -> object:
    return _while_pending(world, running, effect, "resource_offline")


def _process_stopped(world: World, running: Running, flight: Flight) -> object:
    name = flight.effect.resource
    seen = world.cluster.resources[name]
    if seen.hung:
        return _await_overdue(world, running, flight)
    if seen.process:
        world.machines[_host(running)].end_process(name)
        world.report(running, events.ProcessEnded, _host(running), resource=name, reason="stopped")
        world.changed(state.with_resource(world.cluster, name, process=False))
    return Process.GONE


def _terminate_process(world: World, running: Running, effect: effects.TerminateProcess) -> None:
    if world.cluster.resources[effect.resource].process:
        running.because = (world.end_process(_host(running), effect.resource, running.because, "terminated"),)


def _set_owner(world: World, running: Running, effect: effects.SetOwner) -> None:
    cluster = state.with_group(world.cluster, effect.group, owner=effect.owner, moving=False)
    if world.cluster.groups[effect.group].owner != effect.owner:
        world.report(running, events.GroupOwner, effect.owner, group=effect.group, owner=effect.owner)
        for name in world.plan.groups[effect.group].resources:
            cluster = state.with_resource(cluster, name, failures=())
    world.changed(cluster)


def _set_moving(world: World, _: Running, effect: effects.SetMoving) -> None:
    world.changed(state.with_group(world.cluster, effect.group, moving=effect.moving))


def _set_node(world: World, running: Running, effect: effects.SetNode) -> None:
    if effect.state is NodeState.JOINING:
        world.machines[effect.node].start_service()
    joined = world.cluster.nodes[effect.node].state is NodeState.JOINING and effect.state is NodeState.UP
    world.report(running, events.NodeState, effect.node, state=effect.state)
    world.changed(state.with_node(world.cluster, effect.node, state=effect.state))
    if joined:
        world.begin_beats("heartbeat", effect.node)


def _set_removed(world: World, _: Running, effect: effects.SetRemoved) -> None:
    world.changed(state.with_node(world.cluster, effect.node, removed=True))


def _set_forming(world: World, _: Running, effect: effects.SetForming) -> None:
    world.changed(replace(world.cluster, forming=effect.node))


def _power_up(world: World, _: Running, effect: effects.PowerUp) -> None:
    world.machines[effect.node].power_up()
    world.changed(state.with_node(world.cluster, effect.node, system=True))


def _reserve(world: World, running: Running, effect: effects.Reserve) -> bool:
    owner = world.cluster.quorum_owner
    # It renews its reservation, so that none is granted to a challenger; one that stands still does not.
    defended = owner is not None and owner != effect.node and not world.cluster.nodes[owner].frozen
    if effect.node is not None and (world.disk.offline or defended):
        return False
    world.report(running, events.QuorumOwner, effect.node, owner=effect.node)
    world.changed(replace(world.cluster, quorum_owner=effect.node))
    if effect.node is None:
        return True
    world.begin_beats("reservation_renewal", "quorum")
    try:
        # Where it is only the writing that fails, the node owns the disk all the same, and claims it at its first save.
        return world.disk.take_over(effect.node) is not Win32.QUORUM_OWNER_ALIVE
    except UnreachableError as gone:
        world.lost(gone)
        return False


def _stop_service(world: World, running: Running, effect: effects.StopService) -> None:
    world.stop_service(effect.node, running.because, known=effect.known)


def _spawn(world: World, running: Running, effect: effects.Spawn) -> None:
    world.start(effect.operation, running.because)


def _hand_over(world: World, running: Running, effect: effects.HandOver) -> None:
    world._end(running)
    running.generator.close()
    world.start(effect.operation, running.because)


def _flush_hive(world: World, running: Running, effect: FlushHive) -> None:
    world.machines[effect.node].flush()
    world.report(running, events.HiveFlushed, effect.node)


def _reply(world: World, _: Running, effect: Reply) -> None:
    world.reply(effect.command, effect.error)


def _await_reply(world: World, running: Running, effect: AwaitReply) -> object:
    if effect.command in world.replies:
        return world.replies[effect.command]
    return world.park(running, effect)


def error_code(error: Win32) -> ErrorCode:
    """An error as the history writes it."""
    return ErrorCode(error.title, error.value)


PERFORMERS: dict[type, Callable[[World, Running, Any], Any]] = {
    engine.ListCheckpoints: _list,
    engine.Claim: _claim,
    engine.GiveUp: _give_up,
    engine.EnterList: _enter_list,
    engine.LeaveList: _leave_list,
    engine.ReadKey: _read_key,
    engine.SaveImage: _save_image,
    engine.SaveImpossible: _save_impossible,
    engine.LoadImage: _load_image,
    engine.RestoreKey: _restore_key,
    engine.RestoreImpossible: _restore_impossible,
    engine.ReadBase: _read_base,
    engine.KeepBase: _keep_base,
    engine.Quarantine: _quarantine,
    engine.RecordMerge: _record_merge,
    engine.Watch: _watch,
    engine.Rearm: _rearm,
    engine.Unwatch: _unwatch,
    engine.Signalled: _signalled,
    engine.AwaitRetry: _await_retry,
    engine.AwaitSaves: _await_saves,
    engine.LogEvent: _log_event,
    effects.Look: _look,
    effects.Await: _await,
    effects.Sleep: _sleep,
    effects.AwaitBeat: _await_beat,
    effects.Lapse: _lapse,
    effects.AwaitHour: _await_hour,
    effects.SetState: _set_state,
    effects.SetWanted: _set_wanted,
    effects.CountFailure: _count_failure,
    effects.ForgetFailure: _forget_failure,
    effects.CountFailover: _count_failover,
    effects.ForgetFailover: _forget_failover,
    effects.StartProcess: _start_process,
    effects.StopProcess: _stop_process,
    effects.TerminateProcess: _terminate_process,
    effects.SetOwner: _set_owner,
    effects.SetMoving: _set_moving,
    effects.SetNode: _set_node,
    effects.SetRemoved: _set_removed,
    effects.SetForming: _set_forming,
    effects.PowerUp: _power_up,
    effects.Reserve: _reserve,
    effects.StopService: _stop_service,
    effects.Spawn: _spawn,
    effects.HandOver: _hand_over,
    FlushHive: _flush_hive,
    Reply: _reply,
    AwaitReply: _await_reply,
}
"""How each effect is performed: its answer, or IN_FLIGHT."""

LANDINGS: dict[type, Callable[[World, Running, Flight], Any]] = {
    engine.SaveImage: _image_saved,
    engine.LoadImage: _image_loaded,
    engine.Quarantine: _quarantined,
    engine.AwaitRetry: _retry_due,
    effects.Await: _awaited,
    effects.AwaitBeat: _awaited,
    effects.StartProcess: _process_started,
    effects.StopProcess: _process_stopped,
    Overdue: _overdue,
}
"""What an effect that took time is answered when it comes due."""
