"""Inside, people and what belongs to them are structs: a JSON object with names of the wire stands at the rim alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path(__file__).parents[2] / "src" / "footfall"
PACKAGES = ("people", "identity", "dashboard", "accounts", "auth", "websites", "privacy", "visitors")
"""The packages that answer with structs."""
RIM = ("endpoints.py", "wire.py")
"""How the names of the files end that turn structs into JSON and JSON into structs."""
LOOSE = ("dict[str, Any]", "Mapping[str, Any]", "dict[str, object]", "Mapping[str, object]")
EXCEPTIONS = {
    "identity/audit/verify:as_json": "the report as the command prints it",
}
"""Functions and fields that take or hold such an object all the same, and why."""


def files() -> Iterator[Path]:
    for package in PACKAGES:
        yield from (path for path in (SOURCES / package).rglob("*.py") if not path.name.endswith(RIM))


def annotated(node: ast.AST) -> Iterator[ast.expr | None]:
    """What a function says of its arguments and its result, or a class of a field."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = node.args
        yield from (
            one.annotation for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        )
        yield from (one.annotation for one in (arguments.vararg, arguments.kwarg) if one)
        yield node.returns


def loose(tree: ast.Module, inside: str = "") -> Iterator[str]:
    """The functions, and the fields of classes, that a JSON object goes through."""
    for node in ast.walk(tree):
        if any(one is not None and says_loose(one) for one in annotated(node)):
            yield node.name  # type: ignore[attr-defined]
        if isinstance(node, ast.ClassDef):
            fields = (one for one in node.body if isinstance(one, ast.AnnAssign))
            yield from (
                f"{node.name}.{ast.unparse(one.target)}" for one in fields if says_loose(one.annotation)
            )


def says_loose(annotation: ast.expr) -> bool:
    text = ast.unparse(annotation)
    return any(one in text for one in LOOSE)


def found() -> set[str]:
    return {
        f"{path.relative_to(SOURCES).with_suffix('')}:{name}"
        for path in files()
        for name in loose(ast.parse(path.read_text("utf-8")))
    }


def test_no_json_object_goes_through_the_inside() -> None:
    assert found() == EXCEPTIONS.keys()


def test_the_check_sees_arguments_results_and_fields() -> None:
    said = """
class Row:
    person: dict[str, Any]
    name: str
def give(number: int) -> list[dict[str, Any]]: ...
def take(number: int, /, *, person: Mapping[str, Any] | None) -> None: ...
async def both(*people: dict[str, object]) -> None: ...
def neither(traits: TraitValues) -> dict[str, int]: ...
"""
    assert set(loose(ast.parse(said))) == {"Row.person", "give", "take", "both"}
