"""Texts and a schema → typed results with places, by any model and engine.

A text goes forward through `documents` (with its schema), `questions` (instructions about its windows), an engine (the
answers), `confidence` and `locate` (what they state, how surely and where) and `merge_windows` (one extraction).

```python
from iepile_trainer import Extractor

extract = Extractor.from_pretrained("runs/quickstart")
for mention in extract("Ann Bell moved to Oslo.", schema=["person", "city"]):
    print(mention.label, mention.text, mention.start, mention.end, mention.confidence)

extract(texts, schema={"lawsuit": ["plaintiff", "place"]}, task="ee")  # a list of texts, one schema
extract(texts, schema=[["person"], ["city", "river"]])  # a schema for each text
for extraction in extract.stream(lines, schema="schema.json"):  # as many as there are, as they come
    print(extraction.as_dict())
```
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, overload

from iepile_dataset import DataError, Schema
from iepile_dataset.tasks import TASKS

from ..engines import Answer, Engine, Row, open_engine
from ..errors import TrainerError
from ..run_folder import trained_length
from .arguments import ExtractionOptions
from .documents import Document, documents_of, texts_in
from .merge_windows import extraction_of
from .objects import Objects, json_schema_of, objects_of, plan_of
from .questions import Question, QuestionBuilder
from .results import Extraction

__all__ = ["Extractor"]

_KEPT = 64  # schemas whose prompts are kept ready


@dataclass
class _Pending:
    """A document whose answers are awaited; none are where it has an error."""

    document: Document
    questions: Sequence[Question] = ()
    answers: list[Answer] = field(default_factory=list)

    @property
    def is_answered(self) -> bool:
        return len(self.answers) == len(self.questions)


class Extractor:
    """Finds in texts what a schema names.

    Args:
        engine: Who answers.
        options: How to ask and what to leave out; those of the engine are not looked at.
        trained_length: The longest prompt that the model's training was like, in tokens; `from_pretrained` knows it
            of a run. Without `max_prompt_tokens`, texts are cut into windows of that length.
        **changes: Options by name, as in `Extractor(engine, max_prompt_tokens=500)`.

    Whatever answers rows can be the engine; this one always says the same:

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
        engine: Engine,
        options: ExtractionOptions | None = None,
        trained_length: int | None = None,
        **changes: Any,
    ) -> None:
        self.engine, self.options = engine, replace(options or ExtractionOptions(), **changes)
        self._trained_length = trained_length
        self._builders: dict[str, QuestionBuilder] = {}
        self._lock = Lock()

    @classmethod
    def from_pretrained(cls, model: str, adapter: str | None = None, **options: Any) -> "Extractor":
        """Load a model.

        Args:
            model: A run folder (whole model or adapter), a Hub id, or the name by which a server knows the model.
            adapter: An adapter on top of `model`.
            **options: Those of `ExtractionOptions`: engine, constrain, batch_size, min_confidence, base_url …

        Raises:
            TrainerError: No such model, an adapter for another base, a wrong option.
        """
        try:
            return cls.open(ExtractionOptions(model, adapter, **options))
        except TypeError as error:
            if "unexpected keyword" not in str(error):
                raise
            raise TrainerError(f"{str(error).partition('() ')[2]} (see ExtractionOptions)") from None

    @classmethod
    def open(cls, options: ExtractionOptions) -> "Extractor":
        """Load the model that the options name.

        Raises:
            TrainerError: No such model, an adapter for another base, options that do not go together.
        """
        local = options.tokenizer if options.engine == "openai" else options.model
        return cls(open_engine(options), options, trained_length(local, options.adapter))

    @overload
    def __call__(self, text: str, schema: Any, *args: Any, **options: Any) -> Extraction: ...

    @overload
    def __call__(self, text: Iterable[str], schema: Any, *args: Any, **options: Any) -> list[Extraction]: ...

    def __call__(
        self, text: Any, schema: Any, task: str = "ner", language: str | None = None, *, triggers: Any = None
    ) -> Extraction | list[Extraction]:
        """Extract from one text or several.

        Args:
            text: A text, or several: a list, a column, or a table (pandas, `datasets`) with a column `text`.
            schema: What to look for: see `schema_input.schema_of`; or a list with one schema for each text.
            task: `ner`, `re`, `ee`, `eet`, `eea`, `spo` or `kg`, in any case.
            language: Of the prompt, `en` or `zh`; None tells it from each text.
            triggers: For `eea`: event type → its triggers, where they are known; one such for each text.

        Returns:
            One extraction for a text, a list for a list. What is wrong with a text, such as that it is empty, stands
            in the `error` of its extraction.

        Raises:
            DataError: An unknown task, language or schema.
            TrainerError: Nothing can be answered at all.
        """
        if isinstance(text, str):
            (extraction,) = self.stream([text], iter([schema]), task, language, triggers=[triggers])
            return extraction
        return list(self.stream(list(texts_in(text)), schema, task, language, triggers=triggers))

    def several(self, text: str, schemas: Mapping[str, Any], language: str | None = None) -> dict[str, Extraction]:
        """Several tasks on one text in one call.

        Args:
            text: The text.
            schemas: Task → schema, such as `{"ner": ["person"], "re": ["works for"]}`.
            language: As of a call.

        Returns:
            Task, as it was given → its extraction.

        Raises:
            DataError: An unknown task, language or schema.
        """
        if not isinstance(schemas, Mapping):
            raise DataError(f"{schemas!r} is no object of tasks (wanted task: schema)")
        documents = [next(documents_of([text], iter([schema]), task, language)) for task, schema in schemas.items()]
        return dict(zip(schemas, self.answer(documents)))

    def objects(self, text: str, kind: Any, language: str | None = None) -> Objects:
        """Objects of a class out of a text.

        Args:
            text: The text.
            kind: A Pydantic model, a dataclass or a JSON Schema, or a list of one, see `objects`.
            language: As of a call.

        Returns:
            A list of objects, or the one object that holds lists; with the extractions and what was lost.

        Raises:
            DataError: What cannot be asked for, by its name.
            TrainerError: A class was given and pydantic is not here.

        >>> class Parrot:
        ...     room, count = None, len
        ...     def answer(self, rows):
        ...         said = '{"Move": [{"trigger": "NAN", "arguments": {"who": "Ada", "where to": "Ulm"}}]}'
        ...         return (Answer(said) for row in rows)
        >>> text = {"type": "string"}
        >>> move = {"title": "Move", "type": "object", "properties": {"who": text, "where_to": text}}
        >>> Extractor(Parrot()).objects("Ada moved to Ulm.", move).value
        [{'who': 'Ada', 'where_to': 'Ulm'}]
        """
        schema, make = json_schema_of(kind)
        plan = plan_of(schema)
        return objects_of(plan, make, self.several(text, plan.schemas, language))

    def stream(
        self, texts: Iterable[str], schema: Any, task: str = "ner", language: str | None = None, *, triggers: Any = None
    ) -> Iterator[Extraction]:
        """Extract from texts as they come, in their order; they are read no further than the engine needs.

        The arguments and errors are those of a call; `schema` may also be an iterator with one for each text.

        Yields:
            One extraction a text.
        """
        yield from self.answer(documents_of(texts_in(texts), schema, task, language, triggers))

    def answer(self, documents: Iterable[Document]) -> Iterator[Extraction]:
        """Extract from documents, each with a schema, task and language of its own; see `stream`."""
        waiting: deque[_Pending] = deque()

        def rows() -> Iterator[Row]:
            for document in documents:
                pending = self._pending(document)
                waiting.append(pending)
                row = {"task": document.task.upper(), "language": document.prompt_language}
                for number, question in enumerate(pending.questions):
                    if document.is_given_up():
                        pending.questions = pending.questions[:number]
                        break
                    yield {**row, "instruction": question.instruction}

        def answered() -> Iterator[Extraction]:
            while waiting and waiting[0].is_answered:  # nothing is asked about some
                pending = waiting.popleft()
                yield extraction_of(pending.document, pending.questions, pending.answers, self.options)

        for answer in self.engine.answer(rows()):
            yield from answered()
            waiting[0].answers.append(answer)
            yield from answered()
        yield from answered()
        if waiting:
            raise TrainerError("the engine gave fewer answers than it was asked questions")

    def builder(self, schema: Schema, task: str, language: str) -> QuestionBuilder:
        """Who asks for a schema; those used last are kept, since their prompts and batches are ready."""
        name = repr((task, language, schema))
        limits = self.engine.room, self._trained_length, self.engine.count
        with self._lock:
            builder = self._builders.pop(name, None)
            builder = builder or QuestionBuilder(TASKS[task], schema, language, self.options, *limits)
            self._builders[name] = builder
            if len(self._builders) > _KEPT:
                del self._builders[next(iter(self._builders))]
        return builder

    def _pending(self, document: Document) -> _Pending:
        error = document.error or ("" if document.text.strip() else "the text is empty")
        if error:
            return _Pending(replace(document, error=error))
        builder = self.builder(document.schema, document.task, document.prompt_language)
        try:
            return _Pending(document, builder.ask(document.text, document.triggers))
        except DataError as problem:
            return _Pending(replace(document, error=str(problem)))
