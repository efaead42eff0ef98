"""`iepile train` hands every option on, its own `--help` included."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from iepile.commands import train


@pytest.fixture
def app():
    app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})
    app.command(context_settings=train.PASS_ALL)(train.train)
    app.command()(lambda: None)
    return app


def test_help_is_the_one_of_the_trainer(app):
    shown = CliRunner().invoke(app, ["train", "--help"])
    assert shown.exit_code == 0
    assert "--lora_r" in shown.output


def test_options_go_through_and_errors_come_back(app):
    refused = CliRunner().invoke(app, ["train", "--no_such_option", "1"])
    assert refused.exit_code == 1
    assert "unknown option --no_such_option" in refused.output + refused.stderr + str(refused.exception)


def test_recipes_are_listed_and_printed_as_they_are_shipped():
    from iepile.cli import app
    from iepile_trainer.recipes import recipes

    listed = CliRunner().invoke(app, ["recipes"]).output
    for name in [*recipes(), "accelerate/fsdp2", "accelerate/zero3", "slurm/two_nodes.sh"]:
        assert any(line.split()[0] == name for line in listed.splitlines())
        printed = CliRunner().invoke(app, ["recipes", "show", name]).output
        file = Path(__file__).parents[2] / "trainer/iepile_trainer/recipes" / name
        assert printed == (file if file.suffix else file.with_suffix(".yaml")).read_text()
    refused = CliRunner().invoke(app, ["recipes", "show", "lara"])
    assert refused.exit_code == 1
    assert "no recipe 'lara' (shipped: dora, full, " in refused.output + refused.stderr


def test_a_printed_recipe_is_taken_by_its_path(tmp_path):
    from iepile.cli import app
    from iepile_trainer.training.parser import parse

    mine = tmp_path / "mine.yaml"
    mine.write_text(CliRunner().invoke(app, ["recipes", "show", "lora"]).output.replace("lora_r: 16", "lora_r: 8"))
    _, _, training, model, *_ = parse(["--config", str(mine)])
    assert (model.lora_r, training.max_length, training.output_dir) == (8, 1024, "runs/mine")
