"""Its users sit before Windows: no POSIX module, and no file name that NTFS refuses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.library import ROOT

RESERVED = {"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))}


def test_every_module_imports_without_posix() -> None:
    modules = sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "sim").rglob("*.py")
        if path.stem not in ("__init__", "__main__") and path.parent.name != "live"  # which is for Linux, and says so
    )
    script = (
        "import sys, importlib\n"
        "for name in ('fcntl', 'pwd', 'resource', 'termios'): sys.modules[name] = None\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
    assert len(modules) > 40


def test_every_file_name_is_legal_on_ntfs() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        for part in Path(name).parts:
            assert not re.search(r'[<>:"\\|?*]', part), name
            assert part.split(".")[0].lower() not in RESERVED, name
            assert not part.endswith((" ", ".")), name
