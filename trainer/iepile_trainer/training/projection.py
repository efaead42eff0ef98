"""What is projected onto the vocabulary: on a CPU a third of a step, where it is all tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..tokenization.encode import IGNORED


@contextmanager
def answers_alone(model: Any, inputs: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What to give a model that `trl.SFTTrainer` has made ready, so that a CPU projects only tokens with a label.

    The projection onto a vocabulary of 50,000 is a third of a step otherwise. Within, the model's backbone hands on
    the hidden states of those tokens alone; their labels are already shifted. On a GPU TRL does the same itself.

    Args:
        model: A decoder, an adapter around it or not.
        inputs: A batch with `labels` of (rows, tokens).
    """
    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    targets = inputs["labels"][:, 1:]
    asked = targets != IGNORED
    if model.device.type not in ("cpu", "mps") or "shift_labels" in inputs or not asked.any():
        yield inputs
        return

    def narrow(_: Any, __: Any, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state[:, :-1][asked][None]
        return output

    hook = core.base_model.register_forward_hook(narrow)
    try:
        yield {**inputs, "shift_labels": targets[asked][None]}
    finally:
        hook.remove()
