"""Answers, batch by batch: sorted by length, greedy, in input order again.

Within a chunk of batches, prompts of similar length go together, so that little is computed on padding;
the rows come out in the order they went in.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from .formats import stop_token_ids, use_format
from .tokens import prompt_ids

CHUNK = 8  # batches that are sorted together; a killed run loses at most these


def predict(
    model: Any, tokenizer: Any, rows: Iterable[dict[str, Any]], batch_size: int = 32, max_new_tokens: int = 256
) -> Iterator[dict[str, Any]]:
    """Answer the instruction of every row.

    Args:
        model: A transformers or peft causal language model.
        tokenizer: Its tokenizer; gets the `plain` prompt format where it has no chat template.
        rows: Rows with an `instruction`.
        batch_size: Prompts per forward pass.
        max_new_tokens: Longest answer, in tokens.

    Yields:
        The rows in input order with the model's text as `output`. A row that cannot be answered has an empty
        `output` and an `error` that says why; it does not stop the others.
    """
    use_format(tokenizer)
    was_training = model.training
    model.eval()
    try:
        source = iter(rows)
        while chunk := list(islice(source, batch_size * CHUNK)):
            yield from _answer_chunk(model, tokenizer, chunk, batch_size, max_new_tokens)
    finally:
        model.train(was_training)


def _answer_chunk(
    model: Any, tokenizer: Any, chunk: list[dict[str, Any]], batch_size: int, max_new_tokens: int
) -> list[dict[str, Any]]:
    done = [{**row, "output": ""} for row in chunk]
    prompts: dict[int, list[int]] = {}
    room = _positions(model) - max_new_tokens
    for at, row in enumerate(chunk):
        if not isinstance(row.get("instruction"), str) or not row["instruction"]:
            done[at]["error"] = "the row has no instruction"
            continue
        ids = prompt_ids(tokenizer, [row["instruction"]])[0]
        if len(ids) > room:
            done[at]["error"] = (
                f"the prompt has {len(ids):,} tokens, more than the {max(room, 0):,} that the model can read "
                f"beside {max_new_tokens:,} new ones"
            )
            continue
        prompts[at] = ids
    order = sorted(prompts, key=lambda at: len(prompts[at]), reverse=True)  # longest first: memory runs out early
    for start in range(0, len(order), batch_size):
        _answer_batch(model, tokenizer, order[start : start + batch_size], prompts, done, max_new_tokens)
    return done


def _answer_batch(
    model: Any, tokenizer: Any, batch: list[int], prompts: dict[int, list[int]], done: list[dict[str, Any]], most: int
) -> None:
    """Fill in the outputs of one batch; a batch that fails is halved until the row that fails stands alone."""
    try:
        texts = generate(model, tokenizer, [prompts[at] for at in batch], most)
    except Exception as problem:  # whatever it is, the other rows go on
        if len(batch) == 1:
            done[batch[0]]["error"] = f"{type(problem).__name__}: {problem}".splitlines()[0]
            return
        _free_memory()
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            _answer_batch(model, tokenizer, half, prompts, done, most)
        return
    for at, text in zip(batch, texts):
        done[at]["output"] = text


def generate(model: Any, tokenizer: Any, prompts: list[list[int]], max_new_tokens: int) -> list[str]:
    """One static batch, greedy, padded on the left: the texts after the prompts, without the end token."""
    import torch
    from transformers import GenerationConfig

    longest, pad = max(map(len, prompts)), tokenizer.pad_token_id
    ids = torch.tensor([[pad] * (longest - len(prompt)) + prompt for prompt in prompts], device=model.device)
    mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=model.device)
    ends = stop_token_ids(tokenizer)
    greedy = GenerationConfig(
        do_sample=False,
        num_beams=1,
        repetition_penalty=1.0,  # said in full: what a chat model's own generation config sets does not apply here
        no_repeat_ngram_size=0,
        max_new_tokens=max_new_tokens,
        eos_token_id=ends,
        pad_token_id=pad,
    )
    with torch.inference_mode():
        out = model.generate(input_ids=ids, attention_mask=mask, generation_config=greedy)
    answers = out[:, longest:].tolist()
    return [_text(tokenizer, answer, ends) for answer in answers]


def _text(tokenizer: Any, ids: list[int], ends: list[int]) -> str:
    stop = next((at for at, id in enumerate(ids) if id in ends), len(ids))
    text = tokenizer.decode(ids[:stop], skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return str(text)


def _positions(model: Any) -> int:
    """Tokens that the model can look at; boundless where its configuration does not say."""
    return int(getattr(model.config.get_text_config(), "max_position_embeddings", None) or 1 << 40)


def _free_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
