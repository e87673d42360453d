"""What a registry command would change: its writes, and the tool's own words, read off a tree.

Nothing is changed here. A command that cannot succeed has the writes that it intended and the documented error;
deleting a key is one write for each value and key that vanishes, creating missing parents is none
(contract: Fates of a write).

Sources:  exit status 0 success, 1 failure (2 for a comparison that differs: domain.md 108); texts: domain.md 111;
          reg query, reg compare: TechNet cc742028, cc742038 (domain.md 110); the registry provider: domain.md 116.
Assumed:  the form of the lines that a comparison prints (its marks =, < and > are documented), the words after a
          search and its exit status 1 where nothing matches, `*` and `?` as the pattern's wildcards, the texts of
          the registry provider's errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import msgspec

from sim.history.events import Change
from sim.registry import EMPTY, ChangeKind, KeyPath, KeyTree, Value, Win32, diff, type_name, upcase
from sim.registry.reg_text import RegCreate, RegDeleteKey, RegDeleteValue, RegFile, RegSet
from sim.registry.values import Type
from sim.scenario.command import (
    ClearValue,
    CompareKeys,
    CopyItem,
    CopyKey,
    CopyValue,
    CreateKey,
    DeleteKey,
    DeleteValue,
    DeleteValues,
    ExportKey,
    ImportFile,
    Listing,
    QueryKey,
    RestoreKey,
    SaveKey,
    Search,
    SetValue,
    Shell,
    Show,
    Target,
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
    | CopyValue
    | ClearValue
    | CopyItem
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
    CopyValue,
    ClearValue,
    CopyItem,
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


def outcome(
    request: RegistryRequest,
    shell: Shell,
    root: KeyTree,
    files: dict[str, RunFile | RegFile],
    look: Callable[[Target], KeyTree] | None = None,
) -> Outcome:
    """What the command does to a registry that stands as `root` does (HKEY_LOCAL_MACHINE).

    `look` answers with the root under which another key that it names stands: perhaps on another node.
    """
    elsewhere = (lambda _: root) if look is None else look
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
            return _copy(request, root, elsewhere(request.source))
        case CompareKeys():
            return _compare(request, elsewhere(request.left), elsewhere(request.right))
        case QueryKey():
            return _query(request, root)
        case CopyValue():
            return _copy_value(request, root, elsewhere(request.source))
        case ClearValue():
            return _clear_value(request, shell, root)
        case CopyItem():
            return _copy_item(request, root, elsewhere(request.source))


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
    edits = tuple(vanishing(key, tree))
    if not request.recurse and tree.keys:
        text = f"The item at HKLM:\\{key} has children and the Recurse parameter was not specified."
        return _failed(shell, edits, Win32.ACCESS_DENIED, text)
    return _done(shell, edits)


def _all_values(key: KeyPath, tree: KeyTree) -> Iterator[Edit]:
    return (Edit(Change.DELETE, key, name) for name, _ in tree.values.items())


def vanishing(key: KeyPath, tree: KeyTree) -> Iterator[Edit]:
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
                    yield from vanishing(key, tree)
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


def _copy(request: CopyKey, root: KeyTree, source: KeyTree) -> Outcome:
    tree = source.at(request.source.key)
    if tree is None:
        return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND)
    if not request.recurse:
        tree = KeyTree(tree.values)
    return _done(Shell.REG, tuple(_differences(root, request.target.key, tree, keep=True)))


# --- comparing and querying -----------------------------------------------------------------------------------


def _compare(request: CompareKeys, left_root: KeyTree, right_root: KeyTree) -> Outcome:
    left, right = left_root.at(request.left.key), right_root.at(request.right.key)
    if left is None or right is None:
        return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND)
    if request.name is not None and None in (left.value(request.name), right.value(request.name)):
        return _failed(Shell.REG, (), Win32.FILE_NOT_FOUND)
    lines, same = [], True
    for equal, line in _compared(request, left, right):
        same = same and equal
        if request.show is Show.ALL or request.show is (Show.MATCHES if equal else Show.DIFFERENCES):
            lines.append(line)
    found = "Result Compared: Identical" if same else "Result Compared: Different"
    return Outcome(status=0 if same else 2, output="\n".join((*lines, found, SUCCESS)))


def _compared(request: CompareKeys, left: KeyTree, right: KeyTree) -> Iterator[tuple[bool, str]]:
    """Each value and key of either side: whether it is the same on both, and its line."""
    pairs: list[tuple[tuple[str, ...], KeyTree, KeyTree]] = [((), left, right)]
    while pairs:
        names, one, other = pairs.pop(0)
        sides = ("\\".join((_shown(target), *names)) for target in (request.left, request.right))
        here, there = sides
        for name in _either(one.values.items(), other.values.items()):
            if request.name is None or upcase(name) == upcase(request.name):
                yield from _compared_value(name, (here, one.value(name)), (there, other.value(name)))
        for name in _either(one.keys.items(), other.keys.items()) if request.recurse and request.name is None else ():
            mine, theirs = one.at((name,)), other.at((name,))
            if mine is not None and theirs is not None:
                yield True, f"= Key:  {here}\\{name}"
                pairs.append(((*names, name), mine, theirs))
            else:
                yield False, f"< Key:  {here}\\{name}" if theirs is None else f"> Key:  {there}\\{name}"


def _compared_value(
    name: str, left: tuple[str, Value | None], right: tuple[str, Value | None]
) -> Iterator[tuple[bool, str]]:
    if left[1] == right[1]:
        yield True, _value_line("=", left[0], name, left[1])
        return
    for mark, (key, value) in (("<", left), (">", right)):
        if value is not None:
            yield False, _value_line(mark, key, name, value)


def _value_line(mark: str, key: str, name: str, value: Value | None) -> str:
    assert value is not None
    data = _data_text(QueryKey(Target(KeyPath(()))), value)
    return f"{mark} Value:  {key}  {name or '(Default)'}  {type_name(value.type)}  {data}"


def _either(one: Iterable[tuple[str, object]], other: Iterable[tuple[str, object]]) -> list[str]:
    """The names of both sides, each once as Windows compares them, in order."""
    found = {upcase(name): name for name, _ in (*other, *one)}
    return [found[folded] for folded in sorted(found)]


def _shown(target: Target) -> str:
    root = "HKEY_LOCAL_MACHINE" if target.node is None else f"\\\\{target.node}\\HKEY_LOCAL_MACHINE"
    return "\\".join((root, *target.key.names))


def _query(request: QueryKey, root: KeyTree) -> Outcome:
    shell = request.shell
    tree = root.at(request.target.key)
    if tree is None or (request.name is not None and not request.recurse and tree.value(request.name) is None):
        return _failed(shell, (), Win32.FILE_NOT_FOUND)
    if request.listing is Listing.DATA:
        value = tree.value(request.name or "")
        assert value is not None
        return Outcome(output=_data_text(request, value))
    matches = 0
    lines: list[str] = []
    for names, key in tree.walk():
        if len(names) > 1 and not request.recurse:
            continue
        if request.listing is Listing.CHILDREN and not names:
            continue
        # Without /s reg query names the next tier of keys and does not look into them (TechNet cc742028).
        inside = not names or request.recurse or request.listing is Listing.CHILDREN
        values = [each for each in key.values.items() if inside and _listed(request, *each)]
        named = bool(names) and _names_key(request, names[-1])
        if request.listing is Listing.VALUES and names:
            continue
        if values or named or (not names and request.search is None):
            lines.append("\\".join((_shown(request.target), *names)))
            lines += [_listed_line(request, *each) for each in values]
            matches += len(values) + named
    if request.search is not None:
        output = "\n".join((*lines, f"End of search: {matches} match(es) found."))
        return Outcome(status=0 if matches else 1, output=output)
    if request.name is not None and not matches:
        return _failed(shell, (), Win32.FILE_NOT_FOUND)
    return Outcome(output="\n".join(lines))


def _names_key(request: QueryKey, name: str) -> bool:
    """Whether a key below is listed for its own sake."""
    if request.search is None:
        return request.name is None
    return request.search.keys and not request.search.types and _matches(request.search, name)


def _listed(request: QueryKey, name: str, value: Value) -> bool:
    """Whether a value is listed."""
    if request.name is not None and upcase(name) != upcase(request.name):
        return False
    search = request.search
    if search is None:
        return True
    if search.types and value.type not in search.types:
        return False
    if search.names and _matches(search, name):
        return True
    shown = [_data_text(request, value)]
    plain = value.plain()
    if isinstance(plain, int):
        shown.append(str(plain))  # a number is found in either form (assumed)
    return search.data and any(_matches(search, text) for text in shown)


def _matches(search: Search, text: str) -> bool:
    pattern = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in search.text)
    flags = re.DOTALL if search.case else re.DOTALL | re.IGNORECASE
    found = re.fullmatch(pattern, text, flags) if search.exact else re.search(pattern, text, flags)
    return found is not None


def _data_text(request: QueryKey, value: Value) -> str:
    """A value's data as the tool shows it: reg.exe numbers as `0x50`, bytes as `0102FF`, texts joined by `/se`."""
    reg = request.shell is Shell.REG
    match value.plain():
        case int(number):
            return f"{number:#x}" if reg else str(number)
        case str(text):
            return text
        case list(texts):
            return request.separator.join(texts) if reg else "{" + ", ".join(texts) + "}"
    return value.data.hex().upper() if reg else "{" + ", ".join(map(str, value.data)) + "}"


def _listed_line(request: QueryKey, name: str, value: Value) -> str:
    if request.shell is not Shell.REG:
        return f"    {name or '(default)'} : {_data_text(request, value)}"
    kind = f"{type_name(value.type)} ({value.type})" if request.numbers else type_name(value.type)
    return f"    {name or '(Default)'}    {kind}    {_data_text(request, value)}"


# --- the registry provider's items and properties ---------------------------------------------------------------


def _copy_value(request: CopyValue, root: KeyTree, source: KeyTree) -> Outcome:
    """Rename, copy or move one value; a value that is there already stands in the way of a new name only."""
    here, there = source.at(request.source.key), root.at(request.target.key)
    value = None if here is None else here.value(request.name)
    goes = (Edit(Change.DELETE, request.source.key, request.name),) if request.moves else ()
    if value is None:
        text = f"Property {request.name} does not exist at path HKLM:\\{request.source.key}."
        return _failed(Shell.POWERSHELL, goes, Win32.FILE_NOT_FOUND, text)
    edits = (Edit(Change.SET, request.target.key, request.new_name, value), *goes)
    if there is None:
        return _no_path(request.target.key, edits)
    renames = request.source.key == request.target.key and request.moves
    if renames and there.value(request.new_name) is not None and upcase(request.name) != upcase(request.new_name):
        return _failed(Shell.POWERSHELL, edits, Win32.ALREADY_EXISTS, "The property already exists.")
    if renames and upcase(request.name) == upcase(request.new_name):
        edits = (*goes, edits[0])  # only its letters change: the new one must stand last
    return _done(Shell.POWERSHELL, edits)


def _clear_value(request: ClearValue, shell: Shell, root: KeyTree) -> Outcome:
    """The data becomes that of a value which has just been made: no text, no bytes, 0."""
    key = request.target.key
    tree = root.at(key)
    value = None if tree is None else tree.value(request.name)
    if value is None:
        text = f"Property {request.name} does not exist at path HKLM:\\{key}."
        return _failed(shell, (Edit(Change.SET, key, request.name, Value.sz("")),), Win32.FILE_NOT_FOUND, text)
    return _done(shell, (Edit(Change.SET, key, request.name, _emptied(value)),))


def _emptied(value: Value) -> Value:
    match value.type:
        case Type.DWORD | Type.DWORD_BIG_ENDIAN:
            return Value(value.type, bytes(4))
        case Type.QWORD:
            return Value.qword(0)
        case Type.SZ | Type.EXPAND_SZ:
            return Value(value.type, bytes(2))
        case Type.MULTI_SZ:
            return Value.multi_sz([])
    return Value(value.type, b"")


def _copy_item(request: CopyItem, root: KeyTree, source: KeyTree) -> Outcome:
    """Copy, move or rename a key. Into a key that is there: below it, under its own name (as items go into folders)."""
    old, new = request.source.key, request.target.key
    tree = source.at(old)
    goes = tuple(vanishing(old, EMPTY if tree is None else tree)) if request.moves else ()
    if tree is None:
        return _no_path(old, goes)
    if root.at(new) is not None and not request.renames:
        new = new / old.name
    if request.renames and root.at(new) is not None:
        return _failed(Shell.POWERSHELL, goes, Win32.ALREADY_EXISTS, "A key in this path already exists.")
    if root.at(new.parent) is None:
        return _no_path(new.parent, goes)
    if old.covers(new):
        text = f"Cannot copy the key 'HKLM:\\{old}' into itself."
        return _failed(Shell.POWERSHELL, goes, Win32.INVALID_PARAMETER, text)
    copied = tree if request.recurse or request.moves else KeyTree(tree.values)
    return _done(Shell.POWERSHELL, (*_differences(root, new, copied, keep=True), *goes))


def _no_path(key: KeyPath, edits: tuple[Edit, ...]) -> Outcome:
    text = f"Cannot find path 'HKLM:\\{key}' because it does not exist."
    return _failed(Shell.POWERSHELL, edits, Win32.FILE_NOT_FOUND, text)
