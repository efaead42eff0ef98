"""One text and a schema → the questions, and, where there is a model, its answers as they come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from iepile_dataset import DataError, Schema
from iepile_dataset.tasks import TASKS
from iepile_trainer.engines import Answer
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
