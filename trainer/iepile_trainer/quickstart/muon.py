"""Muon for the matrices of a model: the small model learns to copy in a third of AdamW's steps."""

from typing import Any


def muon_for_matrices(learning_rate: float) -> Any:
    """A trainer callback that lets `torch.optim.Muon` update the weight matrices.

    The trainer's own optimizer keeps embeddings and norms. Muon acts just before each of its steps, follows its
    learning rate schedule, and takes the gradients of the matrices away, so that they are not updated twice. (The
    trainer knows one optimizer only, and Muon takes nothing but matrices.) Its momentum is in no checkpoint.

    Args:
        learning_rate: Peak for the matrices, in the scale of AdamW.
    """
    from torch.optim import Muon
    from transformers import TrainerCallback

    class MuonForMatrices(TrainerCallback):
        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            model, optimizer = kwargs["model"], kwargs["optimizer"]
            matrices = [
                weight for name, weight in model.named_parameters() if weight.ndim == 2 and "embed_tokens" not in name
            ]
            muon = Muon(matrices, lr=learning_rate, weight_decay=0.0, adjust_lr_fn="match_rms_adamw")

            def step_matrices(optimizer: Any, *_: Any) -> None:
                share = optimizer.param_groups[0]["lr"] / args.learning_rate
                muon.param_groups[0]["lr"] = learning_rate * share
                muon.step()
                muon.zero_grad()

            inner = getattr(optimizer, "optimizer", optimizer)  # accelerate wraps it
            inner.register_step_pre_hook(step_matrices)

    return MuonForMatrices()
