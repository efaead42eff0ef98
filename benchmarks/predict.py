"""Rows answered per second: one at a time, in batches as they come, in batches sorted by length.

    python benchmarks/predict.py [--model runs/tiny] [--rows 128] [--data_dir path/to/corpus]

Without a model, a small random one is used: its answers are noise of full length, its speed is real. All ways
must give the same answers.
"""

import argparse
import time
from collections.abc import Iterable, Iterator
from typing import Any

from iepile_trainer import generate
from iepile_trainer.arguments import DataArguments
from iepile_trainer.data import load_rows
from iepile_trainer.formats import use_format
from iepile_trainer.models import load
from iepile_trainer.scratch import new_model, new_tokenizer
from iepile_trainer.tokens import prompt_ids


def as_they_come(model: Any, tokenizer: Any, rows: list[dict[str, Any]], size: int, most: int) -> Iterator[str]:
    prompts = prompt_ids(tokenizer, [row["instruction"] for row in rows])
    for start in range(0, len(prompts), size):
        yield from generate.generate(model, tokenizer, prompts[start : start + size], most)


def sorted_by_length(model: Any, tokenizer: Any, rows: list[dict[str, Any]], size: int, most: int) -> Iterable[str]:
    return (row["output"] for row in generate.predict(model, tokenizer, rows, size, most))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="A run folder; a random model by default.")
    parser.add_argument("--data_dir", help="A corpus tree; the sample by default.")
    parser.add_argument("--task", default="ner")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--max_new_tokens", type=int, default=64)
    options = parser.parse_args()
    data = DataArguments(task=[options.task], data_dir=options.data_dir)
    found = load_rows(data, "train", max_rows=options.rows)
    if options.model:
        model, tokenizer = load(options.model)
    else:
        tokenizer = new_tokenizer(found)
        model = new_model(tokenizer).eval()
    use_format(tokenizer)
    rows, most = found.to_list(), options.max_new_tokens
    ways = {
        "one at a time": (as_they_come, 1),
        f"batches of {options.batch_size}": (as_they_come, options.batch_size),
        f"batches of {options.batch_size}, sorted": (sorted_by_length, options.batch_size),
    }
    list(as_they_come(model, tokenizer, rows[:2], 2, 4))  # the first call is slow, whoever makes it
    base, first = 0.0, None
    for name, (way, size) in ways.items():
        start = time.perf_counter()
        answers = list(way(model, tokenizer, rows, size, most))
        rate = len(rows) / (time.perf_counter() - start)
        base, first = base or rate, first or answers
        same = sum(a == b for a, b in zip(answers, first)) / len(rows)
        print(f"{name:28} {rate:8.1f} rows/s  x{rate / base:4.1f}  same answers {same:.1%}")


if __name__ == "__main__":
    main()
