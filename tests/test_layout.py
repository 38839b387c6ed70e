"""The package reads from top to bottom: imports point backwards only, and everything public is explained and typed."""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import minigen

FOLDER = Path(minigen.__file__).parent
TESTS = Path(__file__).parent
LIGHT = {"torch", "numpy", "tqdm", "safetensors"}
"""What ``import minigen`` may cost; everything else is imported where it is used."""

LONGEST_FILE, LONGEST_FUNCTION = 450, 45
"""Lines; of a function without its docstring. What is longer is more than one thing."""


def room(path: Path) -> str:
    """The dotted name of a file: ``training.run`` of minigen/training/run.py; a wing's own name of its __init__."""
    parts = path.relative_to(FOLDER).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


EVERY = {room(path): path for path in sorted(FOLDER.rglob("*.py"))}
WINGS = {name for name, path in EVERY.items() if path.name == "__init__.py"}
FILES = sorted(EVERY.keys() - WINGS - {"__main__"})


def reading_order() -> list[str]:
    """The files as the package's docstring lists them; the command line comes after all. A wing in the list that has
    no files beside it stands for all of its files, in any order."""
    listed = re.search(r"above it:\n\n(.*)\n\Z", minigen.__doc__ or "", re.DOTALL)
    assert listed is not None
    found: list[str] = []
    for line in listed.group(1).splitlines():
        wing, names = re.fullmatch(r" {4}(?:(\w+)/ +)?(.*)", line).groups()  # type: ignore[union-attr]
        for name in re.split(r",\s+", names.strip()):
            whole = f"{wing}.{name}" if wing else name
            found += [whole] if whole in FILES else [each for each in FILES if each.startswith(f"{whole}.")]
    return [*found, "__main__"]


def tree(file: str) -> ast.Module:
    return ast.parse(EVERY[file].read_text())


def imported(nodes: Iterator[ast.AST]) -> Iterator[tuple[str, list[str]]]:
    """(module, names) of every import among these nodes."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield node.module or "", [alias.name for alias in node.names]


def own_imports(file: str) -> set[str]:
    """The files and wings of minigen that this file imports anywhere, also inside its functions."""
    found = set()
    for module, names in imported(ast.walk(tree(file))):
        if module.split(".")[0] == "minigen":
            base = module.removeprefix("minigen").lstrip(".")
            inner = {f"{base}.{name}".lstrip(".") for name in names} & EVERY.keys()
            found |= inner or {base}
    return found


def test_every_file_is_in_the_list_and_the_other_way_round() -> None:
    """The docstring's reading order names each file once."""
    assert sorted(reading_order()[:-1]) == FILES


def files_of(name: str) -> set[str]:
    """A file itself, or all files of a wing."""
    return {each for each in FILES if each == name or each.startswith(f"{name}.")}


@pytest.mark.parametrize("file", [*FILES, "__main__"])
def test_a_file_imports_only_from_those_above_it(file: str) -> None:
    """Also inside functions, so that the package can be read from the first file to the last.

    A wing that is imported by its name stands for all of its files. Among the checks, a file a chapter, is no order.
    """
    order = reading_order()
    above = set(order[: order.index(file)]) | (files_of("course.checks") if file.startswith("course.checks") else set())
    for name in own_imports(file):
        assert files_of(name), f"{file} imports {name}, which is no file or wing"
        assert files_of(name) <= above, f"{file} imports {name}, of which something stands below it"


@pytest.mark.parametrize("wing", sorted(WINGS))
def test_a_wing_only_hands_out_what_is_in_its_files(wing: str) -> None:
    """An __init__ defines no function and no class, so that whoever looks for one finds it in a file."""
    assert not [node for node in tree(wing).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]


@pytest.mark.parametrize("file", [name for name in FILES if "." in name])
def test_no_file_shares_its_name_with_what_its_wing_hands_out(file: str) -> None:
    """A module data/digits.py would hide the function ``data.digits``."""
    wing, _, name = file.rpartition(".")
    found = getattr(importlib.import_module(f"minigen.{wing}"), name, None)
    assert found is None or found is sys.modules[f"minigen.{file}"]


def test_imports_are_found_at_all() -> None:
    """The parser sees what the sampler imports."""
    assert {"model", "plans", "process", "base.randomness", "nets"} <= own_imports("sampling")


@pytest.mark.parametrize("file", FILES)
def test_importing_minigen_costs_little_more_than_torch(file: str) -> None:
    """At the top of a file only light packages are imported."""
    top = {module.split(".")[0] for module, _ in imported(iter(tree(file).body))}
    assert top - set(sys.stdlib_module_names) - {"minigen"} <= LIGHT


# --- size ------------------------------------------------------------------------------------------

SOURCES = [*EVERY.values(), *sorted(TESTS.rglob("*.py"))]


def lines_without_docstring(function: ast.FunctionDef) -> int:
    """From the def to the end, decorators apart."""
    first = function.body[0]
    docstring = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    said = (first.end_lineno or 0) - first.lineno + 1 if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - said


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: "/".join(path.parts[-3:]))
def test_a_file_is_one_thing_and_so_is_a_function(path: Path) -> None:
    """Neither is longer than can be read in one go, in the package and in the tests."""
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    assert not {each.name: long for each in functions if (long := lines_without_docstring(each)) > LONGEST_FUNCTION}


def test_lines_are_counted_without_the_docstring() -> None:
    function = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n    return a\n').body[0]
    assert isinstance(function, ast.FunctionDef)
    assert lines_without_docstring(function) == 3


# --- docstrings and types --------------------------------------------------------------------------

Definition = ast.FunctionDef | ast.ClassDef


def public(body: list[ast.stmt]) -> list[Definition]:
    """Functions and classes whose names don't start with an underscore."""
    kinds = (ast.FunctionDef, ast.ClassDef)
    return [node for node in body if isinstance(node, kinds) and not node.name.startswith("_")]


def untyped(function: ast.FunctionDef, method: bool) -> list[str]:
    """The parameters (and "return") of a function that have no annotation."""
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    if method and not any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list):
        every = every[1:]  # self
    return [one.arg for one in every if one.annotation is None] + ["return"] * (function.returns is None)


PUBLIC = [(file, node) for file in [*FILES, "__main__"] for node in public(tree(file).body)]
ids = [f"{file}.{node.name}" for file, node in PUBLIC]


@pytest.mark.parametrize(("file", "node"), PUBLIC, ids=ids)
def test_everything_public_says_what_it_is(file: str, node: Definition) -> None:
    """A docstring that begins with a sentence."""
    text = ast.get_docstring(node) or ""
    assert len(text.split()) >= 3, f"{file}.{node.name}"


@pytest.mark.parametrize(("file", "node"), PUBLIC, ids=ids)
def test_everything_public_is_typed(file: str, node: Definition) -> None:
    """Every parameter and every return value, of methods too."""
    methods = (
        [part for part in node.body if isinstance(part, ast.FunctionDef)] if isinstance(node, ast.ClassDef) else []
    )
    functions = [(node, False)] if isinstance(node, ast.FunctionDef) else [(method, True) for method in methods]
    missing = {function.name: untyped(function, method) for function, method in functions}
    assert not {name: parameters for name, parameters in missing.items() if parameters}, file


@pytest.mark.parametrize("name", minigen.__all__)
def test_the_promised_names_are_there(name: str) -> None:
    """Every name in __all__ can be used as minigen.name."""
    assert hasattr(minigen, name)
