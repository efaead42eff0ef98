"""One training: rows, a model and its configuration in; a run folder out."""

import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..data.arguments import DataArguments
from ..errors import TrainerError
from .arguments import WatchArguments
from .record import finish, options_of

_FEW_STEPS = 150  # 120 steps of an adapter found half of what 240 did, and 60 next to nothing


def train(
    model: Any, tokenizer: Any, rows: Any, config: Any, data: DataArguments | None = None, **options: Any
) -> dict[str, Any]:
    """Train on rows and leave a run folder: weights, tokenizer with its chat template, `run.json`.

    Args:
        model: A model, or the path or Hub id of a whole one. An encoder-decoder trains as such.
        tokenizer: Its tokenizer; gets the prompt format `data.prompt_format`.
        rows: A `datasets.Dataset` of rows, see `encode.encode`, or a stream of them (or several, one for each draw).
        config: A `trl.SFTConfig`, see `arguments.training_config`; its `output_dir` is the run folder.
        data: Where the rows came from, for the record, and what happens to over-long ones.
        **options: The other attributes of a `Training`, such as `peft_config` and `eval_rows`.

    Returns:
        The record, as written to `run.json` by the first process.

    Raises:
        TrainerError: A finished or another run is in the folder, no row can be trained on, a loss is no number,
            or the folder cannot be written.
    """
    with ExitStack() as held:
        data = data or DataArguments(dataset=["rows"])
        return Training(model, tokenizer, rows, config, data, held, **options).run()


@dataclass
class Training:
    """One training, see `train`.

    Attributes:
        held: Takes what is let go of at its end: the run folder, which no other training may use meanwhile.
        peft_config: A `peft.LoraConfig` to train an adapter; None for all weights.
        eval_rows: Rows for the evaluation that `config.eval_strategy` asks for.
        quantization_config: For a model given by its path.
        adapter: An adapter of that model to go on with, in place of `peft_config`.
        callbacks: More callbacks for the trainer.
        overwrite: Throw away the run that is in the folder.
        record_ids: File to which each process (`.0`, `.1`, …) writes the ids of the rows it trains on.
        watch: How evaluations predict a sample of `eval_rows`, and when to stop early.
        dry_run: Stop after the report on rows, steps and memory; nothing is written, and no weights are loaded.
    """

    model: Any
    tokenizer: Any
    rows: Any
    config: Any
    data: DataArguments
    held: ExitStack
    peft_config: Any = None
    eval_rows: Any = None
    quantization_config: Any = None
    adapter: str | None = None
    callbacks: list[Any] | None = None
    overwrite: bool = False
    record_ids: str | None = None
    watch: WatchArguments | None = None
    dry_run: bool = False

    def run(self) -> dict[str, Any]:
        """Train, or with `dry_run` report what a training would take."""
        from ..data.load import manifest
        from ..models.precision import restore_adapter
        from ..tokenization.encode import check_vocabulary, draws_of, is_stream
        from .estimate import bits_of, plan, sharing, with_adapter
        from .monitoring import attach, sample_of
        from .peft_setup import adapter_config, is_seq2seq, keep_start, named_modules, suited
        from .stream import check_stream
        from .trainer import new_trainer

        config, data, watch = self.config, self.data, self.watch or WatchArguments()
        self.seq2seq, self.is_first = is_seq2seq(self.model, config), config.process_index == 0
        new_adapter = None if self.adapter else self.peft_config
        if self.adapter is not None:
            self.peft_config = adapter_config(self.adapter)
        elif new_adapter is not None and self.seq2seq:
            new_adapter.task_type = "SEQ_2_SEQ_LM"
        if is_stream(self.rows):
            check_stream(config, draws_of(self.rows)[0].num_shards)
        record = self._origin()
        checkpoint = None if self.dry_run else self._claimed(record)
        record["prompt_format"] = self._use_format()
        sample = sample_of(watch, config, self.eval_rows, self.tokenizer, data.eval_split)
        encoded, lengths, held_out, held_lengths = self._encoded()
        dtype = self._load()
        check_vocabulary(self.model, self.tokenizer, encoded)
        config, changes = suited(config, self.model)
        self._say(*changes)
        ready, draws = _ready(encoded, config, self.tokenizer.pad_token_id)
        measured = (None if is_stream(encoded) else len(ready), lengths, draws)
        facts = (lengths, held_lengths, manifest(encoded, data, data.train_split))
        if self.dry_run:
            with named_modules():
                outlined = with_adapter(self.model, self.peft_config)
            return self._report(plan(config, outlined, *measured, bits=bits_of(self.quantization_config)), *facts)
        ends = (self.tokenizer, new_adapter, self.callbacks, self.record_ids)
        with named_modules():
            trainer = new_trainer(self.model, config, ready, draws, held_out, *ends)
        if self.quantization_config is not None:
            restore_adapter(trainer.model, dtype)
        record |= self._report(plan(config, trainer.model, *measured, sharing(trainer)), *facts)
        keep_start(trainer)
        if checkpoint:
            self._say(f"resuming from {checkpoint}")
        attach(trainer, watch, sample)
        seconds = _run(trainer, checkpoint)
        record |= {**_read(ready, data), "options": options_of(config, self.peft_config, self.quantization_config)}
        return finish(trainer, record, checkpoint, seconds)

    def _say(self, *lines: Any) -> None:
        if self.is_first and lines:
            print(*lines, sep="\n", flush=True)

    def _origin(self) -> dict[str, Any]:
        """What the run record says from the beginning."""
        base = self.model if isinstance(self.model, str) else self.model.config._name_or_path
        method = "lora" if self.peft_config is not None else "full"
        return {"base_model": base or None, "adapter": self.adapter, "method": method, "seed": self.config.seed}

    def _claimed(self, record: dict[str, Any]) -> str | None:
        """The first process claims the folder; all of them learn the checkpoint, or why they cannot go on."""
        from accelerate.utils import broadcast_object_list

        from ..run_folder import alone, claim

        if isinstance(self.model, str):  # how the weights come to be, as far as the record does not say
            load = {name: value and str(value) for name, value in (self.config.model_init_kwargs or {}).items()}
        else:
            load = {"parameters": sum(weight.numel() for weight in self.model.parameters())}
        # The order of the rows hangs on the number of processes.
        options = options_of(self.config, self.peft_config, self.quantization_config)
        intent = {**record, "data": asdict(self.data), "options": options}
        intent |= {"processes": self.config.world_size}
        checkpoint, refusal = None, None
        if self.is_first:
            from ..data.mark import mark_of

            # A new model is as large as its tokenizer, which is made of the rows: they are told first.
            intent |= {"digest of the rows": mark_of(self.rows, self.data), "load": load}
            try:
                self.held.enter_context(alone(self.config.output_dir))
                checkpoint = claim(self.config.output_dir, intent, self.overwrite)
            except TrainerError as problem:
                refusal = str(problem)
        checkpoint, refusal = broadcast_object_list([checkpoint and str(checkpoint), refusal])
        if refusal:
            raise TrainerError(refusal)
        return checkpoint

    def _use_format(self) -> str:
        from ..formats import use_format

        without_template = self.tokenizer.chat_template is None
        name = use_format(self.tokenizer, self.data.prompt_format)
        if without_template and self.data.prompt_format is None:
            self._say(f"the tokenizer has no chat template: prompts are in the format {name!r}")
        return name

    def _encoded(self) -> tuple[Any, Any, Any, Any]:
        """Rows and rows for evaluation as token ids, each with its report."""
        from ..tokenization.encode import encode

        config, data = self.config, self.data
        how: dict[str, Any] = {"tokenizer": self.tokenizer, "max_length": config.max_length, "seq2seq": self.seq2seq}
        how |= {"overlong": data.overlong, "window_overlap": data.window_overlap, "num_proc": config.dataset_num_proc}
        with config.main_process_first(desc="tokenising"):
            encoded = encode(self.rows, **how)
            return (*encoded, *((None, None) if self.eval_rows is None else encode(self.eval_rows, **how)))

    def _load(self) -> str:
        """Load the model, or for a dry run its outline, where it is named by its path; the type of its weights."""
        from ..models.load import load_trainable
        from ..models.precision import training_weights
        from .estimate import outline

        config = self.config
        named = (config.model_init_kwargs or {}).get("dtype") or "auto"
        dtype = training_weights(named, config, learning=self.peft_config is None)
        if isinstance(self.model, str) and self.dry_run:
            self.model = outline(self.model, config, dtype, self.seq2seq)
        elif isinstance(self.model, str):
            how = (self.adapter, self.quantization_config, self.seq2seq)
            self.model = load_trainable(self.model, config, dtype, *how)
        return dtype

    def _report(self, planned: Any, lengths: Any, held_lengths: Any, sources: list[dict[str, Any]]) -> dict[str, Any]:
        """The report before a training, printed by the first process and returned for the run's record."""
        self._say(lengths)
        for entry in sources:
            by_source = ", ".join(f"{name or 'no source'} {count:,}" for name, count in entry["rows_by_source"].items())
            self._say(f"{entry['config']}: rows {entry['rows']:,}, tokens {entry['tokens']:,} ({by_source})")
        if held_lengths is not None:
            self._say(f"evaluation {held_lengths}".partition("\n")[0])
        self._say(planned)
        if self.config.max_steps <= 0 and planned.steps < _FEW_STEPS:
            self._say(
                "so few steps teach little: more --num_train_epochs, a smaller --per_device_train_batch_size, or "
                "--config little for a small model"
            )
        return {"data": sources, "lengths": lengths.as_dict(), "plan": asdict(planned)}


def _ready(encoded: Any, config: Any, filler: int) -> tuple[Any, int]:
    """Encoded rows as `new_trainer` takes them, and how many draws stand behind each other in them."""
    from ..tokenization.encode import draws_of, is_stream
    from .sampler import ready
    from .stream import EpochStream

    if is_stream(encoded):
        return EpochStream(encoded, config, filler), 1
    draws = draws_of(encoded)
    return ready(draws, config, filler), len(draws)


def _run(trainer: Any, checkpoint: str | None) -> float:
    """Train and save; the seconds that training took."""
    from ..run_folder import saving
    from .peft_setup import save_plain

    start = time.perf_counter()
    trainer.train(resume_from_checkpoint=checkpoint)
    seconds = time.perf_counter() - start
    with saving(Path(trainer.args.output_dir)):
        trainer.save_model()
        save_plain(trainer)
    trainer.accelerator.wait_for_everyone()
    return seconds


def _read(rows: Any, data: DataArguments) -> dict[str, Any]:
    """What a stream turned out to hold, for the record; nothing for a dataset, which is known beforehand."""
    from ..data.load import manifest
    from .stream import EpochStream

    if not isinstance(rows, EpochStream):
        return {}
    tally = rows.read()
    return {"data": manifest(tally.sources, data, data.train_split), "lengths": tally.report().as_dict()}
