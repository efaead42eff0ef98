"""How fast scoring is: `python benchmarks/score.py [FILE.jsonl[.gz] …]`.

Prints, for 100,000 answers, the time of exact scoring with all groupings against that of `json.loads` on
the same answers and labels, the time of the whole process from a file against that of the original toolkit,
and how time and memory grow up to the number of answers given by --most. Without files the answers are
made up; the rows of a file are repeated under new ids.
"""

import argparse
import contextlib
import gzip
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from iepile_metric import Accumulator, score

ANSWERS = 100_000
# Seconds of the original scorer for 100,000 answers, on two cores of a shared machine.
ORIGINAL = {"re": 0.94, "ee": 1.28}
WHOLE = "import sys; from iepile_metric.files import score_file; print(score_file(sys.argv[1])[0]['rows'])"
ORIGINAL_RULES = """
import json, sys
from iepile_metric.original_scorer import original_score
rows = [json.loads(line) for line in open(sys.argv[1], "rb")]
original_score(rows, rows[0]["task"])
"""
PEAK = """
import sys
from iepile_metric.files import score_file
score_file(sys.argv[1], processes=1)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def made_up(task, answers, seed=0):
    """Rows of short sentences with one or two relations or events each; one answer in eight is wrong."""
    random_ = random.Random(seed)
    names = [f"{first} {last}" for first in ("Ada", "Bob", "Eve", "Ian") for last in ("Gray", "Moss", "Vale")]
    for number in range(answers):
        a, b, other = random_.sample(names, 3)
        found = other if random_.random() < 1 / 8 else b
        text = f"{a} met {b} near the old harbour on Tuesday ."
        if task == "re":
            schema = ["met", "knows", "works for", "lives in"]
            label = [{"head": a, "relation": "met", "tail": b}]
            output = {"met": [{"subject": a, "object": found}], "knows": [], "works for": [], "lives in": []}
        else:
            schema = [{"event_type": "meeting", "trigger": True, "arguments": ["who", "whom", "place", "time"]}]
            label = [
                {
                    "event_trigger": "met",
                    "event_type": "meeting",
                    "arguments": [{"argument": a, "role": "who"}, {"argument": b, "role": "whom"}],
                }
            ]
            roles = {"who": a, "whom": found, "place": "NAN", "time": "NAN"}
            output = {"meeting": [{"trigger": "met", "arguments": roles}]}
        instruction = {"instruction": "-", "schema": schema, "input": f"{number} {text}"}
        yield {
            "id": f"en/{task.upper()}/made_up/test:{number}",
            "task": task.upper(),
            "source": "made_up",
            "instruction": json.dumps(instruction),
            "output": json.dumps(output),
            "label": json.dumps(label),
        }


def repeated(path, answers):
    """Rows of a file, again and again under new ids."""
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
        rows = [orjson.loads(line) for line in file]
    for number in range(answers):
        row = rows[number % len(rows)]
        yield {**row, "id": f"{row['id']}#{number // len(rows)}"}


def quickest(function, times=3):
    """Give the shortest of some runs in seconds of this process's own work."""
    best = float("inf")
    for _ in range(times):
        start = time.process_time()
        function()
        best = min(best, time.process_time() - start)
    return best


def loads(rows):
    for row in rows:
        json.loads(row["label"])
        with contextlib.suppress(ValueError):
            json.loads(row["output"])


def whole(code, path):
    """Run a process of its own → (seconds, what it printed)."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, done.stdout.strip()


def write(rows, path):
    with path.open("wb") as file:
        file.writelines(orjson.dumps(row) + b"\n" for row in rows)


def measure(name, rows, folder):
    task = rows[0]["task"].lower()
    plain = quickest(lambda: loads(rows))
    ours = quickest(lambda: score(rows))
    kept = quickest(lambda: Accumulator().extend(rows).result())
    print(f"{name}: {len(rows):,} answers")
    print(f"  json.loads {plain:.2f} s, scoring {ours:.2f} s: {ours / plain:.1f}×; all records open {kept:.2f} s")
    path = folder / "rows.jsonl"
    write(rows, path)
    seconds = min(whole(WHOLE, path)[0] for _ in range(3))
    line = f"  whole process from a {path.stat().st_size / 1e6:.0f} MB file: {seconds:.2f} s"
    if task in ("ner", "re", "ee", "eea"):
        like = min(whole(ORIGINAL_RULES, path)[0] for _ in range(3))
        line += f"; by the original's rules, with json {like:.2f} s: {like / seconds:.1f}× faster"
    if task in ORIGINAL:
        line += f"; the original itself, on an idle machine {ORIGINAL[task]} s"
    print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--most", type=int, default=2_000_000, help="answers of the largest file; 0 for none")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file in arguments.files:
            measure(file.name, list(repeated(file, ANSWERS)), folder)
        for task in () if arguments.files else ("re", "ee"):
            measure(f"made up {task.upper()}", list(made_up(task, ANSWERS)), folder)
        for answers in (ANSWERS, ANSWERS * 5, arguments.most) if arguments.most else ():
            path = folder / "growing.jsonl"
            write(made_up("re", answers), path)
            seconds, (_, peak) = whole(WHOLE, path)[0], whole(PEAK, path)
            print(f"  {answers:>9,} answers: {seconds:6.2f} s, at most {peak} MB in one process")


if __name__ == "__main__":
    main()
