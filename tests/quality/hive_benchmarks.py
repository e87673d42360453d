"""How fast hives are read and written, as ratios in one process: `python -m tests.quality.hive_benchmarks`.

Every reader reads all keys and all data of the same file, in the form in which it gives them. hivex is measured in two
ways: `hivexml`, its own C program, which prints the whole hive, start of the process included; and its library called
value by value from Python, which is how a Python program has it. Prints, never asserts.
"""

from __future__ import annotations

import logging
import random
import shutil
import subprocess
import tempfile
import tracemalloc
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

from sim.checkpoint import store
from sim.checkpoint.effects import Checkpoint
from sim.cluster.plan import ClusterPlan, GroupPlan, ResourcePlan
from sim.live.files import RealFiles
from sim.registry import EMPTY, KeyPath, KeyTree, NameMap, Value, read_hive, write_hive
from sim.world.disk import QuorumDisk
from tests.hives import libhivex
from tests.hives.oracles import TOOLS, Tool
from tests.quality.benchmarks import best


def sample(keys: int, values: int) -> KeyTree:
    """Keys under a hundred others, each with values as services have them: numbers, texts, some binary data."""
    rng = random.Random(1)

    def value(number: int) -> Value:
        match number % 4:
            case 0:
                return Value.sz(f"C:\\Program Files\\Contoso\\module {number}.dll")
            case 1:
                return Value.binary(rng.randbytes(40))
            case _:
                return Value.dword(number)

    def filled(key: int) -> KeyTree:
        return KeyTree(NameMap.of((f"Value {number} of {key % 7}", value(number)) for number in range(values)))

    below = [KeyTree(keys=NameMap.of((f"Key {key}", filled(key)) for key in range(keys // 100))) for _ in range(100)]
    return KeyTree(keys=NameMap.of((f"Folder {number}", key) for number, key in enumerate(below)))


def copied(tree: KeyTree) -> None:
    """The tree written by hivex, key by key, into an empty hive."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.hiv"
        path.write_bytes(write_hive(EMPTY))
        with libhivex.opened(path, write=True) as hive:
            pending = [(hive.root(), tree)]
            while pending:
                node, key = pending.pop()
                if key.values:
                    hive.set_values(node, list(key.values.items()))
                pending += [(hive.add_child(node, name), child) for name, child in key.keys.items()]
            hive.commit()


def read_all(tool: Tool, path: Path) -> None:
    """Read every key with its values."""
    deque(tool.read(path), maxlen=0)


def compared(name: str, ours: float, what: Callable[[], object], rounds: int) -> None:
    """A line: how long it takes, as a multiple of ours."""
    seconds = best(what, rounds)
    print(f"  {name}: {seconds * 1e3:,.0f} ms, {seconds / ours:.1f} times ours")


def saves() -> None:
    """A save of a key of 10,000 values of which one has changed, in the simulation and on a real disk."""
    plain = KeyTree(NameMap.of((f"v{number}", Value.dword(number)) for number in range(10_000)))
    full = best(lambda: write_hive(plain))
    print(f"writing a hive of 10,000 values: {full * 1e3:.1f} ms = 1")
    numbers = count()

    def changed() -> KeyTree:
        return plain.with_value((), "v77", Value.dword(10_000 + next(numbers)))

    checkpoint = Checkpoint("Spooler", 1, KeyPath.parse("SOFTWARE"))
    resource = ResourcePlan(name="Spooler", group="G")
    plan = ClusterPlan(
        nodes=("NODE1",), groups={"G": GroupPlan(name="G", resources=("Spooler",))}, resources={"Spooler": resource}
    )
    simulated = QuorumDisk(plan)
    simulated.take_over("NODE1")
    simulated.save(checkpoint, plain, "NODE1")
    seconds = best(lambda: simulated.save(checkpoint, changed(), "NODE1"), 50)
    print(
        f"  saving it with one change, simulated: {seconds * 1e6:.0f} us, {seconds / full:.4f} times the full rewrite"
    )
    with tempfile.TemporaryDirectory() as folder:
        files = RealFiles(Path(folder))
        tenure = files.carry_out(store.take_over("NODE1")).tenure
        slot = store.Slot(resource.guid, 1, "SOFTWARE")
        files.carry_out(store.save(tenure, slot, plain))

        def save() -> None:
            image = files.carry_out(store.save(tenure, slot, changed()))
            files.carry_out(store.tidy(tenure, image))

        seconds = best(save, 10)
        print(
            f"  on a real disk, flushed, published, the older one checked: {seconds / full:.1f} times the full rewrite"
        )


def main() -> None:
    """Print every figure."""
    logging.disable(logging.CRITICAL)
    tree = sample(5_000, 10)
    image = write_hive(tree)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.hiv"
        path.write_bytes(image)
        ours = best(lambda: read_hive(path.read_bytes()))
        told = f"{len(image) / 1e6:.1f} MB, 5,101 keys, 50,000 values"
        print(f"reading {told}: {ours * 1e3:.0f} ms = 1 ({len(image) / 1e6 / ours:.0f} MB/s)")
        strict = best(lambda: read_hive(path.read_bytes(), strict=True))
        print(f"  strictly (order, hashes, security as well): {strict / ours:.1f} times")
        for tool in TOOLS:
            if tool.installed() and tool.name != "reglookup":
                compared(tool.name, ours, partial(read_all, tool, path), 1 if tool.name == "regipy" else 2)
        if shutil.which("hivexml"):
            compared("hivexml (C)", ours, lambda: subprocess.run(["hivexml", path], capture_output=True, check=True), 3)
        if shutil.which("reglookup"):
            compared(
                "reglookup (C)", ours, lambda: subprocess.run(["reglookup", path], capture_output=True, check=True), 3
            )
    written = best(lambda: write_hive(tree))
    print(f"writing it: {written * 1e3:.0f} ms = 1 ({len(image) / 1e6 / written:.0f} MB/s)")
    if libhivex.library() is not None:
        small = sample(500, 10)
        compared("hivex, a tenth of it", best(lambda: write_hive(small)), lambda: copied(small), 2)
    saves()
    for keys, values, size in ((5_000, 10, 0), (50_000, 10, 0), (100, 10, 100_000)):
        big = sample(keys, values)
        if size:
            big = big.with_key(("Data",), KeyTree(NameMap.of((f"{n}", Value.binary(bytes(size))) for n in range(1000))))
        image = write_hive(big)
        del big
        tracemalloc.start()
        kept = read_hive(image)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        kind = "large" if size else "small"
        times = peak / len(image)
        print(f"memory to read {len(image) / 1e6:.0f} MB of {kind} values: {times:.1f} times the file at most")
        del kept


if __name__ == "__main__":
    main()
