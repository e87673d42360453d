"""A YAML document with the place of every key and value, read by YAML 1.2's rules.

PyYAML's libyaml composer gives the places, fast; but it is YAML 1.1, where the step key `on` is a boolean and `1:30`
a number. So scalars are resolved here, by the 1.2 core schema. Anchors, aliases, tags and several documents are no
part of the language: a scenario is read from top to bottom, and nothing in it grows.

Errors: `ScenarioError`, always one line: `FILE:LINE:COLUMN: what is wrong; what would be right`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

SIZE_LIMIT = 4 << 20
"""Bytes: a scenario is text that people write."""

DEPTH_LIMIT = 40

_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False} | dict.fromkeys(
    ("", "~", "null", "Null", "NULL")
)


class ScenarioError(ValueError):
    """A scenario that cannot be used: where, what is wrong, what would be right. `str()` is one line."""

    def __init__(self, file: str, line: int, column: int, problem: str) -> None:
        self.file = file
        self.line = line
        self.column = column
        self.problem = one_line(problem)
        super().__init__(file, line, column, problem)

    def __str__(self) -> str:
        return f"{one_line(self.file)}:{self.line}:{self.column}: {self.problem}"


class Item:
    """A value of the document and where it stands (line and column from 1).

    `value` is a dict of text to Item, a list of Items, or a scalar; `keys` are the places of a dict's keys.
    `plain`: the first character stands at the column itself (no quote before it).
    """

    __slots__ = ("column", "keys", "line", "plain", "value")

    def __init__(self, value: Any, line: int, column: int, *, plain: bool = True) -> None:
        self.value = value
        self.line = line
        self.column = column
        self.plain = plain
        self.keys: dict[str, Item] = {}

    def get(self, key: str) -> Item | None:
        """The item below that key."""
        assert isinstance(self.value, dict), f"{self.value!r} is no map"
        found: Item | None = self.value.get(key)
        return found

    def items(self) -> Iterable[tuple[str, Item]]:
        assert isinstance(self.value, dict), f"{self.value!r} is no map"
        return self.value.items()

    def data(self) -> Any:
        """The value without places."""
        if isinstance(self.value, dict):
            return {key: item.data() for key, item in self.value.items()}
        if isinstance(self.value, list):
            return [item.data() for item in self.value]
        return self.value


def read_bytes(path: Path, file: str) -> bytes:
    """The bytes of a scenario's file, a pipe included. Raises ScenarioError for one that is none."""
    if path.is_dir():
        raise ScenarioError(file, 1, 1, "is a folder; a scenario is a YAML file")
    try:
        with path.open("rb") as opened:
            data = opened.read(SIZE_LIMIT + 1)  # never more: a device has no size, and may have no end
    except FileNotFoundError:
        raise ScenarioError(file, 1, 1, "no such file; name one that is there") from None
    except (OSError, ValueError) as error:  # ValueError: no name of a file (it has a NUL)
        reason = getattr(error, "strerror", None) or error
        raise ScenarioError(file, 1, 1, f"cannot be read ({reason}); name another") from None
    if len(data) > SIZE_LIMIT:
        raise ScenarioError(file, 1, 1, f"is larger than {SIZE_LIMIT >> 20} MiB; a scenario is text that people write")
    return data


def compose(data: bytes, file: str) -> Item:
    """The document's one value, with places. Raises ScenarioError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise ScenarioError(file, line, column, "is not UTF-8 text; save it as UTF-8") from None
    if not text.strip():
        raise ScenarioError(file, 1, 1, "is empty; a scenario begins with 'scenario:' and 'cluster:'")
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse(text, file, loader)
        node = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        raise ScenarioError(file, line, column, f"is not YAML: {error.problem or error.context}") from None
    except yaml.YAMLError as error:
        offset = getattr(error, "position", 0)
        line = text.count("\n", 0, offset) + 1
        column = offset - (text.rfind("\n", 0, offset) + 1) + 1
        raise ScenarioError(file, line, column, "is not YAML: a character that text cannot have") from None
    if node is None:
        raise ScenarioError(file, 1, 1, "is empty; a scenario begins with 'scenario:' and 'cluster:'")
    return _item(node, file)


def _refuse(text: str, file: str, loader: Any) -> None:
    """Refuse what YAML has and the language has not, before anything is built from it."""
    depth = documents = 0
    for event in yaml.parse(text, Loader=loader):
        mark = event.start_mark
        assert mark is not None
        line, column = mark.line + 1, mark.column + 1
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise ScenarioError(file, line, column, "a second document; a file holds one scenario")
        elif isinstance(event, yaml.AliasEvent):
            raise ScenarioError(
                file, line, column, f"alias '*{event.anchor}'; write the value out, there are no aliases"
            )
        elif isinstance(event, yaml.NodeEvent):
            if event.anchor is not None:
                raise ScenarioError(file, line, column, f"anchor '&{event.anchor}'; there are no anchors and aliases")
            tag = getattr(event, "tag", None)
            if tag not in (None, "!"):
                raise ScenarioError(file, line, column, f"tag '{tag}'; write the plain value, there are no tags")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_LIMIT:
                raise ScenarioError(file, line, column, f"nested deeper than {DEPTH_LIMIT} levels; no scenario is")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _item(node: yaml.Node, file: str) -> Item:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.ScalarNode):
        plain = not node.style  # libyaml says "" where pure Python says None
        return Item(_scalar(node.value) if plain else node.value, line, column, plain=plain)
    if isinstance(node, yaml.SequenceNode):
        return Item([_item(child, file) for child in node.value], line, column)
    assert isinstance(node, yaml.MappingNode)
    entries: dict[str, Item] = {}
    item = Item(entries, line, column)
    for key_node, value_node in node.value:
        key = _item(key_node, file)
        if isinstance(key_node, yaml.ScalarNode):
            key.value = key_node.value  # a key is text, whatever it looks like: on, 1, null
        if not isinstance(key.value, str):
            raise ScenarioError(file, key.line, key.column, "a key is a list or a map; a key is text")
        if key.value in entries:
            raise ScenarioError(
                file, key.line, key.column, f"key {quoted(key.value)} stands here twice; once is enough"
            )
        entries[key.value] = _item(value_node, file)
        item.keys[key.value] = key
    return item


def _scalar(text: str) -> Any:
    """A plain scalar by YAML 1.2's core schema: `on`, `yes` and `1:30` are text."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= 40:
        if _INTEGER.match(text):
            return int(text)
        if _HEX.match(text):
            return int(text, 16)
        if _OCTAL.match(text):
            return int(text[2:], 8)
        if _FLOAT.match(text):
            return float(text)
    return text


def one_line(text: str) -> str:
    """The text on one line, unprintable characters escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def quoted(text: object, width: int = 60) -> str:
    """The user's own text between quotes, shortened."""
    shown = one_line(str(text))
    return f"'{shown}'" if len(shown) <= width else f"'{shown[: width - 3]}...'"


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'X'?`, or the known words where none is near."""
    names = list(dict.fromkeys(known))
    folded = {name.lower(): name for name in names}
    close = difflib.get_close_matches(word.lower()[:200], folded, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{folded[close[0]]}'?"
    listed = ", ".join(f"'{name}'" for name in names[:12]) + (" ..." if len(names) > 12 else "")
    return f"; known: {listed}" if names else "; there is none here"
