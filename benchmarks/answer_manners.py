"""How answers are read that are right and written oddly: `python benchmarks/answer_manners.py CORPUS [--every N]`.

The gold answers of a corpus tree (one of every N rows) are rewritten in each manner of `tests/metric/manners.py` and
read again with what was asked. Prints, for each manner, how many were read exactly, refused, read as empty and wrongly.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from iepile_dataset.corpus.shards import make_shards
from iepile_dataset.corpus.sources import SPLITS, Source, find_sources
from iepile_dataset.errors import DataError
from iepile_dataset.instructions.tables import tables
from iepile_dataset.options import Options
from iepile_dataset.tasks import TASKS as QUESTIONS
from iepile_dataset.tasks import Task
from iepile_metric.parse_answer import Unparseable, read_answer
from iepile_metric.tasks import TASKS

sys.path.append(str(Path(__file__).parents[1] / "tests" / "metric"))
from manners import MANNERS

OUTCOMES = ("exactly", "refused", "as empty", "wrongly")


def rows(corpus: str, every: int) -> Iterator[tuple[str, str, str]]:
    """(task, instruction, output) of one of every so many rows."""
    number = 0
    for name, task in QUESTIONS.items():
        for source in sources(task, corpus):
            for split in SPLITS:
                for shard in make_shards([source], split) if split in source.files else ():
                    for table in tables(shard, Options(), Counter(), lambda problem: None):
                        for instruction, output in zip(table["instruction"], table["output"]):
                            number += 1
                            if number % every == 0:
                                yield name, instruction.as_py(), output.as_py()


def sources(task: Task, corpus: str) -> list[Source]:
    try:
        return find_sources(task, Options(), corpus)[0]
    except DataError:  # the corpus serves other tasks
        return []


def outcome(units: Any, text: str, name: str, instruction: str) -> str:
    """What comes of one answer."""
    try:
        read, _ = read_answer(TASKS[name], text, instruction=instruction)
    except Unparseable:
        return "refused"
    if [Counter(measure) for measure in read] == [Counter(measure) for measure in units]:
        return "exactly"
    return "wrongly" if any(read) else "as empty"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", help="a corpus tree")
    parser.add_argument("--every", type=int, default=1, help="one of so many rows")
    parser.add_argument("--show", type=int, default=0, help="so many answers that were not read exactly, per manner")
    args = parser.parse_args()
    counts: dict[str, Counter[str]] = {manner: Counter() for manner in MANNERS}
    start, total = time.process_time(), 0
    for name, instruction, output in rows(args.corpus, args.every):
        total += 1
        answer, question = json.loads(output), json.loads(instruction)
        units, _ = read_answer(TASKS[name], output, instruction=instruction)
        for manner, written in MANNERS.items():
            text = written(answer, question, name)
            if text is None:
                continue
            result = outcome(units, text, name, instruction)
            counts[manner][result] += 1
            if result != "exactly" and counts[manner][result] <= args.show:
                print(f"--- {manner}, {result}, {name}: {text[:300]}\n    {read_or_reason(name, text, instruction)}")
    print(f"{total:,} answers, {time.process_time() - start:.0f} s of CPU")
    print(f"| {'manner':36} | {' | '.join(f'{name:>9}' for name in OUTCOMES)} | exact |")
    print(f"|{'---|' * (len(OUTCOMES) + 2)}")
    for manner, count in counts.items():
        share = count["exactly"] / max(count.total(), 1)
        print(f"| {manner:36} | {' | '.join(f'{count[name]:>9,}' for name in OUTCOMES)} | {share:.2%} |")


def read_or_reason(name: str, text: str, instruction: str) -> Any:
    try:
        return read_answer(TASKS[name], text, instruction=instruction)
    except Unparseable as reason:
        return str(reason)


if __name__ == "__main__":
    main()
