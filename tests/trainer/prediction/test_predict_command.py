"""`iepile predict` and `iepile serve` take their options from dataclasses, and answer for a mistake at once."""

import subprocess
import sys
from dataclasses import fields

import pytest

from iepile_trainer.command_line import run
from iepile_trainer.predict import PredictArguments
from iepile_trainer.serve.arguments import ServeArguments

HEAVY = {"torch", "trl", "transformers", "datasets", "fastapi", "openai", "llguidance"}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["predict", "--help"], 0, "--max-new-tokens"),
        (["serve", "--help"], 0, "--max-waiting"),
        (["predict", "--max_new_token", "3"], 2, "--max-new-token"),
        (["serve", "--constrain", "xml"], 2, "'extractive'"),
        (["predict", "--max_rows", "0"], 1, "error: --max_rows 0 is out of range (1 or more)"),
    ],
)
def test_help_and_mistakes_are_answered_before_anything_heavy_is_imported(words, code, said):
    program = f"""
import sys
from iepile.cli import app
try:
    app({words!r})
except SystemExit as end:
    print(sorted({HEAVY!r} & set(sys.modules)))
    sys.exit(end.code)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert done.stdout.endswith("[]\n")


def taken(kind, words):
    seen = []

    def command(options: kind) -> None:
        seen.append(options)

    run(command, words)
    return seen[0]


def test_both_spellings_several_values_and_the_former_name_of_the_engine_are_taken():
    words = ["--model", "m", "--task", "ner", "re", "--split-nums", "1", "4", "--no_confidence", "--backend", "vllm"]
    wanted = PredictArguments("m", task=["ner", "re"], split_nums=[1, 4], confidence=False, engine="vllm")
    assert taken(PredictArguments, words) == wanted
    assert taken(PredictArguments, [*words[:-2], "--engine=vllm"]) == wanted
    assert taken(ServeArguments, ["--max-text-chars", "5", "--max_labels=6"]) == ServeArguments(
        max_text_chars=5, max_labels=6
    )


@pytest.mark.parametrize("kind", [PredictArguments, ServeArguments])
def test_every_field_is_an_option_with_its_help(kind):
    assert all(field.metadata["help"] for field in fields(kind))
    assert taken(kind, []) == kind()
