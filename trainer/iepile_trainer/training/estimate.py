"""What a training will take, before it starts: steps, tokens, memory.

The memory of one process is estimated as the sum of

- weights, as they lie in memory (4-bit weights as they are stored);
- gradients: one number for each trained weight, in its type;
- the optimizer's states: two such numbers for Adam (one byte each in 8 bits), one for SGD with momentum and Lion,
  none for plain SGD; for other optimizers as for Adam, which is an upper bound for all that are factored;
- activations of the longest batch, per token and layer: 9 hidden sizes and 4 feed-forward sizes (2 without a gate),
  18 and 5 (3) where an adapter sits on every linear layer; with activation checkpointing 1 hidden size, and one
  layer in full. These figures were counted in the tensors that PyTorch keeps for the backward pass, with SDPA or
  flash attention; eager attention keeps the square of the length on top;
- the last projection onto the vocabulary, three numbers of 4 bytes for each label: of 256 tokens at a time where TRL
  computes the loss, of all tokens of an encoder-decoder's answers.

What PyTorch's allocator, CUDA's context and NCCL hold back comes on top: commonly 1 to 2 GB on a GPU.
"""

import math
from dataclasses import dataclass
from typing import Any

from ..tokenization.length_report import LengthReport
from .arguments import checkpointing

_STATES = {"sgd": 0, "lion": 1, "adafactor": 0}  # numbers for each trained weight; 2 for all others
_CHUNK = 256
_GB = 1e9


@dataclass(frozen=True)
class Plan:
    """What a training will take.

    Attributes:
        processes: How many train together.
        rows_per_step: Rows (or packs of rows) between two optimizer steps, over all processes.
        steps: Optimizer steps in all.
        steps_per_epoch: None for a stream, whose length is not known.
        epochs: How often every row is seen; None for a stream.
        tokens_per_epoch: Tokens of one epoch; None for a stream.
        tokens: Tokens in all, about.
        parameters: Weights of the model, adapters included.
        trained: Those that learn.
        memory: Bytes on each process: weights, gradients, optimizer, activations, loss, and their sum `total`.
    """

    processes: int
    rows_per_step: int
    steps: int
    steps_per_epoch: int | None
    epochs: float | None
    tokens_per_epoch: int | None
    tokens: int
    parameters: int
    trained: int
    memory: dict[str, int]

    def __str__(self) -> str:
        share = self.trained / self.parameters if self.parameters else 0
        epochs = "" if self.epochs is None else f" = {self.epochs:.4g} epochs of {self.steps_per_epoch:,}"
        an_epoch = "" if self.tokens_per_epoch is None else f", {self.tokens_per_epoch:,} an epoch"
        parts = ", ".join(f"{name} {_size(size)}" for name, size in self.memory.items() if name != "total")
        return (
            f"steps {self.steps:,}{epochs}, {self.rows_per_step:,} rows to a step on {self.processes} process"
            f"{'es' * (self.processes > 1)}; about {self.tokens:,} tokens in all{an_epoch}\n"
            f"parameters {self.parameters:,}, trained {self.trained:,} ({share:.2%})\n"
            f"memory about {_size(self.memory['total'])} on each process ({parts})"
        )


def plan(
    config: Any,
    model: Any,
    rows: int | None,
    lengths: LengthReport,
    draws: int = 1,
    shards: tuple[int, int, int] = (1, 1, 1),
    bits: int | None = None,
) -> Plan:
    """Work out a plan.

    Args:
        config: A `trl.SFTConfig`.
        model: The model that is trained, with its adapter; on the meta device it costs nothing.
        rows: Rows (or packs) of all draws, blank ones included; None for a stream.
        lengths: What became of the rows, of a stream of its first ones.
        draws: How many draws of the labels `rows` are; each is an epoch.
        shards: How many processes share weights, gradients and states (FSDP, ZeRO).
        bits: What the weights will be quantised to, where `model` is a mere outline.
    """
    batch, world, tokens = config.train_batch_size, config.world_size, lengths.tokens // draws
    together = batch * world * config.gradient_accumulation_steps
    longest = lengths.percentiles["100%"]
    if config.max_length:
        longest = config.max_length if config.packing else min(longest, config.max_length)
    if rows is None:
        per_epoch, steps, epochs = None, config.max_steps, None
    else:
        batches = math.ceil(rows // draws / (batch * world))
        per_epoch = max(math.ceil(batches / config.gradient_accumulation_steps), 1)
        steps = config.max_steps if config.max_steps > 0 else math.ceil(config.num_train_epochs * per_epoch)
        epochs = steps / per_epoch
    return Plan(
        processes=world,
        rows_per_step=together,
        steps=steps,
        steps_per_epoch=per_epoch,
        epochs=None if epochs is None else round(epochs, 3),
        tokens_per_epoch=None if epochs is None else tokens,
        tokens=round(tokens * (steps * together / max(lengths.kept, 1) if epochs is None else epochs)),
        parameters=sum(map(_count, model.parameters())),
        trained=sum(weight.numel() for weight in model.parameters() if weight.requires_grad),
        memory=memory(config, model, longest, shards, bits),
    )


def memory(
    config: Any, model: Any, longest: int, shards: tuple[int, int, int] = (1, 1, 1), bits: int | None = None
) -> dict[str, int]:
    """Bytes that a training takes on each process, by what they are for; see the module for the rules."""
    whole = model.config.get_text_config()

    def size_of(*names: str) -> int:
        return next((number for name in names if (number := getattr(whole, name, None))), 0)

    layers = size_of("num_hidden_layers") + size_of("num_decoder_layers")
    hidden = size_of("hidden_size")
    inner = size_of("intermediate_size", "ffn_hidden_size", "d_ff") or 4 * hidden
    names = {name.rpartition(".")[2] for name, _ in model.named_modules()}
    gated = bool(names & {"gate_proj", "gate_up_proj", "wi_0", "w1"})
    adapter = hasattr(model, "peft_config")
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    largest = max((weight for weight in model.parameters() if weight.is_floating_point()), key=lambda w: w.numel())
    size = 2 if config.bf16 or config.fp16 else largest.element_size()
    states = next((number for name, number in _STATES.items() if name in config.optim), 2)
    per_layer = hidden * (18 if adapter else 9) + inner * ((3 if adapter else 2) + 2 * gated)
    kept = hidden * layers + per_layer if checkpointing(config) else per_layer * layers
    tokens = config.train_batch_size * longest
    labels = tokens if getattr(model.config, "is_encoder_decoder", False) else min(tokens, _CHUNK)
    parts = {
        "weights": _stored(model, bits) // shards[0],
        "gradients": sum(weight.numel() * weight.element_size() for weight in trained) // shards[1],
        "optimizer": sum(w.numel() * states * (1 if "8bit" in config.optim else w.element_size()) for w in trained)
        // shards[2],
        "activations": tokens * kept * size,
        "loss": labels * size_of("vocab_size") * 12,
    }
    return {**parts, "total": sum(parts.values())}


def _stored(model: Any, bits: int | None) -> int:
    """Bytes of the weights; quantised ones of matrices inside the layers with their scales, 4 bits in 64."""
    whole = 0.0
    for name, weight in model.named_parameters():
        few = bits and weight.ndim == 2 and ".layers." in name and "lora_" not in name
        whole += weight.numel() * (bits / 8 * 1.07 if few and bits else weight.element_size())
    return int(whole)


def _count(weight: Any) -> int:
    """Weights in a tensor; 4-bit ones lie two to a byte."""
    shape = getattr(getattr(weight, "quant_state", None), "shape", None)
    return math.prod(shape) if shape is not None else weight.numel()


def _size(size: float) -> str:
    """Bytes in words.

    >>> _size(7_615_000_000), _size(3_100_000), _size(900)
    ('7.6 GB', '3 MB', '1 kB')
    """
    return f"{size / _GB:.1f} GB" if size >= _GB else f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} kB"


def outline(path: str, config: Any, dtype: str, seq2seq: bool = False) -> Any:
    """A model without weights, to be measured: what is downloaded is its configuration; `dtype` names a torch dtype.

    Raises:
        TrainerError: There is no such model.
    """
    import torch

    from ..models.load import auto_class, config_of

    shape = config_of(path, (config.model_init_kwargs or {}).get("revision"), config.trust_remote_code)
    with torch.device("meta"):
        return auto_class(seq2seq).from_config(
            shape, dtype=getattr(torch, dtype), trust_remote_code=config.trust_remote_code
        )


def with_adapter(model: Any, peft_config: Any) -> Any:
    """A model with its adapter, if there is to be one; only to be measured."""
    if peft_config is None or hasattr(model, "peft_config"):
        return model
    import torch
    from peft import get_peft_model

    with torch.device("meta"):
        return get_peft_model(model, peft_config, low_cpu_mem_usage=True)


def bits_of(quantization_config: Any) -> int | None:
    """To how many bits weights will be quantised."""
    return 4 if getattr(quantization_config, "load_in_4bit", 0) else 8 if quantization_config is not None else None


def sharing(trainer: Any) -> tuple[int, int, int]:
    """How many processes share weights, gradients and optimizer states: FSDP and ZeRO."""
    world, stage = trainer.args.world_size, sharing_stage(trainer)
    return (world if stage == 3 else 1, world if stage >= 2 else 1, world if stage >= 1 else 1)


def sharing_stage(trainer: Any) -> int:
    """What processes share, as ZeRO counts: nothing (0) to the weights, too (3); FSDP shares all."""
    if trainer.is_fsdp_enabled:
        return 3
    return trainer.accelerator.state.deepspeed_plugin.zero_stage if trainer.is_deepspeed_enabled else 0
