"""The results of all questions about one text → one extraction.

Rules.

- Identical results merge: same label, same texts, same places. The surest stays.
- Different labels at the same place are all kept; with `conflicts="best"` only the surest of them, of equals the one
  that was asked first.
- Windows may overlap, see `overlaps`: what two of them see counts once, and of a mention that the edge of a window cut
  the half goes where another window shows the whole. Neighbours are never joined.
- Where the roles of an event type were asked in several questions about one window, the n-th event with a trigger
  in one answer and the n-th with the same trigger in another are one event with the arguments of both.
- With `min_confidence`, results below it are left out, and arguments below it left out of their event; what has no
  confidence stays.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from ..engines import Answer
from .arguments import ExtractionOptions
from .documents import Document
from .locate import results_of
from .overlaps import Windowed, once, united
from .questions import Question
from .results import Event, Extraction, Mention, Result

__all__ = ["extraction_of"]


def extraction_of(
    document: Document,
    questions: Sequence[Question],
    answers: Sequence[Answer],
    options: ExtractionOptions | None = None,
) -> Extraction:
    """Put the answers to all questions about one text together.

    Args:
        document: The text, its task and language; with an error it has no results.
        questions: What was asked.
        answers: One for each question.
        options: Of these, `min_confidence` and `conflicts`, see above, `places` and `ungrounded`.
    """
    nothing = Extraction(document.text, document.task, document.prompt_language, error=document.error)
    if document.error:
        return nothing
    options = options or ExtractionOptions()
    text, least = document.text, max(options.min_confidence, document.min_confidence)
    answered: list[tuple[Question, list[Result]]] = []
    lost: list[str] = []
    problems: dict[str, list[int]] = {}
    for number, (question, answer) in enumerate(zip(questions, answers), 1):
        results, left_out, problem = results_of(document.task, text, question, answer, options)
        answered.append((question, results))
        lost += left_out
        if problem is not None:
            problems.setdefault(problem, []).append(number)
    merged = _distinct(once(document.text, _whole_events(answered)))
    if options.conflicts == "best":
        merged = _best(merged, lost)
    merged = list(_sure(merged, least, lost))
    merged.sort(key=lambda result: min(result.spans, default=(len(text), 0))[0])
    return replace(
        nothing,
        results=tuple(merged),
        raw=tuple(answer.text for answer in answers),
        error=_in_one_line(problems, len(questions)),
        lost=tuple(dict.fromkeys(lost)),
    )


def _in_one_line(problems: dict[str, list[int]], total: int) -> str | None:
    """What was wrong with which answers."""
    if total == 1 or not problems:
        return next(iter(problems), None)
    lines = []
    for problem, numbers in problems.items():
        some = ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")
        lines.append(f"{problem} ({some} of {total} answers)")
    return "; ".join(lines)


def _whole_events(answered: list[tuple[Question, list[Result]]]) -> list[Windowed]:
    """Results with their window's place, events that were asked in pieces put together."""
    whole: dict[Any, Windowed] = {}
    for number, (question, results) in enumerate(answered):
        seen: Counter[Any] = Counter()
        for place, result in enumerate(results):
            key: Any = (number, place)
            if isinstance(result, Event):
                name = (question.window, result.label, result.trigger and result.trigger.key)
                key = (*name, seen[name])
                seen[name] += 1
                _, before = whole.get(key, (None, None))
                result = united(before, result) if isinstance(before, Event) else result
            whole[key] = ((question.start, question.end), result)
    return list(whole.values())


def _distinct(results: Iterable[Result]) -> list[Result]:
    kept: dict[Any, Result] = {}
    for result in results:
        same = kept.get(result.key)
        if same is None or (result.confidence or 0.0) > (same.confidence or 0.0):
            kept[result.key] = result  # a key that is there keeps its place
    return list(kept.values())


def _best(results: list[Result], lost: list[str]) -> list[Result]:
    """Of several labels at one place the surest."""
    best: dict[Any, Result] = {}
    for result in results:
        place: Any = (type(result), result.spans or result.key)
        other = best.get(place)
        if other is None or other.label == result.label:  # two events of one type and trigger contradict nothing
            best[place if other is None else (*place, result.key)] = result
            continue
        better, worse = (result, other) if (result.confidence or 0) > (other.confidence or 0) else (other, result)
        best[place] = better
        lost.append(f'label "{worse.label}" at the place of "{better.label}", which is surer: {_quoted(worse)}')
    return list(best.values())


def _sure(results: Iterable[Result], least: float, lost: list[str]) -> Iterable[Result]:
    for result in results:
        if result.confidence is not None and result.confidence < least:
            lost.append(f"below {least:g} in confidence: {_quoted(result)} ({result.label}, {result.confidence:.3g})")
            continue
        if isinstance(result, Event):
            unsure: list[str] = []
            arguments = tuple(cast(Iterable[Mention], _sure(result.arguments, least, unsure)))
            lost += [f"role {line}" for line in unsure]
            result = replace(result, arguments=arguments)
        yield result


def _quoted(result: Result) -> str:
    if isinstance(result, Mention):
        return f'"{result.text}"'
    if isinstance(result, Event):
        return f'"{result.trigger.text}"' if result.trigger else "an event without trigger"
    return f'"{result.head.text}" and "{result.tail.text}"'
