r"""Answer instructions, or extract from texts, with a trained model; writes JSON lines.

# The test split of the sample corpus: rows with the model's text in `output`, for `iepile score`
```bash
python trainer/predict.py --model runs/tiny --input iepile --task ner --split test --output runs/tiny/predictions.jsonl
```

# A corpus of your own, a prepared folder, a file of rows or of annotated records with schema.json beside it
```bash
python trainer/predict.py --model runs/lora --input iepile --task re --data_dir path/to/corpus
python trainer/predict.py --model runs/lora --input path/to/prepared --task re --split test
python trainer/predict.py --model base-model --adapter runs/lora --input rows.jsonl --output answers.jsonl
```

# Texts without annotation: plain text, CSV, TSV, JSON lines, standard input
```bash
python trainer/predict.py --model runs/lora --input letters.txt --schema person,location --output found.jsonl
python trainer/predict.py --model runs/lora --input cases.csv --task ee --schema schema.json --output found.jsonl
echo "Ada lives in Ulm." | iepile predict --model runs/lora --input - --schema person,city --output found.jsonl
```

Each line of the output is one line of the input with its own keys and `extractions`: label, text, start, end (in
characters), confidence; `raw` holds the model's answers, `lost` what was left out of them, `problem` is there where
an answer was cut off or could not be read. What got no answer is there too, with its `error`. The output is written
line by line; the same command after an interruption goes on with what is missing.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from itertools import tee
from pathlib import Path
from typing import Any

from . import TrainerError
from .engines import Backend, open_backend
from .engines.generate import answered, predict
from .extraction.confidence import unit_confidences
from .prediction.arguments import PredictArguments
from .prediction.inputs import STDIN, Item
from .prediction.output_file import forget_failed, open_journal, rows_in, work
from .prediction.processes import this_process
from .training.arguments import parse_into

__all__ = ["PredictArguments", "Summary", "main", "predict", "run_prediction"]


# What may differ when a file is continued: it changes no answer, or says only what to do with the file.
_FREE = (
    "output", "batch_size", "device_map", "concurrency", "timeout", "retries", "overwrite", "retry_failed",
    "trust_remote_code", "base_url",
)  # fmt: skip
_OPENED = (
    "batch_size", "max_new_tokens", "constrain", "dtype", "bits", "device_map", "revision", "trust_remote_code",
    "base_url", "tokenizer", "concurrency", "timeout", "retries",
)  # fmt: skip


@dataclass(frozen=True)
class Summary:
    """What became of the rows, those of earlier, interrupted calls included.

    Attributes:
        read: Rows of the input.
        predicted: Rows with an answer.
        failed: Rows without one, by reason.
        seconds: Time of this call.
        now: Rows that this call answered.
        problems: Answered texts whose answers could not be read, or not as a whole, by reason.
    """

    read: int
    predicted: int
    failed: dict[str, int]
    seconds: float
    now: int
    problems: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        rate = f"{self.now / self.seconds:.1f} rows/s" if self.seconds and self.now else "nothing left to do"
        lines = [f"rows read {self.read:,}, predicted {self.predicted:,}, failed {sum(self.failed.values()):,}; {rate}"]
        lines += [f"  {count:,} failed: {reason}" for reason, count in _most(self.failed)]
        lines += [f"  {count:,} not read as a whole: {reason}" for reason, count in _most(self.problems)]
        return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Predict as the command line says; what the user can put right is said in one line, exit code 1."""
    from iepile_dataset import DataError

    try:
        args = parse_into(PredictArguments, argv, prog="predict", description=__doc__)
        summary = run_prediction(args)
    except (TrainerError, DataError, OSError) as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on after the last row", file=sys.stderr)
        sys.exit(130)
    if summary is None:  # another of several processes was the last
        return
    print(summary)
    if summary.read and not summary.predicted:
        sys.exit("error: nothing was answered without an error, see the reasons above")


def run_prediction(args: PredictArguments) -> Summary | None:
    """Answer what is not answered yet.

    Returns:
        What became of all rows; None in a process that was not the last of several to end.

    Raises:
        TrainerError: No such model or input, or an output of another model, input or option.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    from .prediction.load_inputs import asked_for

    output = _output(args)
    process = this_process()
    if args.device_map and process.count > 1:
        raise TrainerError("--device_map spreads one model over all GPUs: start one process (no accelerate launch)")
    if args.input == STDIN and process.count > 1:
        raise TrainerError("--input - can be read by one process only: write it to a file for several")
    with process.first_alone():
        asked = asked_for(args)
        kept = {name: value for name, value in asdict(args).items() if name not in _FREE}
        made_with = kept | {
            "input_digest": _digest(asked),
            "model_digest": _weights(args.model) + _weights(args.adapter),
        }
        open_journal(output, made_with, args.overwrite and process.rank == 0)
        if args.retry_failed and process.rank == 0:
            forget_failed(output)
    share = work(output, len(asked), process.rank, process.count)
    start = time.perf_counter()
    if share.left:
        options = {name: getattr(args, name) for name in _OPENED}
        backend = open_backend(args.backend, args.model or "", args.adapter, logprobs=args.confidence, **options)
        answer = _extracted if isinstance(asked[0], Item) else _answered
        hidden = process.rank > 0
        with tqdm(total=len(share.left), unit="row", desc="Predicting", smoothing=0.05, disable=hidden) as bar:
            share.append(answer(backend, (asked[at] for at in share.left), args), lambda _: bar.update())
    seconds = time.perf_counter() - start
    if not share.finish():
        return None
    failed: Counter[str] = Counter()
    problems: Counter[str] = Counter()
    for row in rows_in(output):
        if "error" in row:
            failed[row["error"]] += 1
        elif "problem" in row and isinstance(asked[0], Item):
            problems[row["problem"]] += 1
    return Summary(len(asked), len(asked) - failed.total(), dict(failed), seconds, len(share.left), dict(problems))


def _most(reasons: dict[str, int]) -> list[tuple[str, int]]:
    """The ten commonest, the commonest first."""
    return Counter(reasons).most_common(10)


def _answered(backend: Backend, rows: Iterable[dict[str, Any]], args: PredictArguments) -> Iterator[dict[str, Any]]:
    """Rows with the model's text as `output`; a line that could not be read keeps the error it has."""
    read, sent = tee(rows)
    for row, answer in zip(read, backend.answer(sent)):
        if "instruction" not in row and "error" in row:
            yield {**row, "output": ""}
            continue
        done = answered({name: value for name, value in row.items() if name not in _ADDED}, answer)
        if answer.cut:
            done["cut"] = True
        sure = unit_confidences(str(row.get("task")).lower(), answer) if args.confidence else None
        yield done if sure is None else {**done, "confidence": sure}


_ADDED = ("error", "cut", "confidence")  # what a row has from an earlier answer


def _extracted(backend: Backend, items: Iterable[Item], args: PredictArguments) -> Iterator[dict[str, Any]]:
    """The input's lines with what was found in their texts."""
    from .extraction.documents import Document
    from .extraction.extractor import Extractor
    from .models.trained_length import reach_of

    options = ("split_num", "descriptions", "max_prompt_tokens", "min_confidence", "conflicts")
    reach = reach_of(args.tokenizer if args.backend == "openai" else args.model, args.adapter)
    extract = Extractor(backend, reach=reach, **{name: getattr(args, name) for name in options})
    read, asked = tee(items)
    unread = Document("", None, error="unread")  # type: ignore[arg-type]
    found = extract.answer(item.document or unread for item in asked)
    for item, extraction in zip(read, found):
        if item.document is None:
            yield {**item.own, "extractions": [], "error": item.error}
            continue
        result = extraction.as_dict()
        del result["text"]
        error = result.pop("error")
        own = {name: value for name, value in item.own.items() if name not in _TOLD}
        yield {**own, **result} | ({"error" if extraction.failed else "problem": error} if error else {})


_TOLD = ("error", "problem")  # what a line has from an earlier extraction


def _output(args: PredictArguments) -> Path:
    if args.model is None:
        raise TrainerError("no model: give --model (a run folder, or a Hub id)")
    if args.output:
        return Path(args.output)
    if Path(args.model).is_dir():
        return Path(args.model) / "predictions.jsonl"
    raise TrainerError(f"no output: give --output FILE.jsonl ({args.model} is no folder to put it into)")


def _digest(asked: Sequence[Any]) -> str:
    """A digest of what is asked, so that another input is not taken for the same."""
    digest = blake2b(digest_size=8)
    schema = None
    for each in asked:
        about: Any = (each.get("id"), each.get("instruction")) if isinstance(each, dict) else each.own
        if isinstance(each, Item) and each.document and each.document.schema is not schema:
            schema = each.document.schema  # as a rule the same for all
            about = (about, schema)
        digest.update(f"{about}\0".encode("utf-8", "replace"))
    return digest.hexdigest()


def _weights(model: str | None) -> str:
    """The state of a local folder's weights: a model that was trained anew is another model."""
    files = sorted(Path(model).glob("*.safetensors")) if model else []
    return " ".join(f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)


if __name__ == "__main__":
    main()
