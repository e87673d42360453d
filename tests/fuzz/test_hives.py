"""Garbage in: mutated hives and `.reg` files are read, or refused in one line; in time and memory of their size.

`FAILSIM_FUZZ` is how many; CI runs a slice. Most hives get a header whose checksum fits, as nothing else would be
reached without one.
"""

from __future__ import annotations

import os
import random
import struct
import time
import tracemalloc

import pytest

from sim.registry import EMPTY, KeyPath, KeyTree, NameMap, Value, write_hive, write_reg
from sim.registry.files import FileError, as_hive, as_reg, read_file
from sim.registry.hive import checksum
from tests.hives.forest import tree

COUNT = int(os.environ.get("FAILSIM_FUZZ", "2000"))
BATCHES = 4
SECONDS = 0.5, 2e-5  # for a file, for each of its bytes: a hundred times what a read takes
BYTES = 1 << 20, 100  # as well
INTERESTING = (0, 1, 2, 7, 8, 32, 0x7F, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF8, 0xFFFFFFFF)


def seeds() -> tuple[list[bytes], list[bytes]]:
    """Hives and `.reg` files to start from: the smaller trees of the forest, and one in which everything is."""
    everything = KeyTree(
        NameMap.of([("я", Value.sz("text")), ("big", Value.binary(b"b" * 20_000)), ("n", Value.multi_sz(["a", "b"]))]),
        NameMap.of([(f"k{number}", KeyTree(class_name="C")) for number in range(30)]),
    )
    hives = [write_hive(everything, minor=3), write_hive(everything), write_hive(EMPTY)]
    texts = [write_reg(everything, KeyPath.parse("SOFTWARE"))]
    for number in range(40):
        image = write_hive(tree(number), minor=(5, 3)[number % 2])
        if len(image) < 60_000:
            hives.append(image)
            texts.append(as_text(tree(number)))
    return hives, [text for text in texts if text]


def as_text(given: KeyTree) -> bytes:
    try:
        return write_reg(given, KeyPath.parse("SOFTWARE"))
    except ValueError:
        return b""


def mutated_hive(rng: random.Random, hives: list[bytes]) -> bytes:
    """A hive with a few numbers wrong, mostly where a record points or counts."""
    image = bytearray(rng.choice(hives))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        at = rng.randrange(0, len(image) - 3)
        match rng.randrange(8):
            case 0:
                image[at] ^= 1 << rng.randrange(8)
            case 1:
                struct.pack_into("<I", image, at & ~3, rng.choice(INTERESTING))
            case 2:  # point somewhere: a cell of this hive, perhaps
                struct.pack_into("<I", image, at & ~3, rng.randrange(0, len(image), 8))
            case 3:  # what stands elsewhere: an offset that some record has
                image[at & ~3 : (at & ~3) + 4] = image[(other := rng.randrange(0, len(image) - 3) & ~3) : other + 4]
            case 4:
                signature = rng.choice((b"nk", b"vk", b"lh", b"lf", b"li", b"ri", b"db", b"sk"))
                found = image.find(signature, at)
                if 0 < found < len(image) - 80:
                    struct.pack_into("<H", image, found + rng.randrange(0, 40) * 2, rng.choice(INTERESTING) & 0xFFFF)
            case 5:
                found = image.find(rng.choice((b"nk", b"vk", b"lh", b"ri", b"db")), at)
                if 0 < found < len(image) - 80:
                    struct.pack_into("<I", image, found + rng.randrange(0, 18) * 4, rng.randrange(0, len(image), 8))
            case 6:
                del image[rng.randrange(len(image)) if rng.random() < 0.1 else len(image) :]
                image += bytes(max(0, 4 - len(image)))
            case _:
                struct.pack_into("<H", image, at & ~1, rng.getrandbits(16))
    if len(image) >= 512 and rng.random() < 0.95:
        struct.pack_into("<I", image, 508, checksum(bytes(image[:508])))
    return bytes(image)


def mutated_text(rng: random.Random, texts: list[bytes]) -> bytes:
    """A `.reg` file with a few things wrong, in bytes or in lines."""
    text = bytearray(rng.choice(texts))
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(5):
            case 0:
                text[at : at + 1] = bytes((rng.randrange(256),))
            case 1:
                del text[at : at + rng.choice((1, 2, 40))]
            case 2:
                start = rng.randrange(len(text) + 1)
                text[at:at] = text[start : start + rng.choice((2, 20, 200))]
            case 3:
                text[at & ~1 : at & ~1] = rng.choice('[]"\\;,-=@\n:()hex').encode("utf-16-le")
            case _:
                del text[max(at, 50) :]
    return bytes(text)


def tried(data: bytes) -> bool:
    """Whether a file is read; if so it can be written and read again. Anything else is refused in one line."""
    try:
        file = read_file(data, "x")
    except FileError as error:
        line = str(error)
        assert line.startswith("x:"), line
        assert "\n" not in line, line
        assert len(line) < 300 + len(data) // 4, line
        return False
    for written in (as_hive, lambda given: as_reg(given, None)):
        try:
            again = read_file(written(file), "x", file.key)
        except FileError:
            continue  # the other format cannot hold it
        assert again.tree.count_values() == file.tree.count_values()
    return True


@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_mutated_file_is_read_or_refused_in_one_line(batch: int) -> None:
    rng = random.Random(batch)
    hives, texts = seeds()
    read = {False: 0, True: 0}
    for number in range(COUNT // BATCHES):
        data = mutated_text(rng, texts) if number % 3 == 0 else mutated_hive(rng, hives)
        start = time.process_time()
        read[tried(data)] += 1
        assert time.process_time() - start < SECONDS[0] + SECONDS[1] * len(data), (batch, number)
    assert all(read.values()), read


def hostile() -> list[bytes]:
    """Hives that would unfold without end, if cells could be reached twice: lists of lists of one list."""
    image = bytearray(write_hive(KeyTree(keys=NameMap.of((f"k{number}", EMPTY) for number in range(3000)))))
    at = image.index(b"ri\3\0")
    first = struct.unpack_from("<I", image, at + 4)[0]
    struct.pack_into("<III", image, at + 4, first, first, first)
    looped = bytearray(image)
    struct.pack_into("<I", looped, at + 4, at - 4100)
    counted = bytearray(write_hive(KeyTree(NameMap.of((f"v{number}", Value.dword(1)) for number in range(3000)))))
    struct.pack_into("<I", counted, 4132 + 36, 0x3FFFFFFF)
    return [bytes(image), bytes(looped), bytes(counted)]


@pytest.mark.parametrize("number", range(3))
def test_what_would_unfold_is_refused(number: int) -> None:
    assert not tried(hostile()[number])


def test_memory_is_bounded_by_the_files_size() -> None:
    rng = random.Random(99)
    hives, _ = seeds()
    for data in (*hives, *(mutated_hive(rng, hives) for _ in range(200))):
        tracemalloc.start()
        tried(data)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < BYTES[0] + BYTES[1] * len(data), (peak, len(data))
