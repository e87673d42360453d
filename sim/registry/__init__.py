"""The Windows registry as data: values, names, immutable trees, Win32 verbs, `.reg` text."""

from sim.registry.names import KeyPath, upcase
from sim.registry.registry import Filter, Registry
from sim.registry.tree import EMPTY, ChangeKind, KeyTree, NameMap, TreeChange, apply, diff
from sim.registry.values import Type, Value, type_name, type_number
from sim.registry.views import NATIVE, WOW, physical
from sim.registry.win32 import Win32, Win32Error

__all__ = [
    "EMPTY",
    "NATIVE",
    "WOW",
    "ChangeKind",
    "Filter",
    "KeyPath",
    "KeyTree",
    "NameMap",
    "Registry",
    "TreeChange",
    "Type",
    "Value",
    "Win32",
    "Win32Error",
    "apply",
    "diff",
    "physical",
    "type_name",
    "type_number",
    "upcase",
]
