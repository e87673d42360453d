"""What to do, at a restore, with local changes since this node last restored or saved the key.

`overwrite` is what MSCS does (MSDN checkpointing: "overwritten with checkpointed data"). `quarantine` and
`merge` go beyond the product (design: Policies beyond MSCS); they are named here and not built yet, and
whoever asks for one is told so before anything runs.
"""

from __future__ import annotations

from enum import StrEnum


class Policy(StrEnum):
    """What becomes of local changes at a restore."""

    OVERWRITE = "overwrite"
    QUARANTINE = "quarantine"
    MERGE = "merge"


BUILT = frozenset({Policy.OVERWRITE})
"""The policies that this version can run."""
