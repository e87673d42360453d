"""Scenarios from YAML: `load` reads a file, `loads` a text; the result is data that can be run.

What a schema can say is said there (`sim.scenario.schema`); here is what needs the whole: names that must exist,
labels, order of times, files beside the scenario. The first mistake is reported, with its place.

Errors: `ScenarioError`. Nothing is written, and no file outside the scenario's folder is read.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path, PureWindowsPath

from msgspec.structs import replace

from sim.cluster import database
from sim.cluster.application import Between, Need, OneOf, Reads, misfit
from sim.cluster.plan import ClusterPlan, GroupPlan, Obligations, Policy, ResourcePlan, ResourceType, guid
from sim.cluster.profile import COUNTS, OBLIGATIONS, Profile, Span, Timing, Window, timing
from sim.cluster.setup import CreateGroup, CreateResource
from sim.history.expect import Expect, ExpectedResource, ExpectedValue, ExpectedWrite
from sim.history.verdict import AnomalyKind, Cause, Fate
from sim.registry import EMPTY, HiveError, KeyPath, KeyTree, Value, physical, read_hive
from sim.registry.reg_text import RegFile, RegTextError, apply_reg, parse_reg
from sim.scenario.command import QUORUM, Command, ExportKey, ImportFile, Reconfigure, RestoreKey, SaveKey
from sim.scenario.console import CommandError, Files, Names, find, parse_command
from sim.scenario.document import SIZE_LIMIT, Item, ScenarioError, compose, nearest, quoted, read_bytes
from sim.scenario.model import After, App, At, Do, Fault, FaultKind, May, Place, Scenario, Step
from sim.scenario.schema import check
from sim.scenario.times import parse_time

STATES = ("Online", "Offline", "Failed", "OnlinePending", "OfflinePending")

NEEDS = {
    FaultKind.CRASH: ("node",),
    FaultKind.BOOT: ("node",),
    FaultKind.STOP_SERVICE: ("node",),
    FaultKind.START_SERVICE: ("node",),
    FaultKind.FREEZE: ("node",),
    FaultKind.THAW: ("node",),
    FaultKind.PARTITION: ("between",),
    FaultKind.HEAL: (),
    FaultKind.FAIL: ("resource",),
    FaultKind.HANG: ("resource",),
    FaultKind.QUORUM_OFFLINE: (),
    FaultKind.QUORUM_ONLINE: (),
    FaultKind.QUORUM_WRITE_ERROR: (),
    FaultKind.QUORUM_SLOW: ("by",),
    FaultKind.QUORUM_DAMAGE: ("file",),
    FaultKind.DISK_LOSS: ("node",),
    FaultKind.OPEN_KEY: ("node", "key"),
    FaultKind.CLOSE_KEY: ("node", "key"),
}
"""What each fault needs to be told."""

LASTING = (
    FaultKind.CRASH,
    FaultKind.STOP_SERVICE,
    FaultKind.FREEZE,
    FaultKind.PARTITION,
    FaultKind.QUORUM_OFFLINE,
    FaultKind.QUORUM_WRITE_ERROR,
    FaultKind.QUORUM_SLOW,
    FaultKind.OPEN_KEY,
)
"""The faults that may have `for:`."""


def load(path: str | Path) -> Scenario:
    """The scenario in a file. Raises ScenarioError."""
    file = str(path)
    return loads(read_bytes(Path(path), file), file=file, folder=Path(path).parent)


def loads(text: str | bytes, *, file: str = "<scenario>", folder: Path | None = None) -> Scenario:
    """The scenario in a text; files that it names are looked for in `folder` (None: there are none)."""
    data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    document = compose(data, file)
    check(document, file)
    return _Loader(file, folder).scenario(document, sha256(data).hexdigest())


class _Loader:
    """One scenario being read: what its parts need to know of each other."""

    def __init__(self, file: str, folder: Path | None) -> None:
        self.file = file
        self.folder = folder
        self.plan = ClusterPlan(nodes=(), groups={}, resources={})
        self.groups: tuple[str, ...] = ()
        self.resources: tuple[str, ...] = ()
        self.labels: dict[str, Item] = {}
        self.written: set[str] = set()

    def fail(self, item: Item, problem: str, offset: int = 0) -> ScenarioError:
        """The error at an item, `offset` characters into it where its text stands there as it is."""
        shift = offset + (0 if item.plain else 1) if offset and "\n" not in str(item.value) else 0
        return ScenarioError(self.file, item.line, item.column + shift, problem)

    def scenario(self, document: Item, digest: str) -> Scenario:
        cluster = document.get("cluster")
        assert cluster is not None
        self.plan = self.cluster(cluster)
        self.groups, self.resources = tuple(self.plan.groups), tuple(self.plan.resources)
        registry = self.registry(document.get("registry"))
        self.checkpointed(cluster, registry)
        self.healthy(cluster, registry)
        until_item = document.get("until")
        until = None if until_item is None else self.time(until_item)
        steps = self.steps(document.get("steps"), until)
        about, title = document.get("about"), document.get("scenario")
        assert title is not None
        return Scenario(
            title=" ".join(title.value.split()),
            about="" if about is None else " ".join(about.value.split()),
            cluster=self.plan,
            registry=registry,
            steps=steps,
            until=until,
            may=tuple(self.may(item) for item in _entries(document.get("may"))),
            expect=self.expect(document.get("expect")),
            file="" if self.file == "<scenario>" else self.file,
            sha256=digest,
        )

    # --- the cluster --------------------------------------------------------------------------------------

    def cluster(self, item: Item) -> ClusterPlan:
        profile_item = item.get("profile")
        if profile_item is not None and profile_item.value != Profile.NT4:
            raise self.fail(profile_item, f"profile '{profile_item.value}' is not built yet; 'nt4' is")
        nodes_item = item.get("nodes")
        assert nodes_item is not None
        nodes = self.unique(nodes_item, "node")
        groups: dict[str, GroupPlan] = {}
        resources: dict[str, ResourcePlan] = {}
        for name, group_item in _pairs(item.get("groups")):
            place = item.value["groups"].keys[name]
            if find(name, groups) is not None:
                raise self.fail(place, f"a second group {quoted(name)}; Windows takes the names for equal")
            members = None if group_item.value is None else group_item.get("resources")
            for resource, resource_item in _pairs(members):
                assert members is not None
                if find(resource, resources) is not None:
                    raise self.fail(
                        members.keys[resource], f"a second resource {quoted(resource)}; a resource is in one group"
                    )
                resources[resource] = self.resource(
                    resource, name, resource_item, [each for each, _ in _pairs(members)], nodes
                )
            groups[name] = GroupPlan(
                name=name,
                preferred_owners=self.owners(group_item, nodes),
                resources=tuple(each for each, _ in _pairs(members)),
                properties={} if group_item.value is None else self.properties(group_item, database.GROUP_COMMON),
            )
            self.owned(members, groups[name], resources, nodes)
            self.no_circle(members, groups[name], resources)
        policy_item, clock_item = item.get("policy"), item.get("starts_at")
        return ClusterPlan(
            nodes=nodes,
            groups=groups,
            resources=resources,
            timing=self.timing(item.get("timing")),
            policy=Policy.OVERWRITE if policy_item is None else Policy(policy_item.value),
            starts_at=0 if clock_item is None else _time_of_day(clock_item.value),
            obligations=self.engine(item.get("engine")),
        )

    def engine(self, item: Item | None) -> Obligations:
        switched = {name: each.value for name, each in _pairs(item)}
        return replace(OBLIGATIONS[Profile.NT4], **switched)

    def unique(self, item: Item, kind: str) -> tuple[str, ...]:
        names: list[str] = []
        for each in item.value:
            if find(each.value, names) is not None:
                raise self.fail(each, f"a second {kind} {quoted(each.value)}; Windows takes the names for equal")
            names.append(each.value)
        return tuple(names)

    def owners(self, item: Item, nodes: tuple[str, ...]) -> tuple[str, ...]:
        listed = None if item.value is None else item.get("preferred_owners")
        if listed is None:
            return ()
        self.unique(listed, "preferred owner")
        return tuple(self.known(each, nodes, "node") for each in listed.value)

    def known(self, item: Item, names: tuple[str, ...], kind: str) -> str:
        """The name that the item means. Raises ScenarioError with the nearest one."""
        found = find(item.value, names)
        if found is None:
            raise self.fail(item, f"unknown {kind} {quoted(item.value)}{nearest(item.value, names)}")
        return found

    def resource(self, name: str, group: str, item: Item, siblings: list[str], nodes: tuple[str, ...]) -> ResourcePlan:
        if item.value is None:
            return ResourcePlan(name=name, group=group)
        kind_item = item.get("type")
        kind = ResourceType.GENERIC_SERVICE if kind_item is None else ResourceType(kind_item.value)
        checkpoints: list[KeyPath] = []
        for each in _entries(item.get("checkpoints")):
            key = self.checkpoint_key(each)
            if key in checkpoints:
                raise self.fail(each, f"checkpoint {quoted(each.value)} stands twice; a key is checkpointed once")
            if kind is ResourceType.PHYSICAL_DISK:
                raise self.fail(each, "a Physical Disk has no registry checkpoints; give them to a service on it")
            checkpoints.append(key)
        depends_on = tuple(self.dependency(each, name, siblings) for each in _entries(item.get("depends_on")))
        owners, reads = item.get("possible_owners"), item.get("reads")
        return ResourcePlan(
            name=name,
            group=group,
            type=kind,
            depends_on=depends_on,
            checkpoints=tuple(checkpoints),
            properties=self.properties(item, {**database.COMMON, **database.PRIVATE}),
            possible_owners=None if owners is None else self.possible_owners(owners, nodes),
            needs=self.needs(item.get("needs")),
            reads=Reads.START if reads is None else Reads(reads.value),
        )

    def possible_owners(self, item: Item, nodes: tuple[str, ...]) -> tuple[str, ...]:
        self.unique(item, "possible owner")
        named = {self.known(each, nodes, "node") for each in item.value}
        return tuple(node for node in nodes if node in named)

    def owned(
        self, members: Item | None, group: GroupPlan, resources: dict[str, ResourcePlan], nodes: tuple[str, ...]
    ) -> None:
        """The node that owns the group when time starts must be a possible owner of each of its resources."""
        owner = (group.preferred_owners or nodes)[0]
        for name in group.resources:
            possible = resources[name].possible_owners
            if possible is not None and owner not in possible:
                assert members is not None
                problem = f"{owner} owns the group when time starts, and is no possible owner of {quoted(name)}; add it"
                raise self.fail(members.value[name].value["possible_owners"], problem)

    def needs(self, item: Item | None) -> tuple[Need, ...]:
        found = []
        for text, values in _pairs(item):
            assert item is not None
            key = self.hklm(item.keys[text], text)
            for name, allowed in values.items():
                found.append(Need(key, "" if name == "(default)" else name, self.allowed(allowed)))
        return tuple(found)

    def allowed(self, item: Item) -> Between | OneOf:
        if not isinstance(item.value, dict):
            return OneOf(tuple(each.value for each in _one_or_more(item)))
        low, high = (each.value for each in item.value["between"].value)
        if low > high:
            raise self.fail(item.value["between"], "no number is between these; put the smaller one first")
        return Between(low, high)

    def healthy(self, cluster: Item, registry: dict[str, KeyTree]) -> None:
        """Every resource is online when time starts: its process must be able to live with its node's registry."""
        for resource in self.plan.resources.values():
            group = self.plan.groups[resource.group]
            owner = (group.preferred_owners or self.plan.nodes)[0]
            found = misfit(resource.needs, registry[owner])
            if found is not None:
                groups = cluster.value["groups"].value[group.name].value["resources"].value[resource.name]
                shown = "nothing" if found.found is None else found.found.show()
                value = f"{found.key.hklm}\\{found.value or '(default)'}"
                problem = (
                    f"{quoted(value)} is {shown} on {owner}, where the resource is online; {found.wanted} would fit"
                )
                raise self.fail(groups.value["needs"], problem)

    def dependency(self, item: Item, name: str, siblings: list[str]) -> str:
        found = find(item.value, siblings)
        if found is None:
            hint = nearest(item.value, siblings)
            raise self.fail(item, f"unknown resource {quoted(item.value)} in the group of {quoted(name)}{hint}")
        return found

    def checkpoint_key(self, item: Item) -> KeyPath:
        """A checkpoint's key as it is specified: HKLM-relative, no leading backslash (domain.md 15)."""
        text = item.value
        if text.startswith("\\") or text.upper().split("\\")[0] in ("HKLM", "HKEY_LOCAL_MACHINE"):
            right = text.lstrip("\\").split("\\", 1)[-1] if not text.startswith("\\") else text.lstrip("\\")
            raise self.fail(
                item, f"checkpoint {quoted(text)} is not relative to HKEY_LOCAL_MACHINE; '{right}' would be"
            )
        key = self.path(item, text)
        if database.ROOT.covers(key):
            raise self.fail(
                item, f"checkpoint {quoted(text)} is in the cluster database, which needs none; leave it out"
            )
        return key

    def path(self, item: Item, text: str) -> KeyPath:
        try:
            return KeyPath.parse(text)
        except ValueError:
            raise self.fail(item, f"{quoted(text)} has an empty name between backslashes; take one out") from None

    def properties(self, item: Item, known: dict[str, str]) -> dict[str, Value]:
        found = item.get("properties")
        return {name: self.prop(item, name, value, known) for name, value in _pairs(found)}

    def prop(self, item: Item, name: str, value: Item, known: dict[str, str]) -> Value:
        place = item.value["properties"].keys[name]
        if name not in known:
            raise self.fail(place, f"unknown property {quoted(name)}{nearest(name, known)}")
        if isinstance(value.value, int) != (known[name] == "number"):
            raise self.fail(value, f"property '{name}' is {quoted(value.value)}; it would be a {known[name]}")
        return self.value(value)

    def no_circle(self, members: Item | None, group: GroupPlan, resources: dict[str, ResourcePlan]) -> None:
        for name in group.resources:
            reached, pending = set(), list(resources[name].depends_on)
            while pending:
                each = pending.pop()
                if each == name:
                    assert members is not None
                    raise self.fail(
                        members.keys[name], f"{quoted(name)} depends on itself, by its 'depends_on'; break the circle"
                    )
                if each not in reached:
                    reached.add(each)
                    pending += resources[each].depends_on

    def timing(self, item: Item | None) -> Timing:
        changed: dict[str, Span] = {}
        for name, each in _pairs(item):
            changed[name] = each.value if name in COUNTS else self.span(each)
        return timing(Profile.NT4, **changed)

    # --- times --------------------------------------------------------------------------------------------

    def time(self, item: Item, text: str | None = None) -> int:
        try:
            return parse_time(item.value if text is None else text)
        except ValueError as error:
            raise self.fail(item, f"{quoted(item.value)} is no time: {error}") from None

    def span(self, item: Item) -> Span:
        """A time or a window of times."""
        if isinstance(item.value, str):
            return self.time(item)
        low, high = (self.time(each) for each in item.value["between"].value)
        if low > high:
            raise self.fail(item.value["between"], "the window ends before it begins; put the earlier time first")
        return Window(low, high)

    # --- registries ---------------------------------------------------------------------------------------

    def registry(self, item: Item | None) -> dict[str, KeyTree]:
        trees = dict.fromkeys(self.plan.nodes, EMPTY)
        own: dict[str, Item] = {}
        for name, each in _pairs(item):
            assert item is not None
            if name == "all":
                for node in trees:
                    trees[node] = self.keys(each, trees[node])
            else:
                found = find(name, self.plan.nodes)
                if found is None:
                    hint = nearest(name, ("all", *self.plan.nodes))
                    raise self.fail(item.keys[name], f"unknown node {quoted(name)}{hint}")
                own[found] = each
        for node, each in own.items():
            trees[node] = self.keys(each, trees[node])
        return trees

    def keys(self, item: Item, tree: KeyTree) -> KeyTree:
        for text, each in item.items():
            if text == "file":
                if not isinstance(each.value, str):
                    raise self.fail(each, "'file' is no text; it would be the name of a .reg file beside the scenario")
                tree = apply_reg(tree, self.reg_file(each, each.value))
                continue
            if isinstance(each.value, str):
                raise self.fail(each, f"key {quoted(text)} is a text; it would be a map of values")
            key = self.hklm(item.keys[text], text)
            volatile = each.value is not None and _is_true(each.value.get("volatile"))
            if volatile:
                tree = tree.with_key(key, KeyTree(volatile=True))
            elif tree.at(key) is None:
                tree = tree.with_key(key)
            for name, value in _pairs(None if each.value is None else each):
                if name == "volatile" and isinstance(value.value, bool):
                    continue
                tree = tree.with_value(key, "" if name == "(default)" else name, self.value(value))
        return tree

    def hklm(self, item: Item, text: str) -> KeyPath:
        """A physical key, from `HKLM\\...`."""
        try:
            key = physical(KeyPath.parse_hklm(text))
        except ValueError:
            raise self.fail(
                item, f"{quoted(text)} is no key below HKEY_LOCAL_MACHINE; 'HKLM\\SOFTWARE\\...' would be"
            ) from None
        if not key.names:
            raise self.fail(item, f"{quoted(text)} is the root itself; 'HKLM\\SOFTWARE\\...' would be a key")
        if database.ROOT.covers(key):
            raise self.fail(item, f"{quoted(text)} is in the cluster database, which the cluster sets up; leave it out")
        return key

    def value(self, item: Item) -> Value:
        try:
            return Value.from_exact(item.data())
        except ValueError as error:
            raise self.fail(item, f"{error}") from None

    def checkpointed(self, cluster: Item, registry: dict[str, KeyTree]) -> None:
        """Every stated checkpoint needs its key on the node that owns it when time starts."""
        for resource in self.plan.resources.values():
            group = self.plan.groups[resource.group]
            owner = (group.preferred_owners or self.plan.nodes)[0]
            for number, key in enumerate(resource.checkpoints):
                tree = registry[owner].at(physical(key))
                if tree is None:
                    groups = cluster.value["groups"].value[group.name].value["resources"].value[resource.name]
                    place = groups.value["checkpoints"].value[number]
                    problem = f"checkpoint '{key}': {owner} has no such key; add it below 'registry: all:'"
                    raise self.fail(place, problem)

    # --- files --------------------------------------------------------------------------------------------

    def beside(self, item: Item, name: str) -> bytes | None:
        """The bytes of a file beside the scenario, None where there is none. Raises ScenarioError for one elsewhere."""
        parts = PureWindowsPath(name)
        if parts.is_absolute() or parts.drive or parts.root or ".." in parts.parts or not parts.parts:
            raise self.fail(item, f"file {quoted(name)} is not beside the scenario; name one in its folder")
        if self.folder is None:
            return None
        path = self.folder.joinpath(*parts.parts)
        try:
            if not path.is_file():
                return None
            if not path.resolve().is_relative_to(self.folder.resolve()):
                raise self.fail(item, f"file {quoted(name)} leads out of the scenario's folder; name one in it")
            if path.stat().st_size > SIZE_LIMIT:
                raise self.fail(item, f"file {quoted(name)} is larger than {SIZE_LIMIT >> 20} MiB; take a smaller one")
            return path.read_bytes()
        except (OSError, ValueError) as error:
            if isinstance(error, ScenarioError):
                raise
            raise self.fail(item, f"file {quoted(name)} cannot be read: {getattr(error, 'strerror', error)}") from None

    def reg_file(self, item: Item, name: str) -> RegFile:
        data = self.beside(item, name)
        if data is None:
            raise self.fail(item, f"no file {quoted(name)} beside the scenario; put it there")
        return self.parsed(name, data)

    def parsed(self, name: str, data: bytes) -> RegFile:
        try:
            return parse_reg(data)
        except RegTextError as error:
            place = str(name if self.folder is None else self.folder / name)
            raise ScenarioError(place, error.line, error.column, error.message) from None

    def files(self, item: Item) -> Files:
        """How the commands of one step read files: from beside the scenario, or from what an earlier step wrote."""

        def reg(name: str) -> RegFile | None:
            if name.lower() in self.written or _on_quorum_disk(name):
                return None
            return self.reg_file(item, name)

        def tree(name: str) -> KeyTree | None:
            if name.lower() in self.written:
                return None
            data = self.beside(item, name)
            if data is None:
                right = "put it there, or 'reg save' it in an earlier step"
                raise self.fail(item, f"no file {quoted(name)} beside the scenario; {right}")
            try:
                return read_hive(data)
            except HiveError as error:
                problem = f"file {quoted(name)} is no hive that can be read: {error}; 'reg save' writes one"
                raise self.fail(item, problem) from None

        return Files(reg, tree)

    # --- steps --------------------------------------------------------------------------------------------

    def steps(self, item: Item | None, until: int | None) -> tuple[Step, ...]:
        return tuple(self.step(each, number, until) for number, each in enumerate(_entries(item)))

    def step(self, item: Item, number: int, until: int | None) -> Step:
        when = self.when(item.get("at"), number, until)
        label_item = item.get("as")
        label: str | None = None
        kinds = [name for name in ("do", "fault") if name in item.value]
        if len(kinds) != 1:
            problem = "a step has both 'do' and 'fault'" if kinds else "a step does nothing"
            raise self.fail(item, f"{problem}; it has 'do' (commands) or 'fault'")
        if "fault" in item.value:
            self.only(item, "fault", ("at", "fault", "node", "resource", "key", "file", "by", "for", "between"))
            return Step(act=self.fault(item), when=when, place=Place(item.line, item.column))
        self.only(item, "do", ("at", "do", "on", "app", "view", "as"))
        act = self.act(item)
        if label_item is not None:
            label = str(label_item.value)
            if label in self.labels:
                raise self.fail(label_item, f"label {quoted(label)} is used twice; a label names one step's writes")
            self.labels[label] = label_item
        return Step(act=act, when=when, label=label, place=Place(item.line, item.column))

    def only(self, item: Item, kind: str, allowed: tuple[str, ...]) -> None:
        for key in item.value:
            if key not in allowed:
                raise self.fail(item.keys[key], f"'{key}' does not go with '{kind}'; leave it out")

    def when(self, item: Item | None, number: int, until: int | None) -> At | After:
        if item is None:
            return After(0)
        if isinstance(item.value, str) and item.value.startswith("+"):
            if number == 0:
                raise self.fail(
                    item, f"{quoted(item.value)} counts from the step before, and there is none; give a time"
                )
            return After(self.time(item, item.value[1:]))
        span = self.span(item)
        latest = span.high if isinstance(span, Window) else span
        if until is not None and latest > until:
            raise self.fail(item, "the step lies beyond 'until'; it would never happen")
        return At(span)

    def act(self, item: Item) -> Do | App:
        do, app, on, view = item.value["do"], item.get("app"), item.get("on"), item.get("view")
        if view is not None and app is None:
            raise self.fail(item.keys["view"], "'view' goes with 'app'; for a command use /reg:32")
        lines = do.value if isinstance(do.value, list) else [do]
        commands = [self.command(each, self.names(), 64 if view is None else view.value) for each in lines]
        if app is None:
            node = None if on is None else self.known(on, self.plan.nodes, "node")
            return Do(tuple(commands), node)
        if on is not None:
            raise self.fail(
                item.keys["on"], "'on' does not go with 'app': an application is where its resource is; leave it out"
            )
        resource = self.known(app, self.resources, "resource")
        for command, each in zip(commands, lines, strict=True):
            target = getattr(command.request, "target", None)
            if command.shell.value not in ("reg", "powershell") or (
                target is None and not isinstance(command.request, ImportFile)
            ):
                raise self.fail(each, "an application changes its own registry only; use reg or a registry cmdlet")
            if target is not None and target.node is not None:
                raise self.fail(each, "an application writes where it runs; leave out the node")
        return App(resource, tuple(commands))

    def names(self) -> Names:
        services = {}
        for name, resource in self.plan.resources.items():
            service = resource.properties.get("ServiceName")
            plain = None if service is None else service.plain()
            services[plain if isinstance(plain, str) else name] = name
        return Names(self.plan.nodes, self.groups, self.resources, services)

    def made(self, command: Command) -> None:
        """What a step creates, later ones may name."""
        match command.request:
            case Reconfigure(change=CreateResource(resource=name)) if name not in self.resources:
                self.resources = (*self.resources, name)
            case Reconfigure(change=CreateGroup(group=name)) if name not in self.groups:
                self.groups = (*self.groups, name)

    def command(self, item: Item, names: Names, view: int) -> Command:
        try:
            command = parse_command(item.value, names, self.files(item), view)
        except CommandError as error:
            raise self.fail(item, error.problem, error.offset) from None
        except ValueError as error:
            if isinstance(error, ScenarioError):
                raise
            raise self.fail(item, f"{error}") from None
        for name in ("target", "source", "left", "right"):
            target = getattr(command.request, name, None)
            if target is not None and target.node is not None and find(target.node, self.plan.nodes) is None:
                hint = nearest(target.node, self.plan.nodes)
                raise self.fail(item, f"unknown node {quoted(target.node)}{hint}", item.value.find(target.node))
        self.made(command)
        if isinstance(command.request, ExportKey | SaveKey):
            self.beside(item, command.request.file)
            self.written.add(command.request.file.lower())
        elif isinstance(command.request, RestoreKey) or (
            isinstance(command.request, ImportFile) and not _on_quorum_disk(command.request.file)
        ):
            self.beside(item, command.request.file)
        return command

    def fault(self, item: Item) -> Fault:
        kind_item = item.value["fault"]
        kind = FaultKind(kind_item.value)
        needed = NEEDS[kind]
        for name in needed:
            if name not in item.value:
                raise self.fail(item, f"fault '{kind}' has no '{name}'; it needs one")
        for name in ("node", "resource", "key", "file", "by", "between"):
            if name in item.value and name not in needed:
                raise self.fail(item.keys[name], f"'{name}' does not go with fault '{kind}'; leave it out")
        lasts = item.get("for")
        if lasts is not None and kind not in LASTING:
            raise self.fail(item.keys["for"], f"fault '{kind}' does not last; leave 'for' out")
        node, resource, key, file, by = (item.get(name) for name in ("node", "resource", "key", "file", "by"))
        return Fault(
            kind,
            node=None if node is None else self.known(node, self.plan.nodes, "node"),
            resource=None if resource is None else self.known(resource, self.resources, "resource"),
            key=None if key is None else self.fault_key(key),
            file=None if file is None else self.image_file(file),
            by=None if by is None else self.span(by),
            lasts=None if lasts is None else self.span(lasts),
            between=() if kind is not FaultKind.PARTITION else self.sides(item.value["between"]),
        )

    def sides(self, item: Item) -> tuple[tuple[str, ...], ...]:
        """The sides of a partition: at least two, and no node on two of them."""
        if len(item.value) < 2:
            raise self.fail(item, "a partition has two sides at least; [[NODE1], [NODE2]] is one")
        seen: set[str] = set()
        for side in item.value:
            for each in side.value:
                node = self.known(each, self.plan.nodes, "node")
                if node in seen:
                    raise self.fail(each, f"{quoted(node)} is on a side already; a node is on one")
                seen.add(node)
        return tuple(tuple(self.known(each, self.plan.nodes, "node") for each in side.value) for side in item.value)

    def fault_key(self, item: Item) -> KeyPath:
        return self.hklm(item, item.value)

    def image_file(self, item: Item) -> str:
        """`Spooler\\00000001.CPT`: the folder is the resource's name or GUID."""
        folder, _, name = item.value.replace("/", "\\").rpartition("\\")
        known = {each for name in self.resources for each in (name.lower(), guid("resource", name))}
        stem, _, suffix = name.partition(".")
        if folder.lower() not in known or not stem.isdecimal() or not stem.isascii() or suffix.lower() != "cpt":
            raise self.fail(item, f"{quoted(item.value)} is no image; 'RESOURCE\\00000001.CPT' would be")
        return str(item.value)

    def may(self, item: Item) -> May:
        most = item.get("at_most")
        return May(
            fault=self.fault(item), at_most=1 if most is None else most.value, place=Place(item.line, item.column)
        )

    # --- expectations -------------------------------------------------------------------------------------

    def expect(self, item: Item | None) -> Expect:
        if item is None:
            return Expect()
        anomalies, events = item.get("anomalies"), item.get("events")
        return Expect(
            writes={label: self.expected_write(item, label, each) for label, each in _pairs(item.get("writes"))},
            resources=dict(self.expected_resource(item, name, each) for name, each in _pairs(item.get("resources"))),
            registry=tuple(self.expected_values(item.get("registry"))),
            events=None if events is None else tuple(each.value for each in events.value),
            anomalies=None if anomalies is None else tuple(AnomalyKind(each.value) for each in anomalies.value),
        )

    def expected_write(self, item: Item, label: str, each: Item) -> ExpectedWrite:
        if label not in self.labels:
            place = item.value["writes"].keys[label]
            raise self.fail(place, f"no step has the label {quoted(label)}{nearest(label, self.labels)}")
        fate = each.value["fate"] if isinstance(each.value, dict) else each
        cause = each.get("cause") if isinstance(each.value, dict) else None
        fates = tuple(Fate(word.value) for word in _one_or_more(fate))
        causes = () if cause is None else tuple(Cause(word.value) for word in _one_or_more(cause))
        if causes and not {Fate.LOST, Fate.STRANDED} & set(fates):
            assert cause is not None
            raise self.fail(cause, f"a write that is {fates[0]} has no cause; only 'lost' and 'stranded' have one")
        return ExpectedWrite(fates, causes)

    def expected_resource(self, item: Item, name: str, each: Item) -> tuple[str, ExpectedResource]:
        place = item.value["resources"].keys[name]
        found = find(name, self.resources)
        if found is None:
            raise self.fail(place, f"unknown resource {quoted(name)}{nearest(name, self.resources)}")
        state = each if isinstance(each.value, str) else each.get("state")
        node = None if isinstance(each.value, str) else each.get("node")
        return found, ExpectedResource(
            None if state is None else self.known(state, STATES, "state"),
            None if node is None else self.known(node, self.plan.nodes, "node"),
        )

    def expected_values(self, item: Item | None) -> list[ExpectedValue]:
        found = []
        for name, keys in _pairs(item):
            assert item is not None
            node = find(name, self.plan.nodes)
            if node is None:
                raise self.fail(item.keys[name], f"unknown node {quoted(name)}{nearest(name, self.plan.nodes)}")
            for text, values in keys.items():
                try:
                    key = physical(KeyPath.parse_hklm(text))
                except ValueError:
                    problem = f"{quoted(text)} is no key below HKEY_LOCAL_MACHINE; 'HKLM\\SOFTWARE\\...' would be"
                    raise self.fail(keys.keys[text], problem) from None
                found.append(ExpectedValue(node, key, None, present=values.value is not None))
                if values.value == {}:
                    continue
                for value_name, value in _pairs(None if values.value is None else values):
                    found.append(self.expected_value(node, key, value_name, value))
                if values.value is not None and all(each.value is None for _, each in values.items()):
                    found = [
                        each for each in found if not (each.node == node and each.key == key and each.name is None)
                    ]
        return found

    def expected_value(self, node: str, key: KeyPath, name: str, item: Item) -> ExpectedValue:
        name = "" if name == "(default)" else name
        if item.value is None:
            return ExpectedValue(node, key, name, present=False)
        if isinstance(item.value, int) and not isinstance(item.value, bool):
            if not 0 <= item.value < 2**64:
                raise self.fail(
                    item, f"{item.value} fits neither REG_DWORD nor REG_QWORD; 0 to 18446744073709551615 would"
                )
            return ExpectedValue(node, key, name, number=item.value)
        return ExpectedValue(node, key, name, self.value(item))


def _time_of_day(text: str) -> int:
    """Microseconds since midnight, of `22:00`."""
    hours, minutes = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000_000


def _on_quorum_disk(name: str) -> bool:
    """Whether a file is one that a policy of the run leaves on the quorum disk."""
    return name.lower().startswith(f"{QUORUM}\\".lower())


def _pairs(item: Item | None) -> list[tuple[str, Item]]:
    return [] if item is None or item.value is None else list(item.items())


def _entries(item: Item | None) -> list[Item]:
    return [] if item is None else list(item.value)


def _one_or_more(item: Item) -> list[Item]:
    return list(item.value) if isinstance(item.value, list) else [item]


def _is_true(item: Item | None) -> bool:
    return item is not None and item.value is True
