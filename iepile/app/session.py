"""The model behind the page, loaded once; one text and a schema → the questions, and its answers as they come."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from iepile_dataset import DataError, Schema
from iepile_dataset.tasks import TASKS
from iepile_trainer.engines import Answer
from iepile_trainer.errors import TrainerError
from iepile_trainer.extraction.documents import Document, Triggers
from iepile_trainer.extraction.extractor import Extractor
from iepile_trainer.extraction.merge_windows import extraction_of
from iepile_trainer.extraction.questions import Question, QuestionBuilder
from iepile_trainer.extraction.results import Extraction

CHARACTERS = 20_000
"""The longest text that the page takes."""

QUESTIONS = 300
"""The most questions that one visitor may ask at once."""

_TOGETHER = 8  # questions after which the page says how far it is, and may be stopped

DEFAULT = "runs/quickstart"

_ON_THE_HUB = re.compile(r"\w[\w.-]*/[\w.-]+")


class Model:
    """A model that is loaded when somebody asks for the first time.

    Args:
        name: A run folder or a Hub id; None takes `DEFAULT`.
        adapter: An adapter on top of it.
        constrain: See `iepile_trainer.engines.EngineOptions`.

    Raises:
        TrainerError: A folder was named that is not there.

    >>> Model("./nowhere")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: ./nowhere: no such run folder (train one, or name a model of the Hub)
    """

    def __init__(self, name: str | None = None, adapter: str | None = None, constrain: str = "none") -> None:
        for place in filter(None, (name, adapter)):
            if not Path(place).exists() and not _ON_THE_HUB.fullmatch(place):
                raise TrainerError(f"{place}: no such run folder (train one, or name a model of the Hub)")
        self.name, self.adapter, self.constrain = name or DEFAULT, adapter, constrain
        self._is_default = name is None
        self._loaded: Extractor | None = None
        self._turn = Lock()

    @property
    def is_missing(self) -> bool:
        """Whether none was named and the default is not there; looked up anew each time."""
        return self._is_default and self._loaded is None and not (Path(DEFAULT) / "config.json").is_file()

    @property
    def is_loaded(self) -> bool:
        """Whether it is in memory."""
        return self._loaded is not None

    def extractor(self) -> Extractor:
        """The model, loaded if need be.

        Raises:
            TrainerError: It cannot be loaded.
        """
        with self._turn:
            if self._loaded is None:
                self._loaded = Extractor.from_pretrained(self.name, self.adapter, constrain=self.constrain)
            return self._loaded


@dataclass(frozen=True)
class Asked:
    """What is asked about one text.

    Attributes:
        text: The text.
        task: Lower-case name.
        language: Of the prompt.
        questions: In order.
        answers: So many as there are yet.
    """

    text: str
    task: str
    language: str
    questions: Sequence[Question]
    answers: list[Answer] = field(default_factory=list)

    def extraction(self, extractor: Extractor) -> Extraction:
        """The results, once all answers are there."""
        document = Document(self.text, task=self.task, language=self.language)
        return extraction_of(document, self.questions, self.answers, extractor.options)


def ask(
    text: str, schema: Schema, task: str, language: str, triggers: Triggers | None, extractor: Extractor | None
) -> Asked:
    """Make the questions.

    Args:
        text: The text.
        schema: The labels.
        task: Lower-case name.
        language: `en` or `zh`.
        triggers: For EEA, what is known beforehand; None where nothing is.
        extractor: Whose limits cut the text into windows; None asks about it whole.

    Raises:
        DataError: The text is empty or too long, the labels leave it no room, or there would be too many questions.

    >>> asked = ask("In Ulm", Schema(types=("city",)), "ner", "en", None, None)
    >>> [list(question.entries) for question in asked.questions]
    [['city']]
    """
    if not text.strip():
        raise DataError("no text yet (type or paste one)")
    if len(text) > CHARACTERS:
        raise DataError(
            f"the text has {len(text):,} characters, this page takes {CHARACTERS:,} at once "
            "(shorten it, or use the command: iepile predict)"
        )
    text = text.encode("utf-8", "replace").decode()  # a browser may send half a surrogate pair
    builder = extractor.builder(schema, task, language) if extractor else QuestionBuilder(TASKS[task], schema, language)
    questions = builder.ask(text, triggers)
    if len(questions) > QUESTIONS:
        raise DataError(f"this would be {len(questions):,} questions, {QUESTIONS} at most (shorter text, fewer labels)")
    return Asked(text, task, language, questions)


def answers(asked: Asked, extractor: Extractor) -> Iterator[int]:
    """Ask the model; yields how many of the questions are answered. Closing it stops the work.

    Raises:
        TrainerError: Nothing can be answered at all.
    """
    rows = [
        {"task": asked.task.upper(), "language": asked.language, "instruction": question.instruction}
        for question in asked.questions
    ]
    for first in range(0, len(rows), _TOGETHER):
        asked.answers.extend(extractor.engine.answer(rows[first : first + _TOGETHER]))
        yield len(asked.answers)
