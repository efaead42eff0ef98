"""Rows into token ids, prompt and answer apart, and a report of what did not fit.

Prompt and answer are tokenised separately: training sees, token for token, the prompt that prediction will
send. Nothing is cut blindly. A row that is too long loses the end of its *text*, never its labels, its
answer or its end token; where that would leave an answer that no longer stands in the text, the row goes,
and the report says how much of the gold went with it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from . import TrainerError
from .formats import end_token_id, use_format

OVERLONG = ("shorten", "drop", "error")
IGNORED = -100  # the label that the loss skips

_CARRIED = ("id", "task", "source", "language")


@dataclass(frozen=True)
class LengthReport:
    """What became of the rows on their way to tokens.

    Attributes:
        max_length: The limit in tokens, None for no limit.
        rows: Rows read.
        kept: Rows to train on, the shortened ones among them.
        shortened: Rows whose text lost its end.
        dropped: Rows that did not fit without losing gold.
        unlabelled: Rows without an answer, which nothing can be learnt from.
        tokens: Tokens of the kept rows.
        answer_tokens: Those of them that are learnt.
        gold: Mentions in all answers.
        gold_lost: Mentions in the answers of dropped rows.
        percentiles: Length in tokens, before shortening, at 50, 90, 99 and 100 percent of the rows.
    """

    max_length: int | None
    rows: int
    kept: int
    shortened: int
    dropped: int
    unlabelled: int
    tokens: int
    answer_tokens: int
    gold: int
    gold_lost: int
    percentiles: dict[str, int]

    @property
    def gold_lost_share(self) -> float:
        """Share of the mentions that can no longer be learnt, 0 to 1."""
        return self.gold_lost / self.gold if self.gold else 0.0

    def as_dict(self) -> dict[str, Any]:
        """All figures, ready for JSON."""
        return {**asdict(self), "gold_lost_share": round(self.gold_lost_share, 6)}

    def __str__(self) -> str:
        lengths = ", ".join(f"{name} {length:,}" for name, length in self.percentiles.items())
        limit = f"max_length {self.max_length:,}" if self.max_length else "no max_length"
        return (
            f"rows {self.rows:,}: kept {self.kept:,} (text shortened in {self.shortened:,}), "
            f"dropped {self.dropped:,} over {limit}, skipped {self.unlabelled:,} without an answer\n"
            f"tokens {self.tokens:,}, of which answers {self.answer_tokens:,}; row length {lengths}\n"
            f"gold lost {self.gold_lost:,} of {self.gold:,} mentions ({self.gold_lost_share:.2%})"
        )


def prompt_ids(tokenizer: Any, instructions: list[str]) -> list[list[int]]:
    """The prompts of `instructions` as token ids, the same for training and prediction.

    A text that happens to contain one of the tokenizer's control tokens keeps it as ordinary text.
    """
    turns = [[{"role": "user", "content": instruction}] for instruction in instructions]
    encoded = tokenizer.apply_chat_template(turns, add_generation_prompt=True, sanitize_control_tokens=True)
    return encoded["input_ids"]


def answer_ids(tokenizer: Any, outputs: list[str]) -> list[list[int]]:
    """The answers as token ids, each with its end token."""
    end = end_token_id(tokenizer)
    return [[*ids, end] for ids in tokenizer(outputs, add_special_tokens=False)["input_ids"]]


def encode(
    rows: Any, tokenizer: Any, max_length: int | None, overlong: str = "shorten", num_proc: int | None = None
) -> tuple[Any, LengthReport]:
    """Tokenise rows for training.

    Args:
        rows: A `datasets.Dataset` with the string columns `instruction` and `output`; `id`, `task`, `source`
            and `language` are carried along where present.
        tokenizer: A transformers tokenizer; gets the `plain` chat template where it has none.
        max_length: Limit for prompt and answer together, in tokens; None for no limit.
        overlong: What happens to longer rows: `shorten` their text (drop the row if that loses gold), `drop`
            them, or `error`.
        num_proc: Processes to use.

    Returns:
        A dataset of the kept rows with `input_ids`, `labels` (-100 over the prompt) and `length`, and the report.

    Raises:
        TrainerError: Missing columns, an unknown `overlong`, a row that is too long under `error`, or
            nothing left to train on.
    """
    if overlong not in OVERLONG:
        raise TrainerError(f"overlong={overlong!r} is unknown (one of {', '.join(OVERLONG)})")
    missing = [name for name in ("instruction", "output") if name not in rows.column_names]
    if missing:
        raise TrainerError(f"the rows have no column {missing[0]!r}, only {', '.join(rows.column_names)}")
    use_format(tokenizer)
    tokenise = partial(_encode_batch, tokenizer=tokenizer, max_length=max_length, overlong=overlong)
    unneeded = [name for name in rows.column_names if name not in _CARRIED]
    fated = rows.map(tokenise, batched=True, remove_columns=unneeded, num_proc=num_proc, desc="Tokenising")
    fates = fated["fate"][:]
    if overlong == "error" and "dropped" in fates:
        first = fates.index("dropped")
        name = rows["id"][first] if "id" in rows.column_names else f"row {first}"
        raise TrainerError(
            f"{name}: {fated['whole'][first]:,} tokens, more than max_length {max_length:,} "
            "(give a larger --max_length, or --overlong shorten)"
        )
    kept = fated.select([i for i, fate in enumerate(fates) if fate in ("kept", "shortened")])
    report = _report(fated, kept, fates, max_length)
    if not len(kept):
        raise TrainerError(f"no row is left to train on; {str(report).splitlines()[0]}")
    return kept.remove_columns(["fate", "gold", "whole", "answer"]), report


def mentions(answer: str) -> list[str]:
    """Every string that an answer quotes from its text; [] where it is not JSON.

    >>> mentions('{"found": [{"trigger": "opened", "arguments": {"place": "NAN", "who": ["Ada", "Bo"]}}]}')
    ['opened', 'Ada', 'Bo']
    """
    try:
        return list(_leaves(json.loads(answer)))
    except json.JSONDecodeError:
        return []


def shorten(instruction: str, fits: Callable[[str], bool]) -> str | None:
    """The instruction with the longest beginning of its `input` that fits, None if nothing does.

    Latin words are not cut in two.

    >>> shorten('{"schema": ["x"], "input": "one two three"}', lambda text: len(text) <= 39)
    '{"schema": ["x"], "input": "one two"}'
    """
    try:
        asked = json.loads(instruction)
        text = asked["input"]
    except (json.JSONDecodeError, KeyError, TypeError):
        return None

    def cut(end: int) -> str:
        return json.dumps({**asked, "input": text[:end]}, ensure_ascii=False)

    low, high = 0, len(text)
    while high - low > 1:  # text[:low] fits (or is empty), text[:high] does not
        middle = (low + high) // 2
        low, high = (middle, high) if fits(cut(middle)) else (low, middle)
    if text[low - 1 : low + 1].isascii() and text[low - 1 : low + 1].isalnum():
        low = max(text.rfind(" ", 0, low), 0)
    low = len(text[:low].rstrip())
    return cut(low) if low and fits(cut(low)) else None


def _encode_batch(
    batch: dict[str, list[str]], tokenizer: Any, max_length: int | None, overlong: str
) -> dict[str, list[Any]]:
    prompts = prompt_ids(tokenizer, batch["instruction"])
    answers = answer_ids(tokenizer, [output or "" for output in batch["output"]])
    columns: dict[str, list[Any]] = {
        name: [] for name in ("input_ids", "labels", "length", "fate", "gold", "whole", "answer")
    }
    for instruction, output, prompt, answer in zip(batch["instruction"], batch["output"], prompts, answers):
        fate, whole = "kept", len(prompt) + len(answer)
        if not output:
            fate = "unlabelled"
        elif max_length is not None and whole > max_length:
            shorter = overlong == "shorten" and _shortened(instruction, output, len(answer), tokenizer, max_length)
            fate, prompt = ("shortened", shorter) if shorter else ("dropped", prompt)
        prompt, learnt = ([], []) if fate in ("dropped", "unlabelled") else (prompt, answer)
        columns["input_ids"].append(prompt + learnt)
        columns["labels"].append([IGNORED] * len(prompt) + learnt)
        columns["length"].append(len(prompt) + len(learnt))
        columns["fate"].append(fate)
        columns["gold"].append(len(mentions(output)) if output else 0)
        columns["whole"].append(whole)
        columns["answer"].append(len(learnt))
    return columns


def _shortened(instruction: str, output: str, room: int, tokenizer: Any, max_length: int) -> list[int] | None:
    """The prompt of a shortened instruction, None where its text would lose a mention of the answer."""

    def fits(text: str) -> bool:
        return len(prompt_ids(tokenizer, [text])[0]) + room <= max_length

    shorter = shorten(instruction, fits)
    if shorter is None:
        return None
    before, after = json.loads(instruction)["input"], json.loads(shorter)["input"]
    if any(mention in before and mention not in after for mention in mentions(output)):
        return None
    return prompt_ids(tokenizer, [shorter])[0]


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner)
    elif isinstance(value, str) and value not in ("", "NAN"):
        yield value


def _report(fated: Any, kept: Any, fates: list[str], max_length: int | None) -> LengthReport:
    gold, whole = fated["gold"][:], sorted(fated["whole"][:])
    at = {f"{share}%": whole[min(len(whole) - 1, len(whole) * share // 100)] for share in (50, 90, 99, 100) if whole}
    return LengthReport(
        max_length=max_length,
        rows=len(fates),
        kept=len(kept),
        shortened=fates.count("shortened"),
        dropped=fates.count("dropped"),
        unlabelled=fates.count("unlabelled"),
        tokens=sum(kept["length"]),
        answer_tokens=sum(kept["answer"]),
        gold=sum(gold),
        gold_lost=sum(count for count, fate in zip(gold, fates) if fate == "dropped"),
        percentiles=at,
    )
