"""The results of all questions about one text → one extraction.

Rules.

- Identical results merge: same label, same texts, same places. The surest stays.
- Different labels at the same place are all kept; with `conflicts="best"` only the surest of them, of equals the one
  that was asked first.
- Where a window had to end inside a sentence, two mentions of one label that touch its end from both sides, with at
  most spaces between them, are one mention; it is as sure as its less sure half.
- Where the roles of an event type were asked in several questions about one window, the n-th event with a trigger
  in one answer and the n-th with the same trigger in another are one event with the arguments of both.
- With `min_confidence`, results below it are left out, and arguments below it left out of their event; what has no
  confidence stays.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from ..engines import Answer
from .locate import results_of
from .questions import Question
from .results import Event, Extraction, Mention, Result

CONFLICTS = ("keep", "best")

_SENTENCE_ENDS = tuple("。！？；!?….")
_CLOSING = "”’」』）\"') \t"

Found = list[tuple[Question, list[Result]]]


def extraction_of(
    text: str,
    task: str,
    language: str,
    questions: Sequence[Question],
    answers: Sequence[Answer],
    min_confidence: float = 0.0,
    conflicts: str = "keep",
) -> Extraction:
    """Put the answers to all questions about one text together.

    Args:
        text: The text.
        task: Lower-case name.
        language: Of the prompts.
        questions: What was asked.
        answers: One for each question.
        min_confidence: Results below are left out, 0 to 1.
        conflicts: `keep` or `best`, see above.
    """
    found: Found = []
    lost: list[str] = []
    problems: dict[str, list[int]] = {}
    for number, (question, answer) in enumerate(zip(questions, answers), 1):
        results, left_out, problem = results_of(task, text, question, answer)
        found.append((question, results))
        lost += left_out
        if problem is not None:
            problems.setdefault(problem, []).append(number)
    merged = _distinct(_whole_mentions(text, _whole_events(found)))
    if conflicts == "best":
        merged = _best(merged, lost)
    merged = list(_sure(merged, min_confidence, lost))
    merged.sort(key=lambda result: min(result.spans, default=(len(text), 0))[0])
    return Extraction(
        text=text,
        task=task,
        language=language,
        results=tuple(merged),
        raw=tuple(answer.text for answer in answers),
        error=_told(problems, len(questions)),
        lost=tuple(dict.fromkeys(lost)),
        failed=any(answer.error is not None for answer in answers),
    )


def _told(problems: dict[str, list[int]], total: int) -> str | None:
    """What was wrong with which answers, in one line."""
    if total == 1 or not problems:
        return next(iter(problems), None)
    return "; ".join(f"{problem} ({_some(numbers)} of {total} answers)" for problem, numbers in problems.items())


def _some(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:5])) + (" …" if len(numbers) > 5 else "")


def _whole_events(found: Found) -> list[tuple[int, Result]]:
    """(window, result), events that were asked in pieces put together."""
    whole: dict[Any, tuple[int, Result]] = {}
    for number, (question, results) in enumerate(found):
        seen: Counter[Any] = Counter()
        for place, result in enumerate(results):
            if isinstance(result, Event):
                name = (question.window, result.label, result.trigger and result.trigger.key)
                key = (*name, seen[name])
                seen[name] += 1
                before = whole[key][1] if key in whole else None
                whole[key] = (question.window, _united(before, result) if isinstance(before, Event) else result)
            else:
                whole[number, place] = (question.window, result)
    return list(whole.values())


def _united(one: Event, other: Event) -> Event:
    arguments = {part.key: part for part in (*other.arguments, *one.arguments)}
    surer = max(one, other, key=lambda event: event.confidence or 0.0)
    kept = tuple(arguments[key] for key in dict.fromkeys(part.key for part in (*one.arguments, *other.arguments)))
    return replace(surer, arguments=kept)


def _whole_mentions(text: str, found: list[tuple[int, Result]]) -> list[Result]:
    """Mentions that the end of a window went through, put together."""
    results = [result for _, result in found]
    mentions = (at for at, (_, result) in enumerate(found) if isinstance(result, Mention) and result.spans)
    gone = set()
    for first, second in pairwise(sorted(mentions, key=lambda at: (results[at].label, results[at].spans))):
        left, right = results[first], results[second]
        assert isinstance(left, Mention)
        assert isinstance(right, Mention)
        if left.label != right.label or found[first][0] == found[second][0] or not _is_cut(text, left, right):
            continue
        less = min(left, right, key=lambda half: half.confidence if half.confidence is not None else 2.0)
        results[second] = replace(less, text=text[left.start : right.end], start=left.start, end=right.end)
        gone.add(first)
    return [result for at, result in enumerate(results) if at not in gone]


def _is_cut(text: str, left: Mention, right: Mention) -> bool:
    assert left.end is not None
    assert right.start is not None
    between = text[left.end : right.start]
    ended = left.text.rstrip(_CLOSING).endswith(_SENTENCE_ENDS)
    return left.end <= right.start and (not between or between.isspace()) and "\n" not in between and not ended


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
        place = (type(result), result.spans or result.key)
        other = best.get(place)
        if other is None:
            best[place] = result
            continue
        if other.label == result.label:  # two events of one type and trigger contradict nothing
            best[(*place, result.key)] = result
            continue
        better, worse = (result, other) if (result.confidence or 0) > (other.confidence or 0) else (other, result)
        best[place] = better
        lost.append(f'label "{worse.label}" at the place of "{better.label}", which is surer: {_quoted(worse)}')
    return list(best.values())


def _sure(results: Iterable[Result], least: float, lost: list[str]) -> Iterable[Result]:
    for result in results:
        if result.confidence is not None and result.confidence < least:
            lost.append(f'"{result.label}" of confidence {result.confidence:.3g}, below {least:g}: {_quoted(result)}')
            continue
        if isinstance(result, Event):
            unsure = [a for a in result.arguments if a.confidence is not None and a.confidence < least]
            lost += [
                f'role "{a.label}" of confidence {a.confidence:.3g}, below {least:g}: {_quoted(a)}' for a in unsure
            ]
            result = replace(result, arguments=tuple(a for a in result.arguments if a not in unsure))
        yield result


def _quoted(result: Result) -> str:
    if isinstance(result, Mention):
        return f'"{result.text}"'
    if isinstance(result, Event):
        return f'"{result.trigger.text}"' if result.trigger else "an event without trigger"
    return f'"{result.head.text}" and "{result.tail.text}"'
