"""Systems of others that mark mentions, asked as our models are: GLiNER, GLiNER2, pipelines of spaCy.

They answer NER alone. What they find is written as the answer to the instruction, so that the same scorer reads it.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

from iepile_dataset import DataError
from iepile_dataset.instructions.parse import Question, read_instruction

from ..errors import TrainerError, first_line, import_extra
from .answer import Answer, Row
from .options import EngineOptions

Marks = Iterable[tuple[str, str]]
"""Label and mention, in the order of the text."""
Mark = Callable[[Sequence[Question]], Iterable[Marks]]

_TOGETHER = 16  # texts
_ENCODERS = {"model_name", "labels_encoder", "labels_decoder"}  # keys of a configuration that name another model


class TaggerEngine:
    """Answers of a library that marks mentions.

    Attributes:
        room: None: each library shortens a long text as it likes.

    Raises:
        TrainerError: The library is not installed, or has no such model.
    """

    room: int | None = None

    def __init__(self, options: EngineOptions) -> None:
        if options.adapter is not None:
            raise TrainerError(f"engine {options.engine} takes no adapter (merge it into --model)")
        self._name = options.engine
        try:
            self._mark = LIBRARIES[options.engine](options.model)
        except TrainerError:
            raise
        except Exception as problem:  # each library has its own
            raise TrainerError(f"{options.model}: {options.engine} cannot load it: {first_line(problem)}") from None

    def count(self, instruction: str) -> int:
        """None has prompts."""
        raise TrainerError(f"engine {self._name} has no prompts to count")

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order; see `Engine.answer`."""
        source = iter(rows)
        while chunk := list(islice(source, _TOGETHER)):
            asked = list(map(self._question, chunk))
            marked = iter(self._mark([question for question in asked if isinstance(question, Question)]))
            yield from (_written(one, next(marked)) if isinstance(one, Question) else one for one in asked)

    def _question(self, row: Row) -> Question | Answer:
        if str(row.get("task")).upper() != "NER":
            return Answer("", f"engine {self._name} answers NER alone")
        try:
            return read_instruction(str(row.get("instruction")), "NER")
        except DataError as problem:
            return Answer("", str(problem))


def _written(question: Question, marks: Marks) -> Answer:
    answer: dict[str, list[str]] = {label: [] for label in question.labels}
    for label, mention in marks:
        answer[label].append(mention)
    return Answer(json.dumps(answer, ensure_ascii=False))


def _gliner(name: str) -> Mark:
    gliner = import_extra("gliner", "gliner", "engine gliner: ")
    model = gliner.GLiNER.from_pretrained(_harmless(name))

    def mark(asked: Sequence[Question]) -> Iterable[Marks]:
        found = model.inference([one.text for one in asked], [list(one.labels) for one in asked]) if asked else []
        return (((span["label"], span["text"]) for span in spans) for spans in found)

    return mark


def _gliner2(name: str) -> Mark:
    gliner2 = import_extra("gliner2", "gliner2", "engine gliner2: ")
    model = gliner2.GLiNER2.from_pretrained(_harmless(name))

    def mark(asked: Sequence[Question]) -> Iterable[Marks]:
        for one in asked:
            found = model.extract_entities(one.text, list(one.labels))["entities"]
            yield ((label, mention) for label in one.labels for mention in found.get(label, ()))

    return mark


def _spacy(name: str) -> Mark:
    """A pipeline knows its own labels alone: one is taken for an asked one that differs only in case and marks."""
    pipeline = import_extra("spacy", "spacy", "engine spacy: ").load(name)

    def mark(asked: Sequence[Question]) -> Iterable[Marks]:
        for one, document in zip(asked, pipeline.pipe([one.text for one in asked])):
            labels = {_plain(label): label for label in one.labels}
            marks = ((labels.get(_plain(span.label_)), span.text) for span in document.ents)
            yield [(label, mention) for label, mention in marks if label]

    return mark


LIBRARIES: dict[str, Callable[[str], Mark]] = {"gliner": _gliner, "gliner2": _gliner2, "spacy": _spacy}


def _plain(label: str) -> str:
    """A label without case and marks.

    >>> _plain("PRODUCT_NAME") == _plain("product name")
    True
    """
    return re.sub(r"[\W_]", "", label).lower()


def _harmless(name: str) -> str:
    """The folder of a model of GLiNER, fetched where it is on the Hub: weights that are no pickles, and no code.

    Both libraries allow code that comes with an encoder, whoever wrote it, and fall back to pickles.
    """
    from huggingface_hub import snapshot_download

    folder = Path(name)
    if not folder.is_dir():
        folder = Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.model", "*.txt"]))
    if not (folder / "model.safetensors").is_file():
        raise TrainerError(f"{name}: no model.safetensors (other weights are not loaded, as they can hold code)")
    for file in sorted(folder.rglob("*.json")):
        config = None
        with suppress(ValueError):  # the library will say what is wrong with it
            config = json.loads(file.read_bytes())
        _refuse_code(name, config)
    return str(folder)


def _refuse_code(name: str, config: Any) -> None:
    """Refuse a configuration that names Python code of its own, or an encoder that does."""
    from transformers import PretrainedConfig

    for key, value in config.items() if isinstance(config, dict) else ():
        if key == "auto_map":
            raise TrainerError(f"{name}: its encoder comes with Python code, which is not run (take another model)")
        if key in _ENCODERS and isinstance(value, str):
            with suppress(OSError, ValueError):  # the library needs it no more than we do
                value, _ = PretrainedConfig.get_config_dict(value)
        _refuse_code(name, value)
