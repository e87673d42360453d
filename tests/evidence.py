"""The full counts of the heavy checks, as one table with their commands: `python -m tests.evidence`.

Runs for some minutes and writes `reports/evidence.md`; ends with 1 where a check fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

CHECKS = [
    (
        "independent reference and advice, 12,000 timelines",
        {"FAILSIM_TIMELINES": "12000"},
        "tests/reference tests/quality",
    ),
    (
        "Wine: 20,000 registry operations, every reg.exe command line",
        {"FAILSIM_WINE_OPERATIONS": "20000", "FAILSIM_WINE_COMMANDS": "100000"},
        "tests/wine",
    ),
    (
        "10,000 mutated scenario files through the command line",
        {"FAILSIM_FUZZ": "10000"},
        "tests/fuzz/test_scenarios.py",
    ),
    (
        "200,000 garbled command lines, 3,000 runs of commands and faults in any order",
        {"FAILSIM_COMMANDS": "200000", "FAILSIM_DAYS": "3000"},
        "tests/fuzz/test_language.py",
    ),
    ("200,000 mutated hives and .reg files", {"FAILSIM_FUZZ": "200000"}, "tests/fuzz/test_hives.py"),
    ("six independent readers of hives, 1,000 trees", {"FAILSIM_HIVES": "1000"}, "tests/hives"),
    (
        "every crash of the store, owners at once, planted mistakes, crash states on real files",
        {"FAILSIM_CRASHES": "all"},
        "tests/crashes",
    ),
    (
        "live runs on files and on Wine against the simulation; 200 kills of processes on files, 40 on Wine",
        {"FAILSIM_KILLS": "200"},
        "tests/live",
    ),
    (
        "laws: 5,000 timelines quiet and naive, 5,000 with partitions, 2,500 under each policy",
        {"FAILSIM_TIMELINES": "20000"},
        "tests/laws",
    ),
    ("everything else", {}, "tests/stories tests/registry tests/scenario tests/cli tests/snapshots"),
]
PRINTED = [
    ("what the random timelines reach, and differences", "tests.reference.test_reference 12000"),
    ("what following the advice does, by cause", "tests.quality.test_advice 3000"),
    ("which scenarios fail when a rule is broken", "tests.quality.test_sabotage"),
    ("which stories and scenarios fail when a policy is broken", "tests.quality.test_planted_policies"),
    ("what becomes of writes under each policy, and of undo files", "tests.laws.test_policies 2000"),
    ("planted mistakes of membership, and the oracle that finds each", "tests.laws.test_membership"),
    ("crash states of the store, and owners at once", "tests.crashes.enumerate"),
    ("planted mistakes of the store, and the smallest crash that shows each", "tests.crashes.planted"),
    (
        "operations on Wine's registry and ours: kinds, errors, differences",
        "tests.wine.test_registry_against_wine 20000",
    ),
    ("command lines of reg.exe on both: verbs, statuses, differences", "tests.wine.test_reg_exe_against_wine"),
    ("what independent readers make of hives, tool by tool", "tests.hives.test_agreement 1000"),
    ("reading and writing hives, as ratios in the same run", "tests.quality.hive_benchmarks"),
    ("speed, as ratios to bare SimPy in the same run", "tests.quality.benchmarks"),
]


def main() -> int:
    """Run every check; 1 where one fails."""
    lines = [
        "# Evidence",
        "",
        "Written by `.ci/run long`.",
        "",
        "| check | command | seconds | result |",
        "| --- | --- | --- | --- |",
    ]
    status = 0
    for name, variables, folders in CHECKS:
        command = [sys.executable, "-m", "pytest", "-n", "2", *folders.split()]
        start = time.monotonic()
        done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
        summary = done.stdout.strip().splitlines()[-1]
        typed = " ".join([*(f"{key}={value}" for key, value in variables.items()), "python -m pytest", folders])
        lines.append(f"| {name} | `{typed}` | {time.monotonic() - start:.0f} | {summary} |")
        status |= done.returncode
        print(lines[-1])
    for name, module in PRINTED:
        done = subprocess.run([sys.executable, "-m", *module.split()], capture_output=True, text=True, check=False)
        lines += ["", f"## {name}", "", f"`python -m {module}`", "", "```text", done.stdout.rstrip(), "```"]
        status |= done.returncode
    Path("reports/evidence.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
