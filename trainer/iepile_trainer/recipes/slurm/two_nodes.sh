#!/bin/bash
# Two nodes under Slurm, eight GPUs each:
#   iepile recipes show slurm/two_nodes.sh > two_nodes.sh
#   iepile recipes show accelerate/two_nodes > two_nodes.yaml
#   sbatch two_nodes.sh --config lora --task ner re --data_dir path/to/corpus --output_dir runs/lora
# Every node must see the corpus, the model and the output folder. For FSDP2 or ZeRO-3 name another configuration:
#   ACCELERATE_CONFIG=fsdp2.yaml sbatch two_nodes.sh --config full
#SBATCH --job-name=iepile
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --output=%x-%j.log
#SBATCH --requeue

set -euo pipefail

export ACCELERATE_CONFIG=${ACCELERATE_CONFIG:-two_nodes.yaml}
export PROCESSES_PER_NODE=${PROCESSES_PER_NODE:-${SLURM_GPUS_ON_NODE:-8}}
NODES=$(scontrol show hostnames "$SLURM_JOB_NODELIST")
MASTER_ADDR=${NODES%%$'\n'*} # not `| head -n 1`: with pipefail the job would end where scontrol is still writing
export MASTER_ADDR
export MASTER_PORT=${MASTER_PORT:-$((20000 + SLURM_JOB_ID % 10000))}

# The command stands in single quotes: each node's own shell fills in SLURM_NODEID. In double quotes this script,
# which runs on the first node alone, would do it, and every node would call itself the first.
srun bash -c 'exec accelerate launch \
    --config_file "$ACCELERATE_CONFIG" \
    --num_machines "$SLURM_NNODES" \
    --num_processes "$((SLURM_NNODES * PROCESSES_PER_NODE))" \
    --machine_rank "$SLURM_NODEID" \
    --main_process_ip "$MASTER_ADDR" \
    --main_process_port "$MASTER_PORT" \
    -m iepile_trainer.sft "$@"' sft "$@"
