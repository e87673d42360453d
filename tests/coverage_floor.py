"""The floor of branch coverage by room: `python -m tests.coverage_floor` after a run with `--cov`."""

from __future__ import annotations

import subprocess
import sys

FLOORS = {"registry": 95, "checkpoint": 95, "judge": 95}
"""Per cent of lines and branches."""


def main() -> int:
    """Print each room's coverage; 1 where one is below its floor."""
    status = 0
    for room, floor in FLOORS.items():
        command = [sys.executable, "-m", "coverage", "report", f"--include=sim/{room}/*", "--format=total"]
        total = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        print(f"coverage of sim/{room}: {total:.0f} %, floor {floor} %")
        status |= total < floor
    return status


if __name__ == "__main__":
    sys.exit(main())
