"""An independent reference of the rules: when MSCS saves and restores, and what the contract calls that.

Written from the contract, with plain dictionaries and an event queue of its own; nothing of `sim` is imported.
A registry is {key: {value: data}} with lower-case keys; a cell is (key, value) or (key, None) for the key itself;
`standing[place][cell]` holds the ids of the writes whose data stands there. Places are the nodes, ("cpt", resource,
key) for each checkpoint, and "db", the cluster database. Times are microseconds.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterator
from copy import deepcopy
from typing import Any

S = 1_000_000
SAVE, RESTORE, ONLINE, OFFLINE, RETRY, FLUSH = 200_000, 100_000, S, S, 5 * S, 5 * S
POLL, ARBITRATE, BOOT, SERVICE, PERIOD, THRESHOLD = 5 * S, 10 * S, 60 * S, 5 * S, 900 * S, 3
ASK, PATIENCE, FAILOVERS = 60 * S, 180 * S, 10
BEAT, MISSED = 1_200_000, 6  # a node beats from the moment at which it is Up
PENDING = ("OnlinePending", "OfflinePending")

Answer = tuple[str, str | None, str, str | None]
Process = Iterator[Any]


def covers(key: str, other: str) -> bool:
    """Whether `other` is the key or lies below it."""
    return other == key or other.startswith(key + "\\")


class Proc:
    """Something that goes on: a generator that yields what it waits for. `host` takes it along when it dies."""

    def __init__(self, gen: Process, host: str | None, name: Any = None) -> None:
        self.gen, self.host, self.name = gen, host, name
        self.dead = False
        self.until: Callable[[], bool] | None = None
        self.on_disk = False


class Model:
    def __init__(self, timeline: dict[str, Any]) -> None:
        self.t = timeline
        self.now = 0
        self.count = 0
        self.heap: list[tuple[int, int, Callable[[], None]]] = []
        self.procs: list[Proc] = []
        self.queue: list[tuple[Proc, int]] = []
        self.busy: Proc | None = None
        self.nodes: list[str] = timeline["nodes"]
        self.os = dict.fromkeys(self.nodes, True)
        self.service = dict.fromkeys(self.nodes, "Up")
        self.up_at = dict.fromkeys(self.nodes, 0)
        self.removed = dict.fromkeys(self.nodes, True)
        self.forming: str | None = None
        self.quorum: str | None = self.nodes[0]
        self.res = timeline["resources"]
        self.owner = {g: spec["preferred"][0] for g, spec in timeline["groups"].items()}
        self.moving = dict.fromkeys(self.owner, False)
        self.state = dict.fromkeys(self.res, "Online")
        self.wanted = dict.fromkeys(self.res, True)
        self.alive = dict.fromkeys(self.res, True)
        self.since = dict.fromkeys(self.res, 0)
        self.hung = dict.fromkeys(self.res, False)
        self.failed_ever = dict.fromkeys(self.res, 0)
        self.rank = {r: number - len(self.res) for number, r in enumerate(self.res)}
        self.failures: dict[str, list[int]] = {r: [] for r in self.res}
        self.failovers = dict.fromkeys(self.owner, 0)  # for failure; no timeline is longer than their six hours
        self.reg: dict[str, dict[str, dict[str, int]]] = deepcopy(timeline["registry"])
        for tree in self.reg.values():
            tree.setdefault("software", {})
        self.setup = deepcopy(self.reg)
        self.standing: dict[Any, dict[Any, set[int]]] = {place: {} for place in (*self.nodes, "db")}
        self.flushed = {node: (deepcopy(self.reg[node]), dict[Any, set[int]]()) for node in self.nodes}
        self.flush_due: dict[str, Proc] = {}
        self.db: dict[Any, int] = {}
        self.listed: dict[str, dict[int, str]] = {r: {} for r in self.res}
        self.claimed: dict[str, dict[int, str]] = {r: {} for r in self.res}
        self.image: dict[Any, list[Any]] = {}
        self.watch: dict[tuple[str, str], set[str]] = {}
        self.dirty: set[Any] = set()
        self.opened: dict[str, set[str]] = {node: set() for node in self.nodes}
        self.refusing = 0
        self.writes: list[dict[str, Any]] = []
        self.saves: list[tuple[int, str, str, str, frozenset[int]]] = []
        self.failed: list[tuple[int, str, str, frozenset[int] | None]] = []
        self.coverage: list[list[Any]] = []
        self.damaged: list[tuple[int, str, str, frozenset[int]]] = []
        self.seq = 0
        for r, spec in self.res.items():
            for number, key in enumerate(spec["checkpoints"], 1):
                node = self.host(r)
                self.listed[r][number] = key
                self.coverage.append([r, key, 0, None])
                self.image[r, number] = [self.below(node, key), None]
                self.standing["cpt", r, key] = {}
                self.watch.setdefault((node, r), set()).add(key)

    # --- time ---

    def after(self, delay: int, what: Callable[[], None]) -> None:
        self.count += 1
        heapq.heappush(self.heap, (self.now + delay, self.count, what))

    def tick(self) -> int:
        """A serial number for what happens: orders events within an instant."""
        self.seq += 1
        return self.seq

    def start(self, gen: Process, host: str | None, name: Any = None, *, at_once: bool = True) -> Proc | None:
        if name is not None and any(p.name == name for p in self.procs):
            return None
        proc = Proc(gen, host, name)
        self.procs.append(proc)
        if at_once:
            self.go(proc)
        else:
            self.after(0, lambda: self.go(proc))
        return proc

    def go(self, proc: Proc) -> None:
        while not proc.dead:
            try:
                wait = next(proc.gen)
            except StopIteration:
                if proc in self.procs:
                    self.procs.remove(proc)
                return
            if isinstance(wait, int):
                self.after(wait, lambda: self.go(proc))
                return
            if isinstance(wait, tuple):
                proc.on_disk = True
                self.queue.append((proc, wait[1]))
                self.serve()
                return
            if not wait():
                proc.until = wait
                return

    def serve(self) -> None:
        if self.busy is None and self.queue:
            proc, length = self.queue.pop(0)
            self.busy = proc

            def done() -> None:
                if self.busy is proc:
                    self.busy = None
                    proc.on_disk = False
                    self.go(proc)
                    self.serve()

            self.after(length, done)

    def settle(self) -> None:
        """Let whoever waits for something that holds now go on, until nobody does."""
        again = True
        while again:
            again = False
            for proc in list(self.procs):
                if proc.until is not None and not proc.dead and proc.until():
                    proc.until = None
                    self.go(proc)
                    again = True

    def kill(self, host: str, *, os: bool) -> None:
        for proc in list(self.procs):
            if proc.host == host and (os or not (isinstance(proc.name, tuple) and proc.name[0] == "flush")):
                proc.dead = True
                self.procs.remove(proc)
                self.queue = [each for each in self.queue if each[0] is not proc]
                if self.busy is proc:
                    self.busy = None
        self.serve()

    def run(self) -> None:
        for act in self.t["acts"]:
            self.count += 1
            heapq.heappush(self.heap, (act["at"], self.count, lambda act=act: self.act(act)))  # type: ignore[misc]
        while self.heap and self.heap[0][0] <= self.t["until"]:
            self.now, _, what = heapq.heappop(self.heap)
            what()
            self.settle()

    # --- registries ---

    def host(self, r: str) -> str:
        return str(self.owner[self.res[r]["group"]])

    def below(self, node: str, key: str) -> dict[str, dict[str, int]] | None:
        tree = {k: dict(v) for k, v in self.reg[node].items() if covers(key, k)}
        return tree if key in tree else None

    def datum(self, tree: dict[str, dict[str, int]] | None, cell: tuple[str, str | None]) -> Any:
        key, value = cell
        if tree is None or key not in tree:
            return False if value is None else None
        return True if value is None else tree[key].get(value)

    def cells(self, *trees: dict[str, dict[str, int]]) -> set[tuple[str, str | None]]:
        return {(k, v) for tree in trees for k, values in tree.items() for v in (None, *values)}

    def touched(self, node: str) -> None:
        for r, spec in self.res.items():
            always = "needs" in spec and spec["needs"]["reads"] == "always"
            if always and self.host(r) == node and self.alive[r] and not self.hung[r] and not self.content(r, node):
                self.die(r)
        if node not in self.flush_due:

            def flush() -> Process:
                yield FLUSH
                del self.flush_due[node]
                self.flushed[node] = (deepcopy(self.reg[node]), dict(self.standing[node]))

            self.flush_due[node] = Proc(iter(()), None)
            self.start(flush(), node, ("flush", node))

    def replace(
        self, node: str, key: str, tree: dict[str, dict[str, int]], image: dict[Any, set[int]], by: str
    ) -> None:
        """A restore: the image replaces all that is below the key."""
        tick = self.tick()
        local = self.below(node, key) or {}
        here = self.standing[node]
        parents = [key[:i] for i, c in enumerate(key) if c == "\\" and key[:i] not in self.reg[node]]
        for cell in {*self.cells(local, tree), *(c for c in here if covers(key, c[0]))}:
            if self.datum(local, cell) != self.datum(tree, cell):
                for w in here.pop(cell, ()):
                    self.undo(w, node, tick, by)
        for parent in parents:
            for w in here.pop((parent, None), ()):
                self.undo(w, node, tick, by)
            self.reg[node][parent] = {}
        for cell, ids in image.items():
            here[cell] = here.get(cell, set()) | ids
        for k in local:
            del self.reg[node][k]
        self.reg[node].update({k: dict(v) for k, v in tree.items()})
        self.touched(node)

    def undo(self, w: int, node: str, tick: int, by: str) -> None:
        write = self.writes[w]
        if write["node"] == node and write["undone"] is None:
            write["undone"] = (tick, by)

    def revert(self, node: str, *, setup: bool) -> None:
        tick = self.tick()
        tree, old = (
            (deepcopy(self.setup[node]), {}) if setup else (deepcopy(self.flushed[node][0]), self.flushed[node][1])
        )
        here = self.standing[node]
        others = {
            w for place, cells in self.standing.items() if place not in (node, "db") for i in cells.values() for w in i
        }
        back = {c: set(i) for c, i in old.items()}
        for cell in {*self.cells(self.reg[node], tree), *here}:
            if self.datum(self.reg[node], cell) != self.datum(tree, cell) or setup:
                for w in here.pop(cell, ()):
                    if not setup or w not in others:  # a disk takes only what had no other copy
                        self.undo(w, node, tick, "setup" if setup else "power")
            elif cell in here:
                back[cell] = back.get(cell, set()) | here[cell]
        self.reg[node], self.standing[node] = tree, {} if setup else back
        self.flushed[node] = (deepcopy(tree), dict(self.standing[node]))
        self.flush_due.pop(node, None)

    # --- writes ---

    def write(
        self,
        label: str,
        node: str,
        key: str,
        value: str | None,
        data: int | None,
        *,
        rejected: bool = False,
        db: bool = False,
    ) -> None:
        w = len(self.writes)
        tick = self.tick()
        record: dict[str, Any] = {
            "label": label, "node": node, "key": key, "value": value, "data": data, "rejected": rejected, "db": db,
            "tick": tick, "undone": None, "replaced": None, "downs": [],
            "state": {r: (self.state[r], self.host(r)) for r in self.res},
        }  # fmt: skip
        self.writes.append(record)
        if rejected:
            return
        place = "db" if db else node
        cell = (key, value)
        here = self.standing[place]
        if db:
            before: Any = self.db.get(cell)
            after: Any = data
            self.db[cell] = data or 0
        else:
            before, after = self.datum(self.reg[node], cell), data if value is not None else data is not None
        if before == after:
            here[cell] = here.get(cell, set()) | {w}
        else:
            for old in here.pop(cell, ()):
                self.supersede(old, tick)
            here[cell] = {w}
        if db:
            return
        if data is not None:
            for i in [i for i, c in enumerate(key + "\\") if c == "\\"]:
                if key[:i] not in self.reg[node]:
                    for old in here.pop((key[:i], None), ()):
                        self.supersede(old, tick)
                    self.reg[node][key[:i]] = {}
            self.reg[node][key][str(value)] = data
        elif value is None:
            del self.reg[node][key]
        else:
            del self.reg[node][key][value]
        if before != after:
            self.touched(node)
            self.notice(node, key)

    def supersede(self, old: int, tick: int) -> None:
        if self.writes[old]["replaced"] is None:
            self.writes[old]["replaced"] = tick

    def notice(self, node: str, key: str) -> None:
        for (n, r), keys in list(self.watch.items()):
            for k in sorted(keys):
                if n == node and covers(k, key):
                    self.dirty.add((node, r, k))
                    self.start(self.save_on_change(node, r, k), node, ("save", node, r, k))

    # --- saves ---

    def number_of(self, r: str, key: str) -> int:
        return next(n for n, k in {**self.listed[r], **self.claimed[r]}.items() if k == key)

    def save(self, node: str, r: str, number: int, key: str, trigger: str) -> Generator[Any, None, bool]:
        """One save; returns whether it held."""
        tree = self.below(node, key)
        if tree is None:
            self.failed.append((self.tick(), r, key, None))
            return False
        held = {c: set(i) for c, i in self.standing[node].items() if covers(key, c[0])}
        yield ("disk", SAVE)
        ids = frozenset(w for i in held.values() for w in i)
        if self.refusing:
            self.failed.append((self.tick(), r, key, ids))
            return False
        place = ("cpt", r, key)
        newest, previous = self.image.get((r, number), [None, None])
        if newest is not None:
            previous = (newest, self.standing.get(place, {}))
            for c, i in self.standing.get(place, {}).items():
                if self.datum(newest, c) == self.datum(tree, c):
                    held[c] = held.get(c, set()) | i
        self.image[r, number] = [tree, previous]
        self.standing[place] = held
        self.saves.append((self.tick(), r, key, trigger, frozenset(w for i in held.values() for w in i)))
        return True

    def save_on_change(self, node: str, r: str, key: str) -> Process:
        mark = (node, r, key)
        while True:
            self.dirty.discard(mark)
            held = yield from self.save(node, r, self.number_of(r, key), key, "change")
            if not held:
                over = self.now + RETRY
                self.after(RETRY, lambda: None)
                gone = key not in self.reg[node]
                yield (
                    lambda over=over, gone=gone: (
                        self.now >= over
                        or (mark in self.dirty and not gone)
                        or key not in self.watch.get((node, r), ())
                    )
                )
                if key not in self.watch.get((node, r), ()):
                    return
            elif mark not in self.dirty or key not in self.watch.get((node, r), ()):
                return

    # --- resources ---

    def settled(self, *names: str) -> bool:
        return all(self.state[n] not in PENDING for n in names)

    def online(self, r: str, node: str) -> Process:
        yield lambda: self.settled(r)
        if self.state[r] == "Online" or self.host(r) != node:
            return
        self.state[r] = "OnlinePending"
        yield lambda: self.settled(*self.res[r]["depends"])
        for need in self.res[r]["depends"]:
            self.start(self.online(need, node), node, ("on", need, node))
        yield lambda: self.settled(*self.res[r]["depends"])
        if any(self.state[need] != "Online" for need in self.res[r]["depends"]):
            self.state[r] = "Offline"
            return
        for number, key in sorted(self.listed[r].items()):
            if self.listed[r].get(number) != key:
                continue
            yield ("disk", RESTORE)
            newest, previous = self.image.get((r, number), [None, None])
            tree, held = (
                (newest, self.standing.get(("cpt", r, key), {})) if newest is not None else previous or (None, {})
            )
            if tree is not None and not any(covers(key, k) for k in self.opened[node]):
                self.replace(node, key, tree, held, r)
            if key in self.reg[node] and self.listed[r].get(number) == key:
                self.watch.setdefault((node, r), set()).add(key)
        self.alive[r], self.hung[r] = self.content(r, node), False
        yield ONLINE
        if self.hung[r]:
            yield PATIENCE - ONLINE
            self.failed_in_its_attempt(r, node)
        elif self.alive[r]:
            self.state[r], self.since[r], self.rank[r] = "Online", self.now, self.tick()
        else:
            self.failed_in_its_attempt(r, node)

    def content(self, r: str, node: str) -> bool:
        """Whether the process can live with what its node has: one value, from nought to a largest one."""
        need = self.res[r].get("needs")
        found = 0 if need is None else self.reg[node].get(need["key"], {}).get(need["value"])
        return found is not None and (need is None or found <= need["most"])

    def failed_in_its_attempt(self, r: str, node: str) -> None:
        """Handled when the attempt has ended: it may be the first to be made again."""
        name = "fail", r, self.failed_ever[r]
        proc = self.start(self.failure(r, node), node, name, at_once=False)
        assert proc is not None

    def offline(self, r: str, node: str) -> Process:
        yield lambda: self.settled(r)
        if self.host(r) != node:
            return
        if self.state[r] == "Online":
            self.state[r] = "OfflinePending"
        dependents = [n for n, spec in self.res.items() if r in spec["depends"]]
        for each in dependents:
            self.start(self.offline(each, node), node, ("off", each, node))
        yield lambda: all(self.state[n] in ("Offline", "Failed") for n in dependents)
        if self.state[r] == "Failed":
            self.state[r] = "Offline"
        elif self.state[r] == "OfflinePending":
            yield OFFLINE
            if self.hung[r]:
                yield PATIENCE - OFFLINE
            if self.hung[r]:
                self.failed_in_its_attempt(r, node)
                return
            self.alive[r] = False
            self.watch.pop((node, r), None)
            yield lambda: not any(isinstance(p.name, tuple) and p.name[:3] == ("save", node, r) for p in self.procs)
            for number, key in sorted(self.listed[r].items()):
                if self.listed[r].get(number) != key:
                    continue
                yield from self.save(node, r, number, key, "offline")
            self.state[r] = "Offline"

    def failure(self, r: str, node: str) -> Process:
        self.state[r] = "Failed"
        self.alive[r] = self.hung[r] = False
        self.down(r, node)
        self.watch.pop((node, r), None)
        self.failed_ever[r] += 1
        failure = self.failed_ever[r]
        self.failures[r].append(failure)
        failures = len(self.failures[r])

        def forget() -> None:
            self.failures[r] = [each for each in self.failures[r] if each != failure]

        self.after(PERIOD, forget)
        dependents = [n for n, spec in self.res.items() if r in spec["depends"] and self.state[n] != "Offline"]
        for each in dependents:
            self.start(self.offline(each, node), node, ("off", each, node))
        yield lambda: all(self.state[n] in ("Offline", "Failed") for n in dependents)
        g = self.res[r]["group"]
        if self.state[r] != "Failed" or self.failed_ever[r] != failure or not self.wanted[r] or self.moving[g]:
            return
        if failures <= THRESHOLD:
            for each in (r, *dependents):
                if self.wanted[each]:
                    self.start(self.online(each, node), node, ("on", each, node))
        else:
            target = self.best(g, besides=node)
            if target is not None and self.failovers[g] < FAILOVERS:
                self.failovers[g] += 1
                self.start(self.move(g, node, target), node, ("move", g))

    def move(self, g: str, node: str, target: str) -> Process:
        self.moving[g] = True
        names = self.t["groups"][g]["resources"]
        for r in names:
            if self.state[r] != "Offline":
                self.start(self.offline(r, node), node, ("off", r, node))
        yield lambda: all(self.state[n] in ("Offline", "Failed") for n in names)
        self.own(g, target if self.service[target] == "Up" else node)

    def own(self, g: str, node: str) -> None:
        if self.owner[g] != node:
            for r in self.t["groups"][g]["resources"]:
                self.failures[r] = []
        self.owner[g], self.moving[g] = node, False
        for r in self.t["groups"][g]["resources"]:
            if self.wanted[r]:
                self.start(self.online(r, node), node, ("on", r, node))

    def best(self, g: str, besides: str | None = None) -> str | None:
        for node in (*self.t["groups"][g]["preferred"], *self.nodes):
            if node != besides and self.service[node] == "Up":
                return str(node)
        return None

    # --- nodes ---

    def members(self) -> list[str]:
        return [node for node in self.nodes if self.service[node] == "Up"]

    def down(self, r: str | None, node: str) -> None:
        """The resource failed, or (None) the node's service is gone: what was not saved there by now is unsaved."""
        tick = self.tick()
        for write in self.writes:
            write["downs"].append((tick, r, node))

    def leave(self, node: str) -> None:
        """The service of a node is gone without a word."""
        if self.service[node] == "Down":
            return
        was = self.quorum == node
        self.service[node] = "Down"
        self.down(None, node)
        self.kill(node, os=False)
        for n, r in [each for each in self.watch if each[0] == node]:
            del self.watch[n, r]
        if self.forming == node:
            self.forming = None
        for r in self.res:
            if self.host(r) == node:
                self.claimed[r] = {}
                self.moving[self.res[r]["group"]] = False
                self.state[r], self.alive[r], self.hung[r], self.failures[r] = "Offline", False, False, []
        if was:
            self.quorum = None
        self.removed[node] = not self.members()
        if self.members():
            self.start(self.detect(node, was), None)

    def detect(self, node: str, was: bool) -> Process:
        yield MISSED * BEAT - (self.now - self.up_at[node]) % BEAT
        if was:
            yield ARBITRATE
            members = self.members()
            if members and self.quorum is None:
                self.quorum = members[0]
        for g in self.owner:
            target = self.best(g)
            if self.owner[g] == node and target is not None:
                self.own(g, target)
        self.removed[node] = True

    def boot(self, node: str) -> Process:
        yield BOOT
        self.os[node] = True
        yield from self.join(node)

    def join(self, node: str) -> Process:
        self.service[node] = "Joining"
        yield SERVICE
        yield lambda: self.removed[node] if self.members() else self.forming is None
        if self.members():
            self.service[node] = "Up"
            self.up_at[node] = self.now
            return
        self.forming = node
        yield ARBITRATE
        self.quorum, self.service[node], self.forming = node, "Up", None
        self.up_at[node] = self.now
        for g in self.owner:
            self.own(g, node)

    def crash(self, node: str) -> None:
        if self.os[node]:
            self.leave(node)
            self.kill(node, os=True)
            self.revert(node, setup=False)
            self.opened[node] = set()
            self.os[node] = False

    # --- acts ---

    def act(self, act: dict[str, Any]) -> None:
        getattr(self, "do_" + act["kind"].replace("-", "_"))(act)

    def do_set(self, act: dict[str, Any]) -> None:
        self.write(act["label"], act["node"], act["key"], act["value"], act["data"], rejected=not self.os[act["node"]])

    def do_app(self, act: dict[str, Any]) -> None:
        node = self.host(act["resource"])
        refused = not self.os[node] or not self.alive[act["resource"]] or self.hung[act["resource"]]
        self.write(act["label"], node, act["key"], act["value"], act["data"], rejected=refused)

    def do_delete(self, act: dict[str, Any]) -> None:
        node = act["node"]
        there = self.os[node] and act["value"] in self.reg[node].get(act["key"], {})
        self.write(act["label"], node, act["key"], act["value"], None, rejected=not there)

    def do_delete_key(self, act: dict[str, Any]) -> None:
        node, key = act["node"], act["key"]
        there = key in self.reg[node]
        for value in sorted(self.reg[node].get(key, {})):
            self.write(act["label"], node, key, value, None, rejected=not self.os[node])
        self.write(act["label"], node, key, None, None, rejected=not there or not self.os[node])

    def do_parameter(self, act: dict[str, Any]) -> None:
        members = self.members()
        node = members[0] if members else self.nodes[0]
        self.write(
            act["label"], node, f"db {act['resource']}", act["value"], act["data"], rejected=not members, db=True
        )

    def refused(self, r: str) -> bool:
        return not self.members() or self.service[self.host(r)] != "Up" or self.moving[self.res[r]["group"]]

    def closure(self, r: str, *, up: bool) -> list[str]:
        found = [r]
        for each in found:
            more = [n for n, s in self.res.items() if each in s["depends"]] if up else self.res[each]["depends"]
            found += [n for n in more if n not in found]
        return found

    def do_online(self, act: dict[str, Any]) -> None:
        r = act["resource"]
        if not self.refused(r) and self.state[r] != "OfflinePending":
            for each in self.closure(r, up=False):
                self.wanted[each] = True
            self.start(self.online(r, self.host(r)), self.host(r), ("on", r, self.host(r)))

    def do_offline(self, act: dict[str, Any]) -> None:
        r = act["resource"]
        if not self.refused(r) and self.state[r] != "OnlinePending":
            for each in self.closure(r, up=True):
                self.wanted[each] = False
            self.start(self.offline(r, self.host(r)), self.host(r), ("off", r, self.host(r)))

    def do_move(self, act: dict[str, Any]) -> None:
        g, node = act["group"], self.owner[act["group"]]
        idle = self.members() and self.service[node] == "Up" and not self.moving[g]
        if idle and self.service[act["node"]] == "Up" and act["node"] != node:
            self.start(self.move(g, node, act["node"]), node, ("move", g))

    def do_remove(self, act: dict[str, Any]) -> None:
        r, key = act["resource"], act["key"]
        if not self.members() or self.service[self.host(r)] != "Up" or key not in self.listed[r].values():
            return
        number = self.number_of(r, key)
        self.watch.get((self.host(r), r), set()).discard(key)
        del self.listed[r][number]
        self.image.pop((r, number), None)
        self.standing.pop(("cpt", r, key), None)
        next(each for each in self.coverage if each[:2] == [r, key] and each[3] is None)[3] = self.tick()

    def do_add(self, act: dict[str, Any]) -> None:
        r, key = act["resource"], act["key"]
        node = self.host(r)
        known = {**self.listed[r], **self.claimed[r]}
        if not self.members() or self.service[node] != "Up" or key in known.values() or key not in self.reg[node]:
            return
        number = next(n for n in range(1, 9) if n not in known)
        self.claimed[r][number] = key
        watched = self.state[r] in ("Online", "OnlinePending")

        def adding() -> Process:
            if watched:
                self.watch.setdefault((node, r), set()).add(key)
            held = yield from self.save(node, r, number, key, "added")
            self.claimed[r].pop(number, None)
            if held:
                self.listed[r][number] = key
                self.coverage.append([r, key, self.tick(), None])
            elif watched:
                self.watch.get((node, r), set()).discard(key)

        self.start(adding(), node)

    def do_crash(self, act: dict[str, Any]) -> None:
        self.crash(act["node"])

    def do_boot(self, act: dict[str, Any]) -> None:
        if not self.os[act["node"]]:
            self.start(self.boot(act["node"]), act["node"], ("boot", act["node"]))

    def do_stop_service(self, act: dict[str, Any]) -> None:
        self.leave(act["node"])

    def do_start_service(self, act: dict[str, Any]) -> None:
        if self.os[act["node"]] and self.service[act["node"]] == "Down":
            self.start(self.join(act["node"]), act["node"], ("join", act["node"]))

    def do_fail(self, act: dict[str, Any]) -> None:
        r = act["resource"]
        if self.alive[r]:
            self.die(r)

    def die(self, r: str) -> None:
        self.alive[r] = self.hung[r] = False
        if self.state[r] == "Online":
            self.poll(r, POLL, lambda: not self.alive[r])

    def do_hang(self, act: dict[str, Any]) -> None:
        r = act["resource"]
        if self.alive[r] and not self.hung[r]:
            self.hung[r] = True
            if self.state[r] == "Online":
                self.poll(r, ASK, lambda: self.hung[r])

    def poll(self, r: str, every: int, unwell: Callable[[], bool]) -> None:
        """The next poll of this kind finds it, if it is still that way by then."""
        node, since = self.host(r), self.since[r]

        def asked() -> None:
            if self.state[r] == "Online" and self.since[r] == since and unwell():
                self.start(self.failure(r, node), node, ("fail", r, self.failed_ever[r]))

        # Of the polls of one instant those of the resource that came online first are first, LooksAlive before IsAlive.
        due = self.now + every - (self.now - since) % every
        heapq.heappush(self.heap, (due, 2 * self.rank[r] + (every == ASK) - 10**9, asked))

    def do_write_error(self, act: dict[str, Any]) -> None:
        self.refusing = 1

        def over() -> None:
            self.refusing = 0

        self.after(act["for"], over)

    def do_damage(self, act: dict[str, Any]) -> None:
        r, number = act["resource"], act["number"]
        key = self.listed[r].get(number)
        if key is None or self.image.get((r, number), [None])[0] is None:
            return
        _, previous = self.image[r, number]
        held = self.standing.get(("cpt", r, key), {})
        self.damaged.append((self.tick(), r, key, frozenset(w for i in held.values() for w in i)))
        self.image[r, number] = [None, previous]
        self.standing["cpt", r, key] = dict(previous[1]) if previous else {}

    def do_open(self, act: dict[str, Any]) -> None:
        if act["key"] in self.reg[act["node"]]:
            self.opened[act["node"]].add(act["key"])

    def do_disk_loss(self, act: dict[str, Any]) -> None:
        self.crash(act["node"])
        self.revert(act["node"], setup=True)

    # --- verdicts: the contract's rules, in its order ---

    def fate(self, w: int) -> tuple[str, str | None]:
        write = self.writes[w]
        if write["rejected"]:
            return "rejected", None
        if write["db"]:
            return ("kept" if w in self.standing["db"].get((write["key"], write["value"]), ()) else "superseded"), None
        spans = [c for c in self.coverage if covers(c[1], write["key"]) and (c[3] is None or c[3] > write["tick"])]
        if not spans:
            return "unprotected", None
        now = [c for c in spans if c[3] is None]
        if any(self.kept(w, r, key) for r, key, *_ in now):
            return "kept", None
        undone, replaced = write["undone"], write["replaced"]
        if replaced is not None and (undone is None or replaced < undone[0]):
            return "superseded", None
        if undone is not None:
            return "lost", self.cause(w, spans, undone[0], undone[1])
        if not now:
            return "unprotected", None
        if any(self.state[r] in ("Online", *PENDING) and self.host(r) == write["node"] for r, *_ in now):
            return "pending", None
        return "stranded", self.cause(w, spans, self.tick(), None)

    def kept(self, w: int, r: str, key: str) -> bool:
        write = self.writes[w]
        cell = (write["key"], write["value"])
        data = write["data"] if write["value"] is not None else write["data"] is not None
        number = self.number_of(r, key)
        newest, previous = self.image.get((r, number), [None, None])
        image = newest if newest is not None else (previous or (None,))[0]
        if image is None:
            return False
        made = w in self.standing[write["node"]].get(cell, ())
        if not (w in self.standing["cpt", r, key].get(cell, ()) or (made and self.datum(image, cell) == data)):
            return False
        if self.state[r] != "Online":
            return True
        host = self.host(r)
        return w in self.standing[host].get(cell, ()) or (made and self.datum(self.reg[host], cell) == data)

    def cause(self, w: int, spans: list[list[Any]], until: int, by: str | None) -> str:
        write = self.writes[w]
        node, made = write["node"], write["tick"]
        names = [r for r in self.res if any(c[0] == r for c in spans)]

        def distance(name: str) -> int:
            state, host = write["state"][name]
            return 2 if host != node else 0 if state == "Online" else 1 if state in PENDING else 2

        r = min(names, key=distance)
        state, host = write["state"][r]
        here = state == "Online" and host == node
        saves = [s for s in self.saves if made < s[0] < until and w in s[4]]
        first = saves[0][0] if saves else until
        downs = [d for d in write["downs"] if made < d[0] <= until and d[2] == node and d[1] in (None, r)]
        if here and downs and downs[0][0] < first:
            return "unsaved"
        if by == "power" and not saves:
            return "unflushed"
        if saves and by in self.res and by not in {s[1] for s in saves}:
            return "shared-key"
        if any(first < d[0] < until and w in d[3] and saves for d in self.damaged):
            return "checkpoint-damaged"
        held: dict[Any, bool] = {}
        for tick, name, key, trigger, ids in self.saves:
            if made < tick < until and covers(key, write["key"]):
                if w not in ids and (trigger == "added" or held.get((name, key))):
                    return "checkpoint-rolled-back"
                held[name, key] = w in ids
        for tick, name, key, failed in self.failed:
            held_it = (failed is not None and w in failed) or (failed is None and here and name == r)
            if held_it and made < tick < until and covers(key, write["key"]):
                return "save-failed"
        if state in PENDING and host == node:
            return "pending-edit"
        if state in ("Online", *PENDING) and host != node:
            return "wrong-node"
        return "unsaved" if here else "offline-edit"


def judge(timeline: dict[str, Any]) -> dict[str, list[Answer]]:
    """The fate and cause of every write of a timeline, by label."""
    model = Model(timeline)
    model.run()
    found: dict[str, list[Answer]] = {}
    for w, write in enumerate(model.writes):
        found.setdefault(write["label"], []).append((write["key"], write["value"], *model.fate(w)))
    return found
