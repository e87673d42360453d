"""What a typed command asks for: the commands of both generations as plain data.

`reg.exe`, `cluster.exe`, the cmdlets and `net` are spelled differently and ask for the same things;
`sim.scenario.console` reads the spellings, the world carries the requests out. A request that no state
of the cluster could satisfy (an unknown resource, data out of range) never becomes one: that is an error
of the scenario, with its place.

Units: `wait` is in microseconds; None: return when the request is accepted; `FOREVER`: wait without limit.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from sim.cluster.setup import AnyChange
from sim.registry import KeyPath, KeyTree, Value
from sim.registry.reg_text import RegFile

FOREVER = 2**62
"""A wait without limit (`/wait` without a number; the default of cmdlets): microseconds beyond any run."""


QUORUM = "Q:\\MSCS"
"""The store's folder on the quorum disk, as people type it (assumed: the letter is the custom)."""


class Shell(StrEnum):
    """Which tool was typed: decides the words of its output and its exit status."""

    REG = "reg"
    CLUSTER = "cluster"
    POWERSHELL = "powershell"
    NET = "net"


class Target(msgspec.Struct, frozen=True):
    r"""A key as addressed: HKLM-relative and physical (views and links resolved), on `node` if `\\NODE\` was typed."""

    key: KeyPath
    node: str | None = None


# --- the registry -------------------------------------------------------------------------------------------


class CreateKey(msgspec.Struct, frozen=True, tag=True):
    """`reg add KEY`, `New-Item`. `may_exist` False: fails where the key is there (New-Item without -Force).

    `parents` False: the parent must exist (New-Item without -Force).
    """

    target: Target
    may_exist: bool = True
    parents: bool = True


class SetValue(msgspec.Struct, frozen=True, tag=True):
    """`reg add /v`, `Set-ItemProperty`, `New-ItemProperty`; "" is the default value.

    `creates_key` False: the key must exist. `may_exist` False: the value must not (New-ItemProperty without -Force).
    """

    target: Target
    name: str
    value: Value
    creates_key: bool = True
    may_exist: bool = True


class DeleteValue(msgspec.Struct, frozen=True, tag=True):
    """`reg delete /v`, `/ve`, `Remove-ItemProperty`."""

    target: Target
    name: str


class DeleteValues(msgspec.Struct, frozen=True, tag=True):
    """`reg delete /va`, `Clear-Item`: all values of the key, its subkeys stay."""

    target: Target


class DeleteKey(msgspec.Struct, frozen=True, tag=True):
    """`reg delete KEY`, `Remove-Item`. `recurse` False: fails where the key has subkeys."""

    target: Target
    recurse: bool = True


class ImportFile(msgspec.Struct, frozen=True, tag=True):
    r"""`reg import FILE`. `content` is None for a file of the run: from `reg export`, or an undo file of a policy.

    Undo files lie on the quorum disk: `Q:\MSCS\RESOURCE\0000000N-undo-K.reg`, RESOURCE a name or GUID.
    """

    file: str
    content: RegFile | None


class ExportKey(msgspec.Struct, frozen=True, tag=True):
    """`reg export KEY FILE`: into the run's own files, never onto the disk of whoever runs the scenario."""

    target: Target
    file: str
    overwrite: bool


class SaveKey(msgspec.Struct, frozen=True, tag=True):
    """`reg save KEY FILE`: the key's tree without volatile keys, into the run's own files."""

    target: Target
    file: str
    overwrite: bool


class RestoreKey(msgspec.Struct, frozen=True, tag=True):
    """`reg restore KEY FILE`: RegRestoreKey, which no watch sees (domain.md 103).

    `content` is None where an earlier step of the run writes the file.
    """

    target: Target
    file: str
    content: KeyTree | None


class CopyKey(msgspec.Struct, frozen=True, tag=True):
    """`reg copy K1 K2 [/s]`."""

    source: Target
    target: Target
    recurse: bool


class Show(StrEnum):
    """What `reg compare` prints of what it compared (TechNet cc742038)."""

    ALL = "/oa"
    DIFFERENCES = "/od"
    MATCHES = "/os"
    NOTHING = "/on"


class CompareKeys(msgspec.Struct, frozen=True, tag=True):
    """`reg compare K1 K2`: status 0 identical, 2 different. `name` None: all values."""

    left: Target
    right: Target
    name: str | None
    recurse: bool
    show: Show = Show.DIFFERENCES


class Search(msgspec.Struct, frozen=True):
    """What `reg query /f` looks for: text in names of keys (`/k`), of values (`/v`), in data (`/d`), or in all three.

    `types`: only in values of these (`/t`). `*` and `?` in the text are wildcards (domain.md 110).
    """

    text: str = "*"
    keys: bool = True
    names: bool = True
    data: bool = True
    types: tuple[int, ...] = ()
    exact: bool = False
    case: bool = False


class Listing(StrEnum):
    """What a query lists."""

    KEY = "key"  # the key with its values, and the names of the keys below (reg query; with recurse: all of them)
    VALUES = "values"  # the key with its values (Get-ItemProperty, Get-Item)
    CHILDREN = "children"  # the keys below with their values (Get-ChildItem)
    DATA = "data"  # one value's data alone (Get-ItemPropertyValue)


class QueryKey(msgspec.Struct, frozen=True, tag=True):
    """`reg query`, `Get-ItemProperty`, `Get-Item`, `Get-ChildItem`: changes nothing. `name` None: all values.

    `separator`: between the texts of a REG_MULTI_SZ (`/se`). `numbers`: types with their numbers (`/z`).
    """

    target: Target
    name: str | None = None
    recurse: bool = False
    listing: Listing = Listing.KEY
    search: Search | None = None
    separator: str = "\\0"
    numbers: bool = False
    shell: Shell = Shell.REG


class CopyValue(msgspec.Struct, frozen=True, tag=True):
    """`Copy-ItemProperty`, `Move-ItemProperty`, `Rename-ItemProperty`: `moves`: the first one goes.

    `new_name`: what it is called there.
    """

    source: Target
    name: str
    target: Target
    new_name: str
    moves: bool = False


class ClearValue(msgspec.Struct, frozen=True, tag=True):
    """`Clear-ItemProperty`: the value stays, its data is empty: no text, no bytes, 0."""

    target: Target
    name: str


class CopyItem(msgspec.Struct, frozen=True, tag=True):
    """`Copy-Item`, `Move-Item`, `Rename-Item`: into the target where that is there, else under its name.

    `recurse`: with the keys below. `moves`: the first one goes. `renames`: the target must not be there.
    """

    source: Target
    target: Target
    recurse: bool = False
    moves: bool = False
    renames: bool = False


# --- the cluster --------------------------------------------------------------------------------------------


class ResourceVerb(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    FAIL = "fail"
    STATUS = "status"
    CHECKPOINTS = "checkpoints"
    CRYPTO = "crypto"
    PRIVATE = "private"
    COMMON = "common"
    OWNERS = "owners"
    DEPENDENCIES = "dependencies"


class OnResource(msgspec.Struct, frozen=True, tag=True):
    """`cluster resource R /online` and its like, `Start-ClusterResource`.

    `resource` None, with what only lists: all of them. `name`: the one property, or a pattern of checkpoints.
    """

    verb: ResourceVerb
    resource: str | None
    wait: int | None = None
    name: str | None = None


class AddCheckpoints(msgspec.Struct, frozen=True, tag=True):
    r"""`cluster resource R /addcheckpoints:KEY[,KEY]`, `Add-ClusterCheckpoint`: keys as typed, HKLM-relative.

    `text` keeps each key as it was typed, since a leading backslash makes the call fail (domain.md 15).
    """

    resource: str
    text: tuple[str, ...]


class RemoveCheckpoints(msgspec.Struct, frozen=True, tag=True):
    """`cluster resource R /removecheckpoints:KEY`, `Remove-ClusterCheckpoint`. `text` empty: all of them."""

    resource: str
    text: tuple[str, ...]


class SetParameters(msgspec.Struct, frozen=True, tag=True):
    """`cluster resource R /priv NAME=VALUE`, `/prop`, `Set-ClusterParameter`: a write below HKLM\\Cluster.

    `common` True: a common property (`/prop`), kept in the resource's own key; else private (`Parameters`).
    """

    resource: str
    values: tuple[tuple[str, Value], ...]
    common: bool = False


class GroupVerb(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"
    MOVE = "move"
    STATUS = "status"
    OWNERS = "owners"
    COMMON = "common"


class OnGroup(msgspec.Struct, frozen=True, tag=True):
    """`cluster group G /moveto:NODE` and its like. `node` None with MOVE: the best other node.

    With STATUS: of the groups that this node owns. `name`: the one property.
    """

    verb: GroupVerb
    group: str | None
    node: str | None = None
    wait: int | None = None
    name: str | None = None


class NodeVerb(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    START = "start"
    STOP = "stop"
    STATUS = "status"
    COMMON = "common"
    INTERFACES = "interfaces"


class OnNode(msgspec.Struct, frozen=True, tag=True):
    """`cluster node N /pause`, `Suspend-ClusterNode`; START and STOP: the cluster service, `net start|stop clussvc`.

    `node` None: the node on which the command is typed (with STATUS: all nodes).
    """

    verb: NodeVerb
    node: str | None
    wait: int | None = FOREVER


class ClusterVerb(StrEnum):
    VERSION = "version"
    LIST = "list"


class OnCluster(msgspec.Struct, frozen=True, tag=True):
    """`cluster /version`, `cluster /list`: nothing changes."""

    verb: ClusterVerb


class Reconfigure(msgspec.Struct, frozen=True, tag=True):
    """A change of the cluster's setup: owners, dependencies, `/create`, `/delete`, `node /evict`."""

    change: AnyChange


class OnService(msgspec.Struct, frozen=True, tag=True):
    """`net start|stop SERVICE`: the service itself, behind the cluster's back (domain.md 140)."""

    resource: str
    start: bool


Request = (
    CreateKey
    | SetValue
    | DeleteValue
    | DeleteValues
    | DeleteKey
    | ImportFile
    | ExportKey
    | SaveKey
    | RestoreKey
    | CopyKey
    | CompareKeys
    | QueryKey
    | CopyValue
    | ClearValue
    | CopyItem
    | OnResource
    | AddCheckpoints
    | RemoveCheckpoints
    | SetParameters
    | OnGroup
    | OnNode
    | OnCluster
    | OnService
    | Reconfigure
)


class Command(msgspec.Struct, frozen=True):
    """One typed line: its text as typed, the tool it calls and what it asks for."""

    text: str
    shell: Shell
    request: Request
