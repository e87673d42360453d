"""Win32 errors by name and number: those that the registry and the cluster report.

Source: Microsoft's list of system error codes (0-499, 1000-1299, 1700-3999, 4000-5999); [MS-RRP] 2.2.6 for the
low ones (domain.md 107, 125, 126).
"""

from __future__ import annotations

from enum import IntEnum


class Win32(IntEnum):
    """A Win32 error; the member's name is the product's without `ERROR_`."""

    SUCCESS = 0
    FILE_NOT_FOUND = 2
    ACCESS_DENIED = 5
    INVALID_DATA = 13
    NOT_READY = 21
    WRITE_FAULT = 29
    NOT_SUPPORTED = 50
    BAD_NETPATH = 53
    INVALID_PARAMETER = 87
    DISK_FULL = 112
    ALREADY_EXISTS = 183
    FILENAME_EXCED_RANGE = 206
    MORE_DATA = 234
    NO_MORE_ITEMS = 259
    IO_PENDING = 997
    BADDB = 1009
    BADKEY = 1010
    CANTOPEN = 1011
    CANTREAD = 1012
    CANTWRITE = 1013
    REGISTRY_RECOVERED = 1014
    REGISTRY_CORRUPT = 1015
    REGISTRY_IO_FAILED = 1016
    NOT_REGISTRY_FILE = 1017
    KEY_DELETED = 1018
    NO_LOG_SPACE = 1019
    KEY_HAS_CHILDREN = 1020
    CHILD_MUST_BE_VOLATILE = 1021
    SERVICE_ALREADY_RUNNING = 1056
    SERVICE_DISABLED = 1058
    SERVICE_DOES_NOT_EXIST = 1060
    SERVICE_NOT_ACTIVE = 1062
    PROCESS_ABORTED = 1067
    TIMEOUT = 1460
    RPC_S_SERVER_UNAVAILABLE = 1722
    EPT_S_NOT_REGISTERED = 1753
    DEPENDENT_RESOURCE_EXISTS = 5001
    DEPENDENCY_NOT_FOUND = 5002
    DEPENDENCY_ALREADY_EXISTS = 5003
    RESOURCE_NOT_ONLINE = 5004
    HOST_NODE_NOT_AVAILABLE = 5005
    RESOURCE_NOT_AVAILABLE = 5006
    RESOURCE_NOT_FOUND = 5007
    SHUTDOWN_CLUSTER = 5008
    CANT_EVICT_ACTIVE_NODE = 5009
    OBJECT_ALREADY_EXISTS = 5010
    OBJECT_IN_LIST = 5011
    GROUP_NOT_AVAILABLE = 5012
    GROUP_NOT_FOUND = 5013
    GROUP_NOT_ONLINE = 5014
    HOST_NODE_NOT_RESOURCE_OWNER = 5015
    HOST_NODE_NOT_GROUP_OWNER = 5016
    RESMON_CREATE_FAILED = 5017
    RESMON_ONLINE_FAILED = 5018
    RESOURCE_ONLINE = 5019
    QUORUM_RESOURCE = 5020
    NOT_QUORUM_CAPABLE = 5021
    CLUSTER_SHUTTING_DOWN = 5022
    INVALID_STATE = 5023
    RESOURCE_PROPERTIES_STORED = 5024
    NOT_QUORUM_CLASS = 5025
    CORE_RESOURCE = 5026
    QUORUM_RESOURCE_ONLINE_FAILED = 5027
    QUORUMLOG_OPEN_FAILED = 5028
    CLUSTERLOG_CORRUPT = 5029
    CLUSTERLOG_CHKPOINT_NOT_FOUND = 5032
    CLUSTERLOG_NOT_ENOUGH_SPACE = 5033
    QUORUM_OWNER_ALIVE = 5034
    NODE_NOT_AVAILABLE = 5036
    ALL_NODES_NOT_AVAILABLE = 5037
    RESOURCE_FAILED = 5038
    CLUSTER_INVALID_NODE = 5039
    CLUSTER_JOIN_IN_PROGRESS = 5041
    CLUSTER_NODE_NOT_FOUND = 5042
    CLUSTER_NODE_DOWN = 5050
    CLUSTER_NODE_UNREACHABLE = 5051
    CLUSTER_NODE_NOT_MEMBER = 5052
    CLUSTER_NODE_UP = 5056
    CLUSTER_NODE_NOT_PAUSED = 5058
    CLUSTER_NODE_ALREADY_UP = 5061
    CLUSTER_NODE_ALREADY_DOWN = 5062
    INVALID_OPERATION_ON_QUORUM = 5068
    DEPENDENCY_NOT_ALLOWED = 5069
    CLUSTER_NODE_PAUSED = 5070
    NODE_CANT_HOST_RESOURCE = 5071
    CLUSTER_NODE_NOT_READY = 5072
    CLUSTER_NODE_SHUTTING_DOWN = 5073
    CLUSTER_RESOURCE_TYPE_NOT_FOUND = 5078
    CLUSTER_OWNER_NOT_IN_PREFLIST = 5082
    CLUSTER_DATABASE_SEQMISMATCH = 5083
    RESMON_INVALID_STATE = 5084
    CLUSTER_GUM_NOT_LOCKER = 5085
    QUORUM_DISK_NOT_FOUND = 5086
    RESOURCE_PROPERTY_UNCHANGEABLE = 5089
    CLUSTER_QUORUMLOG_NOT_FOUND = 5891
    CLUSTER_MEMBERSHIP_HALT = 5892
    CLUSTER_GROUP_MOVING = 5908
    RESOURCE_CALL_TIMED_OUT = 5910

    @property
    def title(self) -> str:
        """The product's name: `ERROR_FILE_NOT_FOUND`; RPC and endpoint errors have no prefix."""
        return self.name if self.name.startswith(("RPC_S_", "EPT_S_")) else f"ERROR_{self.name}"

    @property
    def text(self) -> str:
        """The system's message where one meets it in practice, else the name in words."""
        return _TEXTS.get(self) or self.name.replace("_", " ").capitalize() + "."


_TEXTS = {
    Win32.SUCCESS: "The operation completed successfully.",
    Win32.FILE_NOT_FOUND: "The system cannot find the file specified.",
    Win32.ACCESS_DENIED: "Access is denied.",
    Win32.INVALID_DATA: "The data is invalid.",
    Win32.NOT_READY: "The device is not ready.",
    Win32.WRITE_FAULT: "The system cannot write to the specified device.",
    Win32.NOT_SUPPORTED: "The request is not supported.",
    Win32.BAD_NETPATH: "The network path was not found.",
    Win32.INVALID_PARAMETER: "The parameter is incorrect.",
    Win32.DISK_FULL: "There is not enough space on the disk.",
    Win32.ALREADY_EXISTS: "Cannot create a file when that file already exists.",
    Win32.FILENAME_EXCED_RANGE: "The filename or extension is too long.",
    Win32.MORE_DATA: "More data is available.",
    Win32.NO_MORE_ITEMS: "No more data is available.",
    Win32.IO_PENDING: "Overlapped I/O operation is in progress.",
    Win32.BADKEY: "The configuration registry key is invalid.",
    Win32.NOT_REGISTRY_FILE: "The system has attempted to load or restore a file into the registry, but the specified "
    "file is not in a registry file format.",
    Win32.KEY_DELETED: "Illegal operation attempted on a registry key that has been marked for deletion.",
    Win32.KEY_HAS_CHILDREN: "Cannot create a symbolic link in a registry key that already has subkeys or values.",
    Win32.CHILD_MUST_BE_VOLATILE: "Cannot create a stable subkey under a volatile parent key.",
    Win32.SERVICE_ALREADY_RUNNING: "An instance of the service is already running.",
    Win32.SERVICE_DISABLED: "The service cannot be started, either because it is disabled or because it has no enabled "
    "devices associated with it.",
    Win32.SERVICE_DOES_NOT_EXIST: "The specified service does not exist as an installed service.",
    Win32.SERVICE_NOT_ACTIVE: "The service has not been started.",
    Win32.PROCESS_ABORTED: "The process terminated unexpectedly.",
    Win32.TIMEOUT: "This operation returned because the timeout period expired.",
    Win32.RPC_S_SERVER_UNAVAILABLE: "The RPC server is unavailable.",
    Win32.EPT_S_NOT_REGISTERED: "There are no more endpoints available from the endpoint mapper.",
    Win32.HOST_NODE_NOT_AVAILABLE: "A cluster node is not available for this operation.",
    Win32.RESOURCE_NOT_AVAILABLE: "The cluster resource is not available.",
    Win32.RESOURCE_NOT_FOUND: "The cluster resource could not be found.",
    Win32.GROUP_NOT_FOUND: "The cluster group could not be found.",
    Win32.RESOURCE_NOT_ONLINE: "The cluster resource is not online.",
    Win32.RESOURCE_ONLINE: "The cluster resource is online.",
    Win32.QUORUM_RESOURCE: "The cluster resource could not be deleted or brought offline because it is the quorum "
    "resource.",
    Win32.INVALID_STATE: "The group or resource is not in the correct state to perform the requested operation.",
    Win32.RESOURCE_FAILED: "Cluster resource failed.",
    Win32.CLUSTER_NODE_NOT_FOUND: "The cluster node was not found.",
    Win32.CLUSTER_NODE_DOWN: "The cluster node is down.",
    Win32.CLUSTER_NODE_NOT_PAUSED: "The cluster node is not paused.",
    Win32.CLUSTER_NODE_ALREADY_UP: "The cluster node is already up.",
    Win32.CLUSTER_NODE_ALREADY_DOWN: "The cluster node is already down.",
    Win32.CLUSTER_NODE_PAUSED: "The cluster node is paused.",
    Win32.RESMON_INVALID_STATE: "The current state of the resource does not permit the operation.",
    Win32.CLUSTER_GROUP_MOVING: "The operation failed because the group is being moved to another node.",
}


class Win32Error(Exception):
    """A verb of the registry failed; `code` says how."""

    def __init__(self, code: Win32, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(code, detail)

    def __str__(self) -> str:
        detail = f" {self.detail}" if self.detail else ""
        return f"{self.code.title} ({self.code.value}): {self.code.text}{detail}"
