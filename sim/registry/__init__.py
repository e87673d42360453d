"""The Windows registry as data: values, names, immutable trees, Win32 verbs, `.reg` text, hive files.

What the other rooms say `from sim.registry import ...` for. It knows nothing of clusters, clocks or disks.
"""

from sim.registry.hive import HiveError
from sim.registry.hive_read import HiveHeader, read_header, read_hive
from sim.registry.hive_write import write_hive
from sim.registry.names import KeyPath, upcase
from sim.registry.reg_text import (
    RegCreate,
    RegDeleteKey,
    RegDeleteValue,
    RegEntry,
    RegFile,
    RegSet,
    RegTextError,
    apply_reg,
    entries_of,
    parse_reg,
    write_changes,
    write_reg,
)
from sim.registry.registry import Filter, Registry
from sim.registry.tree import EMPTY, Change, ChangeKind, KeyTree, NameMap, apply, diff
from sim.registry.values import Type, Value, type_name, type_number
from sim.registry.views import NATIVE, WOW, physical
from sim.registry.win32 import Win32, Win32Error

__all__ = [
    "EMPTY",
    "NATIVE",
    "WOW",
    "Change",
    "ChangeKind",
    "Filter",
    "HiveError",
    "HiveHeader",
    "KeyPath",
    "KeyTree",
    "NameMap",
    "RegCreate",
    "RegDeleteKey",
    "RegDeleteValue",
    "RegEntry",
    "RegFile",
    "RegSet",
    "RegTextError",
    "Registry",
    "Type",
    "Value",
    "Win32",
    "Win32Error",
    "apply",
    "apply_reg",
    "diff",
    "entries_of",
    "parse_reg",
    "physical",
    "read_header",
    "read_hive",
    "type_name",
    "type_number",
    "upcase",
    "write_changes",
    "write_hive",
    "write_reg",
]
