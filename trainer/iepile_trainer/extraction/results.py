"""What was found in a text: typed results with their places, and everything that was not usable."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

__all__ = ["Event", "Extraction", "Relation", "Result"]


class _Json:
    def as_dict(self: Any) -> dict[str, Any]:
        """Plain JSON.

        >>> Mention("city", "Ulm", 3, 6, 0.91234567).as_dict()
        {'label': 'city', 'text': 'Ulm', 'start': 3, 'end': 6, 'confidence': 0.912346}
        """
        return asdict(self, dict_factory=_plain)


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {
        name: rounded(value) if name == "confidence" else list(value) if isinstance(value, tuple) else value
        for name, value in pairs
        if name != "minimum"
    }


@dataclass(frozen=True)
class Mention(_Json):
    """A piece of the text and what it is.

    Attributes:
        label: Its type; in an event the role; "" where none was asked, as for the ends of a plain relation.
        text: The mention as the text spells it; as the model wrote it where the text does not hold it.
        start: Where it begins in the text, in characters; None where the text does not hold it, which is left out
            unless `ungrounded="keep"`.
        end: Where it ends: `text[start:end]` of the extraction is the mention, character for character.
        confidence: Geometric mean of the probabilities of its tokens, 0 to 1; None where they are unknown.
        minimum: The smallest of them.
    """

    label: str
    text: str
    start: int | None = None
    end: int | None = None
    confidence: float | None = None
    minimum: float | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes it the same as another: label, text and place, not how sure it is."""
        return (self.label, self.text, self.start)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """Its place in the text, () where it has none."""
        return () if self.start is None or self.end is None else ((self.start, self.end),)


@dataclass(frozen=True)
class Relation(_Json):
    """Two mentions and what connects them; for a knowledge graph an entity, its attribute and the value.

    Attributes:
        label: The relation or attribute.
        head: The subject; its label is its type, where types were asked.
        tail: The object, or the attribute's value.
        confidence: As of a mention, over the tokens of both.
        minimum: The smallest of them.
    """

    label: str
    head: Mention
    tail: Mention
    confidence: float | None = None
    minimum: float | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes it the same as another."""
        return (self.label, self.head.key, self.tail.key)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The places of head and tail, those that are in the text."""
        return self.head.spans + self.tail.spans


@dataclass(frozen=True)
class Event(_Json):
    """Something that happened, the word that says so and who or what took part.

    Attributes:
        label: The event type.
        trigger: The word, labelled with the type; None where the answer names none (`NAN`).
        arguments: The participants; their label is their role. A role without participant is not there.
        confidence: As of a mention: the trigger's, or that of all arguments where there is no trigger.
        minimum: The smallest of them.
    """

    label: str
    trigger: Mention | None
    arguments: tuple[Mention, ...] = ()
    confidence: float | None = None
    minimum: float | None = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes it the same as another, whatever the order of its arguments."""
        return (self.label, self.trigger and self.trigger.key, frozenset(part.key for part in self.arguments))

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The trigger's place, or those of the arguments where it has none."""
        return self.trigger.spans if self.trigger else tuple(span for part in self.arguments for span in part.spans)


Result = Mention | Relation | Event


@dataclass(frozen=True)
class Extraction(Sequence[Result]):
    """The results for one text, in the order of the text; what is not in the text stands last.

    Attributes:
        text: The text.
        task: Lower-case name of the task.
        language: Of the prompt, `en` or `zh`.
        results: Mentions, relations or events; the extraction itself is the sequence of them.
        raw: The model's answers, one for each question, in the order in which they were asked.
        error: Why nothing, or not everything, could be read, in one line; None where everything could.
        lost: What was read and left out, one line each.

    >>> extraction = Extraction("In Ulm", "ner", "en", (Mention("city", "Ulm", 3, 6),), ('{"city": ["Ulm"]}',))
    >>> len(extraction), extraction[0].text, extraction.error
    (1, 'Ulm', None)
    >>> print(extraction)
    city  Ulm [3:6]
    """

    text: str
    task: str
    language: str
    results: tuple[Result, ...] = ()
    raw: tuple[str, ...] = ()
    error: str | None = None
    lost: tuple[str, ...] = ()

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Extraction":
        """An extraction from the JSON of `as_dict`.

        >>> extraction = Extraction("In Ulm", "ner", "en", (Mention("city", "Ulm", 3, 6),))
        >>> Extraction.of(extraction.as_dict()) == extraction
        True
        """
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        results = tuple(map(_result_of, fields.pop("extractions")))
        return cls(**fields, results=results)

    def __getitem__(self, place: Any) -> Any:
        return self.results[place]

    def __len__(self) -> int:
        return len(self.results)

    def __str__(self) -> str:
        """A short table: a line a result, what is wrong at the end."""
        rows = [(result.label, *_described(result)) for result in self.results] or [("nothing", "", "")]
        widths = [min(max(len(row[place]) for row in rows), 40) for place in (0, 1)]
        lines = [f"{label:{widths[0]}}  {what:{widths[1]}}  {how_sure}".rstrip() for label, what, how_sure in rows]
        lines += [f"left out: {len(self.lost)} ({self.lost[0]}{', …' if self.lost[1:] else ''})"] if self.lost else []
        return "\n".join(lines + ([f"error: {self.error}"] if self.error else []))

    def _repr_html_(self) -> str:
        """The text with its results marked, for notebooks."""
        marks = sorted({(*span, result.label) for result in self.results for span in result.spans})
        parts, end = [], 0
        for start, stop, label in marks:
            if start >= end:  # of marks inside each other the first
                parts.append(f"{escape(self.text[end:start])}<mark>{escape(self.text[start:stop])}")
                parts.append(f" <small>{escape(label)}</small></mark>")
                end = stop
        parts.append(escape(self.text[end:]))
        return f'<div style="white-space: pre-wrap">{"".join(parts)}</div><pre>{escape(str(self))}</pre>'

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON, as the command line and the server write it."""
        values = asdict(self, dict_factory=_plain)
        return {"extractions" if name == "results" else name: value for name, value in values.items()}


def _result_of(values: Mapping[str, Any]) -> Result:
    fields = dict(values)
    if "head" in fields:
        return Relation(**fields | {end: Mention(**fields[end]) for end in ("head", "tail")})
    if "trigger" not in fields:
        return Mention(**fields)
    parts = tuple(Mention(**part) for part in fields["arguments"])
    return Event(**fields | {"trigger": fields["trigger"] and Mention(**fields["trigger"]), "arguments": parts})


def _described(result: Result) -> tuple[str, str]:
    """(what it is and where it begins, how sure it is)"""
    if isinstance(result, Relation):
        what = f"{_placed(result.head)} → {_placed(result.tail)}"
    elif isinstance(result, Event):
        what = _placed(result.trigger) if result.trigger else "(no trigger)"
        what += "".join(f"; {part.label}: {_placed(part)}" for part in result.arguments)
    else:
        what = _placed(result)
    return what, "" if result.confidence is None else f"{result.confidence:.2f}"


def _placed(mention: Mention) -> str:
    return " ".join(mention.text.split()) + ("" if mention.start is None else f" [{mention.start}:{mention.end}]")


def rounded(confidence: float | None) -> float | None:
    """A confidence as it is written: six digits."""
    return None if confidence is None else round(confidence, 6)
