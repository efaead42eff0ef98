"""Encoder-decoder models (T5 type): the same rows, options and run folder through transformers' Seq2SeqTrainer.

The encoder reads the prompt, the decoder writes the answer. Which models these are is seen from their
configuration; nobody has to choose.
"""

import copy
from collections.abc import Callable
from dataclasses import fields
from typing import Any

from ..tokenization.encode import IGNORED


def seq2seq_trainer(
    model: Any, config: Any, peft_config: Any, tokenizer: Any, base: type, collate: Any = None, **options: Any
) -> Any:
    """A trainer for an encoder-decoder.

    Args:
        model: The model.
        config: A `trl.SFTConfig`; what Seq2SeqTrainer knows of it counts.
        peft_config: For an adapter on a model that has none yet; None otherwise.
        tokenizer: Its tokenizer.
        base: `Seq2SeqTrainer`, or a subclass.
        collate: Wraps the function that makes batches of rows.
        options: Data sets and callbacks.
    """
    from transformers import set_seed

    if peft_config is not None:
        from peft import get_peft_model

        set_seed(config.seed)  # an adapter starts from random weights
        model = get_peft_model(model, peft_config)
    batches = collator(tokenizer, model)
    return base(
        model=model,
        args=arguments(config),
        processing_class=tokenizer,
        data_collator=collate(batches) if collate else batches,
        compute_loss_func=mean_loss,
        **options,
    )


def collator(tokenizer: Any, model: Any) -> Callable[[list[dict[str, Any]]], Any]:
    """Rows into a batch: prompts and answers padded apart, the decoder's input made from the answers."""
    from transformers import DataCollatorForSeq2Seq

    tokenizer = copy.copy(tokenizer)
    tokenizer.padding_side = "right"  # the decoder starts at the left edge, whatever side prompts like
    pad = DataCollatorForSeq2Seq(tokenizer, model=model, label_pad_token_id=IGNORED)
    return lambda rows: pad([{name: row[name] for name in ("input_ids", "labels")} for row in rows])


def mean_loss(outputs: Any, labels: Any, num_items_in_batch: Any = None) -> Any:
    """Cross entropy per answer token of the whole step, over all processes and accumulated batches.

    The model's own loss is the mean of one batch: tokens of small batches would weigh more, and a batch of blank
    rows would be 0 / 0.
    """
    import torch

    total = torch.nn.functional.cross_entropy(
        outputs.logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )
    count = (labels != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
    return total / torch.as_tensor(count, device=total.device).clamp(min=1)


def arguments(config: Any) -> Any:
    """A `trl.SFTConfig` as `Seq2SeqTrainingArguments`."""
    from transformers import Seq2SeqTrainingArguments

    known = {field.name for field in fields(Seq2SeqTrainingArguments) if field.init}
    return Seq2SeqTrainingArguments(**{name: value for name, value in vars(config).items() if name in known})
