"""`python -m tests.rig.where`: writes WHERE.md, the file of every message and every configuration key.

Nothing in it is kept by hand: a message is where its name stands as a text, a command where its class is matched, a key
where the attribute of its option is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agent.ocpp.v16.keys import KEYS, Key
from agent.ocpp.v16.parse import ACTIONS, Parser
from agent.vocabulary import commands
from tests.rig.source_tree import ROOT, Module, modules

TARGET = ROOT / "WHERE.md"
HEAD = """# Where to find it

Made from the source; a test says whether it still agrees. The rules of the standards and of the product, in our own
words and with the tests that carry each, are in `tests/rules.toml`; the cases of the certification are in
`tests/certification/cases.py`.
"""
NOT_HERE = ("agent.ocpp.v16.validators", "agent.ocpp.v16.generate")
COMMANDS = frozenset(
    name for name, thing in vars(commands).items() if isinstance(thing, type) and hasattr(thing, "kind")
)


@dataclass(frozen=True)
class Named:
    """What a module names in its code: texts, classes that it asks for, attributes that it reads."""

    path: str
    module: Module
    texts: frozenset[object]
    classes: frozenset[str]
    attributes: frozenset[str]


def sources() -> list[Named]:
    """The modules in which something can be found."""
    return [_named(module) for module in modules("agent") if module.name not in NOT_HERE]


def _named(module: Module) -> Named:
    nodes = list(ast.walk(module.tree))
    texts = frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
    attributes = frozenset(node.attr for node in nodes if isinstance(node, ast.Attribute))
    return Named(module.path, module, texts, frozenset(_classes(nodes)), attributes)


def _classes(nodes: list[ast.AST]) -> Iterator[str]:
    """Classes that are matched, or asked for by `isinstance`."""
    for node in nodes:
        if isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name):
            yield node.cls.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            yield from (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))


def text() -> str:
    """The whole of WHERE.md."""
    found = sources()
    rest = [each for each in found if not each.module.name.startswith("agent.ocpp.v16")]
    lines = [HEAD, "## Messages\n", "| message | named in | becomes | which is done in |", "|---|---|---|---|"]
    lines += [_message(action, parser, found, rest) for action, parser in sorted(ACTIONS.items())]
    lines += ["", "## Configuration keys\n", "All of them are rows of `agent/ocpp/v16/keys.py`.\n"]
    lines += ["| key | option (`agent/vocabulary/options.py`) | read in |", "|---|---|---|"]
    lines += [_key(key, rest) for key in KEYS]
    return "\n".join(lines) + "\n"


def _message(action: str, parser: Parser | None, found: list[Named], rest: list[Named]) -> str:
    made = sorted(_commands_of(parser, found)) if parser is not None else []
    named = (each.path for each in found if action in each.texts)
    done = (each.path for each in rest if each.classes & set(made))
    return f"| {action} | {_files(named)} | {', '.join(made) or '-'} | {_files(done)} |"


def _key(key: Key, rest: list[Named]) -> str:
    if key.option is None:
        return f"| {key.name} | a constant of the station | `agent/ocpp/v16/keys.py` |"
    return f"| {key.name} | `{key.option}` | {_files(each.path for each in rest if key.option in each.attributes)} |"


def _commands_of(parser: Parser, found: list[Named]) -> set[str]:
    """The commands that a parser, or what it calls in its file, makes."""
    module = next(each.module for each in found if each.module.name == parser.__module__)
    functions = {node.name: node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)}
    todo, seen, made = [parser.__name__], set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        calls = [node for node in ast.walk(functions[name]) if isinstance(node, ast.Call)]
        called = {node.func.id for node in calls if isinstance(node.func, ast.Name)}
        made |= called & COMMANDS
        todo += called
    return made


def _files(paths: Iterable[str]) -> str:
    return ", ".join(f"`{path}`" for path in sorted(set(paths))) or "-"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    print(f"{TARGET.name} written")
