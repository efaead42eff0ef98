"""What the command line can say without TRL it says at once, and it shows our own options first."""

import subprocess
import sys
from dataclasses import fields

import pytest

HEAVY = ("torch", "trl", "transformers")
ASKED = f"""
import sys
from iepile_trainer.sft import main
try:
    main(sys.argv[1:])
finally:
    loaded = [name for name in {HEAVY} if name in sys.modules]
    print("loaded:", *loaded)
"""


def asked(*argv):
    """Exit code and output of a training's command line in a process of its own, which must load nothing heavy."""
    done = subprocess.run([sys.executable, "-c", ASKED, *map(str, argv)], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "loaded:"
    return done.returncode, done.stdout + done.stderr


def test_help_shows_our_options_and_the_common_ones_of_trl_in_seventy_lines():
    code, shown = asked("--help")
    assert code == 0
    lines = shown.splitlines()
    assert len(lines) <= 70
    assert max(map(len, lines)) <= 130
    for option in ("--dataset", "--split_num", "--redraw", "--predict_steps", "--learning_rate", "--help-all"):
        assert any(option in line for line in lines), option


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--learnin_rate", "1"], "unknown option --learnin_rate on the command line (did you mean --learning_rate?)"),
        (["--splitnum=4"], "did you mean --split_num?"),
        (["--config", "lara"], 'no recipe "lara"'),
        (["--data_dir", "/no/such/corpus"], "--data_dir /no/such/corpus: no such file or folder"),
        (["--data-files", "train=./none.jsonl"], "--data_files ./none.jsonl: no such file or folder"),
        (["--model_name_or_path", "/no/such/model"], "cannot load the model /no/such/model: no such file or folder"),
    ],
)
def test_what_is_plainly_wrong_is_said_before_anything_is_loaded(argv, reason):
    code, shown = asked(*argv)
    assert code == 1
    assert reason in shown


def test_the_options_of_trl_are_known_without_importing_it():
    from trl import ModelConfig, SFTConfig

    from iepile_trainer.training.parser import _OFTEN, _upstream_options

    names = _upstream_options()
    assert {option.name for kind in (SFTConfig, ModelConfig) for option in fields(kind) if option.init} <= names.keys()
    assert "splitnum" not in names
    assert all(names[option] for option in _OFTEN), "each has its help"


def test_every_option_of_the_datasets_rows_is_one_of_the_training():
    from iepile_dataset.options import Options
    from iepile_trainer.training.parser import parse

    data = parse(["--negatives", "0.5", "--source", "a", "b", "--max_empty", "0.1", "--remainder", "merge"])[0]
    assert (data.negatives, data.source, data.max_empty, data.remainder) == ("0.5", ["a", "b"], 0.1, "merge")
    values = {option.name: getattr(data, option.name) for option in fields(Options)}
    assert Options(**{**values, "source": tuple(values["source"])}).share == 0.5


def test_help_all_shows_the_options_of_trl_but_those_that_would_change_nothing(capsys):
    from iepile_trainer.training.parser import parse

    with pytest.raises(SystemExit) as stop:
        parse(["--help-all"], "train")
    assert stop.value.code is None
    shown = capsys.readouterr().out
    assert "--adam_beta1" in shown
    assert "--chat_template_path" not in shown
