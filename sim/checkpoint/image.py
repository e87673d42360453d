"""A file of the store as bytes: a hive that ordinary tools open, and after it whose it is and a digest of it all.

    hive (regf 1.5; empty for an index or a claim)  |  header (JSON)  |  seal (64 bytes)

The seal is the SHA-256 of everything before it, since a hive's own checksum covers its first 508 bytes only, and a
flipped bit in the data is seen by no reader. Bytes after a hive's last bin are legal; no tool looks at them.
An undo file is none of that: it is a `.reg` file as regedit writes it, for a person to read and to import.
Equal contents give equal bytes.
"""

from __future__ import annotations

import struct
from codecs import BOM_UTF16_LE
from hashlib import sha256
from typing import Any

import msgspec

from sim.checkpoint.files import UNREADABLE, ClaimFile, Contents, ImageFile, IndexFile, UndoFile, Unreadable
from sim.registry import EMPTY, RegTextError, parse_reg, read_hive, write_changes, write_hive

_SEAL = struct.Struct("<16sQQ32s")
"""Magic, bytes of the hive, bytes of the header, SHA-256 of all before the digest."""
_MAGIC = b"failsim store 1\n"


class _ImageHeader(msgspec.Struct, frozen=True, tag="image"):
    folder: str
    number: int
    key: str
    epoch: int
    writer: str
    version: int
    removed: bool


class _IndexHeader(msgspec.Struct, frozen=True, tag="index"):
    epoch: int
    writer: str
    images: dict[str, tuple[str, ...]]


class _ClaimHeader(msgspec.Struct, frozen=True, tag="claim"):
    epoch: int
    writer: str


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_ImageHeader | _IndexHeader | _ClaimHeader)


def encode(contents: Contents) -> bytes:
    """The bytes of a file of the store."""
    hive = b""
    header: _ImageHeader | _IndexHeader | _ClaimHeader
    match contents:
        case ImageFile(tree=tree):
            hive = write_hive(EMPTY if tree is None else tree)
            header = _ImageHeader(
                contents.folder,
                contents.number,
                contents.key,
                contents.epoch,
                contents.writer,
                contents.version,
                tree is None,
            )
        case IndexFile(epoch=epoch, writer=writer, images=images):
            header = _IndexHeader(epoch, writer, images)
        case ClaimFile(epoch=epoch, writer=writer):
            header = _ClaimHeader(epoch, writer)
        case UndoFile(content=content):
            return write_changes(content.entries, version=content.version)
    told = _encoder.encode(header)
    body = hive + told
    front = _SEAL.pack(_MAGIC, len(hive), len(told), b"")[: -len(_digest(b""))]
    return body + front + _digest(body + front)


def decode(data: bytes) -> Contents | Unreadable:
    """What `encode` was given; UNREADABLE where a single bit differs from what it gave (undo files have no seal)."""
    if data.startswith(BOM_UTF16_LE):
        return _undo_file(data)
    if len(data) < _SEAL.size:
        return UNREADABLE
    magic, hive_size, told_size, digest = _SEAL.unpack_from(data, len(data) - _SEAL.size)
    whole = hive_size + told_size + _SEAL.size == len(data)
    if magic != _MAGIC or not whole or _digest(data[: -len(digest)]) != digest:
        return UNREADABLE
    header = _decoder.decode(data[hive_size : hive_size + told_size])
    match header:
        case _ImageHeader():
            # The digest says that these are our own writer's bytes: an error here is a bug of ours.
            tree = None if header.removed else read_hive(memoryview(data)[:hive_size])
            return ImageFile(
                folder=header.folder,
                number=header.number,
                key=header.key,
                epoch=header.epoch,
                writer=header.writer,
                version=header.version,
                tree=tree,
            )
        case _IndexHeader():
            return IndexFile(epoch=header.epoch, writer=header.writer, images=header.images)
        case _:
            return ClaimFile(epoch=header.epoch, writer=header.writer)


def _undo_file(data: bytes) -> UndoFile | Unreadable:
    try:
        return UndoFile(content=parse_reg(data))
    except RegTextError:
        return UNREADABLE


def _digest(data: bytes) -> bytes:
    return sha256(data).digest()
