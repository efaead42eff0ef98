"""`iepile train` and `iepile predict` hand every option on, their own `--help` included."""

import pytest
import typer
from typer.testing import CliRunner

from iepile.commands import predict, train


@pytest.fixture
def app():
    app = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]})
    app.command(context_settings=train.PASS_ALL)(train.train)
    app.command(context_settings=predict.PASS_ALL)(predict.predict)
    return app


@pytest.mark.parametrize(("command", "option"), [("train", "--lora_r"), ("predict", "--max_new_tokens")])
def test_help_is_the_one_of_the_trainer(app, command, option):
    shown = CliRunner().invoke(app, [command, "--help"])
    assert shown.exit_code == 0
    assert option in shown.output


@pytest.mark.parametrize("command", ["train", "predict"])
def test_options_go_through_and_errors_come_back(app, command):
    refused = CliRunner().invoke(app, [command, "--no_such_option", "1"])
    assert refused.exit_code == 1
    assert "unknown option --no_such_option" in refused.output + refused.stderr + str(refused.exception)
