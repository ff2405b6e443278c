"""The book of rules: which test carries which rule. `python -m tests.rig.rules` writes the lists anew from the markers.

`tests/rules.toml` has a table per rule with our wording (`says`) and the tests that carry it (`tests`), and a table
`open` with a reason for every rule that no test carries yet. A test says what it carries by
`@pytest.mark.rule("<id>")`, on itself, on its class or on one of its parameters.
"""

from __future__ import annotations

import ast
import json
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "tests" / "rules.toml"
HEAD = """\
# Every rule that the suite carries, in our own words, with the tests that carry it.
# `says` and `[open]` are written by hand; the lists of tests by `python -m tests.rig.rules`, from the markers.
"""


@dataclass(slots=True)
class Book:
    """What the file says."""

    says: dict[str, str] = field(default_factory=dict)
    tests: dict[str, list[str]] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)


def read_book(text: str) -> Book:
    """The book from its TOML text."""
    tables = tomllib.loads(text)
    rules = tables.get("rule", {})
    return Book(
        {rule: row["says"] for rule, row in rules.items()},
        {rule: list(row.get("tests", [])) for rule, row in rules.items()},
        dict(tables.get("open", {})),
    )


def write_book(book: Book) -> str:
    """The TOML text of a book; `read_book` gives the same book back."""
    lines = [HEAD]
    for rule, says in book.says.items():
        lines.append(f'[rule."{rule}"]\nsays = {json.dumps(says, ensure_ascii=False)}')
        tests = book.tests.get(rule, [])
        lines.append("tests = [\n" + "".join(f'    "{test}",\n' for test in tests) + "]\n" if tests else "tests = []\n")
    lines.append("[open]")
    lines += [f'"{rule}" = {json.dumps(why, ensure_ascii=False)}' for rule, why in book.open.items()]
    return "\n".join(lines) + "\n"


def marked_tests(files: Mapping[str, str]) -> dict[str, list[str]]:
    """Rule to the tests marked with it (`path::name` or `path::Class::name`), from source text by path."""
    found: dict[str, list[str]] = {}
    for path, source in sorted(files.items()):
        for name, rules in _tests(ast.parse(source)):
            for rule in rules:
                found.setdefault(rule, []).append(f"{path}::{name}")
    return {rule: list(dict.fromkeys(tests)) for rule, tests in found.items()}


def existing_tests(files: Mapping[str, str]) -> set[str]:
    """Every test function, marked or not."""
    return {f"{path}::{name}" for path, source in files.items() for name, _ in _tests(ast.parse(source))}


def test_files() -> dict[str, str]:
    """The source of every test module by its path from the root."""
    paths = sorted((ROOT / "tests").rglob("test_*.py"))
    return {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in paths}


def refreshed(book: Book, marked: Mapping[str, list[str]]) -> Book:
    """The book with its lists from the markers; what is carried now is no longer open."""
    return Book(
        book.says,
        {rule: list(marked.get(rule, [])) for rule in book.says},
        {rule: why for rule, why in book.open.items() if not marked.get(rule)},
    )


def _tests(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    shared = [rule for node in tree.body if _is_pytestmark(node) for rule in _rules(node)]
    for node in tree.body:
        if _is_test(node):
            yield node.name, shared + _decorated(node)
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if _is_test(member):
                    yield f"{node.name}::{member.name}", shared + _decorated(node) + _decorated(member)


def _is_test(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")


def _is_pytestmark(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "pytestmark" for target in node.targets)


def _decorated(node: ast.stmt) -> list[str]:
    return [rule for decorator in getattr(node, "decorator_list", []) for rule in _rules(decorator)]


def _rules(node: ast.AST) -> list[str]:
    return [
        argument.value
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute) and inner.func.attr == "rule"
        for argument in inner.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]


def main() -> int:
    """Write the lists anew; the exit status is 1 if a marker names a rule that the book does not have."""
    marked = marked_tests(test_files())
    book = refreshed(read_book(BOOK.read_text(encoding="utf-8")), marked)
    BOOK.write_text(write_book(book), encoding="utf-8")
    unknown = sorted(set(marked) - set(book.says))
    for rule in unknown:
        print(f"{rule} is in no row of {BOOK.name}; marked in {', '.join(marked[rule])}")
    print(f"{len(book.says)} rules, {sum(map(bool, book.tests.values()))} carried, {len(book.open)} open")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
