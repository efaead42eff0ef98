"""`iepile train`: everything after it goes to `iepile_trainer.sft`, `--help` included."""

import typer

# Read by the command line when it adds the command: the options are the trainer's own, not Typer's.
PASS_ALL = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def train(context: typer.Context) -> None:
    """Train a model on instructions; on several devices: accelerate launch -m iepile_trainer.sft."""
    from iepile_trainer.sft import main

    main(context.args)
