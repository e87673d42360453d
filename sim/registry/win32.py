"""Win32 errors by name, number and text: those that the registry and the cluster report.

Facts:    domain.md 107, 125, 126.
Sources:  numbers and texts are Microsoft's: learn.microsoft.com/windows/win32/debug, system error codes, pages
          1000-1299 and 4000-5999, read on a copy of 2019 (MicrosoftDocs/win32). The texts of the other ranges are
          those that FormatMessage gives, from general knowledge.
"""

from __future__ import annotations

from enum import IntEnum


class Win32(IntEnum):
    """A Win32 error; the member's name is the product's without `ERROR_`, `text` is the system's message."""

    text: str

    def __new__(cls, number: int, text: str = "") -> Win32:
        member = int.__new__(cls, number)
        member._value_ = number
        member.text = text
        return member

    @property
    def title(self) -> str:
        """The product's name: `ERROR_FILE_NOT_FOUND`; errors of RPC and its endpoint mapper have no prefix."""
        return self.name if self.name.startswith(("RPC_S_", "EPT_S_")) else f"ERROR_{self.name}"

    SUCCESS = 0, "The operation completed successfully."
    FILE_NOT_FOUND = 2, "The system cannot find the file specified."
    PATH_NOT_FOUND = 3, "The system cannot find the path specified."
    ACCESS_DENIED = 5, "Access is denied."
    INVALID_HANDLE = 6, "The handle is invalid."
    INVALID_DATA = 13, "The data is invalid."
    NOT_READY = 21, "The device is not ready."
    WRITE_FAULT = 29, "The system cannot write to the specified device."
    SHARING_VIOLATION = 32, "The process cannot access the file because it is being used by another process."
    NOT_SUPPORTED = 50, "The request is not supported."
    BAD_NETPATH = 53, "The network path was not found."
    INVALID_PARAMETER = 87, "The parameter is incorrect."
    DISK_FULL = 112, "There is not enough space on the disk."
    DIR_NOT_EMPTY = 145, "The directory is not empty."
    BAD_PATHNAME = 161, "The specified path is invalid."
    ALREADY_EXISTS = 183, "Cannot create a file when that file already exists."
    FILENAME_EXCED_RANGE = 206, "The filename or extension is too long."
    MORE_DATA = 234, "More data is available."
    NO_MORE_ITEMS = 259, "No more data is available."
    IO_PENDING = 997, "Overlapped I/O operation is in progress."
    NOACCESS = 998, "Invalid access to memory location."
    BADDB = 1009, "The configuration registry database is corrupt."
    BADKEY = 1010, "The configuration registry key is invalid."
    CANTOPEN = 1011, "The configuration registry key could not be opened."
    CANTREAD = 1012, "The configuration registry key could not be read."
    CANTWRITE = 1013, "The configuration registry key could not be written."
    REGISTRY_RECOVERED = (
        1014,
        "One of the files in the registry database had to be recovered by use of a log or alternate copy. The "
        "recovery was successful.",
    )
    REGISTRY_CORRUPT = (
        1015,
        "The registry is corrupted. The structure of one of the files containing registry data is corrupted, or the"
        " system's memory image of the file is corrupted, or the file could not be recovered because the alternate "
        "copy or log was absent or corrupted.",
    )
    REGISTRY_IO_FAILED = (
        1016,
        "An I/O operation initiated by the registry failed unrecoverably. The registry could not read in, or write "
        "out, or flush, one of the files that contain the system's image of the registry.",
    )
    NOT_REGISTRY_FILE = (
        1017,
        "The system has attempted to load or restore a file into the registry, but the specified file is not in a "
        "registry file format.",
    )
    KEY_DELETED = 1018, "Illegal operation attempted on a registry key that has been marked for deletion."
    NO_LOG_SPACE = 1019, "System could not allocate the required space in a registry log."
    KEY_HAS_CHILDREN = 1020, "Cannot create a symbolic link in a registry key that already has subkeys or values."
    CHILD_MUST_BE_VOLATILE = 1021, "Cannot create a stable subkey under a volatile parent key."
    SERVICE_REQUEST_TIMEOUT = (
        1053,
        "The service did not respond to the start or control request in a timely fashion.",
    )
    SERVICE_ALREADY_RUNNING = 1056, "An instance of the service is already running."
    SERVICE_DISABLED = (
        1058,
        "The service cannot be started, either because it is disabled or because it has no enabled devices "
        "associated with it.",
    )
    CIRCULAR_DEPENDENCY = 1059, "Circular service dependency was specified."
    SERVICE_DOES_NOT_EXIST = 1060, "The specified service does not exist as an installed service."
    SERVICE_NOT_ACTIVE = 1062, "The service has not been started."
    PROCESS_ABORTED = 1067, "The process terminated unexpectedly."
    NOT_FOUND = 1168, "Element not found."
    PRIVILEGE_NOT_HELD = 1314, "A required privilege is not held by the client."
    TIMEOUT = 1460, "This operation returned because the timeout period expired."
    RPC_S_SERVER_UNAVAILABLE = 1722, "The RPC server is unavailable."
    EPT_S_NOT_REGISTERED = 1753, "There are no more endpoints available from the endpoint mapper."
    DEPENDENT_RESOURCE_EXISTS = (
        5001,
        "The operation cannot be completed because other resources are dependent on this resource.",
    )
    DEPENDENCY_NOT_FOUND = 5002, "The cluster resource dependency cannot be found."
    DEPENDENCY_ALREADY_EXISTS = (
        5003,
        "The cluster resource cannot be made dependent on the specified resource because it is already dependent.",
    )
    RESOURCE_NOT_ONLINE = 5004, "The cluster resource is not online."
    HOST_NODE_NOT_AVAILABLE = 5005, "A cluster node is not available for this operation."
    RESOURCE_NOT_AVAILABLE = 5006, "The cluster resource is not available."
    RESOURCE_NOT_FOUND = 5007, "The cluster resource could not be found."
    SHUTDOWN_CLUSTER = 5008, "The cluster is being shut down."
    CANT_EVICT_ACTIVE_NODE = (
        5009,
        "A cluster node cannot be evicted from the cluster unless the node is down or it is the last node.",
    )
    OBJECT_ALREADY_EXISTS = 5010, "The object already exists."
    OBJECT_IN_LIST = 5011, "The object is already in the list."
    GROUP_NOT_AVAILABLE = 5012, "The cluster group is not available for any new requests."
    GROUP_NOT_FOUND = 5013, "The cluster group could not be found."
    GROUP_NOT_ONLINE = 5014, "The operation could not be completed because the cluster group is not online."
    HOST_NODE_NOT_RESOURCE_OWNER = (
        5015,
        "The operation failed because either the specified cluster node is not the owner of the resource, or the "
        "node is not a possible owner of the resource.",
    )
    HOST_NODE_NOT_GROUP_OWNER = (
        5016,
        "The operation failed because either the specified cluster node is not the owner of the group, or the node "
        "is not a possible owner of the group.",
    )
    RESMON_CREATE_FAILED = 5017, "The cluster resource could not be created in the specified resource monitor."
    RESMON_ONLINE_FAILED = 5018, "The cluster resource could not be brought online by the resource monitor."
    RESOURCE_ONLINE = 5019, "The operation could not be completed because the cluster resource is online."
    QUORUM_RESOURCE = (
        5020,
        "The cluster resource could not be deleted or brought offline because it is the quorum resource.",
    )
    NOT_QUORUM_CAPABLE = (
        5021,
        "The cluster could not make the specified resource a quorum resource because it is not capable of being a "
        "quorum resource.",
    )
    CLUSTER_SHUTTING_DOWN = 5022, "The cluster software is shutting down."
    INVALID_STATE = 5023, "The group or resource is not in the correct state to perform the requested operation."
    RESOURCE_PROPERTIES_STORED = (
        5024,
        "The properties were stored but not all changes will take effect until the next time the resource is "
        "brought online.",
    )
    NOT_QUORUM_CLASS = (
        5025,
        "The cluster could not make the specified resource a quorum resource because it does not belong to a shared"
        " storage class.",
    )
    CORE_RESOURCE = 5026, "The cluster resource could not be deleted since it is a core resource."
    QUORUM_RESOURCE_ONLINE_FAILED = 5027, "The quorum resource failed to come online."
    QUORUMLOG_OPEN_FAILED = 5028, "The quorum log could not be created or mounted successfully."
    CLUSTERLOG_CORRUPT = 5029, "The cluster log is corrupt."
    CLUSTERLOG_CHKPOINT_NOT_FOUND = 5032, "No checkpoint record was found in the cluster log."
    CLUSTERLOG_NOT_ENOUGH_SPACE = 5033, "The minimum required disk space needed for logging is not available."
    QUORUM_OWNER_ALIVE = (
        5034,
        "The cluster node failed to take control of the quorum resource because the resource is owned by another "
        "active node.",
    )
    NODE_NOT_AVAILABLE = 5036, "A cluster node is not available for this operation."
    ALL_NODES_NOT_AVAILABLE = 5037, "All cluster nodes must be running to perform this operation."
    RESOURCE_FAILED = 5038, "A cluster resource failed."
    CLUSTER_INVALID_NODE = 5039, "The cluster node is not valid."
    CLUSTER_JOIN_IN_PROGRESS = 5041, "A node is in the process of joining the cluster."
    CLUSTER_NODE_NOT_FOUND = 5042, "The cluster node was not found."
    CLUSTER_NODE_DOWN = 5050, "The cluster node is down."
    CLUSTER_NODE_UNREACHABLE = 5051, "The cluster node is not reachable."
    CLUSTER_NODE_NOT_MEMBER = 5052, "The cluster node is not a member of the cluster."
    CLUSTER_NODE_UP = 5056, "The cluster node is up."
    CLUSTER_NODE_NOT_PAUSED = 5058, "The cluster node is not paused."
    CLUSTER_NODE_ALREADY_UP = 5061, "The cluster node is already up."
    CLUSTER_NODE_ALREADY_DOWN = 5062, "The cluster node is already down."
    # "as it the quorum resource" is Microsoft's own slip.
    INVALID_OPERATION_ON_QUORUM = (
        5068,
        "This operation cannot be performed on the cluster resource as it the quorum resource. You may not bring "
        "the quorum resource offline or modify its possible owners list.",
    )
    DEPENDENCY_NOT_ALLOWED = 5069, "The cluster quorum resource is not allowed to have any dependencies."
    CLUSTER_NODE_PAUSED = 5070, "The cluster node is paused."
    NODE_CANT_HOST_RESOURCE = (
        5071,
        "The cluster resource cannot be brought online. The owner node cannot run this resource.",
    )
    CLUSTER_NODE_NOT_READY = 5072, "The cluster node is not ready to perform the requested operation."
    CLUSTER_NODE_SHUTTING_DOWN = 5073, "The cluster node is shutting down."
    CLUSTER_RESOURCE_TYPE_NOT_FOUND = 5078, "The specified resource type was not found."
    CLUSTER_OWNER_NOT_IN_PREFLIST = (
        5082,
        "You cannot bring the group online because the owner of the group is not in the preferred list for the "
        "group. To change the owner node for the group, move the group.",
    )
    CLUSTER_DATABASE_SEQMISMATCH = (
        5083,
        "The join operation failed because the cluster database sequence number has changed or is incompatible with"
        " the locker node. This may happen during a join operation if the cluster database was changing during the "
        "join.",
    )
    RESMON_INVALID_STATE = (
        5084,
        "The resource monitor will not allow the fail operation to be performed while the resource is in its "
        "current state. This may happen if the resource is in a pending state.",
    )
    CLUSTER_GUM_NOT_LOCKER = 5085, "A non locker code got a request to reserve the lock for making global updates."
    QUORUM_DISK_NOT_FOUND = 5086, "The quorum disk could not be located by the cluster service."
    RESOURCE_PROPERTY_UNCHANGEABLE = (
        5089,
        "An attempt to modify a resource property failed because it conflicts with another existing property.",
    )
    CLUSTER_QUORUMLOG_NOT_FOUND = 5891, "The quorum resource does not contain the quorum log."
    CLUSTER_MEMBERSHIP_HALT = 5892, "The membership engine requested shutdown of the cluster service on this node."
    CLUSTER_GROUP_MOVING = 5908, "The group is unable to accept the request since it is moving to another node."
    RESOURCE_CALL_TIMED_OUT = 5910, "The call to the cluster resource DLL timed out."


class Win32Error(Exception):
    """A verb failed and changed nothing; `code` says how, `detail` of what (may be empty)."""

    def __init__(self, code: Win32, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail

    def __str__(self) -> str:
        """`ERROR_FILE_NOT_FOUND (2): The system cannot find the file specified.` and the detail, if any."""
        told = f"{self.code.title} ({self.code.value}): {self.code.text}"
        return f"{told} {self.detail}" if self.detail else told
