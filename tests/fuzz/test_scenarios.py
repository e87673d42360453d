"""Garbage in: mutated scenario files through the command line's own entry point; a status and one line, no traceback.

`FAILSIM_FUZZ` is how many; CI runs a slice.
"""

from __future__ import annotations

import io
import os
import random
import re
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from sim.cli import main
from tests.library import FILES

COUNT = int(os.environ.get("FAILSIM_FUZZ", "1000"))


def mutated(rng: random.Random, texts: list[bytes]) -> bytes:
    """A scenario with a few things wrong."""
    lines = rng.choice(texts).split(b"\n")
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(lines))
        match rng.randrange(10):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[rng.randrange(len(lines))])
            case 2:
                lines[at] = lines[at].replace(b":", b"", 1)
            case 3:
                lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
            case 4:
                words = lines[at].split(b" ")
                words[rng.randrange(len(words))] = rng.choice(b" ".join(rng.choice(texts).split(b"\n")).split(b" "))
                lines[at] = b" ".join(words)
            case 5:
                position = rng.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:position] + bytes([rng.randrange(256)]) + lines[at][position:]
            case 6:
                lines = lines[: at + 1]
            case 7 | 8:
                lines[at] = re.sub(rb"\d+", lambda _: str(rng.choice((0, 1, 7, 80, 8080, 10**9))).encode(), lines[at])
            case _:
                lines[at] = b" " * rng.randrange(6) + lines[at].strip()
        if not lines:
            lines = [b""]
    return b"\n".join(lines)


@pytest.mark.parametrize("batch", range(4))
def test_a_mutated_scenario_is_run_or_refused_in_one_line(batch: int, tmp_path: Path) -> None:
    rng = random.Random(batch)
    texts = [path.read_bytes() for path in FILES]
    (tmp_path / "optimized.reg").write_bytes((FILES[0].parent / "optimized.reg").read_bytes())
    path = tmp_path / "x.yaml"
    statuses = set()
    for _ in range(COUNT // 4):
        data = mutated(rng, texts)
        path.write_bytes(data)
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as end:
            main(["run", str(path), "--until", "10min", "--json"], prog_name="failsim")
        status = int(end.value.code or 0)
        statuses.add(status)
        assert status in (0, 1, 2), data
        assert err.getvalue().count("\n") == (1 if status == 2 else 0), (err.getvalue(), data)
    assert statuses == {0, 1, 2}
