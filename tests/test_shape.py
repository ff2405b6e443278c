"""The shape of the code: short modules, short functions, small classes, and a word for everything public."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.rig.source_tree import Module, module_of, modules

MODULE_LINES, FUNCTION_LINES, PUBLIC_METHODS = 300, 40, 12

TABLES = frozenset(
    {
        "agent.ocpp.v16.validators",  # generated
        "agent.ocpp.v16.vendor.validators",
        "agent.vocabulary.commands",  # the closed list of what may be asked
        "agent.vocabulary.records",  # the closed list of what is stored
        "hal.api",  # the closed vocabulary of hardware
    }
)
"""Modules that are tables: free of the limit of lines, of nothing else."""
GENERATED = frozenset({"agent.ocpp.v16.validators", "agent.ocpp.v16.vendor.validators"})

CODE = [m for m in modules("agent", "hal", "tests/rig") if m.name not in GENERATED and ".test_" not in m.name]
Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_modules(code: list[Module]) -> list[str]:
    return [f"{m.path}: {m.lines} lines" for m in code if m.lines > MODULE_LINES and m.name not in TABLES]


def long_functions(code: list[Module]) -> list[str]:
    return [
        f"{module.path}:{node.lineno}: {node.name} has {length} lines"
        for module in code
        for node in ast.walk(module.tree)
        if isinstance(node, Function) and (length := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]


def wide_classes(code: list[Module]) -> list[str]:
    return [
        f"{module.path}:{node.lineno}: {node.name} has {count} public methods"
        for module in code
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        and (count := sum(isinstance(m, Function) and _is_action(m) for m in node.body)) > PUBLIC_METHODS
    ]


def wordless(code: list[Module]) -> list[str]:
    """Public modules, functions, methods, and classes with methods that have no docstring."""
    return [complaint for module in code for complaint in _wordless(module)]


def _wordless(module: Module) -> Iterator[str]:
    if module.tree.body and not ast.get_docstring(module.tree):
        yield f"{module.path}: no docstring"
    if any(part.startswith(("_", "test_")) for part in module.name.split(".") if part != "__main__"):
        return
    for node in module.tree.body:
        if isinstance(node, Function) and _needs_word(node):
            yield f"{module.path}:{node.lineno}: {node.name} has no docstring"
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _wordless_class(module, node)


def _wordless_class(module: Module, node: ast.ClassDef) -> Iterator[str]:
    methods = [m for m in node.body if isinstance(m, Function)]
    if methods and not ast.get_docstring(node):
        yield f"{module.path}:{node.lineno}: class {node.name} has no docstring"
    for method in methods:
        if _needs_word(method):
            yield f"{module.path}:{method.lineno}: {node.name}.{method.name} has no docstring"


def _needs_word(node: Function) -> bool:
    """Public, no docstring, and not a one-line property or class variable that its name says in full."""
    if node.name.startswith("_") or ast.get_docstring(node):
        return False
    return not (_is_property(node) and len(node.body) == 1)


def _is_property(node: Function) -> bool:
    return any(isinstance(d, ast.Name) and d.id in {"property", "cached_property"} for d in node.decorator_list)


def _is_action(node: Function) -> bool:
    return not node.name.startswith("_") and not _is_property(node)


def test_modules_are_short() -> None:
    assert long_modules(CODE) == []


def test_functions_are_short() -> None:
    assert long_functions(CODE) == []


def test_classes_are_small() -> None:
    assert wide_classes(CODE) == []


def test_public_things_have_a_word() -> None:
    assert wordless(CODE) == []


def test_tables_say_how_they_work() -> None:
    silent = [
        m.path for m in CODE if m.name in TABLES and "Theory of operation" not in (ast.get_docstring(m.tree) or "")
    ]
    assert silent == []


METHODS = "\n".join(f"    def m{n}(self):\n        '''x'''" for n in range(13))
BREACHES = [
    (long_modules, "x = 1\n" * 301),
    (long_functions, "def f():\n" + "    x = 1\n" * 41),
    (long_functions, "class A:\n    async def f(self):\n" + "        x = 1\n" * 41),
    (wide_classes, f"class A:\n{METHODS}"),
    (wordless, "x = 1"),
    (wordless, "'''m'''\ndef f():\n    return 1"),
    (wordless, "'''m'''\nclass A:\n    def __init__(self):\n        self.x = 1"),
    (wordless, "'''m'''\nclass A:\n    '''a'''\n    def f(self):\n        self.x = 1"),
]


@pytest.mark.parametrize(("law", "source"), BREACHES)
def test_each_law_sees_a_breach(law: object, source: str) -> None:
    assert callable(law)
    assert law([module_of("agent.some.module", source)])


def test_what_is_right_passes() -> None:
    right = module_of(
        "agent.some.module", "'''m'''\nclass A:\n    '''a'''\n    @property\n    def f(self):\n        return 1"
    )
    assert [law([right]) for law in (long_modules, long_functions, wide_classes, wordless)] == [[], [], [], []]
