"""The verdict on a run: every write's fate and story, the anomalies, and whether what was expected holds.

Made from a history alone; `to_json` is the document of `failsim run --json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import msgspec

from sim.history.events import AnyEvent
from sim.history.lines import digest
from sim.history.verdict import Cause, Fate
from sim.judge.advice import advice
from sim.judge.anomalies import Anomaly, anomalies
from sim.judge.expectations import failures
from sim.judge.fate import judge
from sim.judge.reading import Reading, by_label
from sim.judge.why import why
from sim.registry import KeyPath, KeyTree


class WriteVerdict(msgspec.Struct, frozen=True):
    """One write and what became of it. Times are in microseconds; `key` begins with `HKLM\\`."""

    id: int
    label: str | None
    at: int
    by: str
    node: str
    key: str
    value: str | None
    change: str
    fate: Fate
    cause: Cause | None
    undone_at: int | None
    undone_on: str | None
    why: tuple[str, ...]
    advice: tuple[str, ...]
    command: str

    def to_json(self) -> dict[str, Any]:
        """The write as the contract writes it."""
        seconds = None if self.undone_at is None else self.undone_at / 1_000_000
        return {
            "id": self.id,
            "label": self.label,
            "at": self.at / 1_000_000,
            "by": self.by,
            "node": self.node,
            "key": self.key,
            "value": self.value,
            "change": self.change,
            "fate": str(self.fate),
            "cause": None if self.cause is None else str(self.cause),
            "undone_at": seconds,
            "undone_on": self.undone_on,
            "why": list(self.why),
            "advice": list(self.advice),
        }


class WriteGroup:
    """The writes of one label. `fate`, `cause`, `why` and `advice` are theirs where they agree."""

    def __init__(self, label: str, writes: Sequence[WriteVerdict]) -> None:
        self.label = label
        self._writes = tuple(writes)

    def __iter__(self) -> Iterator[WriteVerdict]:
        return iter(self._writes)

    def __len__(self) -> int:
        return len(self._writes)

    @property
    def fate(self) -> Fate | None:
        """The fate that all of them have, None where they differ."""
        fates = {write.fate for write in self._writes}
        return fates.pop() if len(fates) == 1 else None

    @property
    def cause(self) -> Cause | None:
        """The cause that all of them have, None where they differ or have none."""
        causes = {write.cause for write in self._writes}
        return causes.pop() if len(causes) == 1 else None

    @property
    def why(self) -> tuple[str, ...]:
        """The story of the first that did not stay, or of the first."""
        return self._telling.why

    @property
    def advice(self) -> tuple[str, ...]:
        """The advice for each of them, once: what one command did is advised as a whole."""
        return tuple(line for lines in dict.fromkeys(write.advice for write in self._writes) for line in lines)

    @property
    def _telling(self) -> WriteVerdict:
        bad = (write for write in self._writes if write.fate not in (Fate.KEPT, Fate.SUPERSEDED))
        return next(bad, self._writes[0])


class Writes:
    """The writes of a run: by id, or by label; iterates over all in the order in which they were made."""

    def __init__(self, all_writes: Sequence[WriteVerdict], labels: dict[str, list[int]]) -> None:
        self._by_id = {write.id: write for write in all_writes}
        self._labels = labels

    def __getitem__(self, name: str | int) -> Any:
        """A WriteGroup for a label, a WriteVerdict for an id. Raises KeyError."""
        if isinstance(name, int):
            return self._by_id[name]
        return WriteGroup(name, [self._by_id[write] for write in self._labels[name]])

    def __contains__(self, name: object) -> bool:
        return name in self._labels or name in self._by_id

    def __iter__(self) -> Iterator[WriteVerdict]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of steps that made a write."""
        return tuple(self._labels)


class Verdict:
    """What a history comes to. `replay` is a token that repeats the run, empty for a history from elsewhere.

    `file` is the scenario's path as given; the history knows only its last part, which is the same from everywhere.
    """

    def __init__(self, history: Sequence[AnyEvent], replay: str = "", file: str | None = None) -> None:
        self.history = tuple(history)
        self.replay = replay
        self.reading = Reading(self.history)
        self.begin = self.reading.begin
        self.file = self.begin.file if file is None else file

    @cached_property
    def writes(self) -> Writes:
        """Every write, judged and told."""
        return Writes([self._write(write) for write in self.reading.writes], by_label(self.reading))

    @cached_property
    def anomalies(self) -> tuple[Anomaly, ...]:
        """What went wrong in the run as a whole."""
        return anomalies(self.reading)

    @cached_property
    def failures(self) -> tuple[str, ...]:
        """Every expectation that does not hold, one line each."""
        fates: dict[str, list[tuple[Fate, Cause | None]]] = {}
        for label in self.writes.labels:
            fates[label] = [(write.fate, write.cause) for write in self.writes[label]]
        return failures(self.reading, fates, self.anomalies)

    @property
    def passed(self) -> bool:
        """Whether every expectation holds, and every step was run."""
        return not self.failures

    @property
    def ended_at(self) -> int:
        """When the run ended, in microseconds."""
        return self.history[-1].at

    def _write(self, write: int) -> WriteVerdict:
        _, event = self.reading.writes[write]
        command = self.reading.commands[event.command]
        judged = judge(self.reading, write)
        told = judged.undone is not None and judged.fate is Fate.LOST
        undoing = self.history[judged.undone] if judged.undone is not None and told else None
        advised = advice(self.reading, write, judged)
        assert event.node is not None
        return WriteVerdict(
            id=write,
            label=command.label,
            at=event.at,
            by=command.by,
            node=event.node,
            key=event.key.hklm,
            value=event.value,
            change=event.change,
            fate=judged.fate,
            cause=judged.cause,
            undone_at=None if undoing is None else undoing.at,
            undone_on=None if undoing is None else undoing.node,
            why=why(self.reading, write, judged, advised=bool(advised)),
            advice=advised,
            command=command.text,
        )

    @property
    def resources(self) -> dict[str, dict[str, str]]:
        """State and node of each resource at the end; an offline one is at the owner of its group."""
        reading = self.reading
        return {
            name: {"state": str(reading.states[name].last), "node": str(reading.hosts[name].last)}
            for name in reading.resources
            if name not in reading.deleted
        }

    def to_json(self) -> dict[str, Any]:
        """The document of `failsim run --json`."""
        begin = self.begin
        return {
            "scenario": begin.scenario,
            "file": self.file,
            "seed": begin.seed,
            "profile": begin.profile,
            "policy": begin.policy,
            "ended_at": self.ended_at / 1_000_000,
            "passed": self.passed,
            "failures": list(self.failures),
            "writes": [write.to_json() for write in self.writes],
            "anomalies": [
                {"kind": str(each.kind), "at": each.at / 1_000_000, "node": each.node, "detail": each.detail}
                for each in self.anomalies
            ],
            "resources": self.resources,
            "checkpoints": self._checkpoints(),
            "registry": self._registry(),
            "history_sha256": digest(self.history),
            "replay": self.replay,
        }

    def _checkpoints(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        saved_at = {(each.resource, each.key, each.version): each.at for _, each in self.reading.saves}
        for span in self.reading.spans:
            if span.last is not None:
                continue
            image = self.reading.ledger.newest.get((span.resource, span.key))
            if image is None:
                continue
            at = saved_at.get((span.resource, span.key, image.version), 0)
            found.setdefault(span.resource, {})[str(span.key)] = {
                "version": image.version,
                "saved_at": at / 1_000_000,
                "values": _flat(image.tree),
            }
        return found

    def _registry(self) -> dict[str, Any]:
        """For each node every key that a checkpoint covers or a write touched, with the keys below it."""
        roots = {span.physical for span in self.reading.spans}
        roots |= {event.key for _, event in self.reading.writes.values()}
        found: dict[str, Any] = {}
        for node in self.begin.nodes:
            keys: dict[str, Any] = {}
            for root in sorted(roots):
                place = self.reading.ledger.place_of(node, root)
                tree = place.tree.at(root)
                for names, key in () if tree is None else tree.walk():
                    path = KeyPath((*root.names, *names))
                    keys[path.hklm] = {name or "(default)": value.to_json() for name, value in key.values.items()}
            found[node] = keys
        return found


def _flat(tree: KeyTree) -> dict[str, Any]:
    """Values by name, those of subkeys as `Sub\\Name`."""
    return {
        "\\".join((*names, name or "(default)")): value.to_json()
        for names, key in tree.walk()
        for name, value in key.values.items()
    }
