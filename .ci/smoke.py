"""What the README shows, with nothing but the installed wheel. Offline."""

import os
import subprocess
import tempfile
from importlib.metadata import distribution
from pathlib import Path

os.environ.update(HF_HOME=tempfile.mkdtemp(), HF_HUB_OFFLINE="1", HF_EVALUATE_OFFLINE="1", HF_HUB_DISABLE_TELEMETRY="1")

import evaluate
from datasets import load_dataset

import iepile

PACKAGES = {"iepile", "iepile_dataset", "iepile_metric", "iepile_trainer", "iepile_cards"}


def main() -> None:
    """Use the wheel; an AssertionError says what does not work."""
    files = distribution("iepile").files or []
    top = {file.parts[0] for file in files if ".dist-info" not in file.parts[0] and ".." not in file.parts}
    assert top == PACKAGES, f"the wheel installs {sorted(top)}"
    assert not Path(iepile.__file__).is_relative_to(Path.cwd()), iepile.__file__

    for config in ("ner", "re", "ee", "eet", "eea"):
        rows = load_dataset("iepile", config, split="test")
        stream = load_dataset("iepile", config, split="test", streaming=True)
        assert list(stream) == rows.to_list() != []
        metric = evaluate.load("iepile_f1", config)
        scores = metric.compute(
            predictions=rows["output"], references=rows["label"], ids=rows["id"], sources=rows["source"]
        )
        points = {key: value for key, value in scores.items() if "f1" in key}
        assert points, f"no F1 among {sorted(scores)}"
        assert set(points.values()) == {1.0}, points
        print(config, len(rows), "rows; gold against itself:", points)

    subprocess.run(["iepile", "quickstart", "--tiny", "--out", "run"], check=True)
    launch = ["accelerate", "launch", "--num_processes", "1", "-m", "iepile_trainer.sft", "--config", "lora"]
    subprocess.run([*launch, "--model_name_or_path", "run", "--output_dir", "lora", "--max_steps", "2"], check=True)
    for run in ("run", "lora"):
        assert list(Path(run).glob("*.safetensors")), f"no weights in {run}"
        assert (Path(run) / "README.md").is_file(), f"no card in {run}"
    from iepile_trainer import Extractor

    found = Extractor.from_pretrained("run")("Ann Bell moved to Oslo.", schema=["person", "city"])
    assert len(found.raw) == 1, found  # so small a model answers, but hardly with JSON
    subprocess.run(["iepile", "prepare", "--out", "rows", "--task", "ner"], check=True)
    predict = ["iepile", "predict", "--model", "run", "--input", "rows", "--task", "ner", "--split", "test"]
    subprocess.run([*predict, "--output", "answers.jsonl"], check=True)
    subprocess.run(["iepile", "score", "answers.jsonl"], check=True)
    for kind, folder in (("dataset", "rows"), ("model", "run")):
        subprocess.run(["iepile", "push", kind, folder, f"user/{kind}", "--dry-run"], check=True)
    subprocess.run(["iepile", "merge", "lora", "--out", "merged"], check=True)
    print("wheel: data, metric, training, extraction, cards and pushes work")


if __name__ == "__main__":
    main()
