"""Questions that fit a token budget: smaller batches, role lists in pieces, long texts in windows.

Nothing is cut silently: windows are whole sentences where these fit, an answer holds what stands in its window,
and what stands in no window is counted.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from json.encoder import encode_basestring as quote
from pathlib import Path
from typing import Any

from ..answers import NO_MENTION, Items
from ..errors import DataError, shown
from ..options import Options
from ..schema import Schema
from ..tasks import Task
from .instructor import Instructor, Questions

__all__ = ["LEAST_TEXT", "TokenBudget", "known_roles", "token_counter", "tokenizer_file", "windows", "within"]

# A sentence ends behind its closing mark and the quotes and spaces that follow; a full stop only before a space,
# so that 3.14 stays whole.
_SENTENCE = re.compile(r".+?(?:[。！？；!?…\n]+[”’」』）\"')]*\s*|\.[”’\"')]*(?:\s+|$)|$)", re.DOTALL)

LEAST_TEXT = 16
"""Tokens of text below which a budget is refused: a window of less is no text."""


class TokenBudget:
    """Asks a record in questions of at most `options.max_prompt_tokens` tokens.

    The tokens are those of the instruction alone, without a chat template's own, counted by `count` where it is given,
    else with `options.tokenizer`.

    Attributes:
        windows: Windows that were made beyond the first of each text.
        lost: Annotated units that stand in no window as a whole.
        over: Instructions that exceed the budget all the same: what must be asked at once leaves no room for a text.

    Raises:
        DataError: The tokenizer cannot be loaded, or the budget leaves no room for a text.
    """

    def __init__(
        self,
        make: Callable[[Schema], Instructor],
        task: Task,
        schema: Schema,
        options: Options,
        count: Callable[[str], int] | None = None,
    ) -> None:
        self.windows = self.lost = self.over = 0
        self._limit = options.max_prompt_tokens or 0
        self._count = count or token_counter(options.tokenizer or "")
        self._cost = lru_cache(maxsize=1 << 14)(self._measured_cost)
        self._annotation = task.annotation
        self._whole = make(schema)
        overhead = self._count(self._whole.instruction("[]", ""))
        self._room = self._limit - overhead
        # No single label may take more than half of what is left, so that text and label both find room.
        self._askers = [make(piece) for piece in _pieces(schema, task, self._room // 2, self._count)]
        self.head, self.task, self.unknown_hard = self._whole.head, task, self._whole.unknown_hard
        self.instruction = self._whole.instruction
        self._largest = max(
            (self._cost(entry) for asker in self._askers for entry in asker.entries.values()), default=0
        )
        if self._room - self._largest < LEAST_TEXT:
            raise DataError(
                f"max_prompt_tokens={self._limit} leaves {self._room - self._largest} tokens for the text: the prompt "
                f"takes {overhead} and the longest label {self._largest} "
                f"(allow at least {overhead + self._largest + LEAST_TEXT})"
            )

    def parts(self, text: str, items: Items | None) -> Sequence[tuple[str, Questions]]:
        """(window, its questions) for each window of the text and each piece of the schema.

        Raises:
            One of `answers.UNFIT`: the record does not fit the schema, as without a budget.
        """
        label = self._whole.ask(text, items).label
        parts = []
        cut = windows(text, max(LEAST_TEXT, self._room - self._longest(text, items)), self._text_cost)
        cut = [window for window in cut if not window.isspace()] or cut[:1]
        self.windows += len(cut) - 1
        inside = [within(window, items or (), self._annotation) for window in cut]
        if len(cut) > 1:
            self.lost += _lost(items or (), inside, self._annotation)
        for window, held in zip(cut, inside):
            used = self._text_cost(window)
            for asker in self._askers:
                known = None if items is None else known_roles(held, asker.schema, self._annotation)
                questions = asker.ask(window, known, lambda entries: self._split(entries, self._room - used))  # noqa: B023
                self.over += sum(self._is_over(asked, window, used) for asked in questions.asked)
                parts.append((window, questions._replace(label=label)))
        return parts

    def _longest(self, text: str, items: Items | None) -> int:
        """Tokens of the longest entry that is asked of a text."""
        if not self.task.hints or not items:
            return self._largest
        hints = [
            self.task.hints(text, known_roles(items, asker.schema, self._annotation), asker.schema).values()
            for asker in self._askers
        ]
        return max((self._cost(entry) for entries in hints for entry in entries), default=0)

    def _is_over(self, asked: str, text: str, used: int) -> bool:
        # The sum comes first, since whole instructions take long to count.
        estimate = self._cost(asked) + used
        return estimate > self._room and self._count(self._whole.instruction(asked, text)) > self._limit

    def _text_cost(self, text: str) -> int:
        return self._count(quote(text)[1:-1])  # as it stands in the instruction

    def _split(self, entries: Mapping[str, str], room: int) -> list[list[str]]:
        """Labels in order, cut where the next one would no longer fit."""
        cut: list[list[str]] = []
        left = 0
        for label, entry in entries.items():
            cost = self._cost(entry)
            if not cut or cost > left:
                cut.append([])
                left = room
            cut[-1].append(label)
            left -= cost
        return cut

    def _measured_cost(self, entry: str) -> int:
        return self._count(", " + entry) + 1  # one more, since tokens at a seam may join differently


def windows(text: str, limit: int, count: Callable[[str], int]) -> list[str]:
    """Cut a text into consecutive windows of at most `limit` tokens, at sentence ends where sentences fit.

    >>> windows("One two. Three four. Five.", 4, lambda part: len(part.split()))
    ['One two. Three four. ', 'Five.']
    >>> windows("我来了。你走了。", 5, len)
    ['我来了。', '你走了。']
    """
    if count(text) <= limit:
        return [text]
    cut: list[str] = []
    for sentence in _SENTENCE.findall(text):
        if cut and count(cut[-1] + sentence) <= limit:
            cut[-1] += sentence
        else:
            cut += _chunks(sentence, limit, count)
    return cut


def _chunks(sentence: str, limit: int, count: Callable[[str], int]) -> list[str]:
    """A sentence in one piece, or halved at spaces (letters where there are none) until each piece fits."""
    if count(sentence) <= limit or len(sentence) < 2:
        return [sentence]
    middle = len(sentence) // 2
    space = sentence.rfind(" ", 1, middle) + 1
    middle = space or middle
    return _chunks(sentence[:middle], limit, count) + _chunks(sentence[middle:], limit, count)


def within(window: str, items: Items, annotation: str) -> list[Mapping[str, Any]]:
    """What of an annotation stands in a window: entities, relations with both ends, events with their trigger.

    Arguments that stand elsewhere are left out of their event; an event without trigger stays where any argument
    does.
    """
    return [kept for item in items if (kept := _WITHIN[annotation](window, item)) is not None]


def _event(window: str, item: Mapping[str, Any]) -> Mapping[str, Any] | None:
    trigger, arguments = item.get("event_trigger"), _named(item)
    kept = [argument for argument in arguments if argument["argument"] in window]
    stands = trigger in window if trigger not in NO_MENTION else bool(kept) or not arguments
    return {**item, "arguments": kept} if stands else None


def _named(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The arguments that name something."""
    return [argument for argument in event.get("arguments") or () if argument["argument"] not in NO_MENTION]


_WITHIN: Mapping[str, Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]] = {
    "entity": lambda window, item: item if item["entity"] in window else None,
    "relation": lambda window, item: item if item["head"] in window and item["tail"] in window else None,
    "event": _event,
}


def _lost(items: Items, inside: list[list[Mapping[str, Any]]], annotation: str) -> int:
    """Units (entities, relations, events and arguments) that no window holds."""

    def units(annotated: Sequence[Mapping[str, Any]]) -> set[str]:
        named = set()
        for item in annotated:
            bare = {key: value for key, value in item.items() if key != "arguments"}
            named.add(repr(bare))
            named |= {repr((bare, argument)) for argument in (_named(item) if annotation == "event" else ())}
        return named

    return len(units(items) - set().union(*map(units, inside)))


def known_roles(items: Items, schema: Schema, annotation: str) -> Items:
    """The events that a piece of the schema asks for, with the arguments whose roles it has."""
    if annotation != "event":
        return items
    return [
        {**item, "arguments": [argument for argument in _named(item) if argument["role"] in roles]}
        for item in items
        if item["event_type"] in schema.types
        for roles in [schema.roles.get(item["event_type"], ())]
    ]


def _pieces(schema: Schema, task: Task, limit: int, count: Callable[[str], int]) -> list[Schema]:
    """The schema, long role lists cut: the first piece asks for everything once, the others for further roles."""
    pieces = [schema]
    for kind in schema.types if task.annotation == "event" else ():
        roles, parts = schema.roles.get(kind, ()), []
        for share in range(1, len(roles) + 1):
            size = -(-len(roles) // share)
            parts = [roles[start : start + size] for start in range(0, len(roles), size)]
            longest = max(parts, key=lambda part: sum(map(len, part)))
            if count(task.entry(kind, replace(schema, roles={**schema.roles, kind: longest}))) <= limit:
                break
        for number, part in enumerate(parts):
            if number == len(pieces):
                pieces.append(Schema())
            piece = pieces[number]
            types = piece.types if kind in piece.types else (*piece.types, kind)
            pieces[number] = replace(piece, types=types, roles={**piece.roles, kind: part})
    return pieces


def tokenizer_file(name: str) -> Path | None:
    """The file of a local tokenizer, a folder or a `tokenizer.json`, from the root; None for a name on the Hub."""
    path = Path(name).absolute()
    path = path / "tokenizer.json" if path.is_dir() else path
    return path if path.is_file() else None


def token_counter(name: str) -> Callable[[str], int]:
    """A function that counts tokens with a tokenizer: a folder, a `tokenizer.json`, or a name on the Hub.

    Raises:
        DataError: The `tokenizers` package or the tokenizer is not there.
    """
    file = tokenizer_file(name)
    # A tokenizer that was trained again under the same name is another one.
    version = (file.stat().st_mtime_ns, file.stat().st_size) if file else ()
    return _counter(str(file or name), file is not None, version)


@lru_cache(maxsize=4)
def _counter(name: str, local: bool, version: tuple[int, ...]) -> Callable[[str], int]:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        raise DataError('counting tokens needs the tokenizers package (pip install "iepile[train]")') from None
    try:
        tokenizer = Tokenizer.from_file(name) if local else Tokenizer.from_pretrained(name)
    except Exception as error:  # tokenizers raises bare Exception
        reason = f"cannot be loaded: {str(error).splitlines()[0]}"
        raise DataError(f"tokenizer {shown(name)} {reason} (a folder, tokenizer.json or Hub name)") from None
    tokenizer.no_truncation()
    return lambda text: len(tokenizer.encode(text, add_special_tokens=False).ids)
