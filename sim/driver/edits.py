"""What a registry command would change: its writes, and the tool's own words, read off a tree.

Nothing is changed here. A command that cannot succeed has the writes that it intended and the documented error;
deleting a key is one write for each value and key that vanishes, creating missing parents is none
(contract: Fates of a write).

Sources:  exit status 0 success, 1 failure (2 for a comparison that differs: domain.md 108); texts: domain.md 111.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sim.history.events import Change
from sim.registry import EMPTY, ChangeKind, KeyPath, KeyTree, Value, Win32, diff, type_name
from sim.registry.reg_text import RegCreate, RegDeleteKey, RegDeleteValue, RegFile, RegSet
from sim.scenario.command import (
    CompareKeys,
    CopyKey,
    CreateKey,
    DeleteKey,
    DeleteValue,
    DeleteValues,
    ExportKey,
    ImportFile,
    QueryKey,
    RestoreKey,
    SaveKey,
    SetValue,
    Shell,
)

RegistryRequest = (
    CreateKey
    | SetValue
    | DeleteValue
    | DeleteValues
    | DeleteKey
    | ImportFile
    | ExportKey
    | SaveKey
    | RestoreKey
    | CopyKey
    | CompareKeys
    | QueryKey
)

REGISTRY_REQUESTS = (
    CreateKey,
    SetValue,
    DeleteValue,
    DeleteValues,
    DeleteKey,
    ImportFile,
    ExportKey,
    SaveKey,
    RestoreKey,
    CopyKey,
    CompareKeys,
    QueryKey,
)

SUCCESS = "The operation completed successfully."
NOT_FOUND = "ERROR: The system was unable to find the specified registry key or value."


class Edit(msgspec.Struct, frozen=True):
    """One write: `name` None is the key itself; `value` is the data of a set."""

    change: Change
    key: KeyPath
    name: str | None = None
    value: Value | None = None


class Outcome(msgspec.Struct, frozen=True):
    """What a command does to a registry: its writes, or those it intended and why it failed.

    `restored`: the writes are made by one RegRestoreKey of this key to this tree, which no watch sees.
    `file`: what the command leaves in a file of the run.
    """

    edits: tuple[Edit, ...] = ()
    error: Win32 | None = None
    status: int = 0
    output: str = ""
    restored: tuple[KeyPath, KeyTree] | None = None
    file: tuple[str, RunFile] | None = None


class RunFile(msgspec.Struct, frozen=True):
    """A file that a command of the run wrote: a key's tree, exported (`text`) or saved as a hive."""

    key: KeyPath
    tree: KeyTree
    text: bool


def outcome(request: RegistryRequest, shell: Shell, root: KeyTree, files: dict[str, RunFile | RegFile]) -> Outcome:
    """What the command does to a registry that stands as `root` does (HKEY_LOCAL_MACHINE)."""
    match request:
        case CreateKey():
            return _create(request, shell, root)
        case SetValue():
            return _set(request, shell, root)
        case DeleteValue(target, name):
            edit = Edit(Change.DELETE, target.key, name)
            tree = root.at(target.key)
            return _found(shell, (edit,), tree is not None and tree.value(name) is not None)
        case DeleteValues(target):
            tree = root.at(target.key)
            return _found(shell, tuple(_all_values(target.key, tree or EMPTY)), tree is not None)
        case DeleteKey():
            return _delete_key(request, shell, root)
        case ImportFile():
            return _import(request, root, files)
        case ExportKey(target, file, overwrite) | SaveKey(target, file, overwrite):
            return _write_file(target.key, file, overwrite, isinstance(request, ExportKey), root, files)
        case RestoreKey():
            return _restore(request, root, files)
        case CopyKey():
            return _copy(request, root)
        case CompareKeys():
            return _compare(request, root)
        case QueryKey():
            return _query(request, shell, root)


def _done(shell: Shell, edits: tuple[Edit, ...]) -> Outcome:
    return Outcome(edits, output="" if shell is Shell.POWERSHELL else SUCCESS)


def _failed(shell: Shell, edits: tuple[Edit, ...], error: Win32, text: str | None = None) -> Outcome:
    if text is None:
        text = error.text if shell is Shell.POWERSHELL else NOT_FOUND
        if shell is not Shell.POWERSHELL and error is not Win32.FILE_NOT_FOUND:
            text = f"ERROR: {error.text}"
    return Outcome(edits, error, 1, text)


def _found(shell: Shell, edits: tuple[Edit, ...], found: bool) -> Outcome:
    return _done(shell, edits) if found else _failed(shell, edits, Win32.FILE_NOT_FOUND)


def _create(request: CreateKey, shell: Shell, root: KeyTree) -> Outcome:
    key = request.target.key
    edits = (Edit(Change.CREATE, key),)
    if root.at(key) is not None and not request.may_exist:
        return _failed(shell, edits, Win32.ALREADY_EXISTS, "A key in this path already exists.")
    if not request.parents and key.names and root.at(key.parent) is None:
        return _failed(shell, edits, Win32.FILE_NOT_FOUND)
    return _done(shell, edits)


def _set(request: SetValue, shell: Shell, root: KeyTree) -> Outcome:
    key = request.target.key
    edits = (Edit(Change.SET, key, request.name, request.value),)
    tree = root.at(key)
    if tree is None and not request.creates_key:
        text = f"Cannot find path 'HKLM:\\{key}' because it does not exist."
        return _failed(shell, edits, Win32.FILE_NOT_FOUND, text)
    if tree is not None and not request.may_exist and tree.value(request.name) is not None:
        return _failed(shell, edits, Win32.ALREADY_EXISTS, "The property already exists.")
    return _done(shell, edits)


def _delete_key(request: DeleteKey, shell: Shell, root: KeyTree) -> Outcome:
    key = request.target.key
    tree = root.at(key)
    if tree is None:
        return _failed(shell, (Edit(Change.DELETE, key),), Win32.FILE_NOT_FOUND)
    edits = tuple(_vanishing(key, tree))
    if not request.recurse and tree.keys:
        text = f"The item at HKLM:\\{key} has children and the Recurse parameter was not specified."
        return _failed(shell, edits, Win32.ACCESS_DENIED, text)
    return _done(shell, edits)


def _all_values(key: KeyPath, tree: KeyTree) -> Iterator[Edit]:
    return (Edit(Change.DELETE, key, name) for name, _ in tree.values.items())


def _vanishing(key: KeyPath, tree: KeyTree) -> Iterator[Edit]:
    """Every value and key that goes with a key, deepest first."""
    for names, below in reversed(list(tree.walk())):
        path = KeyPath((*key.names, *names))
        yield from _all_values(path, below)
        yield Edit(Change.DELETE, path)


def _import(request: ImportFile, root: KeyTree, files: dict[str, RunFile | RegFile]) -> Outcome:
    if request.content is None:
        file = files.get(request.file)
        if isinstance(file, RegFile):
            return _done(Shell.REG, tuple(_file_edits(file, root)))
        if file is None or not file.text:
            return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND, f"ERROR: Error opening the file {request.file}.")
        return _done(Shell.REG, tuple(_differences(root, file.key, file.tree, keep=True)))
    return _done(Shell.REG, tuple(_file_edits(request.content, root)))


def _file_edits(file: RegFile, root: KeyTree) -> Iterator[Edit]:
    """The writes of a `.reg` file, in its order; what it only repeats is written all the same."""
    for entry in file.entries:
        match entry:
            case RegSet(key=key, name=name, value=value):
                yield Edit(Change.SET, key, name, value)
                root = root.with_value(key, name, value)
            case RegCreate(key=key):
                if root.at(key) is None:  # a section's bare head: what stands below it creates the key as a parent
                    yield Edit(Change.CREATE, key)
                    root = root.with_key(key)
            case RegDeleteValue(key=key, name=name):
                tree = root.at(key)
                if tree is not None and tree.value(name) is not None:
                    yield Edit(Change.DELETE, key, name)
                    root = root.without_value(key, name)
            case RegDeleteKey(key=key):
                tree = root.at(key)
                if tree is not None:
                    yield from _vanishing(key, tree)
                    root = root.without_key(key)


def _differences(root: KeyTree, key: KeyPath, tree: KeyTree, *, keep: bool) -> Iterator[Edit]:
    """The writes that turn what stands at `key` into `tree`; `keep`: nothing that is only here is deleted."""
    here = root.at(key)
    if here is None:
        yield Edit(Change.CREATE, key)
    for change in diff(EMPTY if here is None else here, tree):
        path = KeyPath((*key.names, *change.path))
        if change.kind is ChangeKind.DELETED:
            if not keep:
                yield Edit(Change.DELETE, path, change.name)
        elif change.name is None:
            yield Edit(Change.CREATE, path)
        else:
            yield Edit(Change.SET, path, change.name, change.after)


def _write_file(
    key: KeyPath, file: str, overwrite: bool, text: bool, root: KeyTree, files: dict[str, RunFile | RegFile]
) -> Outcome:
    tree = root.at(key)
    if tree is None:
        return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND)
    if file in files and not overwrite:
        return _failed(Shell.REG, (), Win32.ALREADY_EXISTS, f"ERROR: The file {file} exists; /y overwrites it.")
    return Outcome(output=SUCCESS, file=(file, RunFile(key, tree.without_volatile(), text)))


def _restore(request: RestoreKey, root: KeyTree, files: dict[str, RunFile | RegFile]) -> Outcome:
    key, tree = request.target.key, request.content
    if tree is None:
        file = files.get(request.file)
        if file is None:
            return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND, f"ERROR: Error opening the file {request.file}.")
        if isinstance(file, RegFile) or file.text:
            return _failed(Shell.REG, (), Win32.NOT_REGISTRY_FILE)
        tree = file.tree
    if root.at(key) is None:
        return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND)
    return Outcome(tuple(_differences(root, key, tree, keep=False)), output=SUCCESS, restored=(key, tree))


def _copy(request: CopyKey, root: KeyTree) -> Outcome:
    tree = root.at(request.source.key)
    if tree is None:
        return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND)
    if not request.recurse:
        tree = KeyTree(tree.values)
    return _done(Shell.REG, tuple(_differences(root, request.target.key, tree, keep=True)))


def _compare(request: CompareKeys, root: KeyTree) -> Outcome:
    left, right = root.at(request.left.key), root.at(request.right.key)
    if left is None or right is None:
        return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND)
    if request.name is not None:
        same = left.value(request.name) == right.value(request.name)
    else:
        pair = (left, right) if request.recurse else (KeyTree(left.values), KeyTree(right.values))
        same = pair[0] == pair[1]
    found = "Result Compared: Identical" if same else "Result Compared: Different"
    return Outcome(status=0 if same else 2, output=f"{found}\n{SUCCESS}")


def _query(request: QueryKey, shell: Shell, root: KeyTree) -> Outcome:
    tree = root.at(request.target.key)
    if tree is None or (request.name is not None and tree.value(request.name) is None):
        return _failed(shell, (), Win32.FILE_NOT_FOUND)
    lines: list[str] = []
    for names, key in tree.walk():
        if names and not request.recurse:
            continue
        lines.append("HKEY_LOCAL_MACHINE\\" + "\\".join((*request.target.key.names, *names)))
        for name, value in key.values.items():
            if request.name is None or name.casefold() == request.name.casefold():
                lines.append(f"    {name or '(Default)'}    {type_name(value.type)}    {value.show()}")
    return Outcome(output="\n".join(lines))
