"""Recipes preset options, the command line overrides them, and a wrong one is told in one line."""

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.recipes import recipes
from iepile_trainer.training.arguments import checkpointing
from iepile_trainer.training.parser import parse


def refused(*argv):
    with pytest.raises(TrainerError) as error:
        parse(list(argv))
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_recipe_is_found_by_name_and_the_command_line_overrides_it(tmp_path):
    data, _, training, model, _ = parse(["--config", "lora", "--lora_r", "4", "--task", "ner", "re", "--seed", "7"])
    assert (model.use_peft, model.lora_r, model.lora_alpha, model.lora_target_modules) == (True, 4, 32, "all-linear")
    assert (training.learning_rate, training.output_dir) == (2e-4, "runs/lora")
    assert data.task == ["ner", "re"]
    assert data.seed == training.seed == 7


def test_a_recipe_may_be_any_yaml_file_and_may_give_one_value_for_a_list(tmp_path):
    (tmp_path / "mine.yaml").write_text("task: ner\nlearning_rate: 1e-3\nnegatives: 0.5\nscratch: true\n")
    data, run, training, *_ = parse([f"--config={tmp_path / 'mine.yaml'}"])
    assert (data.task, data.negatives, run.scratch, training.learning_rate) == (["ner"], "0.5", True, 1e-3)
    assert training.output_dir == "runs/mine"


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_is_valid_on_this_machine(name):
    _, _, training, *_ = parse(["--config", name])
    assert checkpointing(training) == name.startswith("qlora")  # where memory asks
    assert training.max_length in (512, 1024)


def test_unknown_options_recipes_and_values_say_what_there_is(tmp_path):
    shipped = ", ".join(recipes())
    assert refused("--config", "lara") == f'no recipe "lara" (shipped: {shipped}; or give the path of a YAML file)'
    assert "did you mean --learning_rate?" in refused("--learnin_rate", "1")
    assert "invalid float value: 'fast'" in refused("--learning_rate", "fast")
    assert f"--config needs a recipe ({shipped})" in refused("--config")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("max_lenght: 100\n")
    assert refused("--config", str(wrong)) == f"unknown option --max_lenght in {wrong} (did you mean --max_length?)"
    wrong.write_text("a: [1\n")
    assert str(wrong) in refused("--config", str(wrong))
    wrong.write_text("- a\n")
    assert "not a mapping" in refused("--config", str(wrong))
    wrong.write_text("env: 5\n")
    assert "env is not a mapping" in refused("--config", str(wrong))
    wrong.write_bytes(b"\xff\xfe")
    assert str(wrong) in refused("--config", str(wrong))


def test_options_that_would_change_nothing_are_refused_with_what_does_and_numbers_that_make_no_training():
    assert refused("--data_seed", "3") == "--data_seed 3 has no effect here: --seed draws the order, too"
    assert refused("--per_device_train_batch_size", "0") == "--per_device_train_batch_size 0: a number above 0"
    assert refused("--max_length", "0") == "--max_length 0: a number above 0"
    assert "the same command resumes" in refused("--resume_from_checkpoint", "runs/a/checkpoint-5")
    assert "--prompt_format" in refused("--chat_template_path", "mine.jinja")


def test_a_recipe_of_somebody_else_sets_no_other_variable_and_no_memory_on_fire(tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("env: {HF_ENDPOINT: https://example.org}\n")
    assert refused("--config", str(wrong)).startswith(f'{wrong}: env sets "HF_ENDPOINT", a recipe may set OMP_NUM_')
    for content in ("a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n", "a: " + "[" * 3_000, "seed: 1\0"):
        wrong.write_text(content)
        assert refused("--config", str(wrong)).startswith(str(wrong))
    wrong.write_text("env: {OMP_WAIT_POLICY: passive}\nlearning_rate: 1e-3\n")
    assert parse(["--config", str(wrong)])[2].learning_rate == 1e-3
