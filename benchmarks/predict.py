"""Rows answered per second: one at a time, in batches, sorted by length, with rows that leave, constrained.

    python benchmarks/predict.py [--model runs/quickstart] [--rows 256] [--data_dir path/to/corpus] [--task ner]
    python benchmarks/predict.py --model runs/quickstart --input runs/quickstart/predictions.jsonl

Without a model, a small random one is used: its answers are noise of full length, its speed is real. All free ways
must give the same answers. Times are CPU time of this process on a CPU (other work may run beside), wall time on a
GPU. F1 is there where the rows have a `label`.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable, Iterable
from typing import Any

from iepile_trainer.engines import EngineOptions
from iepile_trainer.engines.transformers_engine import TransformersEngine
from iepile_trainer.formats import stop_token_ids
from iepile_trainer.models.load import load
from iepile_trainer.models.scratch import new_model, new_tokenizer
from iepile_trainer.tokenization.encode import prompt_ids

Rows = list[dict[str, Any]]


def as_they_come(engine: TransformersEngine, rows: Rows, size: int) -> list[str]:
    """What most scripts do: `model.generate` on batches in input order, each as long as its longest answer."""
    import torch

    model, tokenizer, texts = engine.model, engine.tokenizer, []
    ends, pad = stop_token_ids(tokenizer), tokenizer.pad_token_id
    for start in range(0, len(rows), size):
        prompts = prompt_ids(tokenizer, [row["instruction"] for row in rows[start : start + size]])
        longest = max(map(len, prompts))
        ids = torch.tensor([[pad] * (longest - len(ids)) + ids for ids in prompts], device=model.device)
        mask = torch.tensor([[0] * (longest - len(ids)) + [1] * len(ids) for ids in prompts], device=model.device)
        with torch.inference_mode():
            out = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=engine.options.max_new_tokens,
                do_sample=False,
                eos_token_id=ends,
                pad_token_id=pad,
            )
        for answer in out[:, 0 if model.config.is_encoder_decoder else longest :].tolist():
            stop = next((at for at, id in enumerate(answer) if id in ends), len(answer))
            texts.append(tokenizer.decode(answer[:stop], skip_special_tokens=True))
    return texts


def by_length(engine: TransformersEngine, rows: Rows, size: int) -> list[str]:
    """The same, rows sorted by the length of their prompts: little is computed on padding."""
    order = sorted(range(len(rows)), key=lambda at: -engine.count(rows[at]["instruction"]))
    texts = dict(zip(order, as_they_come(engine, [rows[at] for at in order], size)))
    return [texts[at] for at in range(len(rows))]


def ours(engine: TransformersEngine, rows: Rows, size: int) -> list[str]:
    return [answer.text for answer in engine.answer(rows)]


def f1(rows: Rows, texts: Iterable[str]) -> str:
    """Micro F1 and the share of answers that could be read, where the rows have gold."""
    from iepile_metric import score

    answered: dict[str, Rows] = {}
    for row, text in zip(rows, texts):
        if row.get("label"):
            answered.setdefault(row["task"].lower(), []).append({**row, "output": text})
    if not answered:
        return ""
    scores = [score(some, task) for task, some in answered.items()]
    tp, fp, fn = (sum(one[name] for one in scores) for name in ("tp", "fp", "fn"))
    unread = sum(one["unparseable"] for one in scores)
    return f"F1 {2 * tp / (2 * tp + fp + fn or 1):.4f}  read {1 - unread / len(rows):.1%}"


def machine(model: Any) -> str:
    import torch

    if model.device.type == "cuda":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    threads, load = torch.get_num_threads(), os.getloadavg()[0]
    return f"{platform.machine()} CPU, {os.cpu_count()} cores, {threads} threads, load {load:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="A run folder; a random model by default.")
    parser.add_argument("--input", help="A file of rows; else they are made from --data_dir.")
    parser.add_argument("--data_dir", help="A corpus tree; the sample by default.")
    parser.add_argument("--task", default="ner")
    parser.add_argument("--rows", type=int, default=256)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--max_new_tokens", type=int, default=64)
    options = parser.parse_args()
    rows = some_rows(options)
    if options.model:
        model, tokenizer = load(options.model)
    else:
        tokenizer = new_tokenizer(rows)
        model = new_model(tokenizer).eval()
    size, most = options.batch_size, options.max_new_tokens

    def local(constrain: str = "none", **more: Any) -> TransformersEngine:
        return TransformersEngine(
            model, tokenizer, EngineOptions(batch_size=size, max_new_tokens=most, constrain=constrain, **more)
        )

    ways: dict[str, tuple[Callable[..., list[str]], TransformersEngine, int]] = {
        "one at a time": (as_they_come, local(), 1),
        f"batches of {size}": (as_they_come, local(), size),
        "sorted": (by_length, local(), size),
        "sorted, rows leave": (ours, local(), size),
        "  and log-probabilities": (ours, local(confidence=True), size),
        "  and json": (ours, local("json"), size),
        "  and extractive": (ours, local("extractive"), size),
    }
    print(f"{len(rows)} rows, at most {most} tokens an answer; {machine(model)}")
    on_gpu = model.device.type == "cuda"
    clock = time.perf_counter if on_gpu else time.process_time
    for way, engine, _ in ways.values():
        way(engine, rows[:2], 2)  # the first call is slow, whoever makes it
    base, first = 0.0, None
    for name, (way, engine, batch) in ways.items():
        start = clock()
        texts = way(engine, rows, batch)
        rate = len(rows) / (clock() - start)
        base, first = base or rate, first or texts
        same = sum(a == b for a, b in zip(texts, first)) / len(rows)
        print(f"{name:26} {rate:8.1f} rows/s  x{rate / base:5.2f}  same answers {same:6.1%}  {f1(rows, texts)}")


def some_rows(options: argparse.Namespace) -> Rows:
    if options.input:
        with open(options.input, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines][: options.rows]
    from datasets import load_dataset

    import iepile  # noqa: F401

    rows = load_dataset("iepile", options.task, split="train", data_dir=options.data_dir).shuffle(seed=0)
    return rows.select(range(min(len(rows), options.rows))).to_list()


if __name__ == "__main__":
    main()
