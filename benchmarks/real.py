"""What two cores learn in some CPU minutes: a pretrained model, one from scratch, and spaCy's blank pipeline.

    python benchmarks/real.py path/to/IE-en/NER/wnut17 path/to/IE-en/RE/conll04 --records 480 --minutes 20

All get the same records, drawn by a seed, and are scored on the same test records by the same scorer: (a) the base
before training, on a few of them, (b) what `iepile real` makes of it within the minutes, answers included, (c) recipe
`tiny`, (d) `spacy.blank`, trained on a part of the records until the rest no longer gains, then on all of them for as
many passes. That is for NER alone and wants spaCy (`pip install iepile[spacy]`); without it (d) is left out.
Minutes are CPU time of all processes.
"""

import argparse
import json
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from iepile_trainer.evaluate_run import scored

Rows = list[dict[str, Any]]
_PATIENCE = 8  # passes without a better F1 on what was held out
_HELD_OUT = 0.15


def cut(source: Path, folder: Path, records: int, test: int, seed: int) -> int:
    """A source with so many of another's training and test records; how many train."""
    folder.mkdir(parents=True)
    (folder / "schema.json").write_bytes((source / "schema.json").read_bytes())
    counts = {"train": records, "dev": 200, "test": test}
    for split, count in counts.items():
        if (source / f"{split}.json").exists():
            lines = (source / f"{split}.json").read_text("utf-8").splitlines(keepends=True)
            random.Random(seed).shuffle(lines)
            counts[split] = min(count, len(lines))
            (folder / f"{split}.json").write_text("".join(lines[:count]), "utf-8")
    return counts["train"]


def run(*words: Any) -> float:
    """Run a command of this package; its CPU minutes, all processes together."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-m", *map(str, words)], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))}: {done.stderr[-2000:]}")
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / 60


def lines_of(path: Path) -> Rows:
    """JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def answers_of_spacy(folder: Path, rows: Rows, minutes: float, seed: int) -> tuple[Rows, float]:
    """Rows as `spacy.blank` answers them, and its CPU minutes."""
    import spacy

    begun = time.process_time()
    language = rows[0].get("language") or "en"
    records = lines_of(folder / "train.json")
    random.Random(seed).shuffle(records)
    held_out = records[: round(len(records) * _HELD_OUT)]

    def examples(nlp: Any, records: Rows) -> list[Any]:
        made = []
        for record in records:
            doc = nlp.make_doc(record["text"])
            spans = []
            for mention in record["entity"]:
                start = record["text"].find(mention["entity"])
                while start >= 0:
                    spans.append(doc.char_span(start, start + len(mention["entity"]), label=mention["entity_type"]))
                    start = record["text"].find(mention["entity"], start + 1)
            ents = spacy.util.filter_spans([span for span in spans if span is not None])
            made.append(
                spacy.training.Example.from_dict(
                    doc, {"entities": [(ent.start_char, ent.end_char, ent.label_) for ent in ents]}
                )
            )
        return made

    def passes(records: Rows) -> Iterator[tuple[Any, Any]]:
        """A pipeline after each pass over some records, and its averaged weights."""
        spacy.util.fix_random_seed(seed)
        nlp = spacy.blank(language)
        nlp.add_pipe("ner")
        train = examples(nlp, records)
        optimizer = nlp.initialize(lambda: train)
        while True:
            random.shuffle(train)
            for batch in spacy.util.minibatch(train, size=spacy.util.compounding(4.0, 32.0, 1.001)):
                nlp.update(batch, sgd=optimizer, drop=0.2)
            yield nlp, optimizer.averages

    best, best_pass = -1.0, 0
    for number, (nlp, averages) in enumerate(passes(records[len(held_out) :]), 1):
        with nlp.use_params(averages):
            f1 = nlp.evaluate(examples(nlp, held_out))["ents_f"] or 0.0
        if f1 > best:
            best, best_pass = f1, number
        if number - best_pass >= _PATIENCE or time.process_time() - begun > minutes * 60 / 2:
            break
    for number, (nlp, averages) in enumerate(passes(records), 1):  # noqa: B007 - the last one counts
        if number == best_pass or time.process_time() - begun > minutes * 60:
            break
    spent = (time.process_time() - begun) / 60
    answered = []
    with nlp.use_params(averages):
        for row in rows:
            asked = json.loads(row["instruction"])
            answer: dict[str, list[str]] = {label: [] for label in asked["schema"]}
            for ent in nlp(asked["input"]).ents:
                if ent.label_ in answer and ent.text not in answer[ent.label_]:
                    answer[ent.label_].append(ent.text)
            answered.append({**row, "output": json.dumps(answer, ensure_ascii=False)})
    return answered, spent


def compare(source: Path, work: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of a source."""
    task, folder = source.parent.name.lower(), work / "source"
    records = cut(source, folder, options.records, options.test, options.seed)
    where = ["--task", task, "--data_dir", folder]
    model = ["--model", options.model] if options.model else []
    budget = ["--minutes", options.minutes, "--seed", options.seed]
    minutes = run("iepile.cli", "real", folder, "--task", task, "--out", work / "real", *model, *budget)
    scores = json.loads((work / "real/scores.json").read_text())
    rows = lines_of(work / "real/predictions_extractive.jsonl")
    names = {"before": "base", "test": "trained", "test_extractive": "trained, constrained"}
    found = {name: {**scores[split][task], "minutes": minutes} for split, name in names.items()}
    found["base"]["minutes"] = 0.0
    tiny = ["--config", "tiny", "--output_dir", work / "tiny", "--seed", options.seed]
    minutes = run("iepile_trainer.sft", *tiny, *where)
    asked, answers = work / "asked.jsonl", work / "tiny.jsonl"
    asked.write_text("".join(json.dumps({**row, "output": ""}, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    files = ["--input", asked, "--output", answers]
    run("iepile.cli", "predict", "--model", work / "tiny", *files, "--constrain", "extractive")
    found["tiny"] = {**scored(lines_of(answers))[task], "minutes": minutes}
    if task == "ner" and find_spec("spacy"):
        answered, minutes = answers_of_spacy(folder, rows, options.minutes, options.seed)
        found["spaCy"] = {**scored(answered)[task], "minutes": minutes}
    elif task == "ner":
        print("no spaCy here: left out", file=sys.stderr)
    kept = ("f1", "precision", "recall", "interval", "records", "minutes")
    return {
        "source": source.name,
        "task": task,
        "records": records,
        "by": {name: {key: one[key] for key in kept} for name, one in found.items()},
    }


def table(results: list[dict[str, Any]]) -> Iterator[str]:
    """A Markdown table: F1 with its interval, and CPU minutes."""
    ways = list(dict.fromkeys(way for result in results for way in result["by"]))
    yield f"| source | records | {' | '.join(ways)} |"
    yield f"|---|---|{'---|' * len(ways)}"
    for result in results:
        cells = []
        for way in ways:
            one = result["by"].get(way)
            span = f"{one['interval'][0]:.2f}–{one['interval'][1]:.2f}" if one else ""
            cells.append(f"{one['f1']:.3f} ({span}; {one['minutes']:.1f} min)" if one else "–")
        yield f"| {result['source']} ({result['task'].upper()}) | {result['records']:,} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path, help="Folders of one source each, …/<task>/<source>.")
    parser.add_argument("--records", type=int, default=480, help="Training records, or all where there are fewer.")
    parser.add_argument("--test", type=int, default=300, help="Test records at most.")
    parser.add_argument("--minutes", type=float, default=20.0, help="CPU minutes.")
    parser.add_argument("--model", help="As for `iepile real`.")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--keep", type=Path, help="A folder for runs and answers, which are removed otherwise.")
    parser.add_argument("--out", type=Path, help="A JSON file for all figures.")
    options = parser.parse_args()
    results = []
    for source in options.sources:
        with tempfile.TemporaryDirectory(prefix="iepile-real-") as work:
            place = options.keep / source.name if options.keep else Path(work)
            results.append(compare(source, place, options))
        print("\n".join(table(results)), flush=True)
        if options.out:
            options.out.write_text(json.dumps({"machine": platform.processor(), "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
