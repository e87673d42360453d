"""The simulated ground: SimPy's clock, machines and quorum disk in memory, operations in this very process."""

from __future__ import annotations

from sim.checkpoint.effects import Op
from sim.cluster.effects import Operation
from sim.cluster.plan import ClusterPlan
from sim.driver.flights import Running
from sim.driver.ground import Machine as AnyMachine
from sim.registry import KeyTree
from sim.world.clock import Clock
from sim.world.disk import QuorumDisk
from sim.world.machine import Machine


class SimulatedGround:
    """A cluster of the plan, its nodes with these registries; nothing outside this object is touched."""

    __slots__ = ("clock", "disk", "machines")

    def __init__(self, plan: ClusterPlan, registries: dict[str, KeyTree]) -> None:
        self.clock = Clock()
        self.disk = QuorumDisk(plan)
        self.machines: dict[str, AnyMachine] = {node: Machine(node, registries[node]) for node in plan.nodes}

    def carry(self, operation: Operation) -> Op[None]:
        """The operation runs here."""
        return operation.run()

    def copy(self, running: dict[int, Running]) -> SimulatedGround:
        """An independent ground in the same state, for these copies of its operations."""
        other = SimulatedGround.__new__(SimulatedGround)
        other.clock, other.disk = self.clock.copy(running), self.disk.copy()
        other.machines = {node: machine.copy() for node, machine in self.machines.items()}
        return other
