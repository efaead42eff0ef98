"""What all prompts of a batch begin with, computed once: instruction and schema are most of an ordinary prompt.

The rows lie behind each other in one sequence, and a mask shows each of them the shared beginning and itself. What a
row says to the loss is the same as alone, up to rounding. Whether it pays was measured on a CPU, where padding costs
as much as text and attention is a small part of a step.
"""

from collections.abc import Callable, Sequence
from typing import Any

from ..engines.prompts import in_common
from ..tokenization.encode import IGNORED

_WORTH_SHARING = 32  # tokens; a mask of one's own is not worth less


def joined(rows: Sequence[list[int]], shared: int) -> dict[str, Any]:
    """Rows in one sequence, as a model takes it.

    Args:
        rows: Token ids.
        shared: So many of their first tokens are the same in all rows.

    Returns:
        `input_ids` and `position_ids` of (1, tokens), `attention_mask` of (1, 1, tokens, tokens): True where the
        token of the first place sees that of the second.

    >>> batch = joined([[7, 1, 2], [7, 3]], shared=1)
    >>> batch["input_ids"].tolist(), batch["position_ids"].tolist()
    ([[7, 1, 2, 3]], [[0, 1, 2, 1]])
    >>> batch["attention_mask"][0, 0].int().tolist()
    [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]
    """
    import torch

    ids, places, owners = rows[0][:shared], list(range(shared)), [-1] * shared
    for number, row in enumerate(rows):
        ids, places = ids + row[shared:], [*places, *range(shared, len(row))]
        owners += [number] * (len(row) - shared)
    owner = torch.tensor(owners)
    seen = ((owner == -1) | (owner == owner[:, None])).tril()[None, None]
    return {"input_ids": torch.tensor([ids]), "position_ids": torch.tensor([places]), "attention_mask": seen}


def sharing(collate: Callable[[list[dict[str, Any]]], Any]) -> Callable[[list[dict[str, Any]]], Any]:
    """Wrap a collator: rows that begin alike are joined, the others are its own.

    Args:
        collate: Takes rows with `input_ids` and `labels`, see `encode.encode`.

    >>> rows = [{"input_ids": [*range(40), last, 99], "labels": [-100] * 41 + [99]} for last in (50, 51)]
    >>> batch = sharing(lambda rows: {})(rows)
    >>> batch["input_ids"].shape, batch["labels"][0, 40:].tolist()
    (torch.Size([1, 44]), [-100, 99, -100, 99])
    """

    def share(rows: list[dict[str, Any]]) -> Any:
        import torch

        batch = collate(rows)
        shared = shareable([row["input_ids"][: first_answer(row["labels"])] for row in rows])
        if not shared:
            return batch
        labels = [IGNORED] * shared + [label for row in rows for label in row["labels"][shared:]]
        return {**batch, **joined([row["input_ids"] for row in rows], shared), "labels": torch.tensor([labels])}

    return share


def shareable(prompts: Sequence[list[int]]) -> int:
    """How many tokens of some prompts are worth computing once; every prompt keeps one of its own.

    >>> shareable([[*range(40), 1], [*range(40)]]), shareable([[1, 2], [1, 3]])
    (39, 0)
    """
    shared = min(in_common(prompts), min(map(len, prompts)) - 1)
    return shared if len(prompts) > 1 and shared >= _WORTH_SHARING else 0


def first_answer(labels: Sequence[int]) -> int:
    """Where the answer begins, or the end of a row that has none."""
    return next((place for place, label in enumerate(labels) if label != IGNORED), len(labels))


def can_share(model: Any) -> bool:
    """Whether a model on a CPU follows such a mask, which is tried: joined rows must be answered as they are alone."""
    import torch

    core = model.get_base_model() if hasattr(model, "get_base_model") else model
    if model.device.type != "cpu" or core.config.is_encoder_decoder or core.config._attn_implementation != "sdpa":
        return False
    first, second = [1, 2, 3, 4], [1, 2, 5]
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            together = core(**joined([first, second], shared=2), use_cache=False).logits[0, -1].float()
            alone = core(input_ids=torch.tensor([second]), use_cache=False).logits[0, -1].float()
    except (TypeError, ValueError, RuntimeError, IndexError):  # it takes no positions, or no such mask
        return False
    finally:
        model.train(was_training)
    return bool((together - alone).abs().max() <= 1e-3 * alone.abs().max())
