"""The words of a verdict: what became of a write, and why (contract: fates, causes, anomalies).

They live beside the history, because scenarios name them (`expect:`), the judge decides them and
reports print them, and none of these three rooms knows another.
"""

from __future__ import annotations

from enum import StrEnum


class Fate(StrEnum):
    """What became of a write by the end of a run; the order in which they are tried is the judge's."""

    KEPT = "kept"
    SUPERSEDED = "superseded"
    LOST = "lost"
    STRANDED = "stranded"
    PENDING = "pending"
    UNPROTECTED = "unprotected"
    REJECTED = "rejected"


class Cause(StrEnum):
    """Why a write was lost or is stranded; in the order in which they are tried."""

    UNSAVED = "unsaved"
    UNFLUSHED = "unflushed"
    SHARED_KEY = "shared-key"
    CHECKPOINT_DAMAGED = "checkpoint-damaged"
    CHECKPOINT_ROLLED_BACK = "checkpoint-rolled-back"
    SAVE_FAILED = "save-failed"
    PENDING_EDIT = "pending-edit"
    WRONG_NODE = "wrong-node"
    OFFLINE_EDIT = "offline-edit"


class AnomalyKind(StrEnum):
    """What went wrong in a run as a whole, whoever's write it was."""

    STALE_READ = "stale-read"
    TORN_SAVE = "torn-save"
    RESURRECTED = "resurrected"
    DIVERGED = "diverged"
