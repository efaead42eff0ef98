"""Two launchers as two machines, started by the Slurm script, train as one process does."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from iepile_trainer.sft import main

RECIPES = Path(__file__).parents[3] / "trainer/iepile_trainer/recipes"
CPU = RECIPES / "accelerate/cpu2.yaml"
SMALL = ["--scratch", "--scratch_hidden", "32", "--scratch_layers", "1", "--scratch_vocab", "400"]

# Runs the command once for each node, as Slurm's own does, in a shell whose SLURM_NODEID is the node's.
SRUN = """#!/bin/bash
for node in 0 1; do
    SLURM_NODEID=$node "$@" > "node$node.log" 2>&1 &
    started[$node]=$!
done
for node in 0 1; do wait "${started[$node]}" || exit 1; done
"""
SCONTROL = "#!/bin/bash\necho 127.0.0.1; sleep 0.2; echo localhost\n"  # slow enough to be cut short by a reader
# In place of accelerate: says which node it is told to be.
TOLD = '#!/bin/bash\necho "$SLURM_NODEID:" "$@"\n'


def slurm(folder, *words, accelerate=None):
    """Run the script as the batch step of a job on two nodes; `folder` holds the commands of Slurm."""
    commands = folder / "bin"
    commands.mkdir(exist_ok=True)
    for name, text in (("srun", SRUN), ("scontrol", SCONTROL), ("accelerate", accelerate)):
        if text:
            (commands / name).write_text(text)
            (commands / name).chmod(0o755)
    environment = os.environ | {
        "PATH": f"{commands}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
        "SLURM_NODEID": "0",  # the batch step runs on the first node
        "SLURM_NNODES": "2",
        "SLURM_JOB_ID": str(os.getpid()),
        "SLURM_JOB_NODELIST": "node[0-1]",
        "PROCESSES_PER_NODE": "1",
        "ACCELERATE_CONFIG": str(CPU),
    }
    script = [RECIPES / "slurm/two_nodes.sh", *words]
    done = subprocess.run(["bash", *map(str, script)], cwd=folder, env=environment, capture_output=True, text=True)
    logs = [(folder / f"node{node}.log").read_text() for node in (0, 1)]
    assert done.returncode == 0, done.stderr + logs[0][-2000:] + logs[1][-2000:]
    return logs


def test_each_node_is_told_its_own_rank_and_the_same_of_everything_else(tmp_path):
    first, second = slurm(tmp_path, "--config", "lora", "--source", "two words", accelerate=TOLD)
    assert first.startswith("0: launch ")
    assert second.startswith("1: launch ")
    assert "--machine_rank 0 " in first
    assert second.removeprefix("1") == first.removeprefix("0").replace("--machine_rank 0 ", "--machine_rank 1 ")
    assert "--num_machines 2 --num_processes 2 " in first
    assert f"--main_process_ip 127.0.0.1 --main_process_port {20000 + os.getpid() % 10000} " in first
    assert first.rstrip().endswith("-m iepile_trainer.sft --config lora --source two words")


@pytest.mark.slow
def test_two_machines_train_the_weights_that_one_process_does(tmp_path, row_list):
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in row_list(40)))
    options = [*SMALL, "--dataset", rows, "--max_steps", 6, "--learning_rate", 0.01, "--save_strategy", "no"]
    options = [str(word) for word in [*options, "--per_device_train_batch_size", 4, "--logging_steps", 1]]
    logs = slurm(tmp_path, *options, "--output_dir", "machines")
    assert "trained in" in logs[0]  # the first of them speaks
    assert "trained in" not in logs[1]
    for log in logs:  # nor does what is not needed speak
        assert "bitsandbytes" not in log
        assert "kernels" not in log
    options[options.index("--per_device_train_batch_size") + 1] = "8"
    main([*options, "--disable_tqdm", "true", "--output_dir", str(tmp_path / "alone")])
    machines, alone = (load_file(tmp_path / name / "model.safetensors") for name in ("machines", "alone"))
    for name in alone:
        torch.testing.assert_close(machines[name], alone[name], atol=1e-4, rtol=1e-3)
    record = json.loads((tmp_path / "machines" / "run.json").read_text())
    assert record["hardware"]["processes"] == 2
    losses = [
        [entry["loss"] for entry in json.loads((tmp_path / name / "run.json").read_text())["history"]]
        for name in ("machines", "alone")
    ]
    assert len(losses[0]) == 6
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)
