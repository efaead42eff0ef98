"""Labels of a source: collected as they occur, renamed by a map, and readable names proposed for them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..bounded import parse_yaml
from ..errors import DataError, shown

__all__ = ["Labels", "read_label_map", "readable"]

_COMMON = {
    "PER": ("person", "人物"), "PERS": ("person", "人物"), "PERSON": ("person", "人物"), "NR": ("person", "人物"),
    "ORG": ("organization", "组织机构"), "NT": ("organization", "组织机构"), "LOC": ("location", "地理位置"),
    "NS": ("location", "地理位置"), "GPE": ("geopolitical entity", "地缘政治实体"), "MISC": ("miscellaneous", "其他"),
    "FAC": ("facility", "设施"), "VEH": ("vehicle", "交通工具"), "WEA": ("weapon", "武器"), "NORP": ("group", "群体"),
    "NUM": ("number", "数字"), "DAT": ("date", "日期"), "DATE": ("date", "日期"), "TIM": ("time", "时间"),
    "TIME": ("time", "时间"), "PROD": ("product", "产品"), "EVT": ("event", "事件"),
    "WORK_OF_ART": ("work of art", "作品"),
}  # fmt: skip


def readable(label: str, language: str) -> str:
    """A name for a label that a model understands.

    >>> readable("PER", "en"), readable("LOC", "zh"), readable("ChemicalEntity", "en"), readable("Located_In", "en")
    ('person', '地理位置', 'chemical entity', 'located in')
    """
    if label.upper() in _COMMON:
        return _COMMON[label.upper()][language == "zh"]
    if not label.isascii():
        return label
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\\-]+", " ", label).strip()
    return words.lower() if words != label or words.isupper() else label


def read_label_map(text: str | bytes, name: str) -> dict[str, str]:
    """A file that renames labels, `{label: name}` in YAML or JSON.

    Raises:
        DataError: It is something else.

    >>> read_label_map("PER: person", "labels.yaml")
    {'PER': 'person'}
    """
    value = parse_yaml(text, name, "write PER: person, a label a line")
    if not isinstance(value, dict) or not all(isinstance(name, str) and name for name in value.values()):
        raise DataError(f"{name}: {shown(value)} is no map of labels (write PER: person, a label a line)")
    return {str(label): name for label, name in value.items()}


@dataclass
class Labels:
    """What a source can be asked for, in the order in which it occurs.

    Attributes:
        names: Label → its new name; others keep theirs.
        types: Entity or event types.
        relations: Relations.
        roles: Event type → its roles.
        triples: Relation → the types of its ends.
        original: The labels as they stood, types, relations and roles.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    types: dict[str, None] = field(default_factory=dict)
    relations: dict[str, None] = field(default_factory=dict)
    roles: dict[str, dict[str, None]] = field(default_factory=dict)
    triples: dict[str, dict[tuple[str, str], None]] = field(default_factory=dict)
    original: dict[str, None] = field(default_factory=dict)

    def take(self, item: dict[str, Any], kind: str) -> None:
        """Rename the labels of an annotated unit, in place, and note them."""
        if kind == "entity":
            self.types.setdefault(self._rename(item, "entity_type"))
        elif kind == "relation":
            relation = self._rename(item, "relation")
            self.relations.setdefault(relation)
            if "head_type" in item and "tail_type" in item:
                pair = self._rename(item, "head_type"), self._rename(item, "tail_type")
                self.triples.setdefault(relation, {}).setdefault(pair)
        else:
            event = self._rename(item, "event_type")
            self.types.setdefault(event)
            roles = self.roles.setdefault(event, {})
            for argument in item["arguments"]:
                roles.setdefault(self._rename(argument, "role"))

    def _rename(self, item: dict[str, Any], key: str) -> str:
        label = item[key]
        self.original.setdefault(label)
        item[key] = name = self.names.get(label, label)
        return name

    def schema(self, kind: str, is_typed: bool) -> list[Any]:
        """The three lines of `schema.json`.

        Args:
            kind: `entity`, `relation` or `event`.
            is_typed: Relations are asked with the types of their ends.
        """
        if kind == "relation":
            triples = {name: [list(pair) for pair in pairs] for name, pairs in self.triples.items()}
            return [[], list(self.relations), triples if is_typed else {}]
        roles = {event: list(names) for event, names in self.roles.items()}
        return [list(self.types), list(dict.fromkeys(role for names in roles.values() for role in names)), roles]
