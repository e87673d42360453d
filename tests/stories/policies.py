"""Short schedules for the policies of resources and groups, and what each tells: one line an event, times in seconds.

Three nodes, one group G that prefers N1, in it R, without checkpoints unless the story has some. A process takes 1 s to
start and 1 s to stop; LooksAlive is asked at 5, 10, 15 s and so on, IsAlive at 60, 120 s.
"""

from __future__ import annotations

import msgspec

import sim
from sim.history import events
from sim.history.events import AnyEvent
from sim.scenario.model import Scenario


class Story(msgspec.Struct, frozen=True):
    """`group` and `resource`: their keys in the scenario; `steps`: TIME FAULT-OR-COMMAND; `tells`: what happens."""

    about: str
    tells: tuple[str, ...]
    steps: tuple[str, ...]
    resource: str = ""
    group: str = "preferred_owners: [N1]"
    cluster: str = ""
    others: str = ""
    until: str = "5min"

    def scenario(self) -> Scenario:
        return sim.loads(
            f"scenario: {self.about!r}\n"
            f"cluster:\n  nodes: [N1, N2, N3]\n{self.cluster}"
            f"  groups: {{G: {{{self.group}, resources: {{R: {{{self.resource}}}{self.others}}}}}}}\n"
            "registry: {all: {HKLM\\SOFTWARE\\R: {Port: 80}}}\n"
            f"steps:\n{''.join(map(_step, self.steps))}"
            f"until: {self.until}\n"
        )


def _step(line: str) -> str:
    at, what = line.split(" ", 1)
    word, _, subject = what.partition(" ")
    if word in ("fail", "hang"):
        return f"  - {{at: {at}, fault: {word}, resource: {subject}}}\n"
    if word in ("crash", "boot"):
        return f"  - {{at: {at}, fault: {word}, node: {subject}}}\n"
    return f"  - {{at: {at}, do: '{what}'}}\n"


def told(history: tuple[AnyEvent, ...]) -> tuple[str, ...]:
    """What became of the resources and the group, a line each."""
    return tuple(f"{event.at / 1e6:g} {line}" for event in history if (line := _line(event)) is not None)


def _line(event: AnyEvent) -> str | None:
    match event:
        case events.ResourceState(resource=resource, state=state):
            return f"{resource} {state}"
        case events.GroupOwner(owner=owner):
            return f"on {owner}"
        case events.ProcessEnded(resource=resource, reason="terminated"):
            return f"{resource} terminated"
        case events.ProcessEnded(resource=resource, misfit=events.Misfit() as misfit):
            return f"{resource} dies of {misfit.value}"
        case events.EventLog(event_id=1254):
            return "given up"
    return None


PORT = r"checkpoints: ['SOFTWARE\R'], needs: {HKLM\SOFTWARE\R: {Port: {between: [1, 100]}}}"
BAD = r"12s reg add \\N1\HKLM\SOFTWARE\R /v Port /t REG_DWORD /d 101 /f"
BACK = "preferred_owners: [N1], properties: {AutoFailbackType: 1"

STORIES: dict[str, Story] = {
    "restart": Story(
        "A dead process is found by the next LooksAlive and restarted (domain.md 63, 65)",
        (
            "15 R Failed",
            "15 R OnlinePending",
            "16 R Online",
        ),
        ("12s fail R",),
    ),
    "three restarts": Story(
        "Three failures are restarted where nobody says otherwise, the fourth is one too many (domain.md 65)",
        (
            "15 R Failed",
            "15 R OnlinePending",
            "16 R Online",
            "36 R Failed",
            "36 R OnlinePending",
            "37 R Online",
            "57 R Failed",
            "57 R OnlinePending",
            "58 R Online",
            "73 R Failed",
            "73 R Offline",
            "73 on N2",
            "73 R OnlinePending",
            "74 R Online",
        ),
        ("12s fail R", "32s fail R", "52s fail R", "72s fail R"),
    ),
    "threshold": Story(
        "The second failure is one too many where one restart is allowed (domain.md 65)",
        (
            "15 R Failed",
            "15 R OnlinePending",
            "16 R Online",
            "36 R Failed",
            "36 R Offline",
            "36 on N2",
            "36 R OnlinePending",
            "37 R Online",
        ),
        ("12s fail R", "31s fail R"),
        "properties: {RestartThreshold: 1}",
    ),
    "threshold nought": Story(
        "A threshold of nought fails over at once: the test method of KB 197047 (domain.md 68)",
        (
            "12 R Failed",
            "12 R Offline",
            "12 on N2",
            "12 R OnlinePending",
            "13 R Online",
        ),
        ("12s cluster resource R /fail",),
        "properties: {RestartThreshold: 0}",
    ),
    "period over": Story(
        "A failure older than the restart period counts no more (domain.md 65)",
        (
            "15 R Failed",
            "15 R OnlinePending",
            "16 R Online",
            "81 R Failed",
            "81 R OnlinePending",
            "82 R Online",
        ),
        ("12s fail R", "80s fail R"),
        "properties: {RestartThreshold: 1, RestartPeriod: 60000}",
    ),
    "period not over": Story(
        "A failure within the restart period still counts (domain.md 65)",
        (
            "15 R Failed",
            "15 R OnlinePending",
            "16 R Online",
            "66 R Failed",
            "66 R Offline",
            "66 on N2",
            "66 R OnlinePending",
            "67 R Online",
        ),
        ("12s fail R", "64s fail R"),
        "properties: {RestartThreshold: 1, RestartPeriod: 60000}",
    ),
    "no restart": Story(
        "RestartAction 0 leaves it failed (domain.md 65)",
        ("15 R Failed",),
        ("12s fail R",),
        "properties: {RestartAction: 0}",
    ),
    "never the group": Story(
        "RestartAction 1 never affects the group (domain.md 65)",
        ("15 R Failed",),
        ("12s fail R",),
        "properties: {RestartAction: 1, RestartThreshold: 0}",
    ),
    "delay": Story(
        "A restart waits for RestartDelay (domain.md 66)",
        (
            "15 R Failed",
            "22 R OnlinePending",
            "23 R Online",
        ),
        ("12s fail R",),
        "properties: {RestartDelay: 7000}",
    ),
    "retry": Story(
        "What was given up is tried again after RetryPeriodOnFailure (domain.md 66)",
        (
            "15 R Failed",
            "135 R OnlinePending",
            "136 R Online",
        ),
        ("12s fail R",),
        "properties: {RestartAction: 1, RestartThreshold: 0, RetryPeriodOnFailure: 120000}",
    ),
    "failover threshold": Story(
        "A group that may fail over once is given up at its second time (domain.md 67, 68)",
        (
            "15 R Failed",
            "15 R Offline",
            "15 on N2",
            "15 R OnlinePending",
            "16 R Online",
            "56 R Failed",
            "56 given up",
        ),
        ("12s fail R", "52s fail R"),
        "properties: {RestartThreshold: 0}",
        "preferred_owners: [N1], properties: {FailoverThreshold: 1}",
    ),
    "failover period": Story(
        "A failover older than the failover period, in hours, counts no more (domain.md 67)",
        (
            "15 R Failed",
            "15 R Offline",
            "15 on N2",
            "15 R OnlinePending",
            "16 R Online",
            "3661 R Failed",
            "3661 R Offline",
            "3661 on N1",
            "3661 R OnlinePending",
            "3662 R Online",
        ),
        ("12s fail R", "61min fail R"),
        "properties: {RestartThreshold: 0}",
        "preferred_owners: [N1], properties: {FailoverThreshold: 1, FailoverPeriod: 1}",
        until="62min",
    ),
    "possible owners": Story(
        "A group fails over to a possible owner of all its resources (domain.md 70)",
        (
            "15 R Failed",
            "15 R Offline",
            "15 on N3",
            "15 R OnlinePending",
            "16 R Online",
        ),
        ("12s fail R",),
        "possible_owners: [N1, N3], properties: {RestartThreshold: 0}",
    ),
    "preferred owners": Story(
        "A group fails over to the next owner that it prefers",
        (
            "15 R Failed",
            "15 R Offline",
            "15 on N3",
            "15 R OnlinePending",
            "16 R Online",
        ),
        ("12s fail R",),
        "properties: {RestartThreshold: 0}",
        "preferred_owners: [N1, N3, N2]",
    ),
    "dependents": Story(
        "When a resource fails, what depends on it goes offline, and comes back after it (KB 171791; domain.md 71)",
        (
            "15 R Failed",
            "15 Q OfflinePending",
            "16 Q Offline",
            "16 R OnlinePending",
            "16 Q OnlinePending",
            "17 R Online",
            "18 Q Online",
        ),
        ("12s fail R",),
        others=", Q: {depends_on: [R]}",
    ),
    "tree": Story(
        "A group goes offline from the top of its dependencies, and online from the bottom (domain.md 71)",
        (
            "12 R OfflinePending",
            "12 Q OfflinePending",
            "12 P OfflinePending",
            "13 P Offline",
            "14 Q Offline",
            "15 R Offline",
            "15 on N2",
            "15 R OnlinePending",
            "15 Q OnlinePending",
            "15 P OnlinePending",
            "16 R Online",
            "17 Q Online",
            "18 P Online",
        ),
        ("12s cluster group G /moveto:N2",),
        others=", Q: {depends_on: [R]}, P: {depends_on: [Q]}",
    ),
    "hang": Story(
        "A process that hangs looks alive; IsAlive ends it (domain.md 63)",
        (
            "120 R terminated",
            "120 R Failed",
            "120 R OnlinePending",
            "121 R Online",
        ),
        ("62s hang R",),
        until="3min",
    ),
    "hang while starting": Story(
        "What says nothing while it comes online is terminated after PendingTimeout (domain.md 64)",
        (
            "15 R Failed",
            "15 R OnlinePending",
            "45 R terminated",
            "45 R Failed",
            "45 R OnlinePending",
            "46 R Online",
        ),
        ("12s fail R", "15500ms hang R"),
        "properties: {PendingTimeout: 30000}",
    ),
    "slow start": Story(
        "What starts more slowly than PendingTimeout is never online (domain.md 64)",
        (
            "15 R Failed",
            "15 R OnlinePending",
            "45 R terminated",
            "45 R Failed",
        ),
        ("12s fail R",),
        "properties: {PendingTimeout: 30000, RestartThreshold: 1, RestartAction: 1}",
        cluster="  timing: {resource_online: 31s}\n",
    ),
    "reads always": Story(
        "A process that reads each change dies of a wrong one, and of its checkpoint from then on",
        (
            "12 R dies of Port",
            "15 R Failed",
            "15 R OnlinePending",
            "15.1 R dies of Port",
            "16.1 R Failed",
        ),
        (BAD,),
        f"{PORT}, reads: always, properties: {{RestartThreshold: 1, RestartAction: 1}}",
    ),
    "reads at start": Story(
        "A process that reads at its start goes on until then",
        (
            "35 R Failed",
            "35 R OnlinePending",
            "35.1 R dies of Port",
            "36.1 R Failed",
        ),
        (BAD, "32s fail R"),
        f"{PORT}, properties: {{RestartThreshold: 1, RestartAction: 1}}",
    ),
    "failback": Story(
        "Without a window the group goes back as soon as its preferred node is up (domain.md 69)",
        (
            "12 R Offline",
            "29.2 on N2",
            "29.2 R OnlinePending",
            "30.2 R Online",
            "95 R OfflinePending",
            "96 R Offline",
            "96 on N1",
            "96 R OnlinePending",
            "97 R Online",
        ),
        ("12s crash N1", "30s boot N1"),
        group=BACK + "}",
    ),
    "no failback": Story(
        "By default a group stays where it is (domain.md 69)",
        (
            "12 R Offline",
            "29.2 on N2",
            "29.2 R OnlinePending",
            "30.2 R Online",
        ),
        ("12s crash N1", "30s boot N1"),
    ),
    "window": Story(
        "The group goes back when its window opens (domain.md 69)",
        (
            "12 R Offline",
            "29.2 on N2",
            "29.2 R OnlinePending",
            "30.2 R Online",
            "240 R OfflinePending",
            "241 R Offline",
            "241 on N1",
            "241 R OnlinePending",
            "242 R Online",
        ),
        ("12s crash N1", "30s boot N1"),
        group=BACK + ", FailbackWindowStart: 22, FailbackWindowEnd: 23}",
        cluster="  starts_at: '21:56'\n",
    ),
    "window over midnight": Story(
        "A window from 23 to 1 o'clock is open at midnight (domain.md 69)",
        (
            "12 R Offline",
            "29.2 on N2",
            "29.2 R OnlinePending",
            "30.2 R Online",
            "95 R OfflinePending",
            "96 R Offline",
            "96 on N1",
            "96 R OnlinePending",
            "97 R Online",
        ),
        ("12s crash N1", "30s boot N1"),
        group=BACK + ", FailbackWindowStart: 23, FailbackWindowEnd: 1}",
        cluster="  starts_at: '23:59'\n",
    ),
    "window missed": Story(
        "A window that has just closed opens again the next day (domain.md 69)",
        (
            "12 R Offline",
            "29.2 on N2",
            "29.2 R OnlinePending",
            "30.2 R Online",
            "82860 R OfflinePending",
            "82861 R Offline",
            "82861 on N1",
            "82861 R OnlinePending",
            "82862 R Online",
        ),
        ("12s crash N1", "30s boot N1"),
        group=BACK + ", FailbackWindowStart: 22, FailbackWindowEnd: 23}",
        cluster="  starts_at: '22:59'\n",
        until="1d",
    ),
    "window ignored": Story(
        "A failing owner does not wait for the window (domain.md 69)",
        (
            "12 R Offline",
            "29.2 on N2",
            "29.2 R OnlinePending",
            "30.2 R Online",
            "120 R Offline",
            "137.2 on N1",
            "137.2 R OnlinePending",
            "138.2 R Online",
        ),
        ("12s crash N1", "30s boot N1", "2min crash N2"),
        group=BACK + ", FailbackWindowStart: 22, FailbackWindowEnd: 23}",
    ),
}
"""Stories by name."""
