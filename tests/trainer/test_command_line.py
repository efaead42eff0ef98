import subprocess
import sys
from dataclasses import dataclass, field
from typing import Annotated

import pytest
import typer

from iepile_trainer.command_line import run


@dataclass(frozen=True)
class Options:
    task: list[str] | None = field(
        default=None, metadata={"help": "Tasks.", "choices": ["ner", "re"], "aliases": ["--tasks"]}
    )
    source: str | tuple[str, ...] | None = field(default=None, metadata={"help": "Names.", "type": list[str] | None})
    max_prompt_tokens: int | None = field(default=None, metadata={"help": "At most 5 %% more."})
    bits: int | None = field(default=None, metadata={"help": "Bits.", "choices": [4, 8]})
    confidence: bool = field(default=True, metadata={"help": "Say how sure."})
    quiet: bool = field(default=False, metadata={"help": "Say nothing."})
    inner: int = 7

    def __post_init__(self):
        if self.max_prompt_tokens == 0:
            raise ValueError("max_prompt_tokens=0 is no number of tokens")


def ask(options: Options) -> None:
    seen.append(options)


def read(options: Options, corpus: Annotated[str | None, typer.Argument()] = None) -> None:
    seen.append((options, corpus))


seen: list = []


@pytest.fixture(autouse=True)
def _fresh():
    seen.clear()


@pytest.mark.parametrize("option", ["--max-prompt-tokens", "--max_prompt_tokens", "--max-prompt_tokens"])
@pytest.mark.parametrize("joined", [False, True])
def test_both_spellings_are_one_option(option, joined):
    run(ask, [f"{option}=3"] if joined else [option, "3"])
    assert seen == [Options(max_prompt_tokens=3)]


def test_underscores_in_values_stay():
    run(read, ["--source", "a_b", "my_corpus"])
    assert seen == [(Options(source=["a_b"]), "my_corpus")]


@pytest.mark.parametrize(
    "words", [["--task", "ner", "re"], ["--task", "ner", "--tasks", "RE"], ["--tasks=ner", "--task=re"]]
)
def test_several_values_follow_one_option_or_repeat_it(words):
    run(ask, words)
    assert seen == [Options(task=["ner", "re"])]


@pytest.mark.parametrize(
    ("words", "confidence", "quiet"),
    [
        (["--confidence", "false"], False, False),
        (["--confidence=false", "--quiet=true"], False, True),
        (["--quiet", "true", "--confidence", "true"], True, True),
        (["--quiet", "false"], True, False),
        (["--no-confidence", "--quiet"], False, True),
    ],
)
def test_a_flag_may_have_its_value_behind_it(words, confidence, quiet):
    run(ask, [*words, "--task", "re"])
    assert (seen[0].confidence, seen[0].quiet, seen[0].task) == (confidence, quiet, ["re"])


def test_only_choices_are_several_values_where_an_argument_may_follow():
    run(read, ["--task", "ner", "re", "corpus"])
    run(read, ["--source", "a", "corpus"])
    assert seen == [(Options(task=["ner", "re"]), "corpus"), (Options(source=["a"]), "corpus")]


@pytest.mark.parametrize("before", [[], ["--quiet", "true"], ["--bits", "8"], ["--no_confidence"], ["--bits=8"]])
def test_behind_the_argument_any_values_are_several(before):
    run(read, [*before, "corpus", "--source", "a", "b", "c", "--task", "ner"])
    run(read, [*before, "--source", "a", "corpus"])
    assert [(options.source, corpus) for options, corpus in seen] == [(["a", "b", "c"], "corpus"), (["a"], "corpus")]


def test_values_have_the_type_of_their_field():
    run(ask, ["--bits", "8", "--no_confidence", "--source", "a", "b"])
    assert seen == [Options(bits=8, confidence=False, source=["a", "b"])]


def test_fields_without_help_are_no_options(capsys):
    with pytest.raises(SystemExit) as end:
        run(ask, ["--inner", "3"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "No such option" in said
    assert "--inner" in said


def test_what_the_dataclass_refuses_is_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        run(ask, ["--max_prompt_tokens", "0"])
    assert end.value.code == 1
    assert capsys.readouterr().err == "error: max_prompt_tokens=0 is no number of tokens\n"


def test_a_value_that_is_no_choice_is_named_with_those_that_are(capsys):
    with pytest.raises(SystemExit) as end:
        run(ask, ["--task", "nerr"])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert "nerr" in error
    assert "'ner', 're'" in error


def test_help_shows_every_option_with_its_words(capsys):
    run(ask, ["--help"])
    shown = capsys.readouterr().out
    assert all(name in shown for name in ("--task", "--tasks", "--source", "--max-prompt-tokens", "At most 5 % more."))


def test_nothing_heavy_is_imported():
    code = "import sys, iepile_trainer.command_line; print(sorted({'torch', 'transformers', 'trl', 'datasets'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
