"""The source of `agent` and `hal` as syntax trees, and the laws of the house that can be read from them.

Each law is a function from modules to complaints, so that a test can feed it a wrong module and see it complain.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FLOORS: Mapping[str, int] = {
    "agent.__main__": 9,
    "agent.app": 9,
    "agent.oversight": 9,
    "agent.departures": 9,
    "agent.updating": 9,
    "agent.wiring": 9,
    "agent.stationctl": 9,
    "agent.runtime": 8,
    "agent.host": 7,
    "agent.control": 7,
    "agent.links": 6,
    "agent.store": 6,
    "agent.ocpp": 5,
    "agent.credentials": 5,
    "agent.settings": 4,
    "agent.station": 3,
    "agent.vocabulary": 2,
    "hal.api": 1,
}
"""Room to floor. Imports point down; a room knows itself and lower floors, never a neighbour."""

STRANGERS: Mapping[str, frozenset[str]] = {
    "agent.ocpp": frozenset({"agent.station", "agent.settings"}),
    "agent.links": frozenset({"agent.station", "agent.settings"}),
    "agent.store": frozenset({"agent.ocpp", "agent.station", "agent.settings"}),
    "agent.settings": frozenset({"agent.station"}),
}
"""Rooms below that a room does not know either."""

PURE = ("agent.ocpp", "agent.settings", "agent.station", "agent.vocabulary", "hal.api")
NOT_PURE = ("agent.settings.files", "agent.ocpp.v16.generate")
"""What of a pure room is not: the settings' files, and a tool that runs at build time only."""
IMPURE_MODULES = frozenset(
    {"asyncio", "concurrent", "ctypes", "fcntl", "getpass", "glob", "http", "io", "logging", "multiprocessing", "os"}
    | {"queue", "random", "secrets", "select", "selectors", "shutil", "signal", "socket", "socketserver", "sqlite3"}
    | {"ssl", "subprocess", "tempfile", "termios", "threading", "time", "tty", "uuid"}
)
IMPURE_CALLS = frozenset({"open", "input", "print", "eval", "exec", "breakpoint"})
IMPURE_METHODS = frozenset({"now", "utcnow", "today", "read_text", "read_bytes", "unlink", "mkdir"})

CONFINED: Mapping[str, frozenset[str]] = {
    "serial": frozenset({"hal.serial_port"}),
    "websockets": frozenset({"agent.links.link"}),
    "sqlite3": frozenset({"agent.store.database"}),
    "transitions": frozenset({"agent.station.evse.pilot", "agent.station.evse.session"}),
    "ocpp": frozenset({"agent.ocpp.wire", "agent.ocpp.v16.generate"}),
    "fastjsonschema": frozenset({"agent.ocpp.v16.generate"}),
    "cryptography": frozenset(
        f"agent.credentials.worker{part}"
        for part in ("", "_chain", "_checks", "_hashes", "_images", "_keys", "_signatures")
    ),
}
"""Which module may import which package; `pymodbus` besides: one module of hal."""


@dataclass(frozen=True, slots=True)
class Module:
    """One source file, parsed."""

    name: str
    path: str
    tree: ast.Module
    lines: int
    imports: frozenset[str]
    """Absolute names that are imported anywhere in the file, functions and TYPE_CHECKING blocks included."""


def module_of(name: str, source: str, *, path: str = "", package: bool = False) -> Module:
    """A module from its text; tests of the laws use it."""
    tree = ast.parse(source)
    package_name = name if package else name.rpartition(".")[0]
    imports = frozenset(_imports(tree, package_name))
    return Module(name, path or name.replace(".", "/") + ".py", tree, len(source.splitlines()), imports)


def modules(*roots: str) -> list[Module]:
    """Every module below the folders, in order of path."""
    found = []
    for root in roots:
        for path in sorted((ROOT / root).rglob("*.py")):
            relative = path.relative_to(ROOT)
            parts = list(relative.with_suffix("").parts)
            package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if package else parts)
            found.append(module_of(name, path.read_text(encoding="utf-8"), path=str(relative), package=package))
    return found


def within(name: str, room: str) -> bool:
    """True if the module is the room or lies in it."""
    return name == room or name.startswith(room + ".")


def room_of(name: str) -> str | None:
    """The room of the table that a module lies in."""
    return next((room for room in FLOORS if within(name, room)), None)


def wrong_floors(code: Sequence[Module]) -> list[str]:
    """Imports that point up, sideways or to a stranger; modules of the agent that lie in no room."""
    complaints = []
    for module in code:
        room = room_of(module.name)
        if room is None:
            if module.name.startswith("agent."):
                complaints.append(f"{module.path}: lies in no room")
            continue
        for target in sorted(module.imports):
            other = room_of(target)
            if other is None or other == room:
                continue
            if FLOORS[other] > FLOORS[room]:
                complaints.append(f"{module.path}: imports {target}, which is upstairs")
            elif FLOORS[other] == FLOORS[room] != 9:
                complaints.append(f"{module.path}: imports {target}, a neighbour")
            elif other in STRANGERS.get(room, ()):
                complaints.append(f"{module.path}: imports {target}, which it must not know")
    return complaints


def wrong_hal_imports(code: Sequence[Module]) -> list[str]:
    """Who reaches into hal, what hal reaches for, and what the plant and safe-off borrow."""
    complaints = []
    for module in code:
        for target in sorted(module.imports):
            top = target.partition(".")[0]
            if within(module.name, "agent") and top == "hal" and not within(target, "hal.api"):
                if module.name != "agent.app":
                    complaints.append(f"{module.path}: imports {target}; the agent knows hal.api only")
                elif within(target, "hal.simulator"):
                    complaints.append(f"{module.path}: imports the virtual plant")
            if within(module.name, "hal"):
                complaints += _hal_complaints(module, target)
    return complaints


def _hal_complaints(module: Module, target: str) -> list[str]:
    top = target.partition(".")[0]
    if top == "agent":
        return [f"{module.path}: hal imports {target}"]
    if module.name == "hal.safe_off" and top not in sys.stdlib_module_names:
        return [f"{module.path}: safe-off imports {target}; it runs on the standard library alone"]
    if top != "hal":
        return []
    if within(module.name, "hal.simulator"):
        return [] if within(target, "hal.simulator") else [f"{module.path}: the plant shares {target} with its client"]
    return [f"{module.path}: imports the virtual plant"] if within(target, "hal.simulator") else []


def impurities(code: Sequence[Module]) -> list[str]:
    """I/O, clock and chance in rooms that have none."""
    complaints = []
    for module in code:
        if not any(within(module.name, room) for room in PURE) or any(within(module.name, room) for room in NOT_PURE):
            continue
        for target in sorted(module.imports):
            if target.partition(".")[0] in IMPURE_MODULES:
                complaints.append(f"{module.path}: imports {target}")
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and (name := _impure_call(node)):
                complaints.append(f"{module.path}:{node.lineno}: calls {name}()")
    return complaints


def loose_packages(code: Sequence[Module]) -> list[str]:
    """Third-party packages outside the files that own them, and packages in no table."""
    complaints = []
    modbus = sorted({m.path for m in code if any(within(i, "pymodbus") for i in m.imports)})
    if len(modbus) > 1 or any(not path.startswith("hal/") for path in modbus):
        complaints.append(f"pymodbus belongs into one file of hal, not into {', '.join(modbus)}")
    for module in code:
        for top in sorted({target.partition(".")[0] for target in module.imports}):
            if top in CONFINED:
                if module.name not in CONFINED[top]:
                    complaints.append(f"{module.path}: imports {top}")
            elif top not in sys.stdlib_module_names and top not in {"agent", "hal", "pymodbus"}:
                complaints.append(f"{module.path}: imports {top}, which is in no table")
    return complaints


def cycles(code: Sequence[Module]) -> list[str]:
    """Groups of modules that import one another."""
    names = {module.name for module in code}
    graph = {m.name: {t for t in m.imports if t in names and t != m.name} for m in code}
    return [" <-> ".join(sorted(group)) for group in _components(graph) if len(group) > 1]


def _components(graph: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """Strongly connected components (by reachability: the graph is small)."""

    def reached(start: str) -> set[str]:
        seen, todo = set(), [start]
        while todo:
            for target in graph[todo.pop()] - seen:
                seen.add(target)
                todo.append(target)
        return seen

    reach = {name: reached(name) for name in graph}
    done: set[str] = set()
    for name in sorted(graph):
        if name not in done:
            group = {name} | {other for other in reach[name] if name in reach[other]}
            done |= group
            yield group


def _impure_call(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name) and node.func.id in IMPURE_CALLS:
        return node.func.id
    if isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_METHODS and not node.args:
        return node.func.attr
    return ""


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            for alias in node.names:
                yield f"{base}.{alias.name}" if _is_module(f"{base}.{alias.name}") else base


def _base(node: ast.ImportFrom, package: str) -> str:
    if node.level == 0:
        return node.module or ""
    parts = package.split(".")
    return ".".join(parts[: len(parts) - node.level + 1] + ([node.module] if node.module else []))


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()
