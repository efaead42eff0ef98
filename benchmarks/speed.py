"""From corpus to first step and from answers to F1, each beside a yardstick that every machine can run.

    python benchmarks/speed.py [CORPUS] [--only start score generate prepare tokenise validate] [--tokenizer smollm2]

Seconds are CPU time, user and system, of this process and its children; ours and the yardstick take turns and the best
of a few rounds counts, so that the ratios hold beside other work and travel between machines. Without a corpus the
embedded sample is repeated. The yardsticks are plain: processes that only import; `json` that reads each record twice,
writes each row and reads its answer; `json.loads` of each row of answers, its answer and its label; a tokenizer called
on the same texts in batches; a stream of ready rows; `json.loads` of each line.
"""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1", TOKENIZERS_PARALLELISM="false")

import orjson

from iepile_dataset.corpus.shards import Shard, make_shards
from iepile_dataset.corpus.sources import SPLITS, find_sources, sample_corpus
from iepile_dataset.errors import DataError
from iepile_dataset.export.prepare import prepare
from iepile_dataset.instructions.tables import tables
from iepile_dataset.options import Options
from iepile_dataset.tasks import TASKS

SHARED = ("ner", "re", "ee", "eet", "eea")
ANSWERS = 100_000
ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?", help="a corpus tree")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--tokenizer", help="a folder or a name of `iepile models`; one learnt from the rows otherwise")
    parser.add_argument("--megabytes", type=int, default=50, help="size of each file that is validated")
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, {', '.join(_flags())}; load {os.getloadavg()[0]:.1f}")
    print(f"{'':58} {'ours':>8} {'yard':>8} {'ratio':>6}  {'mark':>7}", flush=True)
    start = cpu()
    with tempfile.TemporaryDirectory() as work:
        asked.work = Path(work)
        asked.corpus = asked.corpus or _repeated_sample(Path(work) / "sample")
        for part in asked.only:
            PARTS[part](asked)
    print(f"{cpu() - start:.0f} s of CPU; load {os.getloadavg()[0]:.1f}")


def cpu() -> float:
    """Seconds of CPU that this process and its children have taken."""
    return sum(os.times()[:4])


def compare(
    what: str, ours: Callable[[], Any], yard: Callable[[], Any], sign: str, mark: float, rounds: int = ROUNDS
) -> None:
    """Run both in turn and print a line of the table; ">=" is a ratio of speeds, "<=" one of times."""
    best = [float("inf")] * 2
    for _ in range(rounds):
        for number, function in enumerate((ours, yard)):
            start = cpu()
            function()
            best[number] = min(best[number], cpu() - start)
    show(what, *best, best[1] / best[0] if sign == ">=" else best[0] / best[1], sign, mark)


def show(what: str, ours: float, yard: float, ratio: float, sign: str, mark: float) -> None:
    met = ratio <= mark if sign == "<=" else ratio >= mark
    print(
        f"{what:58} {ours:7.2f}s {yard:7.2f}s {ratio:6.2f}  {sign}{mark:5.2f}  {'met' if met else 'NOT met'}",
        flush=True,
    )


def process(*words: str | Path) -> Callable[[], None]:
    """Run Python as a process of its own."""
    command = [sys.executable, *map(str, words)]
    return lambda: subprocess.run(command, capture_output=True, check=True) and None


def start(asked: Any) -> None:
    """What is imported before anything happens."""
    plain = process("-c", "import typer, rich")
    compare(
        "import iepile", process("-c", "import iepile"), process("-c", "import importlib.metadata, logging"), "<=", 2
    )
    compare("iepile --help", process("-m", "iepile.cli", "--help"), plain, "<=", 1.5)
    compare(
        "iepile --version", process("-m", "iepile.cli", "--version"), process("-c", "import typer, orjson"), "<=", 1.5
    )


READ_ANSWERS = """
import contextlib, json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    row = json.loads(line)
    with contextlib.suppress(ValueError):
        json.loads(row["output"]), json.loads(row["label"])
"""


def score(asked: Any) -> None:
    """From a file of answers to F1, as a process and in memory; every eighth answer is another row's."""
    from iepile_metric import score as score_rows

    for task in ("ner", "re", "ee"):
        rows = list(islice(_answers(_rows(asked.corpus, (task,), ("test", "validation", "train"))), ANSWERS))
        file = _written(asked.work / f"{task}.jsonl", rows)
        command = process("-m", "iepile.cli", "score", file, "--json")
        compare(f"score {len(rows):,} {task} answers", command, process("-c", READ_ANSWERS, file), "<=", 0.8)
        texts = [text for row in rows for text in (row["output"], row["label"])]
        compare("  in memory", lambda: score_rows(rows), lambda: _each(texts), "<=", 0.9)  # noqa: B023
        if task == "ner":
            few = _written(asked.work / "few.jsonl", rows[:10_000])
            for name, words in (
                ("report", ["score", few, "--report", asked.work / "page.html"]),
                ("intervals", ["score", few, "--resamples", "1000"]),
                ("comparison", ["compare", few, few]),
            ):
                begun = cpu()
                process("-m", "iepile.cli", *words)()
                taken = cpu() - begun
                show(f"  {name} on {len(rows[:10_000]):,} rows, seconds", taken, 1, taken, "<=", 5)


def generate(asked: Any) -> None:
    """Rows as Arrow tables, in one process, and a stream row by row."""
    from datasets import Dataset, load_dataset

    import iepile  # noqa: F401

    shards = [shard for task in SHARED for shard in _shards(asked.corpus, task)]
    rows = list(_rows(asked.corpus, SHARED))
    print(f"  {len(rows):,} rows of {len(SHARED)} tasks")
    compare("generate, all tasks", lambda: _made(shards), lambda: _by_json(shards, rows), "<=", 0.9)
    stream = load_dataset("iepile", "re", data_dir=str(asked.corpus), split="validation", streaming=True)
    ready = Dataset.from_list(list(stream)).to_iterable_dataset()
    compare("stream row by row, speed", lambda: sum(1 for _ in stream), lambda: sum(1 for _ in ready), ">=", 0.75)


def make(asked: Any) -> None:
    """Rows as Parquet, in one process and in two; how much of a file stays as it was where little has changed."""
    shards = [shard for task in SHARED for shard in _shards(asked.corpus, task)]
    numbers = iter(range(99))

    def prepared(processes: int) -> float:
        out, begun = asked.work / f"prepared{next(numbers)}", time.perf_counter()
        prepare(out, asked.corpus, tasks=SHARED, num_proc=processes)
        shutil.rmtree(out)
        return time.perf_counter() - begun

    compare("prepare to Parquet", lambda: prepared(1), lambda: _made(shards), "<=", 1.5, rounds=2)
    one, two = (min(prepared(processes) for _ in range(2)) for processes in (1, 2))
    show("prepare by two processes, wall time, speed", two, one, one / two, ">=", 1.9)


def tokenise(asked: Any) -> None:
    """Rows → token ids."""
    from datasets import Dataset

    from iepile_trainer.formats import use_format
    from iepile_trainer.models.scratch import new_tokenizer
    from iepile_trainer.tokenization.encode import answer_ids, encode, prompt_ids

    made = Dataset.from_list(list(islice(_rows(asked.corpus, ("ner", "re"), ("train",)), 10_000)))
    if asked.tokenizer:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(asked.tokenizer)
    else:
        tokenizer = new_tokenizer(made)
    use_format(tokenizer)
    prompts, outputs = made["instruction"][:], made["output"][:]
    texts = tokenizer.batch_decode(prompt_ids(tokenizer, prompts)) + outputs
    tokens = sum(map(len, prompt_ids(tokenizer, prompts))) + sum(map(len, answer_ids(tokenizer, outputs)))
    print(f"  {len(made):,} rows of {tokens / len(made):.0f} tokens, vocabulary of {len(tokenizer):,}")

    def plain() -> None:
        for first in range(0, len(texts), 1_000):
            tokenizer(texts[first : first + 1_000], add_special_tokens=False)

    def ours() -> None:
        made.cleanup_cache_files()
        encode(Dataset.from_dict(made.to_dict()), tokenizer, 1024)

    compare("rows to token ids, speed", ours, plain, ">=", 0.85)


def validate(asked: Any) -> None:
    """Files of records and of rows held against schema and meaning."""
    from iepile_dataset.validation.validate import validate as check

    for task in ("ner", "re", "ee"):
        for file in _repeated(asked.corpus, task, asked.megabytes << 20, asked.work / f"validate-{task}"):
            what = (
                f"validate {file.stat().st_size / 1e6:.0f} MB of {task} {'rows' if file.stem == 'rows' else 'records'}"
            )
            compare(what, lambda: check([file]), lambda: _loads(file), "<=", 3, rounds=2)  # noqa: B023
            file.unlink()


PARTS = {
    "start": start, "score": score, "generate": generate, "prepare": make, "tokenise": tokenise, "validate": validate,
}  # fmt: skip


def _flags() -> list[str]:
    """What decides how fast this processor multiplies."""
    known = Path("/proc/cpuinfo")
    present = known.read_text().split() if known.is_file() else []
    return [flag for flag in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if flag in present] or ["flags unknown"]


def _shards(corpus: str, task: str, splits: tuple[str, ...] = SPLITS) -> list[Shard]:
    try:
        found = find_sources(TASKS[task], Options(), str(corpus))[0]
    except DataError:  # the corpus does not serve the task
        return []
    return [shard for split in splits for shard in make_shards([s for s in found if split in s.files], split)]


def _rows(corpus: str, tasks: tuple[str, ...], splits: tuple[str, ...] = SPLITS) -> Iterator[dict[str, str]]:
    for task in tasks:
        for shard in _shards(corpus, task, splits):
            for table in tables(shard, Options(), Counter(), lambda problem: None):
                yield from table.to_pylist()


def _made(shards: list[Shard]) -> None:
    for shard in shards:
        for _ in tables(shard, Options(), Counter(), lambda problem: None):
            pass


def _by_json(shards: list[Shard], rows: list[dict[str, str]]) -> None:
    for shard in shards:
        for segment in shard:
            with open(segment.file, encoding="utf-8") as file:
                for line in file:
                    json.loads(line)
                    json.loads(line)
    for row in rows:
        json.dumps(row, ensure_ascii=False)
        json.loads(row["output"] or "{}")


def _answers(rows: Iterator[dict[str, str]]) -> Iterator[dict[str, str]]:
    """Rows as a model would answer them, again and again under new ids."""
    once, other = list(islice(rows, ANSWERS)), "{}"
    for number, row in enumerate(cycle(once)):
        output = other if number % 8 == 7 else row["output"]
        other = row["output"]
        yield {**row, "output": output, "id": f"{row['id']}#{number // len(once)}"}


def _written(path: Path, rows: list[dict[str, str]]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    return path


def _each(texts: list[str]) -> None:
    for text in texts:
        json.loads(text)


def _loads(path: Path) -> None:
    with path.open(encoding="utf-8") as file:
        for line in file:
            json.loads(line)


def _repeated(corpus: str, task: str, size: int, folder: Path) -> Iterator[Path]:
    """The largest source of a task, repeated: its records, and its rows with ids of their own."""
    sources, _ = find_sources(TASKS[task], Options(), str(corpus))
    source = max(sources, key=lambda source: max(source.sizes.values()))
    split = max(source.sizes, key=source.sizes.__getitem__)
    folder.mkdir()
    shutil.copy(Path(source.path, "schema.json"), folder)
    data = Path(source.files[split]).read_bytes().rstrip(b"\n") + b"\n"
    (folder / "test.json").write_bytes(data * -(-size // len(data)))
    yield folder / "test.json"
    rows = [row for shard in make_shards([source], split) for table in tables(shard, Options(), Counter(), print)
            for row in table.to_pylist()]  # fmt: skip
    with (folder / "rows.jsonl").open("wb") as file:
        for number, row in enumerate(cycle(rows)):
            start, _, line = row["id"].rpartition(":")
            file.write(orjson.dumps({**row, "id": f"{start}:{number // len(rows) + 1}{int(line):07d}"}) + b"\n")
            if file.tell() >= size:
                break
    yield folder / "rows.jsonl"


def _repeated_sample(folder: Path, times: int = 200) -> str:
    shutil.copytree(sample_corpus(), folder)
    for split in ("train", "dev", "test"):
        for file in folder.glob(f"*/*/*/{split}.json"):
            file.write_bytes(file.read_bytes() * times)
    return str(folder)


if __name__ == "__main__":
    main()
