"""A prediction: inputs → engine → output file, and what became of them."""

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from itertools import tee
from pathlib import Path
from typing import Any

import fsspec

from ..engines import Engine, Row, answered, open_engine
from ..engines.examples import write_examples
from ..engines.template import read_template
from ..errors import TrainerError
from ..extraction.confidence import unit_confidences
from ..extraction.documents import Document
from ..extraction.extractor import Extractor
from .arguments import STDIN, PredictArguments
from .inputs import Item
from .load_inputs import TRAIN, is_pipe, load_inputs, training_rows
from .output_file import Work, forget_failed, open_output, rows_in

__all__ = ["Summary", "run_prediction"]

# What may differ when a file is continued: it changes no answer, or says only what to do with the file.
_FREE = (
    "output", "batch_size", "device_map", "concurrency", "timeout", "retries", "overwrite", "retry_failed",
    "trust_remote_code", "base_url",
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What became of the rows, those of earlier, interrupted calls included.

    Attributes:
        read: Rows of the input.
        predicted: Rows with an answer that was read as a whole.
        failed: The others, by reason.
        seconds: Time of this call.
        now: Rows that this call answered.
        answered: Rows with an answer, those included whose answer could not be read.
        lost: What answers stated and extractions do not hold, by reason.
    """

    read: int
    predicted: int
    failed: Counter[str]
    seconds: float
    now: int
    answered: int
    lost: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        rate = f"{self.now / self.seconds:.1f} rows/s" if self.seconds and self.now else "nothing left to do"
        lines = [f"rows read {self.read:,}, predicted {self.predicted:,}, failed {self.failed.total():,}; {rate}"]
        for reasons, fate in ((self.failed, "failed"), (self.lost, "left out")):
            lines += [f"  {count:,} {fate}: {reason}" for reason, count in reasons.most_common(10)]
        return "\n".join(lines)


def this_process() -> tuple[int, int, AbstractContextManager[Any]]:
    """Which process of how many this is, and a block that the first goes through before the others enter it.

    Alone unless `accelerate launch` or `torchrun` says otherwise; of several, each takes its own GPU if there are GPUs.

    >>> this_process()[:2]
    (0, 1)
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2:
        return 0, 1, nullcontext()
    import torch
    from accelerate import PartialState

    # Without being told, it takes several processes without a GPU for one each.
    state = PartialState(cpu=not torch.cuda.is_available())
    return state.process_index, state.num_processes, state.main_process_first()


def run_prediction(args: PredictArguments) -> Summary | None:
    """Answer what is not answered yet.

    Returns:
        What became of all rows; None in a process that was not the last of several to end.

    Raises:
        TrainerError: No such model or input, or an output of another model, input or option.
    """
    if "://" in (args.output or ""):
        return _put_away(args)
    output, (rank, processes, first_alone) = _output(args), this_process()
    if args.device_map and processes > 1:
        raise TrainerError("--device_map spreads one model over all GPUs: start one process (no accelerate launch)")
    if processes > 1 and (args.input == STDIN or is_pipe(Path(args.input))):
        raise TrainerError(f"--input {args.input} can be read by one process only: write it to a file for several")
    with first_alone:
        inputs = load_inputs(args)
        if args.examples == TRAIN:
            args = replace(args, examples=write_examples(output.with_suffix(".examples.jsonl"), training_rows(args)))
        open_output(output, _made_with(args, inputs), args.overwrite and rank == 0)
        if args.retry_failed and rank == 0:
            forget_failed(output)
    share, start = Work(output, len(inputs), rank, processes), time.perf_counter()
    if share.left:
        _answer(inputs, share, args, is_shown=rank == 0)
    seconds = time.perf_counter() - start
    if not share.finish():
        return None
    failed: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    answered = 0
    for row in rows_in(output):
        failed.update([row["error"]] if "error" in row else [])
        answered += "error" not in row or bool(row.get("raw"))
        if isinstance(inputs[0], Item):
            lost.update(line.partition(": ")[0] for line in row.get("lost", ()))
    return Summary(len(inputs), len(inputs) - failed.total(), failed, seconds, len(share.left), answered, lost)


def _put_away(args: PredictArguments) -> Summary | None:
    """A prediction whose output grows in this folder, where it can be gone on with, and is put to its address whole."""
    place = str(args.output)
    file = place.rpartition("/")[2]
    summary = run_prediction(replace(args, output=file))
    if summary is not None:
        filesystem, path = fsspec.core.url_to_fs(place)
        filesystem.put_file(file, path)
    return summary


def _answer(inputs: Sequence[Any], share: Work, args: PredictArguments, is_shown: bool) -> None:
    from tqdm import tqdm  # type: ignore[import-untyped]

    left = (inputs[place] for place in share.left)
    if isinstance(inputs[0], Item):
        rows = _extracted(Extractor.open(args), left)
    else:
        rows = _answered(open_engine(args), left, args.confidence)
    with tqdm(total=len(share.left), unit="row", desc="Predicting", smoothing=0.05, disable=not is_shown) as bar:
        share.append(rows, lambda _: bar.update())


def _answered(engine: Engine, rows: Iterable[Row], confidence: bool) -> Iterator[Row]:
    """Rows with the model's text as `output`; a line that could not be read keeps the error it has."""
    read, sent = tee(rows)
    for row, answer in zip(read, engine.answer(sent)):
        if "instruction" not in row and "error" in row:
            yield {**row, "output": ""}
            continue
        before = {name: value for name, value in row.items() if name not in ("error", "cut", "confidence")}
        task, instruction = str(row.get("task")).lower(), row.get("instruction")
        confidences = unit_confidences(task, answer, instruction) if confidence else None
        added = {"cut": answer.cut or None, "confidence": confidences}
        yield answered(before, answer) | {name: value for name, value in added.items() if value is not None}


def _extracted(extractor: Extractor, items: Iterable[Item]) -> Iterator[Row]:
    """The input's lines with what stands in their texts."""
    read, sent = tee(items)
    unread = Document("", error="unread")
    for item, extraction in zip(read, extractor.answer(item.document or unread for item in sent)):
        if item.document is None:
            yield {**item.own, "extractions": [], "error": item.error}
            continue
        result = extraction.as_dict()
        del result["text"]
        if result["error"] is None:
            del result["error"]
        yield {name: value for name, value in item.own.items() if name != "error"} | result


def _output(args: PredictArguments) -> Path:
    if not args.model:
        raise TrainerError("no model: give --model (a run folder, or a Hub id)")
    if args.output:
        return Path(args.output)
    if Path(args.model).is_dir():
        return Path(args.model) / "predictions.jsonl"
    raise TrainerError(f"no output: give --output FILE.jsonl ({args.model} is no folder to put it into)")


def _made_with(args: PredictArguments, inputs: Sequence[Any]) -> dict[str, Any]:
    """The options that an answer depends on, the state of the weights, and what is asked."""
    kept = {name: value for name, value in asdict(args).items() if name not in _FREE}
    if args.template:
        kept["template"] = read_template(args.template)
    return kept | {"input_digest": _digest(inputs), "model_digest": _weights(args.model) + _weights(args.adapter)}


def _digest(inputs: Sequence[Any]) -> str:
    """A digest of what is asked, so that another input is not taken for the same."""
    digest = blake2b(digest_size=8)
    schema = None
    for row in inputs:
        about: Any = row.own if isinstance(row, Item) else (row.get("id"), row.get("instruction"))
        if isinstance(row, Item) and row.document and row.document.schema is not schema:
            schema = row.document.schema  # as a rule the same for all
            about = (about, schema)
        digest.update(f"{about}\0".encode("utf-8", "replace"))
    return digest.hexdigest()


def _weights(model: str | None) -> str:
    """The state of a local folder's weights: a model that was trained anew is another model."""
    files = sorted(Path(model).glob("*.safetensors")) if model else []
    return " ".join(f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)
