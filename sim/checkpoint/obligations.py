"""What an engine owes a checkpointed key beyond the restore before online.

The restore is no switch: "The server MUST restore the registry data ... prior to bringing the resource online"
(CMRP 3.1.4.3.1.21, .28, .29; domain.md 5). Everything else is weaker there: to monitor the key and save it when it
has changed is a SHOULD, and in the sentence before it a MAY; a save at offline is not mentioned at all, only KB 174070
(domain.md 1) has it. MSCS does both. An implementation that conforms to the protocol and does no more may do neither.

Assumed:  `saves_on_failure` (domain.md 73, 143: no document says what becomes of a checkpoint when its resource fails).
"""

from __future__ import annotations

import msgspec


class Obligations(msgspec.Struct, frozen=True, kw_only=True):
    """When an engine saves a checkpoint; the defaults are what MSCS does.

    `saves_on_change`: it watches the key while the resource is online, and saves what has changed.
    `saves_on_offline`: it saves every checkpoint when the resource is brought offline.
    `saves_on_failure`: it saves every checkpoint when the resource has failed.
    """

    saves_on_change: bool = True
    saves_on_offline: bool = True
    saves_on_failure: bool = False


MSCS = Obligations()
CONFORMING = Obligations(saves_on_change=False, saves_on_offline=False)
"""The least that MS-CMRP lets a server do."""
