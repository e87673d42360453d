# ruff: noqa: E501 - a table
"""Malformed scenarios: each is one valid scenario with one thing wrong, and the place where it is.

`schema` says whether the JSON Schema alone must reject it; the rest needs the whole.
"""

from __future__ import annotations

from typing import NamedTuple

BASE = r"""scenario: One is enough
cluster:
  nodes: [NODE1, NODE2]
  groups:
    Print Group:
      preferred_owners: [NODE1, NODE2]
      resources:
        Spooler:
          checkpoints: ['SOFTWARE\Contoso\Spooler']
          properties: {ServiceName: Spool}
        Other: {}
  timing: {checkpoint_save: 200ms}
registry:
  all:
    HKLM\SOFTWARE\Contoso\Spooler:
      Port: 80
steps:
  - at: 10s
    do: cluster resource Spooler /offline
  - at: +5s
    on: NODE1
    do: reg add HKLM\SOFTWARE\Contoso\Spooler /v Port /t REG_DWORD /d 8080 /f
    as: edit
  - fault: crash
    node: NODE1
until: 10min
expect:
  writes: {edit: lost}
  resources: {Spooler: Online}
"""


class Malformed(NamedTuple):
    """`old` in the base replaced by `new` (`old` empty: the whole text), and what must be said where."""

    name: str
    old: str
    new: str
    line: int
    column: int
    says: str
    schema: bool = False

    @property
    def text(self) -> str:
        assert not self.old or BASE.count(self.old) >= 1, f"{self.name}: {self.old!r} is not in the base"
        return BASE.replace(self.old, self.new, 1) if self.old else self.new


CLUSTER = "do: cluster resource Spooler /offline"
REG = r"do: reg add HKLM\SOFTWARE\Contoso\Spooler /v Port /t REG_DWORD /d 8080 /f"
FAULT = "fault: crash\n    node: NODE1"
CPT = r"['SOFTWARE\Contoso\Spooler']"
SPOOLER = "Spooler:\n          checkpoints"


def cluster(name: str, command: str, column: int, says: str) -> Malformed:
    return Malformed(name, CLUSTER, f"do: {command}", 19, column, says)


CASES = [
    # --- shape
    Malformed("unknown key at the top", "until: 10min", "untill: 10min", 26, 1, "did you mean 'until'?", True),
    Malformed("unknown key in cluster", "  nodes:", "  node:", 3, 3, "did you mean 'nodes'?", True),
    Malformed(
        "unknown obligation", "  nodes:", "  engine: {save_on_change: false}\n  nodes:", 3, 12,
        "unknown key 'save_on_change' in 'engine'; did you mean 'saves_on_change'?", True,
    ),
    Malformed(
        "an obligation in words", "  nodes:", "  engine: {saves_on_change: 'no'}\n  nodes:", 3, 29,
        "'saves_on_change' is 'no'; it would be true or false", True,
    ),
    Malformed("unknown key in group", "preferred_owners", "prefered_owners", 6, 7, "'preferred_owners'?", True),
    Malformed("unknown key in resource", "properties:", "propertys:", 10, 11, "did you mean 'properties'?", True),
    Malformed("unknown key in step", "on: NODE1", "onn: NODE1", 21, 5, "did you mean 'on'?", True),
    Malformed("unknown key in expect", "  writes:", "  writtes:", 28, 3, "did you mean 'writes'?", True),
    Malformed("unknown timer", "checkpoint_save", "checkpoint_safe", 12, 12, "'checkpoint_save'?", True),
    Malformed("no title", "scenario: One is enough\n", "", 1, 1, "has no 'scenario'", True),
    Malformed("no cluster", "", "scenario: x\n", 1, 1, "has no 'cluster'", True),
    Malformed("no nodes", "  nodes: [NODE1, NODE2]\n", "", 3, 3, "has no 'nodes'", True),
    Malformed("empty nodes", "nodes: [NODE1, NODE2]", "nodes: []", 3, 10, "at least 1", True),
    Malformed("too many nodes", "nodes: [NODE1, NODE2]", f"nodes: {[f'N{n}' for n in range(17)]}", 3, 10, "at most 16", True),
    Malformed("title is a number", "One is enough", "7", 1, 11, "it would be text", True),
    Malformed("title is empty", "One is enough", "''", 1, 11, "is empty", True),
    Malformed("nodes is text", "nodes: [NODE1, NODE2]", "nodes: NODE1", 3, 10, "it would be a list", True),
    Malformed("groups is a list", "", "scenario: x\ncluster: {nodes: [A], groups: [G]}\n", 2, 31, "it would be a map", True),
    Malformed("steps is a map", "", "scenario: x\ncluster: {nodes: [A]}\nsteps: {a: b}\n", 3, 8, "it would be a list", True),
    Malformed("a step is text", "", "scenario: x\ncluster: {nodes: [A]}\nsteps: [go]\n", 3, 9, "it would be a map", True),
    Malformed("do is a number", CLUSTER, "do: 7", 19, 9, "it would be text or a list", True),
    Malformed("do is an empty list", CLUSTER, "do: []", 19, 9, "at least 1", True),
    Malformed("label is empty", "as: edit", "as: ''", 23, 9, "is empty", True),
    Malformed("a value is a fraction", "Port: 80\n", "Port: 80.5\n", 16, 13, "it would be", True),
    Malformed("a value is true", "Port: 80\n", "Port: true\n", 16, 13, "it would be", True),
    Malformed("events are text", "expect:\n", "expect:\n  events: [many]\n", 28, 12, "a whole number", True),
    Malformed("unknown anomaly", "expect:\n", "expect:\n  anomalies: [stale]\n", 28, 15, "'stale-read'?", True),
    Malformed("unknown fate", "{edit: lost}", "{edit: lots}", 28, 18, "did you mean 'lost'?", True),
    Malformed("unknown cause", "{edit: lost}", "{edit: {fate: lost, cause: offline}}", 28, 38, "did you mean", True),
    Malformed("no fates", "{edit: lost}", "{edit: []}", 28, 18, "at least 1", True),
    Malformed("a cause without a fate", "{edit: lost}", "{edit: {cause: unsaved}}", 28, 18, "has no 'fate'", True),
    Malformed("unknown type of resource", SPOOLER, "Spooler:\n          type: Generic\n          checkpoints", 9, 17, "Generic Service", True),
    Malformed("unknown profile", "  nodes:", "  profile: nt5\n  nodes:", 3, 12, "did you mean 'nt4'?", True),
    Malformed("unknown fault", "fault: crash", "fault: crush", 24, 12, "did you mean 'crash'?", True),
    Malformed("view 16", CLUSTER, "app: Spooler\n    view: 16\n    do: reg query HKLM\\SOFTWARE", 20, 11, "32 or 64", True),
    Malformed("heartbeats as a time", "checkpoint_save: 200ms", "heartbeats_missed: 6s", 12, 31, "a whole number", True),
    Malformed("heartbeats zero", "checkpoint_save: 200ms", "heartbeats_missed: 0", 12, 31, "at least 1", True),
    # --- times
    Malformed("a bare number as a time", "at: 10s", "at: 10", 18, 9, "it would be", True),
    Malformed("a time without a unit", "at: 10s", "at: '10'", 18, 9, "such as 10s", True),
    Malformed("a negative time", "at: 10s", "at: -10s", 18, 9, "such as 10s", True),
    Malformed("an unknown unit", "until: 10min", "until: 10m", 26, 8, "such as 250ms", True),
    Malformed("finer than a microsecond", "until: 10min", "until: 0.1us", 26, 8, "finer than a microsecond"),
    Malformed("longer than a century", "until: 10min", "until: 40000d", 26, 8, "longer than a hundred years"),
    Malformed("plus on the first step", "at: 10s", "at: +10s", 18, 9, "there is none"),
    Malformed("beyond the end", "at: 10s", "at: 11min", 18, 9, "beyond 'until'"),
    Malformed("a window partly beyond the end", "at: 10s", "at: {between: [10s, 11min]}", 18, 9, "beyond 'until'"),
    Malformed("a window that ends before it begins", "at: 10s", "at: {between: [20s, 10s]}", 18, 19, "put the earlier time first"),
    Malformed("a window of one", "at: 10s", "at: {between: [20s]}", 18, 19, "it would have 2", True),
    # --- names
    Malformed("a node twice", "[NODE1, NODE2]\n  groups", "[NODE1, node1]\n  groups", 3, 18, "takes the names for equal"),
    Malformed("unknown preferred owner", "preferred_owners: [NODE1, NODE2]", "preferred_owners: [NODE3]", 6, 26, "did you mean"),
    Malformed("needs that nothing fills", "        Other: {}", "        Other: {needs: {HKLM\\SOFTWARE\\Contoso\\Spooler: {Port: {between: [1, 79]}}}}", 11, 24, "'HKLM\\SOFTWARE\\Contoso\\Spooler\\Port' is 80 on NODE1, where the resource is online; 1 to 79 would fit"),
    Malformed("needs of the wrong type", "        Other: {}", "        Other: {needs: {HKLM\\SOFTWARE\\Contoso\\Spooler: {Port: [fast, safe]}}}", 11, 24, "'fast' or 'safe' would fit"),
    Malformed("needs between nothing", "        Other: {}", "        Other: {needs: {HKLM\\SOFTWARE\\Contoso\\Spooler: {Port: {between: [9, 1]}}}}", 11, 73, "put the smaller one first"),
    Malformed("an unknown way to read", "        Other: {}", "        Other: {reads: allways}", 11, 24, "did you mean 'always'?", True),
    Malformed("the owner is no possible owner", "        Other: {}", "        Other: {possible_owners: [NODE2]}", 11, 34, "NODE1 owns the group when time starts"),
    Malformed("an unknown possible owner", "        Other: {}", "        Other: {possible_owners: [NODE1, NODE3]}", 11, 42, "did you mean"),
    Malformed("no time of day", "  nodes: [NODE1, NODE2]", "  nodes: [NODE1, NODE2]\n  starts_at: 24:00", 4, 14, "it would be the local time of day", True),
    Malformed("an unknown group property", "      preferred_owners: [NODE1, NODE2]", "      preferred_owners: [NODE1, NODE2]\n      properties: {FailoverTreshold: 1}", 7, 20, "did you mean 'FailoverThreshold'?"),
    Malformed("hang of nothing", "fault: crash\n    node: NODE1", "fault: hang\n    node: NODE1", 24, 5, "no 'resource'"),
    Malformed("a preferred owner twice", "preferred_owners: [NODE1, NODE2]", "preferred_owners: [NODE1, NODE1]", 6, 33, "takes the names"),
    Malformed("a resource in two groups", "  timing:", "    B: {resources: {spooler: {}}}\n  timing:", 12, 21, "a second resource"),
    Malformed("a group twice", "  timing:", "    print group: {}\n  timing:", 12, 5, "a second group"),
    Malformed("depends on nobody", "Other: {}", "Other: {depends_on: [Spoler]}", 11, 30, "did you mean 'Spooler'?"),
    Malformed("depends on itself", "Other: {}", "Other: {depends_on: [Other]}", 11, 9, "break the circle"),
    Malformed("unknown property", "ServiceName: Spool", "ServiceNam: Spool", 10, 24, "did you mean 'ServiceName'?"),
    Malformed("a property of the wrong type", "ServiceName: Spool", "RestartAction: never", 10, 39, "it would be a number"),
    Malformed("unknown node in on", "on: NODE1", "on: NODE9", 21, 9, "did you mean"),
    Malformed("unknown node in registry", "  all:\n", "  NODE3:\n", 14, 3, "unknown node"),
    Malformed("unknown node in a fault", "node: NODE1", "node: NODE7", 25, 11, "did you mean"),
    Malformed("label used twice", FAULT, "do: reg query HKLM\\SOFTWARE\n    as: edit", 25, 9, "used twice"),
    Malformed("expectation without a step", "{edit: lost}", "{edti: lost}", 28, 12, "did you mean 'edit'?"),
    Malformed("a cause for a kept write", "{edit: lost}", "{edit: {fate: kept, cause: unsaved}}", 28, 38, "has no cause"),
    Malformed("unknown resource expected", "{Spooler: Online}", "{Spoler: Online}", 29, 15, "did you mean 'Spooler'?"),
    Malformed("unknown state expected", "{Spooler: Online}", "{Spooler: Onlin}", 29, 24, "did you mean 'Online'?"),
    # --- keys, values, checkpoints
    Malformed("a checkpoint with a leading backslash", CPT, r"['\SOFTWARE\Contoso\Spooler']", 9, 25, "not relative"),
    Malformed("a checkpoint with a root", CPT, r"['HKLM\SOFTWARE\Contoso\Spooler']", 9, 25, "not relative"),
    Malformed("a checkpoint in the database", CPT, r"['Cluster\Resources']", 9, 25, "needs none"),
    Malformed("a checkpoint twice", CPT, r"['SOFTWARE\Contoso\Spooler', 'software\contoso\spooler']", 9, 53, "stands twice"),
    Malformed("a checkpoint on nothing", CPT, r"['SOFTWARE\Contoso\Spoler']", 9, 25, "NODE1 has no such key"),
    Malformed("a checkpoint of a disk", "checkpoints:", "type: Physical Disk\n          checkpoints:", 10, 25, "give them to a service"),
    Malformed("an empty name in a checkpoint", CPT, r"['SOFTWARE\\Contoso']", 9, 25, "empty name"),
    Malformed("a key below no root", r"HKLM\SOFTWARE\Contoso\Spooler:", r"SOFTWARE\Contoso\Spooler:", 15, 5, "would be"),
    Malformed("a key below another root", r"HKLM\SOFTWARE\Contoso\Spooler:", r"HKCU\SOFTWARE\Contoso:", 15, 5, "would be"),
    Malformed("a dword too large", "Port: 80\n", "Port: 4294967296\n", 16, 13, "REG_DWORD"),
    Malformed("a negative dword", "Port: 80\n", "Port: -1\n", 16, 13, "REG_DWORD"),
    Malformed("bytes that are none", "Port: 80\n", "Port: {type: REG_BINARY, data: 0g}\n", 16, 13, "hex"),
    Malformed("a type that is none", "Port: 80\n", "Port: {type: REG_WORD, data: 1}\n", 16, 13, "REG_WORD"),
    # --- files
    Malformed("a file outside", "  all:\n", "  NODE2: {file: ../x.reg}\n  all:\n", 14, 17, "not beside the scenario"),
    Malformed("a file by its drive", "  all:\n", "  NODE2: {file: 'C:\\x.reg'}\n  all:\n", 14, 17, "not beside the scenario"),
    Malformed("an absolute file", "  all:\n", "  NODE2: {file: /etc/passwd}\n  all:\n", 14, 17, "not beside the scenario"),
    Malformed("no such file", "  all:\n", "  NODE2: {file: x.reg}\n  all:\n", 14, 17, "put it there"),
    cluster("import from outside", r"reg import ..\x.reg", 9, "not beside the scenario"),
    cluster("import of nothing", "reg import x.reg", 9, "put it there"),
    cluster("restore of nothing", r"reg restore HKLM\SOFTWARE\Contoso x.hiv", 9, "or 'reg save' it in"),
    # --- commands
    cluster("an unknown command", "clutser resource Spooler /offline", 9, "did you mean 'cluster'?"),
    cluster("an unknown switch", "cluster resource Spooler /ofline", 34, "did you mean '/offline'?"),
    cluster("an unmodelled switch", "cluster resource Spooler /rename:Fax", 34, "not modelled"),
    cluster("an unknown resource", "cluster resource Spoler /offline", 26, "did you mean 'Spooler'?"),
    cluster("an unknown group", 'cluster group "Pint Group" /moveto', 23, "did you mean 'Print Group'?"),
    cluster("an unknown node", 'cluster group "Print Group" /moveto:NODE3', 45, "unknown node"),
    cluster("two switches", "cluster resource Spooler /online /offline", 42, "one switch too many"),
    cluster("an unknown object", "cluster resorce Spooler /online", 17, "unknown command"),
    cluster("a wait that is no number", "cluster resource Spooler /online /wait:soon", 48, "no number"),
    cluster("an unknown cmdlet", "Start-ClusterResorce Spooler", 9, "'Start-ClusterResource'?"),
    cluster("an unknown parameter", "Start-ClusterResource -Nme Spooler", 31, "did you mean 'Name'?"),
    cluster("a cmdlet without its resource", "Start-ClusterResource", 9, "needs -Name"),
    cluster("a parameter without its value", "Start-ClusterResource -Name", 31, "takes a value"),
    cluster("a registry path that is none", "Remove-Item C:\\x", 21, "no registry path"),
    cluster("reg without a verb", "reg", 9, "reg what"),
    cluster("reg with an unknown verb", r"reg ad HKLM\SOFTWARE", 13, "did you mean 'add'?"),
    cluster("reg with an unknown switch", r"reg add HKLM\SOFTWARE\X /w Port", 33, "has no switch"),
    cluster("reg on another root", r"reg add HKCU\SOFTWARE /f", 17, "no key below HKEY_LOCAL_MACHINE"),
    cluster("reg on an unknown node", r"reg add \\NODE3\HKLM\SOFTWARE\X /f", 19, "unknown node"),
    cluster("reg with an unknown type", r"reg add HKLM\SOFTWARE\X /v A /t REG_WORD /d 1", 41, "did you mean"),
    cluster("reg with data that is no number", r"reg add HKLM\SOFTWARE\X /v A /t REG_DWORD /d abc", 54, "no number"),
    cluster("reg with data out of range", r"reg add HKLM\SOFTWARE\X /v A /t REG_DWORD /d 4294967296", 54, "does not fit"),
    cluster("reg with no hex digits", r"reg add HKLM\SOFTWARE\X /v A /t REG_BINARY /d 0x", 55, "no bytes in hex"),
    cluster("reg with both names", r"reg add HKLM\SOFTWARE\X /v A /ve /d 1", 38, "exclude each other"),
    cluster("reg with a word too many", r"reg add HKLM\SOFTWARE\X Y", 33, "one word too many"),
    cluster("reg import on another node", r"reg export \\NODE1\HKLM\SOFTWARE x.reg", 20, "local machine only"),
    cluster("net with an unknown service", "net stop Spol", 18, "did you mean"),
    cluster("a quote that is never closed", 'cluster resource "Spooler /offline', 26, "never closed"),
    Malformed("an empty command", CLUSTER, "do: ' '", 19, 9, "an empty command"),
    Malformed("a command of two lines", CLUSTER, "do: |\n      reg query HKLM\n      reg query HKLM", 19, 9, "one line"),
    # --- steps
    Malformed("a step that does nothing", FAULT, "at: 20s", 24, 5, "does nothing"),
    Malformed("both do and fault", FAULT, "fault: crash\n    do: x\n    node: NODE1", 24, 5, "both 'do' and 'fault'"),
    Malformed("a fault without its node", FAULT, "fault: crash", 24, 5, "has no 'node'"),
    Malformed("a fault with too much", FAULT, "fault: quorum-offline\n    node: NODE1", 25, 5, "does not go with"),
    Malformed("a fault that does not last", FAULT, "fault: fail\n    resource: Spooler\n    for: 5s", 26, 5, "does not last"),
    Malformed("a fault with a label", FAULT, "fault: crash\n    node: NODE1\n    as: x", 26, 5, "does not go with 'fault'"),
    Malformed("a partition of one side", FAULT, "fault: partition\n    between: [[NODE1]]", 25, 14, "two sides at least"),
    Malformed("a node on both sides", FAULT, "fault: partition\n    between: [[NODE1], [NODE1]]", 25, 25, "on a side"),
    Malformed("damage to no image", FAULT, "fault: quorum-damage\n    file: quolog.log", 25, 11, "no image"),
    Malformed("app with on", CLUSTER, "app: Spooler\n    on: NODE1\n    do: reg query HKLM\\SOFTWARE", 20, 5, "leave it out"),
    Malformed("app that commands the cluster", CLUSTER, "app: Spooler\n    do: net stop clussvc", 20, 9, "own registry only"),
    Malformed("app on another node", CLUSTER, "app: Spooler\n    do: reg add \\\\NODE2\\HKLM\\SOFTWARE\\X /f", 20, 9, "leave out the node"),
    Malformed("unknown app", CLUSTER, "app: Spoler\n    do: reg query HKLM\\SOFTWARE", 19, 10, "did you mean 'Spooler'?"),
    Malformed("view without app", CLUSTER, "view: 32\n    do: reg query HKLM\\SOFTWARE", 19, 5, "'view' goes with 'app'"),
    Malformed("the other profile", "  nodes:", "  profile: wsfc\n  nodes:", 3, 12, "not built yet"),
    # --- YAML itself
    Malformed("an alias", "", "scenario: &a x\ncluster: *a\n", 1, 11, "there are no anchors"),
    Malformed("a bomb", "", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", 1, 4, "there are no anchors"),
    Malformed("a tag", "", "scenario: !!python/object:os.system x\n", 1, 11, "there are no tags"),
    Malformed("a key twice", "until: 10min", "until: 10min\nuntil: 11min", 27, 1, "stands here twice"),
    Malformed("two documents", "until: 10min", "---\nuntil: 10min", 26, 1, "a second document"),
    Malformed("nothing", "", "\n", 1, 1, "is empty"),
    Malformed("only a comment", "", "# nothing\n", 1, 1, "is empty"),
    Malformed("a list", "", "- a\n- b\n", 1, 1, "it would be a map", True),
    Malformed("a tab", "  nodes:", "\tnodes:", 3, 1, "is not YAML"),
    Malformed("an open bracket", "[NODE1, NODE2]\n  groups", "[NODE1, NODE2\n  groups", 4, 9, "is not YAML"),
    Malformed("a key that is a list", "until: 10min", "[a]: b", 26, 1, "a key is text"),
    Malformed("too deep", "", "scenario: " + "[" * 60 + "]" * 60 + "\n", 1, 50, "nested deeper"),
    Malformed("a forbidden character", "", "scenario: a\x07b\n", 1, 12, "is not YAML"),
]  # fmt: skip

BYTES = [
    ("not UTF-8", b"scenario: caf\xe9\n", 1, 14, "is not UTF-8"),
    ("UTF-16", "scenario: x\n".encode("utf-16"), 1, 1, "is not UTF-8"),
    ("no bytes", b"", 1, 1, "is empty"),
]
"""What only bytes can say: name, bytes, line, column, fragment."""
