"""A file of the store reads if all of it is there, and only then: what makes three outcomes of a torn write enough.

Every subset of the sectors in which two images differ is tried (each sector old or new), every single torn sector,
every cut, every flipped bit of a small image.
"""

from __future__ import annotations

import os
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.checkpoint.files import UNREADABLE, ClaimFile, ImageFile, IndexFile
from sim.checkpoint.image import decode, encode
from sim.registry import KeyTree
from tests.crashes.scripts import APP, tree
from tests.registry.strategies import trees

SECTOR = 512
STEP = 1 if os.environ.get("FAILSIM_CRASHES") == "all" else 7


def image(number: int) -> ImageFile:
    return ImageFile(
        folder=APP.folder, number=1, key=APP.key, epoch=1, writer="NODE1", version=number, tree=tree(number)
    )


NEW, OLD = encode(image(2)), encode(image(1))


def test_every_subset_of_sectors() -> None:
    """Over nothing (zeros), and over an older image in the same place."""
    for before in (bytes(len(NEW)), OLD.ljust(len(NEW), b"\0")[: len(NEW)]):
        sectors = range(0, len(NEW), SECTOR)
        differ = [at for at in sectors if before[at : at + SECTOR] != NEW[at : at + SECTOR]]
        assert 2 <= len(differ) <= 14
        for survived in product((False, True), repeat=len(differ)):
            data = bytearray(before)
            for at, there in zip(differ, survived, strict=True):
                if there:
                    data[at : at + SECTOR] = NEW[at : at + SECTOR]
            whole = decode(bytes(data)) == image(2)
            assert whole == (all(survived) or bytes(data) == NEW)
            assert whole or decode(bytes(data)) in (UNREADABLE, image(1))
            assert whole or decode(bytes(data)) == UNREADABLE or bytes(data) == OLD


def test_every_torn_sector() -> None:
    for at in range(0, len(NEW), SECTOR):
        for cut in range(at + 1, min(at + SECTOR, len(NEW)), STEP):
            data = NEW[:cut] + bytes(min(at + SECTOR, len(NEW)) - cut) + NEW[at + SECTOR :]
            assert data == NEW or decode(data) == UNREADABLE


def test_every_cut() -> None:
    assert all(decode(NEW[:length]) == UNREADABLE for length in range(0, len(NEW), STEP))


def test_every_flipped_bit() -> None:
    for at in range(0, len(NEW) * 8, STEP * 3):
        data = bytearray(NEW)
        data[at // 8] ^= 1 << at % 8
        assert decode(bytes(data)) == UNREADABLE


@given(trees(), st.text(min_size=1, max_size=20), st.integers(min_value=1, max_value=10**6))
@settings(deadline=None)
def test_what_was_encoded_is_decoded(stored: KeyTree, writer: str, version: int) -> None:
    contents = ImageFile(
        folder="f", number=7, key=r"SOFTWARE\Ü", epoch=3, writer=writer, version=version, tree=stored.without_volatile()
    )
    assert decode(encode(contents)) == contents
    assert encode(contents) == encode(contents)


def test_claims_and_indexes_are_decoded() -> None:
    for contents in (
        ClaimFile(epoch=6, writer="NODE2"),
        IndexFile(epoch=6, writer="NODE2", images={"f/1": ("a", "b")}),
        ImageFile(folder="f", number=1, key="K", epoch=1, writer="N", version=2, tree=None),
    ):
        assert decode(encode(contents)) == contents
        assert decode(encode(contents)[:-1]) == UNREADABLE
