"""The language of scenarios as a JSON Schema: the one description that loader and editors share.

`schema()` is what `failsim schema` prints. `check` walks a document by it, so that an unknown key or a wrong type
has a place and a hint; what a schema cannot say (an unknown resource, a time in the past) is the loader's.
"""

from __future__ import annotations

import re
from typing import Any

from sim.cluster.application import Reads
from sim.cluster.plan import Obligations, Policy
from sim.cluster.profile import COUNTS, TIMERS, Profile
from sim.history.verdict import AnomalyKind, Cause, Fate
from sim.scenario.document import Item, ScenarioError, nearest, quoted
from sim.scenario.model import FaultKind
from sim.scenario.times import PATTERN

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WORD: Schema = {"type": "string", "minLength": 1}
TIME: Schema = {"type": "string", "pattern": PATTERN, "description": "a time such as 250ms, 10s, 2min, 1h, 3d, 1min30s"}
AFTER: Schema = {
    "type": "string",
    "pattern": r"^\+?(\d+(\.\d+)?(d|h|min|s|ms|us))+$",
    "description": "a time such as 10s, or +5s for so long after the step before",
}


CLOCK: Schema = {"type": "string", "pattern": r"^([01]?\d|2[0-3]):[0-5]\d$"}


def _object(properties: Schema, *, required: tuple[str, ...] = (), what: str = "") -> Schema:
    found: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        found["required"] = list(required)
    if what:
        found["description"] = what
    return found


def _map(values: Schema, what: str = "") -> Schema:
    return {"type": "object", "additionalProperties": values, **({"description": what} if what else {})}


def _list(items: Schema, **more: object) -> Schema:
    return {"type": "array", "items": items, **more}


def _words(words: Any, what: str = "") -> Schema:
    return {"type": "string", "enum": [str(word) for word in words], **({"description": what} if what else {})}


BETWEEN = _object({"between": _list(TIME, minItems=2, maxItems=2)}, required=("between",), what="a window of times")
SPAN: Schema = {"anyOf": [TIME, BETWEEN]}
VALUE: Schema = {
    "anyOf": [
        {"type": "integer", "description": "REG_DWORD"},
        {"type": "string", "description": "REG_SZ"},
        _list(WORD, description="REG_MULTI_SZ"),
        _object(
            {
                "type": TEXT,
                "data": {"anyOf": [{"type": "string"}, {"type": "integer"}, _list(WORD)]},
                "hex": TEXT,
            },
            required=("type",),
            what="data of any type: {type: REG_BINARY, data: 01 02 ff}",
        ),
    ]
}
OR_ABSENT: Schema = {"anyOf": [*VALUE["anyOf"], {"type": "null", "description": "absent"}]}
KEY: Schema = {
    "type": "object",
    "properties": {"volatile": {"anyOf": [{"type": "boolean"}, *VALUE["anyOf"]]}},
    "additionalProperties": VALUE,
}
REGISTRY = _map(
    {"anyOf": [KEY, {"type": "string"}, {"type": "null"}]}, "keys with their values, or 'file': a .reg file"
)
ALLOWED: Schema = {
    "anyOf": [
        {"type": "integer", "description": "this number"},
        {"type": "string", "description": "this text"},
        {"type": "null", "description": "absent"},
        _list({"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}, minItems=1, description="one of"),
        _object(
            {"between": _list({"type": "integer"}, minItems=2, maxItems=2)},
            required=("between",),
            what="a number between these two, both included",
        ),
    ]
}
RESOURCE = _object(
    {
        "type": {"type": "string", "enum": ["Generic Service", "Generic Application", "Physical Disk"]},
        "checkpoints": _list(WORD, description="keys relative to HKEY_LOCAL_MACHINE"),
        "depends_on": _list(WORD, description="resources of the same group"),
        "properties": _map(VALUE, "common and private properties by their documented names"),
        "possible_owners": _list(WORD, minItems=1, description="the nodes that may host it; every node where left out"),
        "needs": _map(
            _map(ALLOWED),
            "keys below HKLM with the values that the resource's process needs to live: {Port: {between: [1, 65535]}, "
            "Mode: [fast, safe], Debug: null}; it dies of one that does not fit when it starts",
        ),
        "reads": _words(
            Reads, "when its process reads what it needs: at its start alone (default), or at each change as well"
        ),
    }
)
GROUP = _object(
    {
        "preferred_owners": _list(WORD),
        "resources": _map({"anyOf": [RESOURCE, {"type": "null"}]}),
        "properties": _map(VALUE, "common properties of the group by their documented names"),
    }
)
ENGINE = _object(
    {name: {"type": "boolean"} for name in Obligations.__struct_fields__},
    what="when the engine saves; by default as the product does",
)
CLUSTER = _object(
    {
        "profile": _words(Profile, "the generation of the product"),
        "policy": _words(Policy, "what a restore does with local changes; 'overwrite' is what the product does"),
        "engine": ENGINE,
        "nodes": _list(WORD, minItems=1, maxItems=16),
        "starts_at": {**CLOCK, "description": "the local time of day when time starts, such as '22:00'; 00:00 if not"},
        "groups": _map({"anyOf": [GROUP, {"type": "null"}]}),
        "timing": _object(
            dict.fromkeys(TIMERS, SPAN) | {name: {"type": "integer", "minimum": 1} for name in COUNTS},
            what="any documented timer",
        ),
    },
    required=("nodes",),
)
_FAULT = {
    "fault": _words(FaultKind, "what breaks; 'hang': the process of a resource exists, and answers nothing"),
    "node": WORD,
    "resource": WORD,
    "key": WORD,
    "file": WORD,
    "by": SPAN,
    "for": SPAN,
    "between": _list(_list(WORD)),
}
STEP = _object(
    {
        "at": {"anyOf": [AFTER, BETWEEN]},
        "do": {"anyOf": [WORD, _list(WORD, minItems=1)]},
        "on": {**WORD, "description": "the node on which the commands are typed"},
        "app": {**WORD, "description": "the resource whose own process does it"},
        "view": {"type": "integer", "enum": [32, 64]},
        "as": {**WORD, "description": "the label of the step's writes"},
        **_FAULT,
    }
)
FATES: Schema = {"anyOf": [_words(Fate), _list(_words(Fate), minItems=1)]}
CAUSES: Schema = {"anyOf": [_words(Cause), _list(_words(Cause), minItems=1)]}
EXPECT = _object(
    {
        "writes": _map({"anyOf": [*FATES["anyOf"], _object({"fate": FATES, "cause": CAUSES}, required=("fate",))]}),
        "resources": _map({"anyOf": [WORD, _object({"state": WORD, "node": WORD})]}),
        "registry": _map(_map({"anyOf": [_map(OR_ABSENT), {"type": "null"}]})),
        "events": _list({"type": "integer"}, description="ids of event-log entries that must be there; [] for none"),
        "anomalies": _list(_words(AnomalyKind)),
    }
)
SCENARIO = _object(
    {
        "scenario": {**WORD, "description": "what happens, in one sentence"},
        "about": {**TEXT, "description": "one paragraph for a reader"},
        "cluster": CLUSTER,
        "registry": _map(REGISTRY, "what the nodes' registries hold before the cluster forms; 'all' for every node"),
        "steps": _list(STEP),
        "until": TIME,
        "may": _list(
            _object({**_FAULT, "at_most": {"type": "integer", "minimum": 1, "maximum": 100}}, required=("fault",))
        ),
        "expect": EXPECT,
    },
    required=("scenario", "cluster"),
    what="a scenario of failsim",
)


def schema() -> Schema:
    """The JSON Schema (draft 2020-12) of a scenario."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "failsim scenario", **SCENARIO}


_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "null": (type(None),),
}
_NAMES = {
    "object": "a map",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "nothing",
}


def check(item: Item, file: str, described: Schema = SCENARIO, where: str = "the scenario") -> None:
    """Raise ScenarioError at the first place that is not as the schema says."""
    if "anyOf" in described:
        fitting = [each for each in described["anyOf"] if _fits(item, each)]
        if not fitting:
            kinds = " or ".join(dict.fromkeys(_NAMES[each["type"]] for each in described["anyOf"]))
            raise ScenarioError(file, item.line, item.column, f"{where} is {_shown(item)}; it would be {kinds}")
        described = _nearest_alternative(item, fitting)
    elif not _fits(item, described):
        problem = f"{where} is {_shown(item)}; it would be {_NAMES[described['type']]}"
        raise ScenarioError(file, item.line, item.column, problem)
    if described["type"] == "object":
        _check_object(item, file, described, where)
    elif described["type"] == "array":
        _check_array(item, file, described, where)
    else:
        _check_scalar(item, file, described, where)


def _nearest_alternative(item: Item, fitting: list[Schema]) -> Schema:
    if isinstance(item.value, dict) and len(fitting) > 1:
        return max(fitting, key=lambda each: len(set(each.get("properties", ())) & set(item.value)))
    return fitting[0]


def _fits(item: Item, described: Schema) -> bool:
    if isinstance(item.value, bool):
        return bool(described["type"] == "boolean")
    return isinstance(item.value, _TYPES[described["type"]])


def _check_object(item: Item, file: str, described: Schema, where: str) -> None:
    known, others = described.get("properties", {}), described["additionalProperties"]
    for key, below in item.items():
        place = item.keys[key]
        if key in known:
            check(below, file, known[key], f"'{key}'")
        elif others is False:
            raise ScenarioError(
                file, place.line, place.column, f"unknown key {quoted(key)} in {where}{nearest(key, known)}"
            )
        else:
            if not key:
                raise ScenarioError(file, place.line, place.column, f"an empty name in {where}; name it")
            check(below, file, others, quoted(key))
    for key in described.get("required", ()):
        if key not in item.value:
            raise ScenarioError(file, item.line, item.column, f"{where} has no '{key}'; it needs one")


def _check_array(item: Item, file: str, described: Schema, where: str) -> None:
    size = len(item.value)
    low, high = described.get("minItems", 0), described.get("maxItems", size)
    if not low <= size <= high:
        wanted = (
            str(low) if low == described.get("maxItems") else f"at least {low}" if size < low else f"at most {high}"
        )
        raise ScenarioError(file, item.line, item.column, f"{where} has {size} entries; it would have {wanted}")
    for below in item.value:
        check(below, file, described["items"], f"an entry of {where}")


def _check_scalar(item: Item, file: str, described: Schema, where: str) -> None:
    value = item.value
    if "enum" in described and value not in described["enum"]:
        if isinstance(value, str):
            hint = nearest(value, described["enum"])
        else:
            hint = "; it would be " + " or ".join(str(each) for each in described["enum"])
        raise ScenarioError(file, item.line, item.column, f"{where} is {quoted(value)}{hint}")
    if "pattern" in described and not re.match(described["pattern"], value):
        problem = f"{where} is {quoted(value)}; it would be {described['description']}"
        raise ScenarioError(file, item.line, item.column, problem)
    if "minLength" in described and not value:
        raise ScenarioError(file, item.line, item.column, f"{where} is empty; name it")
    if "minimum" in described and not described["minimum"] <= value <= described.get("maximum", value):
        wanted = (
            f"at least {described['minimum']}" if value < described["minimum"] else f"at most {described['maximum']}"
        )
        raise ScenarioError(file, item.line, item.column, f"{where} is {value}; it would be {wanted}")


def _shown(item: Item) -> str:
    match item.value:
        case dict():
            return "a map"
        case list():
            return "a list"
        case None:
            return "empty"
        case bool() | int() | float():
            return str(item.value).lower()
    return quoted(item.value)
