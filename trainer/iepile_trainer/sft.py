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

# QLoRA on one small GPU; an encoder-decoder; an adapter that is trained further
```bash
accelerate launch trainer/sft.py --config qlora --task ner --data_dir path/to/corpus
accelerate launch trainer/sft.py --config seq2seq --task ner --data_dir path/to/corpus
accelerate launch trainer/sft.py --config lora --model_name_or_path runs/lora --task ee --output_dir runs/more
```

# Several tasks and sources by weight; --dry_run stops after the report on rows, steps and memory
```bash
python trainer/sft.py --config lora --mix ner=2 re=1 ner/wnut17=0.5 --data_dir path/to/corpus --dry_run
```

# A small model from scratch, on a laptop, without any download
```bash
python trainer/sft.py --config tiny --task ner --output_dir runs/tiny
```

# Predict a fixed sample every 200 steps, keep the best weights by F1, stop when it no longer rises, test at the end
```bash
accelerate launch trainer/sft.py --config lora --task ner --data_dir path/to/corpus --output_dir runs/watched \
    --predict_steps 200 --early_stopping_patience 3 --test_split test --report_to tensorboard
```

`iepile recipes` lists the recipes, and configurations of accelerate for several GPUs and machines. From a wheel:
`accelerate launch -m iepile_trainer.sft`, or `iepile train`. The same command after a crash
resumes from the last whole checkpoint; a finished run is only replaced with --overwrite.
"""

import sys
import warnings
from pathlib import Path
from typing import Any

from .command_line import terminate_as_interrupt
from .data.arguments import DataArguments
from .errors import TrainerError
from .training.arguments import RunArguments, WatchArguments
from .training.monitoring import check_watch
from .training.parser import parse
from .training.train import train

__all__ = ["main", "run_training", "train"]


def main(argv: list[str] | None = None) -> None:
    """Train as the command line says; what the user can put right is said in one line, exit code 1."""
    from iepile_dataset import DataError
    from iepile_dataset.errors import visible

    terminate_as_interrupt()
    try:
        parsed = parse(argv, "sft", __doc__)
        if not sys.stderr.isatty():
            from .training.progress import without_bars

            without_bars()
        run_training(*parsed)
    except (TrainerError, DataError) as problem:
        sys.exit(f"error: {visible(str(problem))}")
    except KeyboardInterrupt:
        anew = any(word.startswith("--overwrite") for word in (sys.argv if argv is None else argv))
        again = "the same command without --overwrite" if anew else "the same command"
        print(f"interrupted; {again} resumes from the last checkpoint", file=sys.stderr)
        sys.exit(130)


def run_training(
    data: DataArguments,
    run: RunArguments,
    training: Any,
    model_args: Any,
    watch: WatchArguments | None = None,
    callbacks: list[Any] | None = None,
) -> dict[str, Any]:
    """Load rows, model and tokenizer as the arguments say, and train; `callbacks` are further ones for the trainer.

    Returns:
        The run record, see `train`.
    """
    from iepile_dataset.errors import visible

    from .data.kept import with_old_rows
    from .data.load import first_rows, load_both, load_rows
    from .evaluate_run import ANSWERS, answer_split, split_of
    from .training.record import not_learnt

    # TRL and peft still use these names, and transformers warns each time that they are the old ones.
    warnings.filterwarnings("ignore", "`(is_)?gradient_checkpointing` is deprecated", FutureWarning)
    watch = watch or WatchArguments()
    first = training.process_index == 0
    path, adapter = _start(data, run, training, model_args, watch)
    quantised, peft_config = _adapter(run, training, model_args, adapter)
    if adapter and first:
        print(f"going on with the adapter {adapter} on {path}: rank, modules and start are its own", flush=True)
    with training.main_process_first(desc="loading rows"):
        loaded = load_both(data, training.eval_strategy != "no", training.dataset_num_proc)
        test_rows = watch.test_split and load_rows(data, watch.test_split, None, training.dataset_num_proc)
        if data.keep_sources:
            loaded = with_old_rows(loaded, data, (path, adapter))
    if first and loaded.notes:
        print(*map(visible, loaded.notes), sep="\n", flush=True)
    model, tokenizer = _model(first_rows(loaded.rows), path, adapter, run, training, model_args)
    record = train(
        model,
        tokenizer,
        loaded.rows,
        training,
        data,
        peft_config=peft_config,
        eval_rows=loaded.eval_rows,
        quantization_config=quantised,
        adapter=adapter,
        callbacks=callbacks,
        overwrite=run.overwrite,
        record_ids=run.record_ids,
        watch=watch,
        dry_run=run.dry_run,
    )
    if run.dry_run:
        return record
    if first:
        print(f"trained in {record['seconds']:.0f} s; the model lies in {training.output_dir}")
    if test_rows:
        scores = answer_split(training.output_dir, test_rows)
        if first:
            print(_summary(scores), *not_learnt(scores[split_of(test_rows[0], Path(ANSWERS).stem)]), sep="\n")
    return record


def _start(
    data: DataArguments, run: RunArguments, training: Any, model_args: Any, watch: WatchArguments
) -> tuple[str | None, str | None]:
    """The base and the adapter that a training starts from, None for a new model; refuses what cannot work."""
    from .formats import OWN, find
    from .models.damage import refuse_damaged
    from .models.load import check_remote_code
    from .models.location import base_and_adapter
    from .run_folder import check_free

    check_remote_code(training.trust_remote_code, model_args.model_revision)
    named = model_args.model_name_or_path or run.adapter
    if run.scratch and named:
        option = "--model_name_or_path" if model_args.model_name_or_path else "--adapter"
        raise TrainerError(
            f"scratch (the recipe tiny sets it) makes a new model, but {option} is {named}: leave one of them out, or "
            "take --config lora or full"
        )
    if not run.scratch and not named:
        raise TrainerError("no model: give --model_name_or_path (a folder or a Hub id), or --scratch for a new one")
    check_watch(watch, training)
    check_free(training.output_dir, run.overwrite)  # before anything is loaded
    if data.prompt_format not in (None, OWN):
        find(data.prompt_format)
    if not named:
        return None, None
    path, adapter = base_and_adapter(named, run.adapter if model_args.model_name_or_path else None)
    for place in filter(None, (path, adapter)):  # a dry run loads no weights
        refuse_damaged(place)
    return _absolute(path), _absolute(adapter)


def _adapter(run: RunArguments, training: Any, model_args: Any, adapter: str | None) -> tuple[Any, Any]:
    """How the base is quantised, and the configuration of a new adapter; None for neither."""
    from trl import get_peft_config

    from .models.load import few_bits, quantisation
    from .models.precision import training_weights
    from .training.peft_setup import start_adapter

    bits = 4 if model_args.load_in_4bit else 8 if model_args.load_in_8bit else None
    peft_config = get_peft_config(model_args)
    if bits and peft_config is None and adapter is None:
        raise TrainerError(f"weights of {bits} bits cannot be trained, an adapter on them can: add --use_peft")
    start_adapter(peft_config, run.init_lora_weights, quantised=bits is not None)
    quantised = None
    if bits:
        quantised = quantisation(bits, training_weights(model_args.dtype, training, False), few_bits(model_args))
    return quantised, peft_config if adapter is None else None


def _summary(scores: dict[str, Any]) -> str:
    return "\n".join(
        f"{split} {task}: F1 {one['f1']:.4f} ({one['interval'][0]:.4f} to {one['interval'][1]:.4f}) "
        f"over {one['records']:,} records"
        for split, by_task in scores.items()
        for task, one in by_task.items()
        if "interval" in one
    )


def _absolute(name: str | None) -> str | None:
    """An adapter names its base: a folder must be found from any other."""
    return str(Path(name).resolve()) if name and Path(name).exists() else name


def _model(
    rows: Any, path: str | None, adapter: str | None, run: RunArguments, training: Any, model_args: Any
) -> tuple[Any, Any]:
    """The model (or the path that it is loaded from) and its tokenizer."""
    from .models.load import load_tokenizer
    from .models.scratch import new_model, new_tokenizer

    if path is None:
        tokenizer = new_tokenizer(rows, run.scratch_vocab)
        positions = max(2048, 2 * (training.max_length or 0))
        return new_model(tokenizer, run.scratch_hidden, run.scratch_layers, positions, training.seed), tokenizer
    training.model_init_kwargs = {
        "revision": model_args.model_revision,
        "attn_implementation": model_args.attn_implementation,
        "dtype": model_args.dtype,
        **(training.model_init_kwargs or {}),
    }
    return path, load_tokenizer(path, adapter, model_args.model_revision, training.trust_remote_code)


if __name__ == "__main__":
    main()
