"""Texts and a schema → typed results with places, by any model and backend.

```python
from iepile_trainer import Extractor

extract = Extractor.from_pretrained("runs/quickstart")
for mention in extract("Ann Bell moved to Oslo.", schema=["person", "city"]):
    print(mention.label, mention.text, mention.start, mention.end, mention.confidence)

extract(texts, schema={"lawsuit": ["plaintiff", "place"]}, task="ee")  # a list of texts, one schema
extract(texts, schema=[["person"], ["city", "river"]])  # a schema for each text
for found in extract.stream(lines, schema="schema.json"):  # as many as there are, as they come
    print(found.as_dict())
```
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, overload

from iepile_dataset import DataError, Schema
from iepile_dataset.answers import UNFIT
from iepile_dataset.tasks import TASKS

from .. import TrainerError
from ..engines import Answer, Backend, open_backend
from ..models.trained_length import reach_of
from .documents import Document, Triggers, documents_of, language_of
from .merge_windows import CONFLICTS, extraction_of
from .questions import Asker, Question, with_triggers
from .results import Extraction

_KEPT = 64  # schemas whose prompts are kept ready


@dataclass
class _Asked:
    """A document whose answers are awaited; none are where it has an error."""

    document: Document
    language: str
    questions: Sequence[Question] = ()
    error: str = ""
    answers: list[Answer] = field(default_factory=list)

    @property
    def is_answered(self) -> bool:
        return len(self.answers) == len(self.questions)


class Extractor:
    """Finds in texts what a schema names.

    Args:
        backend: Who answers.
        split_num: The most labels in one question; None takes the task's own (6 for NER, 4 otherwise), -1 asks for
            all at once.
        descriptions: Tell the model what the schema says about its labels; for models that were trained so.
        max_prompt_tokens: Cut texts into windows so that no instruction has more tokens; None lets `reach` and the
            model's own limit decide.
        min_confidence: Leave out results that are less sure, 0 to 1.
        conflicts: What happens to different labels at one place: `keep` all, or the `best`.
        reach: The longest prompt that the model's training was like, in tokens; `from_pretrained` knows it of a run.

    Raises:
        TrainerError: A wrong `min_confidence` or `conflicts`.

    Whatever answers rows can be the backend; this one always says the same:

    >>> class Parrot:
    ...     room, count = None, len
    ...     def answer(self, rows):
    ...         return (Answer('{"city": ["Ulm"]}') for row in rows)
    >>> extract = Extractor(Parrot())
    >>> extract("It rains in Ulm.", ["city"])[0]
    Mention(label='city', text='Ulm', start=12, end=15, confidence=None, minimum=None)
    """

    def __init__(
        self,
        backend: Backend,
        *,
        split_num: int | None = None,
        descriptions: bool = False,
        max_prompt_tokens: int | None = None,
        min_confidence: float = 0.0,
        conflicts: str = "keep",
        reach: int | None = None,
    ) -> None:
        if not 0 <= min_confidence <= 1:
            raise TrainerError(f"min_confidence={min_confidence!r} is no probability (a number from 0 to 1)")
        if conflicts not in CONFLICTS:
            raise TrainerError(f"conflicts={conflicts!r} is unknown (one of {', '.join(CONFLICTS)})")
        self.backend = backend
        self.min_confidence, self.conflicts = min_confidence, conflicts
        self._split_num, self._descriptions = split_num, descriptions
        self._max_prompt_tokens, self._reach = max_prompt_tokens, reach
        self._askers: dict[str, Asker] = {}
        self._lock = Lock()

    @classmethod
    def from_pretrained(
        cls,
        model: str,
        adapter: str | None = None,
        *,
        backend: str = "transformers",
        split_num: int | None = None,
        descriptions: bool = False,
        max_prompt_tokens: int | None = None,
        min_confidence: float = 0.0,
        conflicts: str = "keep",
        logprobs: bool = True,
        **options: Any,
    ) -> "Extractor":
        """Load a model.

        Args:
            model: A run folder (whole model or adapter), a Hub id, or the name by which a server knows the model.
            adapter: An adapter on top of `model`.
            backend: `transformers`, `vllm` or `openai`.
            split_num: See `Extractor`.
            descriptions: See `Extractor`.
            max_prompt_tokens: See `Extractor`.
            min_confidence: See `Extractor`.
            conflicts: See `Extractor`.
            logprobs: Give results a confidence.
            **options: Those of `engines.open_backend`: batch_size, max_new_tokens, constrain, dtype, bits, base_url …

        Raises:
            TrainerError: No such model, an adapter for another base, a wrong option.
        """
        try:
            opened = open_backend(backend, model, adapter, logprobs=logprobs, **options)
        except TypeError as error:
            if "unexpected keyword" not in str(error):
                raise
            raise TrainerError(f"{str(error).partition('() ')[2]} (see iepile_trainer.engines.open_backend)") from None
        return cls(
            opened,
            split_num=split_num,
            descriptions=descriptions,
            max_prompt_tokens=max_prompt_tokens,
            min_confidence=min_confidence,
            conflicts=conflicts,
            reach=reach_of(options.get("tokenizer") if backend == "openai" else model, adapter),
        )

    @overload
    def __call__(
        self,
        text: str,
        schema: Any,
        task: str = "ner",
        language: str | None = None,
        *,
        triggers: Triggers | None = None,
    ) -> Extraction: ...

    @overload
    def __call__(
        self,
        text: Iterable[str],
        schema: Any,
        task: str = "ner",
        language: str | None = None,
        *,
        triggers: Iterable[Triggers | None] | None = None,
    ) -> list[Extraction]: ...

    def __call__(
        self, text: Any, schema: Any, task: str = "ner", language: str | None = None, *, triggers: Any = None
    ) -> Extraction | list[Extraction]:
        """Extract from one text or several.

        Args:
            text: A text, or a list of them.
            schema: What to look for: see `schema_input.schema_of`; or a list with one schema for each text.
            task: `ner`, `re`, `ee`, `eet`, `eea`, `spo` or `kg`, in any case.
            language: Of the prompt, `en` or `zh`; None tells it from each text, see `documents.language_of`.
            triggers: For `eea`: event type → its triggers, where they are known; one such for each text.

        Returns:
            One extraction for a text, a list for a list. What is wrong with a text, such as that it is empty, stands
            in the `error` of its extraction.

        Raises:
            DataError: An unknown task, language or schema.
            TrainerError: Nothing can be answered at all.
        """
        if isinstance(text, str):
            (found,) = self.stream([text], iter([schema]), task, language, triggers=[triggers])
            return found
        return list(self.stream(list(text), schema, task, language, triggers=triggers))

    def stream(
        self,
        texts: Iterable[str],
        schema: Any,
        task: str = "ner",
        language: str | None = None,
        *,
        triggers: Iterable[Triggers | None] | None = None,
    ) -> Iterator[Extraction]:
        """Extract from texts as they come, in their order; they are read no further than the backend needs.

        Args:
            texts: The texts.
            schema: One schema for all, or an iterable with one for each.
            task: See `__call__`.
            language: See `__call__`.
            triggers: See `__call__`.

        Yields:
            One extraction a text.

        Raises:
            DataError: An unknown task, language or schema.
            TrainerError: Nothing can be answered at all.
        """
        yield from self.answer(documents_of(texts, schema, task, language, triggers))

    def answer(self, documents: Iterable[Document]) -> Iterator[Extraction]:
        """Extract from documents, each with a schema, task and language of its own; see `stream`."""
        waiting: deque[_Asked] = deque()

        def rows() -> Iterator[dict[str, Any]]:
            for document in documents:
                asked = self._asked(document)
                waiting.append(asked)
                row = {"task": document.task.upper(), "language": asked.language}
                yield from ({**row, "instruction": question.instruction} for question in asked.questions)

        for answer in self.backend.answer(rows()):
            while waiting[0].is_answered:  # texts that nothing was asked about
                yield self._put_together(waiting.popleft())
            waiting[0].answers.append(answer)
            if waiting[0].is_answered:
                yield self._put_together(waiting.popleft())
        while waiting and waiting[0].is_answered:
            yield self._put_together(waiting.popleft())
        if waiting:
            raise TrainerError("the backend gave fewer answers than it was asked questions")

    def asker(self, schema: Schema, task: str, language: str) -> Asker:
        """Who asks for a schema; those used last are kept, since their prompts and batches are ready."""
        parts = (schema.types, schema.relations, schema.roles, schema.triples, schema.descriptions)
        name = repr((task, language, parts))
        with self._lock:
            asker = self._askers.pop(name, None)
        if asker is None:
            asker = Asker(
                TASKS[task],
                schema,
                language,
                split_num=self._split_num,
                descriptions=self._descriptions,
                room=self.backend.room,
                max_prompt_tokens=self._max_prompt_tokens,
                count=self.backend.count,
                reach=self._reach,
            )
        with self._lock:
            self._askers[name] = asker
            if len(self._askers) > _KEPT:
                del self._askers[next(iter(self._askers))]
        return asker

    def _asked(self, document: Document) -> _Asked:
        text = document.text
        language = document.language or language_of(text)
        error = document.error or ("" if text.strip() else "the text is empty")
        if error:
            return _Asked(document, language, error=error)
        asker = self.asker(document.schema, document.task, language)
        try:
            hinted = TASKS[document.task].hints is not None
            items = with_triggers(asker.task, asker.schema, document.triggers) if hinted else None
            return _Asked(document, language, asker.questions(text, items))
        except DataError as problem:
            return _Asked(document, language, error=str(problem))
        except UNFIT:
            words = [word for each in (document.triggers or {}).values() for word in each if word not in text]
            return _Asked(document, language, error=f"trigger {words} does not stand in the text (leave it out)")

    def _put_together(self, asked: _Asked) -> Extraction:
        document = asked.document
        if asked.error:
            return Extraction(document.text, document.task, asked.language, error=asked.error, failed=True)
        return extraction_of(
            document.text,
            document.task,
            asked.language,
            asked.questions,
            asked.answers,
            max(self.min_confidence, document.min_confidence),
            self.conflicts,
        )
