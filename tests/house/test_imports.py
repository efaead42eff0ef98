"""Who may import whom: the five rooms, the layers inside two of them, no circles, only public names from next door.

Imports inside functions count as well; those for type checkers alone do not, since they never run.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

REPO = Path(__file__).parents[2]
ROOMS = {
    "iepile": REPO / "iepile",
    "iepile_trainer": REPO / "trainer" / "iepile_trainer",
    "iepile_dataset": REPO / "iepile_dataset",
    "iepile_metric": REPO / "iepile_metric",
    "iepile_cards": REPO / "cards" / "iepile_cards",
}
MAY_IMPORT = {
    "iepile": {"iepile_trainer", "iepile_dataset", "iepile_metric", "iepile_cards"},
    "iepile_trainer": {"iepile_dataset", "iepile_metric", "iepile_cards"},
    "iepile_dataset": set(),
    "iepile_metric": set(),
    "iepile_cards": set(),
}
# Each layer may import those above it in its list, never one beside it or below; a folder counts as one.
LAYERS = {
    "iepile_dataset": (
        ("errors", "licences"),
        ("atomic", "bounded", "cluster"),
        ("schema", "hard_negatives", "places"),
        ("answers",),
        ("annotations",),
        ("tasks",),
        ("options",),
        ("corpus",),
        ("instructions", "validation", "mining"),
        ("export", "exchange", "builder", "registration"),
        ("statistics", "cleaning"),
    ),
    "iepile_trainer": (
        ("errors",),
        ("command_line", "json_lines", "run_folder", "recipes"),
        ("formats", "constrain"),
        ("models", "tokenization"),
        ("engines", "data"),
        ("extraction", "training"),
        ("prediction", "serve"),
        ("predict",),
        ("evaluate_run",),
        ("sft",),
        ("benchmark", "quickstart", "backends"),
    ),
}


class Import(NamedTuple):
    module: str
    names: tuple[str, ...]
    line: int


def name_of(file: Path) -> str:
    room = next(room for room, folder in ROOMS.items() if folder in file.parents)
    parts = (room, *file.relative_to(ROOMS[room]).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


@cache
def modules() -> dict[str, Path]:
    """All modules of the five rooms; what is copied to a Hub Space runs on its own."""
    files = [file for folder in ROOMS.values() for file in folder.rglob("*.py") if "space" not in file.parts]
    return {name_of(file): file for file in files}


def is_for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def walk(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not is_for_checkers(child):
            yield child
            yield from walk(child)


@cache
def imports(module: str) -> tuple[Import, ...]:
    """What a module takes from the five rooms, wherever in it the import stands."""
    file = modules()[module]
    package = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    taken = []
    for node in walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            taken += [Import(alias.name, (), node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{source}.{alias.name}"
                taken.append(Import(*((inner, ()) if inner in modules() else (source, (alias.name,))), node.lineno))
    return tuple(one for one in taken if one.module.partition(".")[0] in ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room):
    taken = {
        one.module.partition(".")[0] for module in modules() if module.split(".")[0] == room for one in imports(module)
    }
    assert taken - {room} <= MAY_IMPORT[room]


@pytest.mark.parametrize("room", LAYERS)
def test_every_layer_imports_only_those_above_it(room):
    height = {name: number for number, names in enumerate(LAYERS[room]) for name in names}
    wrong = []
    for module in modules():
        _, *inner = module.split(".")
        if module.split(".")[0] != room or not inner or inner[0] not in height:
            continue
        for one in imports(module):
            target = one.module.split(".")[1:2]
            if one.module.split(".")[0] != room or target == inner[:1]:
                continue
            if not target or height.get(target[0], 99) >= height[inner[0]]:
                wrong.append(f"{module}:{one.line} imports {one.module}")
    assert wrong == []


@pytest.mark.parametrize("room", LAYERS)
def test_every_module_of_a_layered_room_has_its_layer(room):
    data = {"prompts", "sample", "recipes", "py.typed"}
    named = {name for names in LAYERS[room] for name in names} | data
    assert {module.split(".")[1] for module in modules() if module.startswith(f"{room}.")} <= named


def test_there_is_no_circle():
    state: dict[str, bool] = {}  # False while its imports are followed, True once they are done
    circles = []

    def follow(module: str, path: tuple[str, ...]) -> None:
        if module in state:
            if not state[module]:
                circles.append(" → ".join([*path[path.index(module) :], module]))
            return
        state[module] = False
        for one in imports(module):
            if one.module in modules() and one.module != module:
                follow(one.module, (*path, module))
        state[module] = True

    for module in modules():
        follow(module, ())
    assert circles == []


def public(module: str) -> set[str]:
    for node in ast.parse(modules()[module].read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()


def test_another_room_gives_only_what_it_lists_as_public():
    wrong = []
    for module in modules():
        for one in imports(module):
            if one.module.split(".")[0] != module.split(".")[0] and one.module in modules():
                hidden = set(one.names) - public(one.module)
                wrong += [f"{module}:{one.line} takes {name} from {one.module}" for name in sorted(hidden)]
    assert wrong == []


def test_every_room_says_that_it_is_typed():
    assert all((folder / "py.typed").is_file() for folder in ROOMS.values())
