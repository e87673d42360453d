"""The real ground: real time, a folder for each node and for the quorum disk, and the processes of a cluster."""

from __future__ import annotations

import atexit
from pathlib import Path
from types import TracebackType
from typing import Self

from sim.checkpoint.effects import Op
from sim.checkpoint.store import file_safe
from sim.cluster.effects import Operation
from sim.cluster.node import Boot, StartService
from sim.cluster.plan import ClusterPlan
from sim.driver.flights import Running
from sim.driver.ground import Machine
from sim.driver.world import Flush
from sim.live.clock import LiveClock
from sim.live.disk import LiveDisk
from sim.live.machine import LiveMachine, carried
from sim.live.processes import Template
from sim.registry import KeyTree


class LiveGround:
    """A cluster that runs. Leave it as a context manager: its processes end with it, whatever happens."""

    def __init__(
        self, plan: ClusterPlan, registries: dict[str, KeyTree], folder: Path, speed: float, ground: str
    ) -> None:
        self._template = Template()
        self.sockets = self._template.folder
        atexit.register(self.close)
        quorum = folder / "quorum"
        quorum.mkdir(parents=True, exist_ok=True)
        self._nodes: dict[str, LiveMachine] = {}
        for number, node in enumerate(plan.nodes, 1):
            address, place = str(self.sockets / f"{number}.registry"), folder / file_safe(node)
            self._nodes[node] = LiveMachine(node, place, address, quorum, registries[node], self._template, ground)
        self.machines: dict[str, Machine] = {**self._nodes}
        self.disk = LiveDisk(plan, quorum, self._nodes)
        try:
            for machine in self._nodes.values():
                machine.await_system()
            for machine in self._nodes.values():
                machine.start_service()
        except BaseException:
            self.close()  # nobody else can: who made this has nothing of it yet
            raise
        self.clock = LiveClock(speed)

    def carry(self, operation: Operation) -> Op[None]:
        """In the cluster service of the operation's node; here, what has none: a timer, a start, the lazy writer."""
        if operation.host is None or isinstance(operation, Boot | StartService | Flush):
            return operation.run()
        return carried(self._nodes[operation.host], operation)

    @property
    def processes(self) -> dict[str, list[int]]:
        """The ids of the processes of each node."""
        return {node: machine.processes for node, machine in self._nodes.items()}

    def copy(self, running: dict[int, Running]) -> LiveGround:
        raise AssertionError("a real cluster cannot be copied")

    def shut_down(self) -> None:
        """The run is over, and every node's files are to hold its registry."""
        for machine in self._nodes.values():
            machine.shut_down()

    def close(self) -> None:
        """End every process, and remove what only they needed. The folders of nodes and disk stay."""
        self._template.close()
        atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
