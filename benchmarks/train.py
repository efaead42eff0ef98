"""How fast training is, against the original's way of doing it, and what a small model learns from scratch.

    python benchmarks/train.py [CORPUS] [--size toy]                     # CPU, a minute
    python benchmarks/train.py CORPUS --size 0.5b 1.5b 7b                # GPU
    python benchmarks/train.py CORPUS --learn 10                         # then train from scratch for ten minutes

Models are randomly initialised and shaped like Qwen2.5; the rows are those of the corpus tree (the embedded sample
where none is given), NER and RE. Each way trains the same LoRA adapter (the recipe `lora`) on the same rows, in turn:

- ours: the recipe as it ships.
- original: padded batches of 2 or 24 rows, 48 a step, grouped by length, activation checkpointing, logits of the whole
  sequence.

Tokens are those of the rows, without padding; on a CPU, seconds are those of this process's own work. MFU is the share
of the device's peak that goes into what training an adapter needs at least, whoever computes more: 4 floating point
operations for each token and weight of the layers (forward 2, backward 2: frozen weights take no gradient), 4 for each
learnt token and weight of the head, and 6 * layers * width * length^2 of a row for causal attention. Recomputed
activations do not count. Goals, not asserted: ours at least twice as fast as the original, an MFU of 40 % at 7b.
"""

import argparse
import contextlib
import gc
import io
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM, Trainer, TrainerCallback, TrainingArguments
from transformers.utils import logging

from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_rows
from iepile_trainer.formats import use_format
from iepile_trainer.models.precision import products
from iepile_trainer.models.scratch import new_tokenizer
from iepile_trainer.sft import run_training, train
from iepile_trainer.tokenization.encode import encode
from iepile_trainer.training.arguments import hardware_defaults
from iepile_trainer.training.parser import parse
from iepile_trainer.training.progress import without_bars

ON_GPU = torch.cuda.is_available()
# Dense bfloat16 peaks in FLOP/s, from the vendor's data sheets.
PEAKS = {"H200": 989e12, "H100 PCIe": 756e12, "H100": 989e12, "A100": 312e12}
# hidden, feed-forward, layers, heads, key-value heads, vocabulary (the tokenizer's, if larger), tied: as in Qwen2.5
SIZES = {
    "toy": (192, 512, 3, 4, 2, 4000, True),
    "0.5b": (896, 4864, 24, 14, 2, 151936, True),
    "1.5b": (1536, 8960, 28, 12, 2, 151936, True),
    "7b": (3584, 18944, 28, 28, 4, 152064, False),
}
TOGETHER = 48  # rows of an optimizer step of the original
LORA = ("--config", "lora", "--model_name_or_path", "random", "--report_to", "none", "--disable_tqdm", "true")


@dataclass
class Measured:
    """One training: tokens a second, and the most memory it held, in bytes."""

    speed: float
    memory: float


class Clock(TrainerCallback):
    """Takes the time and the tokens of all steps but the first few."""

    def __init__(self, warm_up: int) -> None:
        self.warm_up = warm_up

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step in (self.warm_up, state.max_steps):
            if ON_GPU:
                torch.cuda.synchronize()
            # On a CPU the time of this process alone: other work on the machine does not count.
            now = (time.perf_counter() if ON_GPU else time.process_time(), state.num_input_tokens_seen)
            if state.global_step == self.warm_up:
                self.start = now
            else:
                self.speed = (now[1] - self.start[1]) / (now[0] - self.start[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", help="a corpus tree")
    parser.add_argument("--size", nargs="+", choices=SIZES, default=["toy"])
    parser.add_argument("--rows", type=int, default=96, help="rows that each way is measured over, a multiple of 48")
    parser.add_argument("--rounds", type=int, default=3, help="how often each way is measured; medians are shown")
    parser.add_argument("--peak", type=float, help="peak of the device in TFLOP/s, where it is not known")
    parser.add_argument("--learn", type=float, metavar="MINUTES", help="train from scratch on NER, and test")
    parser.add_argument("--test_rows", type=int, help="most rows of the test splits to answer after --learn")
    parser.add_argument("--out", default="runs/benchmark", help="run folder of --learn")
    asked = parser.parse_args()
    without_bars()
    logging.set_verbosity_error()
    name = torch.cuda.get_device_name() if ON_GPU else f"{platform.machine()}, {os.cpu_count()} cores"
    print(f"{name}, Python {platform.python_version()}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    peak = asked.peak * 1e12 if asked.peak else next((PEAKS[key] for key in PEAKS if key in name), None)
    rows = load_rows(DataArguments(task=["ner", "re"], data_dir=asked.corpus), "train", max_rows=4 * asked.rows + 192)
    with still():
        tokenizer = new_tokenizer(rows)
    use_format(tokenizer)
    for size in asked.size:
        compare(size, rows, tokenizer, asked.rows, asked.rounds, peak)
    if asked.learn:
        learn(asked.corpus, asked.learn, asked.test_rows, asked.out)


def compare(size: str, rows: Any, tokenizer: Any, count: int, rounds: int, peak: float | None) -> None:
    """All ways in turn, and a table."""
    ways: dict[str, Callable[[], Measured]] = {
        "original, batch 2": lambda: original(size, rows, tokenizer, count, 2),
        "original, batch 24": lambda: original(size, rows, tokenizer, count, 24),
        "ours": lambda: ours(size, rows, tokenizer, count),
    }
    found: dict[str, list[Measured]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, measure in ways.items():
            with contextlib.suppress(torch.OutOfMemoryError):
                found[way].append(measure())
            gc.collect()
            if ON_GPU:
                torch.cuda.empty_cache()
    with still():
        _, report = encode(rows, tokenizer, 1024)
        lengths = encode(rows, tokenizer, 1024)[0]["length"][:]
    each = operations(size, len(tokenizer), lengths, report.answer_tokens)
    parameters = sum(weight.numel() for weight in model_of(size, len(tokenizer), "meta").parameters())
    mean = report.tokens / report.kept
    print(f"\n{size}: {parameters / 1e6:,.1f} M weights, {each / 1e6:,.1f} MFLOP a token, {mean:.0f} tokens a row")
    print(f"{'':20} {'tokens/s':>10} {'ratio':>6} {'MFU':>6} {'memory':>9}")
    speeds = {way: statistics.median(each.speed for each in measured) for way, measured in found.items() if measured}
    base = max((speed for way, speed in speeds.items() if way != "ours"), default=0)
    for way, measured in found.items():
        if not measured:
            print(f"{way:20} out of memory")
            continue
        speed = speeds[way]
        ratio = f"{speed / base:.2f}" if base else "-"
        mfu = f"{speed * each / peak:.1%}" if peak else "-"
        print(f"{way:20} {speed:>10,.0f} {ratio:>6} {mfu:>6} {max(m.memory for m in measured) / 2**30:>6.2f} GB")
    print("ratio to the faster of the original's two")


def ours(size: str, rows: Any, tokenizer: Any, count: int) -> Measured:
    """The recipe `lora`, by the trainer itself."""
    from trl import get_peft_config

    with tempfile.TemporaryDirectory() as folder:
        data, _, config, model_args, _ = parse([*LORA, "--output_dir", f"{folder}/run", "--save_strategy", "no"])
        with still():
            report = encode(rows, tokenizer, config.max_length)[1]
        together = config.per_device_train_batch_size * config.gradient_accumulation_steps
        if config.packing:
            together = round(together * config.max_length * report.kept / report.tokens)
        warm_up = -(-TOGETHER // together)
        config.max_steps = warm_up + -(-count // together)
        config.include_num_input_tokens_seen = "non_padding"
        clock = Clock(warm_up)
        with still(), peak_memory() as memory:
            model = model_of(size, len(tokenizer))
            train(model, tokenizer, rows, config, data, peft_config=get_peft_config(model_args), callbacks=[clock])
    return Measured(clock.speed, memory())


def original(size: str, rows: Any, tokenizer: Any, count: int, batch: int) -> Measured:
    """Padded batches in transformers' own trainer, with the adapter of the same recipe."""
    from peft import get_peft_model
    from transformers import DataCollatorForSeq2Seq
    from trl import get_peft_config

    with tempfile.TemporaryDirectory() as folder, still(), peak_memory() as memory:
        *_, model_args, _ = parse([*LORA, "--output_dir", f"{folder}/run"])
        model = model_of(size, len(tokenizer))
        model.enable_input_require_grads()  # or nothing would be left to differentiate behind a checkpoint
        model = get_peft_model(model, get_peft_config(model_args))
        encoded = encode(rows, tokenizer, 1024)[0].select_columns(["input_ids", "labels", "length"])
        clock = Clock(1)
        config = TrainingArguments(
            folder,
            **{"bf16": True, **hardware_defaults()},
            per_device_train_batch_size=batch,
            gradient_accumulation_steps=TOGETHER // batch,
            max_steps=1 + count // TOGETHER,
            learning_rate=2e-4,
            train_sampling_strategy="group_by_length",
            length_column_name="length",
            activation_checkpointing=True,
            include_num_input_tokens_seen="non_padding",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        )
        collate = DataCollatorForSeq2Seq(tokenizer, pad_to_multiple_of=8)
        Trainer(model, config, collate, encoded, processing_class=tokenizer, callbacks=[clock]).train()
    return Measured(clock.speed, memory())


def model_of(size: str, words: int, device: str = "cuda" if ON_GPU else "cpu") -> Qwen2ForCausalLM:
    """A model with random weights, in the type that suits the device."""
    hidden, wide, layers, heads, key_values, vocabulary, tied = SIZES[size]
    config = Qwen2Config(
        hidden_size=hidden,
        intermediate_size=wide,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_values,
        vocab_size=max(vocabulary, words),
        tie_word_embeddings=tied,
        max_position_embeddings=4096,
    )
    config.dtype = getattr(torch, products(device))
    with torch.device(device):
        return Qwen2ForCausalLM(config).to(config.dtype)


def operations(size: str, words: int, lengths: list[int], learnt: int) -> float:
    """Floating point operations that a token of these rows needs on average, see above."""
    hidden, wide, layers, heads, key_values, vocabulary, _ = SIZES[size]
    width = hidden // heads
    layer = 2 * hidden * hidden + 2 * hidden * key_values * width + 3 * hidden * wide
    tokens = sum(lengths)
    attention = 6 * layers * hidden * sum(length * length for length in lengths)
    return 4 * layers * layer + (4 * max(vocabulary, words) * hidden * learnt + attention) / tokens


def learn(corpus: str | None, minutes: float, most: int | None, out: str) -> None:
    """A small model from scratch on the NER sources for so many minutes; its F1 on their test splits."""
    from iepile_trainer.evaluate_run import answer_split
    from iepile_trainer.training.eval_sample import draw_sample

    hidden, layers, batch = (512, 8, 64) if ON_GPU else (128, 3, 16)
    given = ["--config", "tiny", "--task", "ner", *(["--data_dir", corpus] if corpus else []), "--report_to", "none"]
    given += ["--scratch_hidden", str(hidden), "--scratch_layers", str(layers), "--save_strategy", "no"]
    given += ["--per_device_train_batch_size", str(batch), "--overwrite", "true", "--disable_tqdm", "true"]
    with tempfile.TemporaryDirectory() as folder, still():
        probe = 30
        record = run_training(*parse([*given, "--output_dir", f"{folder}/run", "--max_steps", str(probe)]))
    steps = max(int(minutes * 60 / (record["seconds"] / probe)), 10)
    every = -(-steps // 10)
    print(f"\nfrom scratch: {steps:,} steps of {batch} rows, about {minutes:g} minutes and evaluations", flush=True)
    watched = ["--max_steps", str(steps), "--predict_steps", str(every), "--logging_steps", str(every)]
    watched += ["--max_eval_rows", "200", "--predict_rows", "100"]
    args = parse([*given, "--output_dir", out, *watched])
    run_training(*args)
    rows = load_rows(args[0], "test")
    rows = list(draw_sample(rows, most, seed=42, split="test").rows) if most else rows
    scores = answer_split(out, rows)["test"]["ner"]
    for source, one in [("all sources", scores), *scores.get("sources", {}).items()]:
        low, high = one["interval"]
        print(f"{source:24} F1 {one['f1']:.4f}  ({low:.4f} to {high:.4f})  {one['records']:,} records")
    print(f"curve and card: {Path(out) / 'curve.png'}, {Path(out) / 'README.md'}")


@contextlib.contextmanager
def peak_memory() -> Iterator[Callable[[], float]]:
    """The most memory that was held since: of the GPU, or of this process with all that it holds anyway."""
    if ON_GPU:
        torch.cuda.reset_peak_memory_stats()
        yield lambda: float(torch.cuda.max_memory_allocated())
        return
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    yield lambda: 1024.0 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


@contextlib.contextmanager
def still() -> Iterator[None]:
    """Keep what training prints to itself."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


if __name__ == "__main__":
    main()
