"""`python -m tests.rig.where`: writes WHERE.md, the file of every message and every configuration key.

Nothing in it is kept by hand: a message is where its name stands as a text, a command where its class is matched, a key
where the attribute of its option is read.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

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


def sources() -> list[Module]:
    """The modules in which something can be found."""
    return [module for module in modules("agent") if module.name not in NOT_HERE]


def with_text(text: str, among: Iterable[Module]) -> Iterator[str]:
    """Files where the text stands as a constant that is code."""
    for module in among:
        if any(isinstance(node, ast.Constant) and node.value == text for node in ast.walk(module.tree)):
            yield module.path


def with_match(name: str, among: Iterable[Module]) -> Iterator[str]:
    """Files where a class is matched or asked for by `isinstance`."""
    for module in among:
        if any(_asks_for(node, name) for node in ast.walk(module.tree)):
            yield module.path


def with_attribute(name: str, among: Iterable[Module]) -> Iterator[str]:
    """Files where an attribute is read."""
    for module in among:
        if any(isinstance(node, ast.Attribute) and node.attr == name for node in ast.walk(module.tree)):
            yield module.path


def text() -> str:
    """The whole of WHERE.md."""
    found = sources()
    rest = [module for module in found if not module.name.startswith("agent.ocpp.v16")]
    lines = [HEAD, "## Messages\n", "| message | named in | becomes | which is done in |", "|---|---|---|---|"]
    lines += [_message(action, parser, found, rest) for action, parser in sorted(ACTIONS.items())]
    lines += ["", "## Configuration keys\n", "All of them are rows of `agent/ocpp/v16/keys.py`.\n"]
    lines += ["| key | option (`agent/vocabulary/options.py`) | read in |", "|---|---|---|"]
    lines += [_key(key, rest) for key in KEYS]
    return "\n".join(lines) + "\n"


def _message(action: str, parser: Parser | None, found: list[Module], rest: list[Module]) -> str:
    made = sorted(_commands_of(parser, found)) if parser is not None else []
    done = sorted({path for name in made for path in with_match(name, rest)})
    return f"| {action} | {_files(with_text(action, found))} | {', '.join(made) or '-'} | {_files(done)} |"


def _key(key: Key, rest: list[Module]) -> str:
    if key.option is None:
        return f"| {key.name} | a constant of the station | `agent/ocpp/v16/keys.py` |"
    return f"| {key.name} | `{key.option}` | {_files(with_attribute(key.option, rest))} |"


def _commands_of(parser: Parser, found: list[Module]) -> set[str]:
    """The commands that a parser, or what it calls in its file, makes."""
    module = next(m for m in found if m.name == parser.__module__)
    functions = {node.name: node for node in ast.walk(module.tree) if isinstance(node, ast.FunctionDef)}
    todo, seen, made = [parser.__name__], set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in seen or name not in functions:
            continue
        seen.add(name)
        called = {
            n.func.id for n in ast.walk(functions[name]) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        made |= called & COMMANDS
        todo += called
    return made


def _asks_for(node: ast.AST, name: str) -> bool:
    if isinstance(node, ast.MatchClass):
        return isinstance(node.cls, ast.Name) and node.cls.id == name
    is_question = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance"
    return is_question and any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(node))


def _files(paths: Iterable[str]) -> str:
    return ", ".join(f"`{path}`" for path in sorted(set(paths))) or "-"


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
    print(f"{TARGET.name} written")
