"""The accelerate configurations: each is read by accelerate itself into what it says it is."""

import os
import subprocess
from pathlib import Path
from unittest.mock import patch

import pytest

RECIPES = Path(__file__).parents[3] / "trainer/iepile_trainer/recipes"
CONFIGS = {path.stem: path for path in (RECIPES / "accelerate").glob("*.yaml")}


def launched(name, *more):
    """What `accelerate launch` makes of a configuration: its arguments, and the environment of the processes."""
    from accelerate.commands.launch import _validate_launch_command, launch_command_parser
    from accelerate.utils import launch

    args = launch_command_parser().parse_args(["--config_file", str(CONFIGS[name]), *more, "sft.py"])
    args, defaults, _ = _validate_launch_command(args)
    if args.use_deepspeed:
        args.deepspeed_fields_from_accelerate_config = ",".join(defaults.deepspeed_config)
        return args, launch.prepare_deepspeed_cmd_env(args)[1]
    if args.multi_gpu or args.use_fsdp:
        return args, launch.prepare_multi_gpu_env(args)
    return args, launch.prepare_simple_launcher_cmd_env(args)[1]


@pytest.mark.parametrize(
    ("name", "kind", "processes", "machines", "cpu"),
    [
        ("cpu2", "multi_gpu", 2, 1, True),
        ("one_gpu", None, 1, 1, False),
        ("ddp", "multi_gpu", 8, 1, False),
        ("fsdp2", "use_fsdp", 8, 1, False),
        ("zero2", "use_deepspeed", 8, 1, False),
        ("zero3", "use_deepspeed", 8, 1, False),
        ("two_nodes", "multi_gpu", 16, 2, False),
    ],
)
def test_a_configuration_starts_what_it_says(name, kind, processes, machines, cpu):
    args, environment = launched(name)
    kinds = {each for each in ("multi_gpu", "use_fsdp", "use_deepspeed") if getattr(args, each)}
    assert kinds == {kind} - {None}
    assert (args.num_processes, args.num_machines, args.use_cpu) == (processes, machines, cpu)
    assert environment["ACCELERATE_MIXED_PRECISION"] == "no"  # or a device without bfloat16 would emulate it


def test_every_configuration_is_tested_above():
    assert set(CONFIGS) == {"cpu2", "one_gpu", "ddp", "fsdp2", "zero2", "zero3", "two_nodes"}


def inside(environment):
    """The variables that accelerate reads, until the end of the block."""
    mine = {name: value for name, value in environment.items() if name.startswith(("ACCELERATE", "FSDP"))}
    return patch.dict(os.environ, mine)


def test_fsdp2_saves_whole_weights():
    from accelerate.utils import FullyShardedDataParallelPlugin

    with inside(launched("fsdp2")[1]):
        plugin = FullyShardedDataParallelPlugin()
    assert plugin.fsdp_version == 2
    assert plugin.state_dict_type.name == "FULL_STATE_DICT"
    assert plugin.reshard_after_forward is True


@pytest.mark.parametrize("stage", [2, 3])
def test_zero_spreads_what_its_stage_says_and_saves_whole_weights(stage):
    from accelerate.utils import DeepSpeedPlugin

    with inside(launched(f"zero{stage}")[1]):
        plugin = DeepSpeedPlugin()
    assert plugin.zero_stage == stage
    assert plugin.deepspeed_config["zero_optimization"]["stage3_gather_16bit_weights_on_model_save"] == (stage == 3)


def test_the_slurm_script_is_whole_and_leaves_the_rank_to_each_node():
    script = RECIPES / "slurm/two_nodes.sh"
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    command = script.read_text().partition("srun bash -c '")[2].partition("' sft")[0]
    assert '--machine_rank "$SLURM_NODEID"' in command  # between single quotes
