import ast
from pathlib import Path

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


def imported_rooms(folder: Path) -> set[str]:
    found = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            found |= {name.partition(".")[0] for name in names} & set(ROOMS)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_it_may(room):
    assert imported_rooms(ROOMS[room]) - {room} <= MAY_IMPORT[room]


def test_every_room_says_that_it_is_typed():
    assert all((folder / "py.typed").is_file() for folder in ROOMS.values())
