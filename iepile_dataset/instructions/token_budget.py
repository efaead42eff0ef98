"""Questions that fit a token budget: smaller batches, role lists in pieces, long texts in windows.

Nothing is cut silently: windows are whole sentences where these fit, an answer holds what stands in its window,
and what stands in no window is counted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from json.encoder import encode_basestring as quote
from pathlib import Path

from ..answers import Items
from ..errors import DataError, shown
from ..options import Options
from ..schema import Schema
from ..tasks import Task
from .instructor import Instructor, Questions
from .lost_units import lost_units
from .windows import LEAST_TEXT, Window, known_roles, windows, within

__all__ = ["TokenBudget", "token_counter", "tokenizer_file"]


class TokenBudget:
    """Asks a record in questions of at most `options.max_prompt_tokens` tokens.

    The tokens are those of the instruction alone, without a chat template's own, counted by `count` where it is given,
    else with `options.tokenizer`.

    Attributes:
        windows: Windows that were made beyond the first of each text.
        lost: Annotated units, as scoring counts them, that no answer holds.
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
        self._limit, self._overlap = options.max_prompt_tokens or 0, options.window_overlap
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
        return [(text[slice(*window)], questions) for window, questions in self.windows_of(text, items)]

    def windows_of(self, text: str, items: Items | None) -> list[tuple[Window, Questions]]:
        """As `parts`, each window as its (start, end)."""
        whole = self._whole.ask(text, items)
        room = max(LEAST_TEXT, self._room - self._longest(text, items))
        cut = windows(text, room, self._text_cost, self._overlap)
        cut = [window for window in cut if not text[slice(*window)].isspace()] or cut[:1]
        self.windows += len(cut) - 1
        parts = []
        for window in cut:
            piece = text[slice(*window)]
            used = self._text_cost(piece)
            for asker in self._askers:
                known = None if items is None else within(piece, items, self.task, asker.schema)
                questions = asker.ask(piece, known, lambda entries: self._split(entries, self._room - used))  # noqa: B023
                self.over += sum(self._is_over(asked, piece, used) for asked in questions.asked)
                parts.append((window, questions._replace(label=whole.label)))
        if items and len(parts) > 1:
            self.lost += lost_units(self.task, whole, [questions for _, questions in parts])
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
