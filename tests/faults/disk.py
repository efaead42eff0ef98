"""Runs commands on a small disk that has no room, may not be written, or has a folder where a file should be.

Started in a mount namespace of its own: `unshare -rm python disk.py FAULT FOLDER`. Prints a JSON object: command → exit
code, what was said, what the disk held before and afterwards.
"""

import contextlib
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from iepile.cli import app
from iepile_dataset.corpus.sources import sample_corpus

ROW = {"id": "en/NER/a/test:1", "task": "NER", "source": "a", "output": '{"city": ["Ulm"]}'}
ROW |= {"label": '[{"entity": "Ulm", "entity_type": "city"}]', "instruction": '{"schema": ["city"], "input": "In Ulm"}'}
FOLDERS = ("prepare", "clean", "import", "stats")


def commands(folder: Path, disk: Path) -> dict[str, list[str]]:
    rows = str(folder / "rows.jsonl")
    source = f"{sample_corpus()}/IE-en/NER"
    return {
        "prepare": ["prepare", source, "--out", f"{disk}/x", "--overwrite"],
        "clean": ["clean", source, "--out", f"{disk}/x", "--skip", "near", "--overwrite"],
        "import": ["import", str(folder / "a.conll"), "--out", f"{disk}/x", "--overwrite"],
        "convert": [
            "convert",
            "--src-path",
            f"{source}/city_news/train.json",
            "--task",
            "ner",
            "--tgt-path",
            f"{disk}/x",
        ],
        "stats": ["stats", source, "--out", f"{disk}/x"],
        "validate": ["validate", f"{source}/city_news/train.json", "--out", f"{disk}/x"],
        "score report": ["score", rows, "--report", f"{disk}/x"],
        "score table": ["score", rows, "--table", f"{disk}/x"],
        "export": ["export", f"{source}/city_news/train.json", "--to", "doccano", "--out", f"{disk}/x", "--overwrite"],
        "negatives mine": ["negatives", "mine", source, "--out", f"{disk}/x"],
    }


def run(command: list[str]) -> tuple[int, str]:
    done = CliRunner().invoke(app, command)
    error = f" {done.exception!r}" if done.exception and not isinstance(done.exception, SystemExit) else ""
    return done.exit_code, done.stderr + error


def state(disk: Path) -> dict[str, str]:
    files = [file for file in sorted(disk.rglob("*")) if file.name != "filling"]
    return {
        str(file.relative_to(disk)): hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "folder"
        for file in files
    }


def fill(disk: Path) -> None:
    for size in (4096, 1):
        with contextlib.suppress(OSError), (disk / "filling").open("ab", buffering=0) as file:
            while file.write(b"x" * size):
                pass


def under(fault: str, name: str, command: list[str], disk: Path) -> dict[str, object]:
    first = run(command) if fault != "a folder in the way" else None
    if fault == "full":
        fill(disk)
    elif fault == "read-only":
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    elif name in FOLDERS:
        (disk / "x").write_text("a file in the way")
    else:
        (disk / "x/inner").mkdir(parents=True)
    before = state(disk)
    code, said = run(command)
    return {"fault": fault, "first": first, "code": code, "said": said, "before": before, "after": state(disk)}


def main(fault: str, folder: Path) -> None:
    (folder / "rows.jsonl").write_text(json.dumps(ROW) + "\n")
    (folder / "a.conll").write_text("In O\nUlm B-LOC\n\n" * 3)
    results = {}
    for name in commands(folder, folder):
        disk = folder / name.replace(" ", "_")
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", disk], check=True)
        results[name] = under(fault, name, commands(folder, disk)[name], disk)
        subprocess.run(["umount", "-l", disk], check=True)
        shutil.rmtree(disk)
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
