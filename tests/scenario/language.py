# ruff: noqa: E501 - a table
"""Every documented switch and cmdlet, typed at a cluster of three nodes: what comes of it, or how it is refused.

A row is typed after `before`, one line a step, each when the one before has completed. `status` and `error` are the
tool's; `said` must be in its output. `@NODE2` before a line: typed there. `refused`: the line is none that the scenario language takes, and says so.
"""

from __future__ import annotations

from typing import NamedTuple

BASE = r"""scenario: One line
cluster:
  nodes: [NODE1, NODE2, NODE3]
  groups:
    Print Group:
      preferred_owners: [NODE1, NODE2]
      resources:
        Disk: {type: Physical Disk}
        Spooler:
          depends_on: [Disk]
          checkpoints: ['SOFTWARE\Contoso\Spooler', 'SOFTWARE\Contoso\Ports']
          properties: {ServiceName: Spool, RestartThreshold: 1}
    Web Group:
      resources: {Web: {}}
registry:
  all:
    HKLM\SOFTWARE\Contoso\Spooler: {Port: 80, Name: abc, List: [x, y], Blob: {type: REG_BINARY, data: 01 02 ff}}
    HKLM\SOFTWARE\Contoso\Spooler\Sub: {V: 1}
    HKLM\SOFTWARE\Contoso\Ports: {Port: 81}
  NODE2: {HKLM\SOFTWARE\Contoso\Spooler: {Port: 82}}
"""


class Row(NamedTuple):
    """One line and what comes of it."""

    line: str
    said: str = ""
    status: int = 0
    error: str | None = None
    before: tuple[str, ...] = ()
    refused: str | None = None


def refused(line: str, says: str) -> Row:
    return Row(line, refused=says)


def fails(line: str, error: str, status: int, *before: str) -> Row:
    return Row(line, error=error, status=status, before=before)


KEY, PORTS = r"HKLM\SOFTWARE\Contoso\Spooler", r"HKLM\SOFTWARE\Contoso\Ports"
PS = r"HKLM:\SOFTWARE\Contoso\Spooler"
OFF = "cluster res Spooler /off /wait"
DISK_OFF = "cluster res Disk /off /wait"
STOPPED = "cluster node NODE3 /stop"

REG = [
    Row(f"reg add {KEY} /v New /t REG_DWORD /d 1 /f", "completed successfully"),
    Row(f"reg add {KEY} /ve /t REG_MULTI_SZ /s , /d a,b /f", "completed successfully"),
    Row(f"reg add {KEY} /v New /d x /f /reg:64", "completed successfully"),
    Row(f"reg add {KEY} /v New /d x /f /reg:32", "completed successfully"),
    Row(f"reg delete {KEY} /v Port /f", "completed successfully"),
    Row(f"reg delete {KEY} /va /f", "completed successfully"),
    fails(f"reg delete {KEY} /ve /f", "ERROR_FILE_NOT_FOUND", 1),
    Row(f"reg query {KEY}", "Port    REG_DWORD    0x50\nHKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Spooler\\Sub"),
    Row(f"reg query {KEY} /v Port", "    Port    REG_DWORD    0x50"),
    fails(f"reg query {KEY} /ve", "ERROR_FILE_NOT_FOUND", 1),
    Row(f"reg query {KEY} /s", "Sub\n    V    REG_DWORD    0x1"),
    Row(f"reg query {KEY} /f port", "Port    REG_DWORD    0x50\nEnd of search: 1 match(es) found."),
    Row(f"reg query {KEY} /f port /c", "End of search: 0 match(es) found.", 1),
    Row(f"reg query {KEY} /f Por /e", "End of search: 0 match(es) found.", 1),
    Row(f"reg query {KEY} /f Su /k", "Spooler\\Sub\nEnd of search: 1 match(es) found."),
    Row(f"reg query {KEY} /f ab /d", "Name    REG_SZ    abc\nEnd of search: 1 match(es) found."),
    Row(f"reg query {KEY} /f 80 /d /e", "End of search: 1 match(es) found."),
    Row(f"reg query {KEY} /f Port /d", "End of search: 0 match(es) found.", 1),
    Row(f"reg query {KEY} /v /f abc", "End of search: 0 match(es) found.", 1),
    Row(f"reg query {KEY} /v /f Nam", "End of search: 1 match(es) found."),
    Row(f"reg query {KEY} /t REG_SZ,REG_BINARY", "Name    REG_SZ    abc\nEnd of search: 2 match(es) found."),
    Row(f"reg query {KEY} /s /f * /t REG_DWORD", "End of search: 2 match(es) found."),
    Row(f"reg query {KEY} /v Port /z", "REG_DWORD (4)"),
    Row(f"reg query {KEY} /v List /se ;", "x;y"),
    refused(f"reg query {KEY} /k /d", "/k and /d exclude each other"),
    refused(f"reg query {KEY} /t REG_FOO", "unknown type 'REG_FOO'"),
    refused(f"reg query {KEY} /se ab", "is not one character long"),
    refused(f"reg query {KEY} /fi x", "did you mean '/f'?"),
    Row(f"reg copy {KEY} HKLM\\SOFTWARE\\New /s /f", "completed successfully"),
    Row(f"reg copy \\\\NODE2\\{KEY} {KEY} /f", "completed successfully"),
    Row("reg query HKLM\\SOFTWARE\\Contoso\\Spooler /v Port", "0x52", before=(f"reg copy \\\\NODE2\\{KEY} {KEY} /f",)),
    refused(f"reg copy \\\\NODE9\\{KEY} {KEY} /f", "unknown node 'NODE9'"),
    Row(f"reg compare {KEY} {KEY}", "Result Compared: Identical"),
    Row(
        f"reg compare {KEY} {PORTS} /v Port",
        "< Value:  HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Spooler  Port  REG_DWORD  0x50\n> Value:",
        2,
    ),
    Row(
        f"reg compare {KEY} {PORTS} /v Port /od",
        "> Value:  HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Ports  Port  REG_DWORD  0x51",
        2,
    ),
    Row(f"reg compare {KEY} \\\\NODE2\\{KEY} /s /oa", "= Key:  HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Spooler\\Sub", 2),
    Row(
        f"reg compare {KEY} \\\\NODE2 /os",
        "= Value:  HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Spooler  Name  REG_SZ  abc",
        2,
    ),
    Row(f"reg compare {KEY} \\\\NODE2 /on", "Result Compared: Different\nThe operation completed successfully.", 2),
    Row(f"reg compare {KEY} {PORTS} /s", "< Key:  HKEY_LOCAL_MACHINE\\SOFTWARE\\Contoso\\Spooler\\Sub", 2),
    fails(f"reg compare {KEY} {PORTS} /ve", "ERROR_FILE_NOT_FOUND", 1),
    refused(f"reg compare {KEY} {PORTS} /oa /on", "/oa and /on exclude each other"),
    refused(f"reg compare {KEY} {PORTS} /v Port /s", "/s does not go with a single value"),
    Row(f"reg export {KEY} x.reg /y", "completed successfully"),
    Row("reg import x.reg", "completed successfully", before=(f"reg export {KEY} x.reg /y",)),
    Row(f"reg save {KEY} x.hiv /y", "completed successfully"),
    Row(f"reg restore {PORTS} x.hiv", "completed successfully", before=(f"reg save {KEY} x.hiv /y",)),
    refused("reg load HKLM\\X x.hiv", "documented and not modelled"),
    refused("reg unload HKLM\\X", "documented and not modelled"),
    refused(f"reg flags {KEY} QUERY", "documented and not modelled"),
    refused(f"reg querry {KEY}", "did you mean 'query'?"),
]

RESOURCE = [
    Row("cluster resource", "Spooler              Print Group          NODE1           Online"),
    Row("cluster res Spooler /stat", "Online"),
    Row("cluster res Spooler /off /wait", "Taking resource 'Spooler' offline..."),
    Row("cluster res Spooler /on /wait:30", "Bringing resource 'Spooler' online...", before=(OFF,)),
    Row("cluster res Spooler /fail", "Failing resource 'Spooler'..."),
    Row("cluster res Spooler /priv", "S Spooler              ServiceName Spool"),
    Row("cluster res Spooler /priv:servicename", "ServiceName"),
    Row("cluster res Spooler /priv StartupParameters=5 MaxUsers=50"),
    Row("cluster res Spooler /prop", "D Spooler              RestartThreshold       1 (0x1)"),
    Row("cluster res Spooler /prop", "D Spooler              RestartAction          2 (0x2)"),
    Row("cluster res /prop:RestartAction", "D Web                  RestartAction 2 (0x2)"),
    Row(
        "cluster res Spooler /prop:restartaction",
        "RestartAction 1 (0x1)",
        before=("cluster res Spooler /prop restartaction=1",),
    ),
    Row('cluster res Spooler /prop Description="the spooler"'),
    refused("cluster res Spooler /prop RestartAction=3", "0 to 2 would"),
    refused("cluster res Spooler /prop RestartAktion=1", "did you mean 'RestartAction'?"),
    refused("cluster res Spooler /prop:RestartAktion", "did you mean 'RestartAction'?"),
    refused("cluster res Spooler /priv UseNetworkName=yes", "is no number"),
    Row("cluster res Spooler /check", "Spooler    'SOFTWARE\\Contoso\\Ports'"),
    fails("cluster res Spooler /addcheck:SOFTWARE\\Contoso\\Spooler", "ERROR_ALREADY_EXISTS", 183),
    Row('cluster res Spooler /removecheck: "SOFTWARE\\Contoso\\Ports"'),
    Row("cluster res Spooler /cryptocheck", ""),
    refused("cluster res Spooler /addcryptocheck:1\\a\\b", "documented and not modelled"),
    refused("cluster res Spooler /removecryptocheck:1\\a\\b", "documented and not modelled"),
    refused("cluster res Spooler /addcheck", "needs a key"),
    Row("cluster res Spooler /listowners", "NODE1\nNODE2\nNODE3"),
    fails("cluster res Spooler /addowner:NODE2", "ERROR_OBJECT_ALREADY_EXISTS", 5010),
    Row("cluster res Spooler /addowner:NODE2", before=("cluster res Spooler /removeowner:NODE2",)),
    Row("cluster res Spooler /removeowner:NODE2"),
    fails("cluster res Spooler /removeowner:NODE1", "ERROR_INVALID_STATE", 5023),
    fails(
        "cluster res Spooler /removeowner:NODE2",
        "ERROR_CLUSTER_NODE_NOT_FOUND",
        5042,
        "cluster res Spooler /removeowner:NODE2",
    ),
    fails(
        "cluster res Spooler /on",
        "ERROR_NODE_CANT_HOST_RESOURCE",
        5071,
        'cluster group "Print Group" /off /wait',
        "cluster res Spooler /removeowner:NODE1",
    ),
    refused("cluster res Spooler /addowner", "needs a node"),
    refused("cluster res Spooler /addowner:NODE9", "unknown node 'NODE9'"),
    Row("cluster res Spooler /listdep", "Disk                 Print Group          NODE1           Online"),
    fails("cluster res Spooler /adddep:Disk", "ERROR_DEPENDENCY_ALREADY_EXISTS", 5003),
    fails("cluster res Spooler /adddep:Spooler", "ERROR_INVALID_PARAMETER", 87),
    fails("cluster res Spooler /adddep:Web", "ERROR_INVALID_PARAMETER", 87),
    fails("cluster res Disk /adddep:Spooler", "ERROR_CIRCULAR_DEPENDENCY", 1059),
    fails("cluster res Spooler /removedep:Web", "ERROR_DEPENDENCY_NOT_FOUND", 5002),
    fails("cluster res Spooler /removedep:Disk", "ERROR_INVALID_STATE", 5023),
    Row("cluster res Spooler /removedep:Disk", before=(OFF, DISK_OFF)),
    Row("cluster res Spooler /adddep:Disk", before=(OFF, DISK_OFF, "cluster res Spooler /removedep:Disk")),
    fails(
        "cluster res Spooler /adddep:Disk",
        "ERROR_RESOURCE_ONLINE",
        5019,
        OFF,
        DISK_OFF,
        "cluster res Spooler /removedep:Disk",
        "cluster res Spooler /on /wait",
    ),
    Row('cluster res Fax /create /group:"Web Group" /type:"Generic Service" /separate'),
    Row(
        "cluster res Fax /on /wait",
        "Online",
        before=('cluster res Fax /create /group:"Web Group" /type:"Generic Application"',),
    ),
    fails('cluster res Web /create /group:"Web Group" /type:"Generic Service"', "ERROR_OBJECT_ALREADY_EXISTS", 5010),
    refused('cluster res Fax /create /group:"Web Group"', "/create needs a resource type"),
    refused('cluster res Fax /create /group:Nope /type:"Generic Service"', "unknown group 'Nope'"),
    refused('cluster res Fax /create /group:"Web Group" /type:Service', "did you mean 'Generic Service'?"),
    refused("cluster res Fax /on", "unknown resource 'Fax'"),
    fails("cluster res Spooler /delete", "ERROR_IO_PENDING", 997),
    fails("cluster res Disk /delete", "ERROR_DEPENDENT_RESOURCE_EXISTS", 5001),
    Row("cluster res Spooler /delete", before=(OFF,)),
    fails("cluster res Spooler /check", "ERROR_RESOURCE_NOT_FOUND", 5007, OFF, "cluster res Spooler /delete"),
    refused("cluster res Spooler /rename:Fax", "documented and not modelled"),
    refused("cluster res Spooler /maint:on", "documented and not modelled"),
    Row('cluster res Web /moveto:"Print Group"'),
    fails(
        'cluster res Web /move:"Print Group"',
        "ERROR_HOST_NODE_NOT_GROUP_OWNER",
        5016,
        'cluster group "Web Group" /move:NODE2',
    ),
    refused("cluster res Spooler /stat:x", "takes no value"),
    refused("cluster res Spooler /fail /wait", "/wait does not go with /fail"),
    refused("cluster res Spooler /on /off", "one switch too many"),
    refused("cluster res Spooler /ofline", "did you mean '/offline'?"),
]

GROUP = [
    Row("cluster group", "Print Group          NODE1           Online"),
    Row("cluster group /node:NODE2", "Group                Node            Status"),
    Row('cluster group "Print Group" /node:NODE1', "Print Group          NODE1           Online"),
    Row('cluster group "Print Group" /stat', "Online"),
    Row('cluster group "Print Group" /off /wait', "Taking group 'Print Group' offline..."),
    Row('cluster group "Print Group" /on', "Bringing group 'Print Group' online..."),
    Row(
        'cluster group "Print Group" /on:NODE3 /wait',
        "Print Group          NODE3           Online",
        before=('cluster group "Print Group" /off /wait',),
    ),
    Row('cluster group "Print Group" /moveto:NODE2', "Moving group 'Print Group'..."),
    Row('cluster group "Print Group" /move /wait', "Print Group          NODE2"),
    fails(
        'cluster group "Print Group" /move:NODE3',
        "ERROR_HOST_NODE_NOT_RESOURCE_OWNER",
        5015,
        "cluster res Spooler /removeowner:NODE3",
    ),
    Row('cluster group "Print Group" /prop', "FailoverThreshold   10 (0xa)"),
    Row("cluster group /prop:FailoverPeriod", "Web Group            FailoverPeriod 6 (0x6)"),
    Row('cluster group "Print Group" /prop FailoverThreshold=0'),
    refused('cluster group "Print Group" /prop PersistentState=1', "unknown common property 'PersistentState'"),
    Row('cluster group "Print Group" /prop AutoFailbackType=1'),
    refused('cluster group "Print Group" /prop AutoFailbackType=2', "0 to 1 would"),
    refused('cluster group "Print Group" /prop FailoverPeriod=1194', "0 to 1193 would"),
    refused('cluster group "Print Group" /priv', "documented and not modelled"),
    Row('cluster group "Print Group" /listowners', "NODE1\nNODE2"),
    Row('cluster group "Print Group" /setowners:NODE3,NODE1'),
    refused('cluster group "Print Group" /setowners:NODE3,NODE3', "stands twice"),
    Row("cluster group New /create"),
    fails('cluster group "Web Group" /create', "ERROR_OBJECT_ALREADY_EXISTS", 5010),
    Row("cluster group New", "New                  NODE1           Offline", before=("cluster group New /create",)),
    Row("cluster group New /delete", before=("cluster group New /create",)),
    fails("cluster group New", "ERROR_GROUP_NOT_FOUND", 5013, "cluster group New /create", "cluster group New /delete"),
    fails('cluster group "Web Group" /delete', "ERROR_DIR_NOT_EMPTY", 145),
    refused('cluster group "Web Group" /rename:X', "documented and not modelled"),
]

NODE = [
    Row("cluster node", "NODE3           3       Up"),
    Row("cluster node NODE2 /status", "NODE2           2       Up"),
    Row("cluster node NODE2 /pause"),
    Row("cluster node NODE2 /resume", before=("cluster node NODE2 /pause",)),
    Row("cluster node NODE2 /stop /wait"),
    Row("cluster node NODE3 /start", before=(STOPPED,)),
    fails("cluster node NODE3 /evict", "ERROR_CANT_EVICT_ACTIVE_NODE", 5009),
    Row("cluster node NODE3 /evict", before=(STOPPED,)),
    fails("cluster node NODE3 /start", "ERROR_SERVICE_DISABLED", 1058, STOPPED, "cluster node NODE3 /evict"),
    fails("cluster node NODE3", "ERROR_CLUSTER_NODE_NOT_FOUND", 5042, STOPPED, "cluster node NODE3 /evict"),
    Row("cluster node NODE2 /prop", "NodeName NODE2"),
    refused("cluster node NODE2 /prop Description=x", "not to be set here"),
    Row("cluster node NODE2 /listinterfaces", "Network"),
    refused("cluster node NODE2 /priv", "documented and not modelled"),
    refused("cluster node NODE2 /force", "documented and not modelled"),
]

CLUSTER = [
    Row("cluster /version", "Cluster Version: 4.0"),
    Row("cluster MYCLUSTER /ver", "Cluster Version: 4.0"),
    Row("cluster /list", "Cluster Name"),
    Row("cluster /cluster:MYCLUSTER res Spooler", "Online"),
    *(refused(f"cluster {switch}", "documented and not modelled") for switch in (
        "/rename:X", "/quorum", "/prop", "/priv", "/create", "/addnodes", "/changepassword", "/listnetpriority", "/setnetpriority:a",
    )),
    *(refused(f"cluster {kind} X /stat", "documented and not modelled") for kind in (
        "resourcetype", "restype", "network", "net", "netinterface", "netint",
    )),
]  # fmt: skip

NET = [
    Row(
        "net stop clussvc",
        "The Cluster Service service is stopping.\nThe Cluster Service service was stopped successfully.",
    ),
    Row(
        "@NODE2 net start clussvc",
        "The Cluster Service service was started successfully.",
        before=("@NODE2 net stop clussvc",),
    ),
    fails("net start clussvc", "ERROR_SERVICE_ALREADY_RUNNING", 2),
    Row("net stop Spool", "The Spool service was stopped successfully."),
    Row("net start Spool", "The Spool service was started successfully.", before=(OFF,)),
]

GET = "Get-ClusterResource Spooler"
CMDLETS = [
    Row(f"{GET} | Stop-ClusterResource", "Spooler Offline Print Group Generic Service"),
    Row(f"{GET} | Start-ClusterResource -Wait 30", "Spooler Online Print Group Generic Service", before=(OFF,)),
    Row("Get-ClusterResource", "Web     Online Web Group   Generic Service"),
    Row(f"{GET} | Test-ClusterResourceFailure"),
    Row("Move-ClusterResource Web 'Print Group'"),
    Row("Add-ClusterResource Fax 'Generic Service' 'Web Group' -SeparateMonitor"),
    Row("Remove-ClusterResource Spooler -Force", before=(OFF,)),
    Row("Remove-ClusterResource Spooler -Confirm:$false", before=(OFF,)),
    refused("Remove-ClusterResource Spooler -Confirm:$true", "nobody answers"),
    Row("Get-ClusterGroup 'Print Group' | Move-ClusterGroup -Node NODE2", "Print Group NODE2     Online"),
    Row("Get-ClusterGroup", "Web Group   NODE1     Online"),
    Row("Start-ClusterGroup 'Print Group'", "Online", before=("Stop-ClusterGroup 'Print Group'",)),
    Row("Stop-ClusterGroup 'Print Group' -IgnoreLocked", "Offline"),
    Row("Add-ClusterGroup New"),
    Row("Remove-ClusterGroup New -Force", before=("Add-ClusterGroup New",)),
    refused("Remove-ClusterGroup 'Web Group' -RemoveResources", "documented and not modelled"),
    Row("Add-ClusterCheckpoint Web -RegistryCheckpoint SOFTWARE\\Contoso\\Ports"),
    *(
        refused(f"Add-ClusterCheckpoint Web -CryptoCheckpoint{each} x", "documented and not modelled")
        for each in ("Name", "Type", "Key")
    ),
    Row("Get-ClusterCheckpoint", "Spooler    'SOFTWARE\\Contoso\\Spooler'\nSpooler    'SOFTWARE\\Contoso\\Ports'"),
    Row("Get-ClusterCheckpoint -CheckpointName *port?", "Spooler    'SOFTWARE\\Contoso\\Ports'"),
    Row("Get-ClusterCheckpoint Spooler -RegistryCheckpoint", "Ports"),
    Row("Get-ClusterCheckpoint Spooler -CryptoCheckpoint", ""),
    Row("Remove-ClusterCheckpoint Spooler -CheckpointName SOFTWARE\\Contoso\\Ports -RegistryCheckpoint -Force"),
    refused("Remove-ClusterCheckpoint Spooler -CryptoCheckpoint", "documented and not modelled"),
    Row("Get-ClusterOwnerNode -Resource Spooler", "NODE1\nNODE2\nNODE3"),
    Row("Get-ClusterGroup 'Print Group' | Get-ClusterOwnerNode", "NODE1\nNODE2"),
    refused("Get-ClusterOwnerNode -ResourceType x", "documented and not modelled"),
    refused("Get-ClusterOwnerNode", "needs either -Resource or -Group"),
    Row("Set-ClusterOwnerNode -Resource Spooler -Owners NODE1,NODE3"),
    fails("Set-ClusterOwnerNode -Resource Spooler -Owners NODE3", "ERROR_INVALID_STATE", 1),
    Row("Set-ClusterOwnerNode -Group 'Print Group' -Owners NODE3, NODE1"),
    Row("Get-ClusterResourceDependency Spooler", "([Disk])"),
    fails("Add-ClusterResourceDependency Spooler Disk", "ERROR_DEPENDENCY_ALREADY_EXISTS", 1),
    fails("Remove-ClusterResourceDependency Spooler Disk", "ERROR_INVALID_STATE", 1),
    Row('Set-ClusterResourceDependency Spooler "[Disk]"', before=(OFF,)),
    Row("Set-ClusterResourceDependency Spooler ''", before=(OFF,)),
    refused("Set-ClusterResourceDependency Spooler '[Disk] or [Web]'", "'or' between dependencies"),
    refused("Set-ClusterResourceDependency Spooler Disk", "is no dependency"),
    Row("Suspend-ClusterNode NODE2"),
    refused("Suspend-ClusterNode NODE2 -Drain", "documented and not modelled"),
    refused("Suspend-ClusterNode NODE2 -ForceDrain", "documented and not modelled"),
    refused("Suspend-ClusterNode NODE2 -TargetNode NODE1", "documented and not modelled"),
    Row("Get-ClusterNode NODE2 | Resume-ClusterNode", before=("Suspend-ClusterNode NODE2",)),
    refused("Resume-ClusterNode NODE2 -Failback x", "documented and not modelled"),
    Row("Stop-ClusterNode NODE3"),
    Row("Start-ClusterNode NODE3", before=("Stop-ClusterNode NODE3",)),
    *(
        refused(f"Start-ClusterNode NODE3 -{each}", "no quorum is forced here")
        for each in ("FQ", "FixQuorum", "ForceQuorum")
    ),
    Row("Get-ClusterNode", "NODE3 3  Up"),
    Row("Remove-ClusterNode NODE3 -Force", before=("Stop-ClusterNode NODE3",)),
    refused("Remove-ClusterNode NODE3 -CleanupDisks", "documented and not modelled"),
    refused("Suspend-ClusterResource Disk", "documented and not modelled"),
    refused("Resume-ClusterResource Disk", "documented and not modelled"),
    Row(f"{GET} | Set-ClusterParameter StartupParameters 5"),
    Row(f"{GET} | Get-ClusterParameter ServiceName", "Spooler ServiceName Spool"),
    refused("Get-ClusterResource | Stop-ClusterResource", "name it with -Name"),
    refused(f"{GET} | Move-ClusterGroup", "Move-ClusterGroup takes nothing from Get-ClusterResource"),
    refused(f"{GET} | ", "a pipe between nothing"),
    refused(f"{GET} | Stop-ClusterResource | Start-ClusterResource", "one object once"),
    refused(f"Stop-ClusterResource Spooler | {GET}", "hands on no object"),
    refused("Stop-ClusterResourc Spooler", "did you mean 'Stop-ClusterResource'?"),
    refused("Stop-ClusterResource Spooler -Wate 3", "did you mean 'Wait'?"),
]

ITEMS = [
    Row(f"Get-Item {PS}", "Port : 80"),
    Row(f"Get-ChildItem {PS}", "Spooler\\Sub\n    V : 1"),
    Row("Get-ChildItem HKLM:\\SOFTWARE\\Contoso -Recurse", "Spooler\\Sub"),
    Row(f"Get-ItemProperty {PS} Port", "Port : 80"),
    Row(f"Get-ItemProperty {PS}", "List : {x, y}"),
    Row(f"Get-ItemPropertyValue {PS} -Name Port", "80"),
    fails(f"Get-ItemPropertyValue {PS} -Name Nope", "ERROR_FILE_NOT_FOUND", 1),
    Row(f"Set-ItemProperty {PS} Port 8080 -Type DWord"),
    Row(f"New-ItemProperty {PS} -Name New -Value 1 -PropertyType QWord"),
    Row(f"Remove-ItemProperty {PS} Port -Force"),
    Row(f"Clear-ItemProperty {PS} Port"),
    Row(f"Get-ItemPropertyValue {PS} Port", "0", before=(f"Clear-ItemProperty {PS} Port",)),
    fails(f"Clear-ItemProperty {PS} Nope", "ERROR_FILE_NOT_FOUND", 1),
    Row(f"Rename-ItemProperty {PS} Port Port2"),
    Row(f"Get-ItemPropertyValue {PS} Port2", "80", before=(f"Rename-ItemProperty {PS} Port Port2",)),
    fails(f"Rename-ItemProperty {PS} Port Name", "ERROR_ALREADY_EXISTS", 1),
    Row(f"Copy-ItemProperty {PS} HKLM:\\SOFTWARE\\Contoso\\Ports Name"),
    Row(
        "Get-ItemPropertyValue HKLM:\\SOFTWARE\\Contoso\\Ports Name",
        "abc",
        before=(f"Copy-ItemProperty {PS} HKLM:\\SOFTWARE\\Contoso\\Ports Name",),
    ),
    Row(f"Move-ItemProperty {PS} HKLM:\\SOFTWARE\\Contoso\\Ports Name"),
    fails(
        f"Get-ItemPropertyValue {PS} Name",
        "ERROR_FILE_NOT_FOUND",
        1,
        f"Move-ItemProperty {PS} HKLM:\\SOFTWARE\\Contoso\\Ports Name",
    ),
    fails(f"Copy-ItemProperty {PS} HKLM:\\SOFTWARE\\Nope Name", "ERROR_FILE_NOT_FOUND", 1),
    Row(f"Clear-Item {PS}"),
    Row(f"New-Item {PS}\\New -ItemType Key"),
    fails(f"New-Item {PS}", "ERROR_ALREADY_EXISTS", 1),
    Row(f"Remove-Item {PS} -Recurse -Force"),
    fails(f"Remove-Item {PS}", "ERROR_ACCESS_DENIED", 1),
    Row(f"Get-Item {PS}\\Sub | Remove-Item"),
    Row(f"Copy-Item {PS} HKLM:\\SOFTWARE\\New -Recurse"),
    Row(
        "Get-ItemPropertyValue HKLM:\\SOFTWARE\\New\\Sub V",
        "1",
        before=(f"Copy-Item {PS} HKLM:\\SOFTWARE\\New -Recurse",),
    ),
    fails("Get-Item HKLM:\\SOFTWARE\\New\\Sub", "ERROR_FILE_NOT_FOUND", 1, f"Copy-Item {PS} HKLM:\\SOFTWARE\\New"),
    Row(
        "Get-Item HKLM:\\SOFTWARE\\Contoso\\Ports\\Spooler",
        "Port : 80",
        before=(f"Copy-Item {PS} HKLM:\\SOFTWARE\\Contoso\\Ports",),
    ),
    Row(f"Move-Item {PS}\\Sub HKLM:\\SOFTWARE\\New"),
    fails(f"Get-Item {PS}\\Sub", "ERROR_FILE_NOT_FOUND", 1, f"Move-Item {PS}\\Sub HKLM:\\SOFTWARE\\New"),
    fails(f"Copy-Item {PS} {PS}\\Sub", "ERROR_INVALID_PARAMETER", 1),
    Row(f"Rename-Item {PS}\\Sub Deep"),
    Row(f"Get-Item {PS}\\Deep", "V : 1", before=(f"Rename-Item {PS}\\Sub Deep",)),
    fails(f"Rename-Item {PS} Ports", "ERROR_ALREADY_EXISTS", 1),
    refused(f"Rename-Item {PS} a\\b", "is no name of a key"),
    refused("Rename-Item HKLM:\\ x", "is the root itself"),
    refused("Copy-Item HKLM:\\ HKLM:\\SOFTWARE\\X", "is the root itself"),
    refused("Move-Item HKLM:\\ HKLM:\\SOFTWARE\\X", "is the root itself"),
    refused("Get-Item C:\\Windows", "is no registry path"),
]

ROWS = [*REG, *RESOURCE, *GROUP, *NODE, *CLUSTER, *NET, *CMDLETS, *ITEMS]
