r"""Answer instructions with a trained model; writes rows as JSON lines, the model's text in `output`.

# The test split of the sample corpus
```bash
python trainer/predict.py --model runs/tiny --input iepile --task ner --split test --output runs/tiny/predictions.jsonl
```

# A corpus of your own, a prepared folder, or a file of rows
```bash
python trainer/predict.py --model runs/lora --input iepile --task re --data_dir path/to/corpus
python trainer/predict.py --model runs/lora --input path/to/prepared --task re --split test
python trainer/predict.py --model base-model --adapter runs/lora --input rows.jsonl --output answers.jsonl
```

Also `iepile predict`. Rows are written as they are answered; the same command after an interruption goes on
after the last whole row.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from . import TrainerError
from .arguments import DataArguments, parse_into
from .data import load_rows, read_jsonl
from .generate import predict
from .journal import append, open_journal, rows_in

__all__ = ["PredictArguments", "main", "predict", "run_prediction"]


@dataclass
class PredictArguments:
    """What to answer, with which model, and where to."""

    model: str | None = field(default=None, metadata={"help": "A run folder (whole model or adapter), or a Hub id."})
    adapter: str | None = field(default=None, metadata={"help": "An adapter on top of --model."})
    input: str = field(
        default="iepile", metadata={"help": "A file of rows (JSON lines), a prepared folder, a Hub id, or `iepile`."}
    )
    output: str | None = field(
        default=None, metadata={"help": "File of answered rows; predictions.jsonl in the run folder by default."}
    )
    task: list[str] | None = field(
        default=None, metadata={"help": "Tasks (configurations), one or several.", "aliases": ["--config", "--tasks"]}
    )
    split: str = field(default="test", metadata={"help": "Split to answer; slices such as test[:100] work."})
    source: list[str] | None = field(default=None, metadata={"help": "Only these sources."})
    language: str | None = field(default=None, metadata={"help": "Only this language.", "choices": ["en", "zh"]})
    split_num: int | None = field(default=None, metadata={"help": "Most labels asked in one instruction."})
    data_dir: str | None = field(default=None, metadata={"help": "A corpus tree of your own, for `iepile`."})
    data_files: list[str] | None = field(default=None, metadata={"help": "Annotated files: paths, or split=path."})
    max_rows: int | None = field(default=None, metadata={"help": "Only the first so many rows."})
    batch_size: int = field(default=32, metadata={"help": "Prompts answered together; halved when memory runs out."})
    max_new_tokens: int = field(default=256, metadata={"help": "Longest answer."})
    dtype: str = field(
        default="auto", metadata={"help": "Weights in memory.", "choices": ["auto", "bfloat16", "float16", "float32"]}
    )
    revision: str | None = field(default=None, metadata={"help": "Branch, tag or commit of a Hub model."})
    trust_remote_code: bool = field(default=False, metadata={"help": "Run the model's own code; needs --revision."})
    overwrite: bool = field(default=False, metadata={"help": "Start anew where --output is there already."})


@dataclass(frozen=True)
class Summary:
    """What became of the rows, those of earlier, interrupted calls included.

    Attributes:
        read: Rows of the input.
        predicted: Rows with an answer.
        failed: Rows without one, by reason.
        seconds: Time of this call.
        now: Rows that this call answered.
    """

    read: int
    predicted: int
    failed: dict[str, int]
    seconds: float
    now: int

    def __str__(self) -> str:
        rate = f"{self.now / self.seconds:.1f} rows/s" if self.seconds and self.now else "nothing left to do"
        lines = [f"rows read {self.read:,}, predicted {self.predicted:,}, failed {sum(self.failed.values()):,}; {rate}"]
        lines += [f"  {count:,} failed: {reason}" for reason, count in self.failed.items()]
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
    print(summary)
    if summary.read and not summary.predicted:
        sys.exit("error: no row was answered, see the reasons above")


def run_prediction(args: PredictArguments) -> Summary:
    """Answer what is not answered yet.

    Raises:
        TrainerError: No such model or input, or an output of another model, input or option.
    """
    from tqdm import tqdm  # type: ignore[import-untyped]

    from .models import load

    output = _output(args)
    rows, total, digest = _input(args)
    named = ("model", "adapter", "input", "task", "split", "source", "language", "split_num", "data_dir", "max_rows")
    generation = ("max_new_tokens", "dtype", "revision")
    made_with = {name: getattr(args, name) for name in (*named, *generation)} | {
        "input_digest": digest,
        "model_digest": _weights(args.model) + _weights(args.adapter),
    }
    done = open_journal(output, made_with, args.overwrite)
    start = time.perf_counter()
    if done < total:
        model, tokenizer = load(args.model or "", args.adapter, args.dtype, args.revision, args.trust_remote_code)
        with tqdm(total=total, initial=done, unit="row", desc="Predicting", smoothing=0.05) as bar:
            left = islice(rows, done, None)
            answers = predict(model, tokenizer, left, args.batch_size, args.max_new_tokens)
            append(output, answers, lambda _: bar.update())
    seconds = time.perf_counter() - start
    failed = Counter(row["error"] for row in rows_in(output) if "error" in row)
    return Summary(total, total - failed.total(), dict(failed.most_common(10)), seconds, total - done)


def _output(args: PredictArguments) -> Path:
    if args.model is None:
        raise TrainerError("no model: give --model (a run folder, or a Hub id)")
    if args.output:
        return Path(args.output)
    if Path(args.model).is_dir():
        return Path(args.model) / "predictions.jsonl"
    raise TrainerError(f"no output: give --output FILE.jsonl ({args.model} is no folder to put it into)")


def _input(args: PredictArguments) -> tuple[Iterator[dict[str, Any]], int, str]:
    """The rows, how many they are, and a digest of what is asked."""
    if Path(args.input).is_file():
        # Not through `datasets`: a row keeps every key it has, whatever its type.
        rows = list(islice(read_jsonl(args.input), args.max_rows))
    else:
        data = DataArguments(
            dataset=args.input,
            task=args.task,
            source=args.source,
            language=args.language,
            split_num=args.split_num,
            data_dir=args.data_dir,
            data_files=args.data_files,
        )
        rows = load_rows(data, args.split)
        rows = rows.select(range(min(len(rows), args.max_rows or len(rows))))
    if not len(rows):
        raise TrainerError(f"{args.input} holds no row")
    digest = blake2b(digest_size=8)
    for row in rows:
        digest.update(f"{row.get('id')}\0{row.get('instruction')}\0".encode())
    return iter(rows), len(rows), digest.hexdigest()


def _weights(model: str | None) -> str:
    """The state of a local folder's weights: a model that was trained anew is another model."""
    files = sorted(Path(model).glob("*.safetensors")) if model else []
    return " ".join(f"{file.name}:{file.stat().st_size}:{file.stat().st_mtime_ns}" for file in files)


if __name__ == "__main__":
    main()
