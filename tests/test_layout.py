"""The package reads from top to bottom: imports point backwards only, and everything public is explained and typed."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import minigen

FOLDER = Path(minigen.__file__).parent
FILES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in ("__init__", "__main__"))
LIGHT = {"torch", "numpy", "tqdm", "safetensors"}
"""What ``import minigen`` may cost; everything else is imported where it is used."""


def reading_order() -> list[str]:
    """The files as the package's docstring lists them, up to the full stop; the command line comes after all."""
    listed = re.search(r"files in reading order.*?:\s(.*?)\.\s*$", minigen.__doc__ or "", re.DOTALL | re.MULTILINE)
    assert listed is not None
    return [*re.split(r",\s+", listed.group(1).strip()), "__main__"]


def tree(file: str) -> ast.Module:
    return ast.parse((FOLDER / f"{file}.py").read_text())


def imported(nodes: Iterator[ast.AST]) -> Iterator[tuple[str, list[str]]]:
    """(module, names) of every import among these nodes."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield node.module or "", [alias.name for alias in node.names]


def own_imports(file: str) -> set[str]:
    """The files of minigen that this file imports anywhere, also inside its functions."""
    found = set()
    for module, names in imported(ast.walk(tree(file))):
        if module == "minigen":
            found |= set(names) or {"__init__"}
        elif module.startswith("minigen."):
            found.add(module.split(".")[1])
    return found


def test_every_file_is_in_the_list_and_the_other_way_round() -> None:
    """The docstring's reading order names each file once."""
    assert sorted(reading_order()[:-1]) == FILES


@pytest.mark.parametrize("file", [*FILES, "__main__"])
def test_a_file_imports_only_from_those_above_it(file: str) -> None:
    """Also inside functions, so that the package can be read from the first file to the last."""
    order = reading_order()
    above = set(order[: order.index(file)])
    assert own_imports(file) <= above


def test_imports_are_found_at_all() -> None:
    """The parser sees what the sampler imports."""
    assert {"generator", "plans", "process", "randomness"} <= own_imports("sampling")


@pytest.mark.parametrize("file", FILES)
def test_importing_minigen_costs_little_more_than_torch(file: str) -> None:
    """At the top of a file only light packages are imported."""
    top = {module.split(".")[0] for module, _ in imported(iter(tree(file).body))}
    assert top - set(sys.stdlib_module_names) - {"minigen"} <= LIGHT


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
