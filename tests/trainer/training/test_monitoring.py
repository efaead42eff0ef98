"""Options of watching, the lines and bars of progress, and the picture."""

import io

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.sft import main
from iepile_trainer.training.arguments import WatchArguments
from iepile_trainer.training.monitoring import check_watch
from iepile_trainer.training.parser import parse
from iepile_trainer.training.plot import draw_curve
from iepile_trainer.training.progress import Moment, shown


def parsed(tmp_path, *options):
    _, _, training, _, watch = parse(["--output_dir", str(tmp_path), "--report_to", "none", *options])
    return training, watch


def test_predicting_every_so_many_steps_evaluates_and_with_the_best_weights_saves_as_often(tmp_path):
    training, watch = parsed(tmp_path, "--config", "lora", "--predict_steps", "70")
    assert (training.eval_strategy, training.eval_steps, training.save_steps) == ("steps", 70, 500)
    assert watch.predict_rows == 200
    training, watch = parsed(tmp_path, "--config", "lora", "--predict_steps", "70", "--load_best_model_at_end")
    assert (training.save_steps, training.metric_for_best_model, training.greater_is_better) == (70, "f1", True)
    check_watch(watch, training)
    training, _ = parsed(tmp_path, "--predict_steps", "7", "--early_stopping_patience", "2", "--save_steps", "14")
    assert (training.load_best_model_at_end, training.save_steps) == (True, 14)
    options = ("--predict_steps", "7", "--load_best_model_at_end", "--metric_for_best_model", "eval_loss")
    training, _ = parsed(tmp_path, *options)
    assert (training.metric_for_best_model, training.greater_is_better) == ("eval_loss", False)


def test_a_recipe_may_say_it_too(tmp_path):
    (tmp_path / "mine.yaml").write_text("predict_steps: 5\nearly_stopping_patience: 2\npredict_rows: 10\n")
    training, watch = parsed(tmp_path, "--config", str(tmp_path / "mine.yaml"))
    assert (training.eval_steps, training.metric_for_best_model, watch.predict_rows) == (5, "f1", 10)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--early_stopping_patience", "2"], "requires the save and eval strategy to match"),
        (["--metric_for_best_model", "f1"], "--metric_for_best_model f1 needs evaluations (give --predict_steps N)"),
        (["--predict_steps", "5", "--metric_for_best_model", "ner_f1", "--predict_rows", "0"], "needs predictions"),
        (["--predict_steps", "5", "--eval_steps", "10"], "--predict_steps 5 and --eval_steps 10 differ"),
        (["--predict_steps", "0"], "--predict_steps 0: at least 1"),
        (["--early_stopping_patience", "0"], "--early_stopping_patience 0: at least 1"),
        (["--report_to", "trackio"], "--report_to trackio: it is not installed (pip install trackio"),
        (["--report_to", "wandb"], "--report_to wandb: it is not installed (pip install wandb"),
    ],
)
def test_what_cannot_work_is_said_in_one_line(options, reason, tmp_path):
    with pytest.raises(SystemExit) as stop:
        main(["--scratch", "--output_dir", str(tmp_path / "run"), *options])
    assert reason in stop.value.code
    assert "\n" not in stop.value.code


def test_early_stopping_without_evaluations_is_refused(tmp_path):
    training, _ = parsed(tmp_path)
    with pytest.raises(TrainerError, match="--early_stopping_patience needs evaluations"):
        check_watch(WatchArguments(early_stopping_patience=1), training)


def test_a_bar_shows_loss_f1_speed_and_the_time_left(tmp_path, tokenizer, small_model, dataset, monkeypatch):
    from iepile_trainer.sft import train
    from iepile_trainer.training.arguments import training_config

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal, printed = Terminal(), io.StringIO()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setattr("sys.stdout", printed)
    evaluated = {"eval_strategy": "steps", "eval_steps": 2, "logging_steps": 1, "save_strategy": "no"}
    options = training_config(tmp_path, max_steps=4, max_length=200, **evaluated)
    train(small_model(tokenizer), tokenizer, dataset(16), options, eval_rows=dataset(3))
    assert "step 2 of 4 (50%)  evaluation: F1 0.0000 (ner 0.0000)" in printed.getvalue()
    last = next(bar for bar in reversed(terminal.getvalue().split("\r")) if "4/4 [" in bar)
    assert "loss " in last
    assert "F1 0.0000" in last
    assert "tokens/s" in last


def test_lines_go_to_standard_output(capsys):
    callback = shown(bar=False)

    class State:
        is_world_process_zero, global_step, max_steps, num_input_tokens_seen = True, 0, 10, 0

    callback.on_train_begin(None, State, None)
    State.global_step = 5
    callback.on_log(None, State, None, logs={"loss": 2.0, "num_tokens": 100})
    callback.on_log(None, State, None, logs={"train_runtime": 2.0})
    out = capsys.readouterr()
    assert out.err == ""
    (line,) = out.out.splitlines()
    assert line.startswith("step 5 of 10 (50%)  loss 2.0000  ")
    assert line.endswith("0:00:00 left")


def test_the_time_left_counts_hours():
    assert str(Moment(1, 2, seconds_left=3 * 3600 + 62)).endswith("3:01:02 left")


def test_the_picture_has_a_panel_for_each_thing_there_is_to_see(tmp_path):
    from matplotlib.image import imread

    loss = [{"step": step, "loss": 2.0 / step} for step in range(1, 9)]
    f1 = [{"step": 4, "eval_loss": 1.0, "eval_f1": 0.5, "eval_ner_f1": 0.5, "eval_ner_loss": 1.0}]
    scores = {"test": {"ner": {"f1": 0.5, "interval": [0.4, 0.6]}}}
    widths = []
    for history, found in ((loss, {}), (loss + f1, {}), (loss + f1, scores)):
        picture = imread(draw_curve(tmp_path, history, found, {"step": 4}))
        widths.append(picture.shape[1])
        assert (picture[0, 0, :3] == 1).all(), "the ground is white"
    # A panel is 4.6 inches of 120 dots wide.
    assert [round(width / 120, 1) for width in widths] == [4.4, 9.0, 13.6]
