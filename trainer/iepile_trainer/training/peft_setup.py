"""Ways to train: packed or not, on which attention, and adapters that do not start at zero."""

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import TrainerError, first_line
from ..models.load import FLASH, is_encoder_decoder
from .estimate import sharing_stage

STARTS = ("pissa", "pissa_niter_16", "olora", "gaussian", "orthogonal")
_TAKE_FROM_BASE = ("pissa", "olora")  # these move a part of the base into the adapter
_START = "initial_adapter"


def suited(config: Any, model: Any) -> tuple[Any, list[str]]:
    """The configuration that suits a model and its attention, and what was changed, in words.

    A packed batch is one long sequence. Flash attention looks at each row of it alone; other attention computes
    over all of it and masks, so that packs go through one by one there: the step stays the same.

    Args:
        config: A `trl.SFTConfig`; not changed.
        model: The model that it is for.

    Raises:
        TrainerError: It packs, and the model takes no notice of where a row begins.
    """
    if not config.packing:
        return config, []
    if not _agreed(config, model):
        kind = model.config.model_type
        raise TrainerError(f"--packing: {kind} cannot tell the rows of a pack apart (leave it out: rows are grouped)")
    config = copy.copy(config)
    batch = config.per_device_train_batch_size
    if model.config._attn_implementation == FLASH or batch == 1:
        return config, []
    config.per_device_train_batch_size = config.per_device_eval_batch_size = 1
    config.gradient_accumulation_steps *= batch
    return config, [f"without flash attention packs go one by one, {config.gradient_accumulation_steps} to a step"]


def _agreed(config: Any, model: Any) -> bool:
    """Whether a model is packable, by what the first process found: it has the weights in any case."""
    from accelerate.utils import broadcast_object_list

    return bool(broadcast_object_list([packable(model) if config.process_index == 0 else None])[0])


def packable(model: Any) -> bool:
    """Whether rows in one pack do not see each other, which is tried: a changed row must leave the next as it was.

    Falcon, Bloom and models with a state do not look at where positions start anew.
    """
    import torch
    from transformers.integrations import is_deepspeed_zero3_enabled

    whole = model.get_base_model() if hasattr(model, "get_base_model") else model
    if whole.config.is_encoder_decoder or is_deepspeed_zero3_enabled():  # with ZeRO-3 no process has all weights
        return False
    attention = whole.config._attn_implementation
    if attention == FLASH:  # which needs a GPU; what it is told of rows is the same
        whole.set_attn_implementation("sdpa")
    places = torch.tensor([[0, 1, 2, 3, 0, 1, 2, 3]], device=whole.device)

    def second_row(start: int) -> Any:
        torch.manual_seed(0)  # the same dropout each time
        ids = torch.tensor([[start, 4, 5, 6, 7, 8, 9, 10]], device=whole.device)
        return whole(input_ids=ids, position_ids=places, use_cache=False).logits[0, 4:].float()

    devices = [whole.device] if whole.device.type == "cuda" else []
    try:
        with torch.no_grad(), torch.random.fork_rng(devices):
            before, after = second_row(2), second_row(3)
    except TypeError:  # it takes no positions
        return False
    finally:
        if attention == FLASH:
            whole.set_attn_implementation(attention)
    return bool((before - after).abs().max() <= 1e-3 * before.abs().max())


def is_seq2seq(model: Any, config: Any) -> bool:
    """Whether a model, or the path or Hub id of one, is an encoder-decoder."""
    if not isinstance(model, str):
        return bool(getattr(model.config, "is_encoder_decoder", False))
    revision = (config.model_init_kwargs or {}).get("revision")
    return is_encoder_decoder(model, revision, config.trust_remote_code)


def adapter_config(adapter: str) -> Any:
    """How an adapter was made, as a peft configuration.

    Raises:
        TrainerError: It is none that this peft knows.
    """
    from peft import PeftConfig

    try:
        return PeftConfig.from_pretrained(adapter)
    except Exception as problem:  # a damaged one fails anywhere
        raise TrainerError(f"cannot read the adapter {adapter}: {first_line(problem)}") from None


@contextmanager
def named_modules() -> Iterator[None]:
    """Say which option names modules that a model does not have.

    Raises:
        TrainerError: None of `--lora_target_modules` is there, or none can have an adapter.
    """
    try:
        yield
    except ValueError as problem:
        if "arget module" not in str(problem):
            raise
        raise TrainerError(f"--lora_target_modules: {first_line(problem)} (all-linear suits every model)") from None


def start_adapter(peft_config: Any, start: str | None, quantised: bool = False) -> None:
    """Set how a new adapter starts; by default it changes nothing at first.

    Args:
        peft_config: A `peft.LoraConfig`, changed in place.
        start: One of `STARTS`, or `pissa_niter_N`; None for the default.
        quantised: Whether the base has few bits.

    Raises:
        TrainerError: An unknown start, or one that needs whole weights.
    """
    if start is None:
        return
    if peft_config is None:
        raise TrainerError(f"--init_lora_weights {start} is for adapters (add --use_peft, or take --config pissa)")
    rounds = start.removeprefix("pissa_niter_")
    if start not in STARTS and not (rounds != start and rounds.isdigit()):
        raise TrainerError(f"--init_lora_weights {start} is unknown (one of {', '.join(STARTS)})")
    if quantised and start.startswith(_TAKE_FROM_BASE):
        raise TrainerError(f"--init_lora_weights {start} takes weights apart: leave out 4 or 8 bits (--config qlora)")
    if peft_config.use_dora and start.startswith(_TAKE_FROM_BASE):
        raise TrainerError(f"--init_lora_weights {start} and --use_dora do not go together: leave one of them out")
    peft_config.init_lora_weights = start


def keep_start(trainer: Any) -> None:
    """Keep the adapter as it starts, where a part of the base went into it; before any step.

    Raises:
        TrainerError: The weights are spread over processes.
    """
    start = _taken_from_base(trainer)
    if start is None:
        return
    if sharing_stage(trainer) == 3:
        raise TrainerError(f"{start} needs whole weights on every process: no FSDP or ZeRO-3 with it (--config lora)")
    if trainer.args.should_save:
        trainer.model.save_pretrained(Path(trainer.args.output_dir) / _START)


def save_plain(trainer: Any) -> None:
    """Save an adapter with such a start once more, as one that works on the base as it is published.

    The start is subtracted, which doubles the rank. Does nothing for other trainings.
    """
    if _taken_from_base(trainer) is None or not trainer.args.should_save:
        return
    folder = Path(trainer.args.output_dir)
    trainer.accelerator.unwrap_model(trainer.model).save_pretrained(
        folder, path_initial_model_for_weight_conversion=str(folder / _START)
    )
    shutil.rmtree(folder / _START)


def _taken_from_base(trainer: Any) -> str | None:
    with suppress(AttributeError, KeyError):
        start = trainer.accelerator.unwrap_model(trainer.model).peft_config["default"].init_lora_weights
        return start if isinstance(start, str) and start.startswith(_TAKE_FROM_BASE) else None
    return None
