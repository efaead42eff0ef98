"""Rows into token ids, prompt and answer apart, and a report of what did not fit.

Prompt and answer are tokenised separately: training sees, token for token, the prompt that prediction will
send. Nothing is cut blindly. A row that is too long is asked about windows of its text, or loses the end of its
*text*, never its labels, its answer or its end token, see `overlong`; the report says how much of the gold went.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from ..errors import TrainerError
from ..formats import end_token_id, use_format
from .length_report import LEARNT, LengthReport, Tally
from .truncate import OVERLONG, brought_under, gold_units, lost

IGNORED = -100  # the label that the loss skips

_CARRIED = ("id", "task", "source", "language")
_COUNTED = ("fate", "gold", "lost", "whole", "answer")
_MARKERS = "[\ue000-\uf8ff\ufdd0-\ufdef\U000f0000-\U0010ffff]"  # of which transformers makes marks of its own
_SAMPLE = 1000
_FEW = 100


def turns_of(instruction: str, examples: Sequence[tuple[str, str]] = ()) -> list[dict[str, str]]:
    """A question as a conversation, behind those that were answered.

    >>> turns_of("Who?", [("Where?", "Ulm")])[1:]
    [{'role': 'assistant', 'content': 'Ulm'}, {'role': 'user', 'content': 'Who?'}]
    """
    said = [turn for asked, answer in examples for turn in (("user", asked), ("assistant", answer))]
    return [{"role": role, "content": content} for role, content in (*said, ("user", instruction))]


def prompt_ids(
    tokenizer: Any, instructions: list[str], thinking: bool = False, examples: Sequence[tuple[str, str]] = ()
) -> list[list[int]]:
    """The prompts of `instructions` as token ids, the same for training and prediction; `examples` are turns before.

    A text that happens to contain one of the tokenizer's control tokens keeps it as ordinary text. Templates that have
    a switch for thoughts are told `thinking`, under both names that are in use.
    """
    options = {"add_generation_prompt": True, "enable_thinking": thinking, "thinking": thinking}
    # Texts with control tokens in them are encoded piece by piece, which takes twice as long for all others.
    special = re.compile("|".join([_MARKERS, *map(re.escape, tokenizer.get_added_vocab())]))
    shown = any(special.search(text) for turn in examples for text in turn)
    apart = [number for number, instruction in enumerate(instructions) if shown or special.search(instruction)]
    turns = [turns_of(instruction, examples) for instruction in instructions]
    if len(apart) < len(turns):
        prompts = token_ids(tokenizer, tokenizer.apply_chat_template(turns, tokenize=False, **options))
    else:
        prompts = [[] for _ in turns]
    if apart:
        chosen = [turns[number] for number in apart]
        encoded = tokenizer.apply_chat_template(chosen, sanitize_control_tokens=True, **options)["input_ids"]
        for number, prompt in zip(apart, encoded):
            prompts[number] = prompt
    return prompts


def token_ids(tokenizer: Any, texts: list[str]) -> list[list[int]]:
    """The tokens of texts as they stand: what a call of the tokenizer gives, without places and masks where it can."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or tokenizer.split_special_tokens:
        ids: list[list[int]] = tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids
    backend.no_truncation()  # what an earlier call may have left behind
    backend.no_padding()
    return [encoding.ids for encoding in backend.encode_batch_fast(texts, add_special_tokens=False)]


def answer_ids(tokenizer: Any, outputs: list[str]) -> list[list[int]]:
    """The answers as token ids, each with its end token."""
    end = end_token_id(tokenizer)
    return [[*ids, end] for ids in token_ids(tokenizer, outputs)]


def encode(
    rows: Any,
    tokenizer: Any,
    max_length: int | None,
    overlong: str = "window",
    num_proc: int | None = None,
    seq2seq: bool = False,
    window_overlap: int = 0,
) -> tuple[Any, LengthReport]:
    """Tokenise rows for training; those of a stream as they are read.

    Args:
        rows: A `datasets.Dataset` (or a stream of it) with the string columns `instruction` and `output`; `task` and
            `label` say what stands in a window; `id`, `task`, `source` and `language` are carried along where present.
            Or a list of these, one for each draw of the labels.
        tokenizer: A transformers tokenizer; gets the `plain` chat template where it has none.
        max_length: Limit for prompt and answer together, in tokens; None for no limit.
        overlong: What happens to longer rows: cut their text into `window`s, `shorten` it (drop the row if that
            loses gold), `drop` them, or `error`.
        num_proc: Processes to use.
        seq2seq: For an encoder-decoder: the prompt is the input and the answer the labels, each with the limit to
            itself.
        window_overlap: Sentences that a window repeats of the one before.

    Returns:
        A dataset of the kept rows with `input_ids`, `labels` (-100 over the prompt) and `length`, of a list one for
        each, and the report. Of streams a list of streams in which the rows that cannot be learnt still stand, with
        their `fate`, to be counted by who reads them; and the report of the first thousand rows of the first.

    Raises:
        TrainerError: Missing columns, an unknown `overlong`, a row that is too long under `error`, or
            nothing left to train on; of a stream where it shows in its first rows, the rest when it is read.
    """
    if overlong not in OVERLONG:
        raise TrainerError(f"overlong={overlong!r} is unknown (one of {', '.join(OVERLONG)})")
    use_format(tokenizer)
    options: dict[str, Any] = {"overlong": overlong, "overlap": window_overlap, "seq2seq": seq2seq}
    tokenise = partial(_encode_batch, tokenizer=tokenizer, max_length=max_length, **options)
    tally = Tally(max_length)
    if is_stream(rows):
        return _encode_streams(draws_of(rows), tokenise, tally)
    encoded = []
    for draw in draws_of(rows):
        options = {"remove_columns": checked_columns(draw), "num_proc": num_proc, "desc": "Tokenising"}
        fated = draw.map(tokenise, batched=True, **options)
        kept = [number for number, row in enumerate(_counts(fated, tally)) if row["fate"] in LEARNT]
        encoded.append(fated.select(kept).remove_columns(list(_COUNTED)))
    report = tally.report()
    if not all(map(len, encoded)):
        raise TrainerError(f"no row is left to train on; {str(report).splitlines()[0]}")
    return encoded if isinstance(rows, list) else encoded[0], report


def _encode_streams(streams: list[Any], tokenise: Any, tally: Tally) -> tuple[list[Any], LengthReport]:
    import datasets

    first = datasets.Dataset.from_list(list(streams[0].take(_SAMPLE)))
    if not len(first):
        raise TrainerError("no row is left to train on: the stream is empty")
    columns = checked_columns(first)
    fated = first.map(tokenise, batched=True, remove_columns=columns, desc="Tokenising the first rows")
    for _ in _counts(fated, tally):
        pass
    # Small batches: whoever waits for the next row waits until one is tokenised.
    options = {"batch_size": 100, "remove_columns": columns, "features": fated.features}
    encoded = [stream.map(tokenise, batched=True, **options) for stream in streams]
    return encoded, tally.report(sample=len(first) == _SAMPLE)


def draws_of(rows: Any) -> list[Any]:
    """Datasets or streams, one for each draw of the labels."""
    return rows if isinstance(rows, list) else [rows]


def is_stream(rows: Any) -> bool:
    """Whether rows are read as they are needed."""
    from datasets import IterableDataset

    return isinstance(draws_of(rows)[0], IterableDataset)


def check_vocabulary(model: Any, tokenizer: Any, encoded: Any) -> None:
    """Refuse a tokenizer whose tokens a model does not know.

    Args:
        model: The model.
        tokenizer: The tokenizer; it may hold more tokens than the model as long as they do not occur.
        encoded: What `encode` gave; the first rows are looked at.

    Raises:
        TrainerError: A row, or the filler of short ones, has a token beyond the model's.
    """
    known = model.config.get_text_config().vocab_size
    highest = max(max([*row["input_ids"], *row["labels"]], default=0) for row in islice(draws_of(encoded)[0], _FEW))
    if max(highest, tokenizer.pad_token_id or 0) >= known:
        raise TrainerError(
            f"the tokenizer has {len(tokenizer):,} tokens, the model only {known:,}: they do not belong together "
            "(save the model's own tokenizer beside it)"
        )


def checked_columns(rows: Any, place: str = "") -> list[str]:
    """The columns of rows; those of a stream may not be known.

    Raises:
        TrainerError: One that is needed is not among them.
    """
    columns = list(rows.column_names or ("instruction", "output"))
    for name in ("instruction", "output"):
        if name not in columns:
            raise TrainerError(
                f"{place}the rows have no column {name!r}, only {', '.join(columns)} (rename it, or make rows with: "
                "iepile prepare)"
            )
    return columns


def _counts(fated: Any, tally: Tally) -> Iterator[dict[str, Any]]:
    """The counts of each row, once they are in the tally."""
    for batch in fated.select_columns([*_COUNTED, "length"]).iter(10_000):
        for values in zip(*batch.values()):
            row = dict(zip(batch, values))
            tally.add(row)
            yield row


def _encode_batch(
    batch: dict[str, list[str]], tokenizer: Any, max_length: int | None, overlong: str, overlap: int, seq2seq: bool
) -> dict[str, list[Any]]:
    prompts = prompt_ids(tokenizer, batch["instruction"])
    answers = answer_ids(tokenizer, [output or "" for output in batch["output"]])
    encoded: list[dict[str, Any]] = []

    def size(prompt: list[int], answer: list[int]) -> int:
        return max(len(prompt), len(answer)) if seq2seq else len(prompt) + len(answer)

    def ids_of(instruction: str, output: str) -> tuple[list[int], list[int]]:
        return prompt_ids(tokenizer, [instruction])[0], answer_ids(tokenizer, [output])[0]

    def length(instruction: str, output: str) -> int:
        return size(*ids_of(instruction, output))

    for place, (prompt, answer) in enumerate(zip(prompts, answers)):
        row = {name: values[place] for name, values in batch.items()}
        texts = {name: row.get(name) or "" for name in ("task", "instruction", "output", "label")}
        output, whole = texts["output"], size(prompt, answer)
        gold = gold_units(texts["task"], texts["instruction"], output)
        counts = {"whole": whole, "gold": gold.total(), "lost": 0}
        parts = [(prompt, answer)]
        if not output:
            fate, parts = "unlabelled", []
        elif max_length is None or whole <= max_length:
            fate = "kept"
        elif overlong == "error":
            raise TrainerError(
                f"{row.get('id') or row['instruction'][:60]}: {whole:,} tokens, more than max_length {max_length:,} "
                "(give a larger --max_length, or --overlong window, shorten or drop)"
            )
        else:
            fate, pairs = brought_under(texts, max_length, length, tokenizer, overlong, overlap)
            counts["lost"] = lost(texts["task"], gold, pairs)
            parts = [ids_of(*pair) for pair in pairs]
        for prompt, answer in parts or [([], [])]:
            encoded.append(_encoded(row, fate, prompt, answer, counts, seq2seq))
            fate, counts = "continued", {"whole": 0, "gold": 0, "lost": 0}  # counted once for all windows
    return {name: [row[name] for row in encoded] for name in encoded[0]}


def _encoded(
    row: dict[str, str], fate: str, prompt: list[int], answer: list[int], counts: dict[str, int], seq2seq: bool
) -> dict[str, Any]:
    return {
        **{name: row[name] for name in _CARRIED if name in row},
        "input_ids": prompt if seq2seq else prompt + answer,
        "labels": answer if seq2seq else [IGNORED] * len(prompt) + answer,
        "length": len(prompt) + len(answer),
        "fate": fate,
        "answer": len(answer),
        **counts,
    }
