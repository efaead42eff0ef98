r"""Supervised fine-tuning on information extraction instructions.

# LoRA, on one GPU or several
```bash
accelerate launch trainer/sft.py --config lora --task ner re \
    --model_name_or_path Qwen/Qwen2.5-1.5B-Instruct \
    --data_dir path/to/corpus --output_dir runs/lora
```

# All weights, from a folder that `iepile prepare` made
```bash
accelerate launch trainer/sft.py --config full --dataset path/to/prepared --output_dir runs/full
```

# A small model from scratch, on a laptop, without any download
```bash
python trainer/sft.py --config tiny --task ner --output_dir runs/tiny
```

From a wheel: `accelerate launch -m iepile_trainer.sft`, or `iepile train`. The same command after a crash
resumes from the last whole checkpoint; a finished run is only replaced with --overwrite.
"""

import sys
from pathlib import Path
from typing import Any

from . import TrainerError
from .arguments import DataArguments, RunArguments, parse
from .training import train

__all__ = ["main", "run_training", "train"]


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says; what the user can put right is said in one line, exit code 1."""
    from iepile_dataset import DataError

    try:
        data, run, training, model = parse(argv, prog="sft", description=__doc__)
        run_training(data, run, training, model)
    except (TrainerError, DataError) as problem:
        sys.exit(f"error: {problem}")
    except KeyboardInterrupt:
        print("interrupted; the same command resumes from the last checkpoint", file=sys.stderr)
        sys.exit(130)


def run_training(data: DataArguments, run: RunArguments, training: Any, model_args: Any) -> dict[str, Any]:
    """Load rows, model and tokenizer as the arguments say, and train.

    Returns:
        The run record, see `train`.
    """
    from trl import get_peft_config, get_quantization_config

    from .data import load_rows
    from .formats import OWN, find
    from .models import check_remote_code
    from .runs import check_free

    check_remote_code(training.trust_remote_code, model_args.model_revision)
    if run.scratch and model_args.model_name_or_path:
        raise TrainerError(
            f"scratch (the recipe tiny sets it) makes a new model, but --model_name_or_path is "
            f"{model_args.model_name_or_path}: leave one of them out, or take --config lora or full"
        )
    if not run.scratch and not model_args.model_name_or_path:
        raise TrainerError("no model: give --model_name_or_path (a folder or a Hub id), or --scratch for a new one")
    check_free(training.output_dir, run.overwrite)  # before anything is loaded
    if data.prompt_format not in (None, OWN):
        find(data.prompt_format)
    with training.main_process_first(desc="loading rows"):
        rows = load_rows(data, data.train_split, data.max_rows, training.dataset_num_proc)
        eval_rows = None
        if training.eval_strategy != "no":
            eval_rows = load_rows(data, data.eval_split, data.max_eval_rows, training.dataset_num_proc)
    model, tokenizer = _model(rows, run, training, model_args)
    record = train(
        model,
        tokenizer,
        rows,
        training,
        data,
        peft_config=get_peft_config(model_args),
        eval_rows=eval_rows,
        quantization_config=get_quantization_config(model_args),
        overwrite=run.overwrite,
        record_ids=run.record_ids,
    )
    if training.process_index == 0:
        print(f"trained in {record['seconds']:.0f} s; the model lies in {training.output_dir}")
    return record


def _model(rows: Any, run: RunArguments, training: Any, model_args: Any) -> tuple[Any, Any]:
    """The model (or the path that the trainer loads it from) and its tokenizer."""
    from transformers import AutoTokenizer

    from .scratch import new_model, new_tokenizer

    if run.scratch:
        tokenizer = new_tokenizer(rows, run.scratch_vocab)
        positions = max(2048, 2 * (training.max_length or 0))
        return new_model(tokenizer, run.scratch_hidden, run.scratch_layers, positions, training.seed), tokenizer
    path, remote = model_args.model_name_or_path, training.trust_remote_code
    if Path(path).is_dir():
        path = str(Path(path).resolve())  # an adapter names its base: it must be found from any folder
    try:
        tokenizer = AutoTokenizer.from_pretrained(path, revision=model_args.model_revision, trust_remote_code=remote)
    except (OSError, ValueError) as problem:
        raise TrainerError(f"cannot load the model {path}: {str(problem).strip().splitlines()[0]}") from None
    training.model_init_kwargs = {
        "revision": model_args.model_revision,
        "attn_implementation": model_args.attn_implementation,
        "dtype": model_args.dtype,
        **(training.model_init_kwargs or {}),
    }
    return path, tokenizer


if __name__ == "__main__":
    main()
