"""Win32 errors: numbers, names and the system's messages."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from sim.registry import Win32, Win32Error

# domain.md 107, 125, 126, as it stands there
FACTS = """
2 FILE_NOT_FOUND, 5 ACCESS_DENIED, 87 INVALID_PARAMETER, 183 ALREADY_EXISTS, 234 MORE_DATA, 1009 BADDB, 1010 BADKEY,
1011 CANTOPEN, 1012 CANTREAD, 1013 CANTWRITE, 1014 REGISTRY_RECOVERED, 1015 REGISTRY_CORRUPT, 1016 REGISTRY_IO_FAILED,
1017 NOT_REGISTRY_FILE, 1018 KEY_DELETED, 1019 NO_LOG_SPACE, 1020 KEY_HAS_CHILDREN, 1021 CHILD_MUST_BE_VOLATILE,
5001 DEPENDENT_RESOURCE_EXISTS, 5002 DEPENDENCY_NOT_FOUND, 5003 DEPENDENCY_ALREADY_EXISTS, 5004 RESOURCE_NOT_ONLINE,
5005 HOST_NODE_NOT_AVAILABLE, 5006 RESOURCE_NOT_AVAILABLE, 5007 RESOURCE_NOT_FOUND, 5008 SHUTDOWN_CLUSTER,
5009 CANT_EVICT_ACTIVE_NODE, 5010 OBJECT_ALREADY_EXISTS, 5011 OBJECT_IN_LIST, 5012 GROUP_NOT_AVAILABLE,
5013 GROUP_NOT_FOUND, 5014 GROUP_NOT_ONLINE, 5015 HOST_NODE_NOT_RESOURCE_OWNER, 5016 HOST_NODE_NOT_GROUP_OWNER,
5017 RESMON_CREATE_FAILED, 5018 RESMON_ONLINE_FAILED, 5019 RESOURCE_ONLINE, 5020 QUORUM_RESOURCE,
5021 NOT_QUORUM_CAPABLE, 5022 CLUSTER_SHUTTING_DOWN, 5023 INVALID_STATE, 5024 RESOURCE_PROPERTIES_STORED,
5025 NOT_QUORUM_CLASS, 5026 CORE_RESOURCE, 5027 QUORUM_RESOURCE_ONLINE_FAILED, 5028 QUORUMLOG_OPEN_FAILED,
5029 CLUSTERLOG_CORRUPT, 5032 CLUSTERLOG_CHKPOINT_NOT_FOUND, 5033 CLUSTERLOG_NOT_ENOUGH_SPACE, 5034 QUORUM_OWNER_ALIVE,
5036 NODE_NOT_AVAILABLE, 5037 ALL_NODES_NOT_AVAILABLE, 5038 RESOURCE_FAILED, 5039 CLUSTER_INVALID_NODE,
5041 CLUSTER_JOIN_IN_PROGRESS, 5042 CLUSTER_NODE_NOT_FOUND, 5050 CLUSTER_NODE_DOWN, 5051 CLUSTER_NODE_UNREACHABLE,
5052 CLUSTER_NODE_NOT_MEMBER, 5056 CLUSTER_NODE_UP, 5058 CLUSTER_NODE_NOT_PAUSED, 5061 CLUSTER_NODE_ALREADY_UP,
5062 CLUSTER_NODE_ALREADY_DOWN, 5068 INVALID_OPERATION_ON_QUORUM, 5069 DEPENDENCY_NOT_ALLOWED, 5070 CLUSTER_NODE_PAUSED,
5071 NODE_CANT_HOST_RESOURCE, 5072 CLUSTER_NODE_NOT_READY, 5073 CLUSTER_NODE_SHUTTING_DOWN,
5078 CLUSTER_RESOURCE_TYPE_NOT_FOUND, 5082 CLUSTER_OWNER_NOT_IN_PREFLIST, 5083 CLUSTER_DATABASE_SEQMISMATCH,
5084 RESMON_INVALID_STATE, 5085 CLUSTER_GUM_NOT_LOCKER, 5086 QUORUM_DISK_NOT_FOUND, 5089 RESOURCE_PROPERTY_UNCHANGEABLE,
5891 CLUSTER_QUORUMLOG_NOT_FOUND, 5892 CLUSTER_MEMBERSHIP_HALT, 5908 CLUSTER_GROUP_MOVING, 5910 RESOURCE_CALL_TIMED_OUT,
997 IO_PENDING, 112 DISK_FULL, 1060 SERVICE_DOES_NOT_EXIST, 1067 PROCESS_ABORTED, 1058 SERVICE_DISABLED,
29 WRITE_FAULT, 53 BAD_NETPATH, 1722 RPC_S_SERVER_UNAVAILABLE, 1753 EPT_S_NOT_REGISTERED, 206 FILENAME_EXCED_RANGE,
259 NO_MORE_ITEMS, 13 INVALID_DATA, 161 BAD_PATHNAME, 1168 NOT_FOUND, 50 NOT_SUPPORTED, 21 NOT_READY,
1056 SERVICE_ALREADY_RUNNING, 1062 SERVICE_NOT_ACTIVE, 1460 TIMEOUT, 998 NOACCESS
"""


def test_every_code_of_the_facts_is_there_under_its_name() -> None:
    wanted = {int(number): name for number, name in re.findall(r"(\d+) ([A-Z_0-9]+)", FACTS)}
    assert len(wanted) > 90
    assert {number: Win32(number).name for number in wanted} == wanted


def test_every_error_has_a_message_that_is_a_sentence() -> None:
    for error in Win32:
        assert re.fullmatch(r"[A-Z].*\.", error.text), error
        assert "  " not in error.text, error


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (Win32.FILE_NOT_FOUND, "ERROR_FILE_NOT_FOUND"),
        (Win32.RPC_S_SERVER_UNAVAILABLE, "RPC_S_SERVER_UNAVAILABLE"),
        (Win32.EPT_S_NOT_REGISTERED, "EPT_S_NOT_REGISTERED"),
    ],
)
def test_title_is_the_products_name(error: Win32, title: str) -> None:
    assert error.title == title


def test_an_error_says_name_number_and_text() -> None:
    error = Win32Error(Win32.FILE_NOT_FOUND)
    assert str(error) == "ERROR_FILE_NOT_FOUND (2): The system cannot find the file specified."
    again = pickle.loads(pickle.dumps(Win32Error(Win32.ACCESS_DENIED, r"HKLM\SOFTWARE")))
    assert (again.code, again.detail) == (Win32.ACCESS_DENIED, r"HKLM\SOFTWARE")
    assert str(again) == r"ERROR_ACCESS_DENIED (5): Access is denied. HKLM\SOFTWARE"


def test_an_unknown_number_is_no_error_of_ours() -> None:
    with pytest.raises(ValueError, match="4711"):
        Win32(4711)


def test_the_room_imports_only_the_standard_library_and_msgspec() -> None:
    folder = Path(__file__).parents[2] / "sim" / "registry"
    names = {
        line.split()[1].split(".")[0]
        for file in sorted(folder.glob("*.py"))
        for line in file.read_text(encoding="utf-8").splitlines()
        if re.match(r"(from|import) \w", line)
    }
    unsound = {"random", "time", "datetime", "os", "fcntl", "socket", "threading", "secrets", "uuid"}
    assert names & unsound == set()
    assert {"msgspec", "sim"} <= names
    assert "simpy" not in names
