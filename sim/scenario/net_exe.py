"""`net start` and `net stop`: the cluster service, or a clustered service behind the cluster's back (domain.md 140)."""

from __future__ import annotations

from collections.abc import Sequence

from sim.scenario.command import NodeVerb, OnNode, OnService, Request
from sim.scenario.console import CommandError, Names, Word, find, hint, show

CLUSTER_SERVICE = ("clussvc", "cluster service")


def parse(words: Sequence[Word], names: Names) -> Request:
    """What a line after `net` asks for. Raises CommandError."""
    if not words or words[0].text.lower() not in ("start", "stop"):
        word = words[0] if words else Word("", 0)
        raise CommandError(
            f"unknown command {show('net ' + word.text)}{hint(word.text, ('start', 'stop'))}", word.offset
        )
    start = words[0].text.lower() == "start"
    if len(words) == 1:
        raise CommandError("net start and net stop need a service; 'net stop clussvc'")
    if len(words) > 2:
        raise CommandError(f"{show(words[2].text)} is one word too many; quote what has blanks", words[2].offset)
    service = words[1]
    if service.text.lower() in CLUSTER_SERVICE:
        return OnNode(NodeVerb.START if start else NodeVerb.STOP, None)
    found = find(service.text, names.services)
    if found is None:
        known = (CLUSTER_SERVICE[0], *names.services)
        raise CommandError(f"unknown service {show(service.text)}{hint(service.text, known)}", service.offset)
    return OnService(names.services[found], start)
