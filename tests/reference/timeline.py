"""Random timelines, as plain data, and the same in the language of scenarios.

Times are microseconds. No act falls on an instant at which the model does something of its own: their offsets
(multiples of 1 ms plus 137 us) are no sum of the model's timers.
"""

from __future__ import annotations

import random
from typing import Any

Timeline = dict[str, Any]
Act = dict[str, Any]

S = 1_000_000
A, B, SUB, FREE = r"software\app", r"software\bee", r"software\app\sub", r"software\free"


def generate(seed: int) -> Timeline:
    """The timeline of a seed: two or three nodes, one or two resources, 3 to 14 acts."""
    rng = random.Random(seed)
    nodes = ["N1", "N2", "N3"][: rng.choice((2, 2, 3))]
    two, together = rng.random() < 0.5, rng.random() < 0.4
    groups = {"G": {"preferred": nodes[:1], "resources": ["R"]}}
    first = rng.choice(([A], [A], [A], [A, B], []))
    resources: dict[str, Any] = {"R": {"group": "G", "checkpoints": first, "depends": []}}
    if two:
        keys = rng.choice(([B], [A], [A]))
        group = "G" if together else "H"
        if not together:
            groups["H"] = {"preferred": [rng.choice(nodes)], "resources": []}
        groups[group]["resources"].append("Q")
        depends = ["R"] if together and rng.random() < 0.6 else []
        resources["Q"] = {"group": group, "checkpoints": keys, "depends": depends}
    registry = {
        node: {
            key: {"v": rng.randint(0, 2), "w": rng.randint(0, 2)}
            for key in (A, B, FREE, *([SUB] if rng.random() < 0.5 else []))
        }
        for node in nodes
    }
    world = {"nodes": nodes, "groups": groups, "resources": resources, "registry": registry}
    acts: list[Act] = []
    at = rng.randint(0, 20) * 1000 + 137
    for number in range(rng.randint(3, 14)):
        gap = rng.choice(
            (
                rng.randint(10, 190),
                rng.randint(10, 190),
                rng.randint(200, 2500),
                rng.randint(2500, 9000),
                rng.randint(9000, 120_000),
            )
        )
        at += gap * 1000
        acts.append({"at": at, "label": f"a{number}", **_act(rng, world)})
    return {**world, "acts": acts, "until": at + 300 * S}


def with_policies(seed: int) -> Timeline:
    """The timeline of a seed, in which processes hang and die oftener, and one of their registry."""
    timeline, rng = generate(seed), random.Random(f"policies {seed}")
    if rng.random() < 0.7:
        reads = rng.choice(("start", "always"))
        timeline["resources"]["R"]["needs"] = {"key": A, "value": "v", "most": 2, "reads": reads}
    for act in timeline["acts"]:
        if rng.random() < 0.2:
            kind = rng.choice(("hang", "hang", "fail"))
            resource = rng.choice(list(timeline["resources"]))
            for name in [name for name in act if name not in ("at", "label")]:
                del act[name]
            act.update(kind=kind, resource=resource)
    return timeline


def _act(rng: random.Random, world: Timeline) -> Act:
    node = rng.choice(world["nodes"])
    resource = rng.choice(list(world["resources"]))
    group = rng.choice(list(world["groups"]))
    key = rng.choice((A, A, A, B, SUB, FREE))
    pick = rng.random()
    if pick < 0.30:
        return {"kind": "set", "node": node, "key": key, "value": rng.choice("vw"), "data": rng.randint(0, 3)}
    if pick < 0.38:
        return {"kind": "app", "resource": resource, "key": key, "value": rng.choice("vw"), "data": rng.randint(0, 3)}
    if pick < 0.42:
        return {"kind": "delete", "node": node, "key": key, "value": rng.choice("vw")}
    if pick < 0.44:
        return {"kind": "delete-key", "node": node, "key": SUB}
    if pick < 0.46:
        return {"kind": "parameter", "resource": resource, "value": "P", "data": rng.randint(0, 3)}
    if pick < 0.56:
        return {"kind": "offline", "resource": resource}
    if pick < 0.66:
        return {"kind": "online", "resource": resource}
    if pick < 0.76:
        return {"kind": "move", "group": group, "node": node}
    if pick < 0.79:
        return {"kind": "remove", "resource": resource, "key": rng.choice((A, A, B))}
    if pick < 0.82:
        return {"kind": "add", "resource": resource, "key": rng.choice((A, A, B))}
    if pick < 0.87:
        return {"kind": "crash", "node": node}
    if pick < 0.90:
        return {"kind": "boot", "node": node}
    if pick < 0.915:
        return {"kind": "stop-service", "node": node}
    if pick < 0.925:
        return {"kind": "start-service", "node": node}
    if pick < 0.945:
        return {"kind": "fail", "resource": resource}
    if pick < 0.965:
        return {"kind": "write-error", "for": rng.choice((3 * S, 60 * S)) + 211}
    if pick < 0.98:
        return {"kind": "damage", "resource": resource, "number": 1}
    if pick < 0.99:
        return {"kind": "open", "node": node, "key": rng.choice((A, B))}
    return {"kind": "disk-loss", "node": node}


def to_yaml(timeline: Timeline) -> str:
    """The timeline as a scenario (the language's flow style throughout: it is for a machine)."""
    lines = ["scenario: a random timeline", "cluster:", f"  nodes: [{', '.join(timeline['nodes'])}]", "  groups:"]
    for name, group in timeline["groups"].items():
        lines += [f"    {name}:", f"      preferred_owners: [{', '.join(group['preferred'])}]", "      resources:"]
        for resource in group["resources"]:
            spec = timeline["resources"][resource]
            keys = ", ".join(f"'{key}'" for key in spec["checkpoints"])
            needs = _needs(spec["needs"]) if "needs" in spec else ""
            depends = ", ".join(spec["depends"])
            lines.append(f"        {resource}: {{checkpoints: [{keys}], depends_on: [{depends}]{needs}}}")
    lines.append("registry:")
    for node, keys in timeline["registry"].items():
        lines.append(f"  {node}:")
        for key, values in keys.items():
            inner = ", ".join(f"{name}: {data}" for name, data in values.items())
            lines.append(f"    HKLM\\{key}: {{{inner}}}")
    lines.append("steps:")
    for act in timeline["acts"]:
        lines.append(f"  - at: {act['at']}us")
        lines += [f"    {line}" for line in _step(act)]
    return "\n".join([*lines, f"until: {timeline['until']}us"]) + "\n"


def _needs(need: Act) -> str:
    allowed = f"{{{need['value']}: {{between: [0, {need['most']}]}}}}"
    return f", needs: {{HKLM\\{need['key']}: {allowed}}}, reads: {need['reads']}"


def _step(act: Act) -> list[str]:
    label = f"as: {act['label']}"
    match act["kind"]:
        case "set":
            command = f"reg add HKLM\\{act['key']} /v {act['value']} /t REG_DWORD /d {act['data']} /f"
            return [f"on: {act['node']}", f"do: '{command}'", label]
        case "app":
            command = f"reg add HKLM\\{act['key']} /v {act['value']} /t REG_DWORD /d {act['data']} /f"
            return [f"app: {act['resource']}", f"do: '{command}'", label]
        case "delete":
            return [f"on: {act['node']}", f"do: 'reg delete HKLM\\{act['key']} /v {act['value']} /f'", label]
        case "delete-key":
            return [f"on: {act['node']}", f"do: 'reg delete HKLM\\{act['key']} /f'", label]
        case "parameter":
            return [f"do: 'cluster resource {act['resource']} /priv {act['value']}={act['data']}'", label]
        case "online" | "offline":
            return [f"do: 'cluster resource {act['resource']} /{act['kind']}'"]
        case "move":
            return [f"do: 'cluster group {act['group']} /moveto:{act['node']}'"]
        case "add" | "remove":
            return [f"do: 'cluster resource {act['resource']} /{act['kind']}checkpoints:{act['key']}'"]
        case "fail" | "hang" as kind:
            return [f"fault: {kind}", f"resource: {act['resource']}"]
        case "write-error":
            return ["fault: quorum-write-error", f"for: {act['for']}us"]
        case "damage":
            return ["fault: quorum-damage", f"file: '{act['resource']}\\{act['number']:08d}.CPT'"]
        case "open":
            return ["fault: open-key", f"node: {act['node']}", f"key: 'HKLM\\{act['key']}'"]
    return [f"fault: {act['kind']}", f"node: {act['node']}"]
