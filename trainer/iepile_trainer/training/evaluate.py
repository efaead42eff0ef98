"""The model examined while it learns: a fixed sample is answered and scored at every evaluation.

The scores stand among the trainer's own evaluation metrics, so that whatever listens to those works as it
does with the loss: trackers, the choice of the best checkpoint, early stopping.
"""

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from iepile_dataset.errors import visible

from ..errors import TrainerError
from ..tokenization.encode import IGNORED, prompt_ids
from .estimate import sharing_stage
from .eval_sample import Sample

_BATCH = 32  # prompts answered together; halved by `predict` where memory runs out


class SampleEvaluation:
    """Answers a sample with the model in training; every process calls it, each answers its share.

    Args:
        sample: What to answer.
        tokenizer: The model's tokenizer.

    Attributes:
        longest: Tokens that an answer may have: a quarter more than the longest gold answer, and ten.
    """

    def __init__(self, sample: Sample, tokenizer: Any) -> None:
        from ..tokenization.encode import answer_ids

        self.sample, self.tokenizer = sample, tokenizer
        self._gold = answer_ids(tokenizer, [row.get("output") or "" for row in sample.rows])
        self.longest = max(map(len, self._gold)) * 5 // 4 + 10
        self._shown: set[str] = set()

    def __call__(self, trainer: Any) -> dict[str, float]:
        """Answer and score.

        Args:
            trainer: A transformers Trainer, in evaluation.

        Returns:
            `eval_f1` (mean over the tasks), `eval_parse_rate`, and for each task `eval_<task>_f1`,
            `eval_<task>_parse_rate` (share of the answers that can be read) and `eval_<task>_loss` (nats per
            token of the gold answers, end token included); the same in every process.

        Raises:
            TrainerError: Some process could not answer; raised in all of them.
        """
        from accelerate.utils import gather_object

        from iepile_metric import Accumulator

        part: Any
        try:
            part = self._part(trainer)
        except Exception as problem:  # the others wait: they have to learn of it
            part = f"process {trainer.args.process_index}: {type(problem).__name__}: {problem}".splitlines()[0]
        parts = gather_object([part])
        failed = [part for part in parts if isinstance(part, str)]
        if failed:
            raise TrainerError(
                f"the sample could not be answered, {failed[0]} (smaller --per_device_eval_batch_size, "
                "or --predict_rows 0 to go without)"
            )
        answers = {place: answer for part in parts for place, answer in part[0].items()}
        nats: Counter[str] = Counter()
        tokens: Counter[str] = Counter()
        for _, its_nats, its_tokens in parts[:1] if sharing_stage(trainer) == 3 else parts:
            nats.update(its_nats)
            tokens.update(its_tokens)
        if trainer.is_world_process_zero():
            self._show_errors(answers)
        rows = ({**self.sample.rows[place], **answers[place]} for place in sorted(answers))
        result = Accumulator().extend(rows).result()
        losses = {f"eval_{task}_loss": nats[task] / tokens[task] for task in nats}
        return _scores(result.get("tasks") or {result["task"]: result}) | losses

    def _part(self, trainer: Any) -> tuple[dict[int, dict[str, Any]], Any, Counter[str]]:
        """This process's answers by their place in the sample, and per task the nats and tokens of gold answers."""
        rows = self.sample.rows
        # Longest first and dealt in turn: every process has as much to do. Sharded weights are only whole
        # while all processes compute alike, so there each answers everything.
        order = sorted(range(len(rows)), key=lambda place: (-len(rows[place]["instruction"]), place))
        if sharing_stage(trainer) < 3:
            order = order[trainer.args.process_index :: trainer.args.world_size]
        nats: Any = Counter()
        tokens: Counter[str] = Counter()
        with trainer.accelerator.autocast():
            answers = answers_by_place(trainer.model, self.tokenizer, rows, order, _BATCH, self.longest)
            readable = [place for place in order if "error" not in answers[place]]
            size = max(trainer.args.per_device_eval_batch_size, 1)
            for batch in (readable[start : start + size] for start in range(0, len(readable), size)):
                instructions, gold = [rows[place]["instruction"] for place in batch], [self._gold[n] for n in batch]
                for place, value in zip(batch, answer_nats(trainer.model, self.tokenizer, instructions, gold)):
                    task = rows[place]["task"].lower()
                    nats[task] += value
                    tokens[task] += len(self._gold[place])
        return answers, nats, tokens

    def _show_errors(self, answers: dict[int, dict[str, Any]]) -> None:
        errors = [row["error"] for row in answers.values() if "error" in row]
        if errors and errors[0] not in self._shown:
            self._shown.add(errors[0])
            first = visible(str(errors[0]))
            print(f"{len(errors)} of {len(answers)} rows of the sample count as wrong: {first}", flush=True)


def answers_by_place(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Any],
    places: Sequence[int],
    batch_size: int,
    max_new_tokens: int,
    progress: Callable[[Any], Any] = iter,
) -> dict[int, dict[str, Any]]:
    """The answers to some of the rows: place → `output` and, where there is none, `error`."""
    from ..engines.transformers_engine import predict

    answers = progress(predict(model, tokenizer, (rows[place] for place in places), batch_size, max_new_tokens))
    return {place: {k: row[k] for k in ("output", "error") if k in row} for place, row in zip(places, answers)}


def answer_nats(model: Any, tokenizer: Any, instructions: Sequence[str], answers: Sequence[list[int]]) -> list[float]:
    """Negative log-likelihood of each answer after its prompt, in nats, summed over its tokens."""
    import torch

    logits, targets = answer_logits(model, tokenizer, instructions, answers)
    nats = torch.nn.functional.cross_entropy(logits.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
    return [float(value) for value in nats.sum(1)]


def answer_logits(
    model: Any, tokenizer: Any, instructions: Sequence[str], answers: Sequence[list[int]]
) -> tuple[Any, Any]:
    """What a model expects at each token of given answers.

    Only the tokens of answers are projected onto the vocabulary.

    Returns:
        Logits of (rows, places, vocabulary) as float32, and the tokens of (rows, places), -100 where a row has none.
    """
    import torch

    def padded(rows: Sequence[list[int]], filler: int) -> Any:
        tensors = [torch.tensor(row, device=model.device) for row in rows]
        return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=filler)

    prompts = prompt_ids(tokenizer, list(instructions))
    seq2seq = bool(model.config.is_encoder_decoder)
    rows = prompts if seq2seq else [prompt + answer for prompt, answer in zip(prompts, answers)]
    inputs = {"input_ids": padded(rows, tokenizer.pad_token_id), "use_cache": False}
    inputs["attention_mask"] = padded([[1] * len(row) for row in rows], 0)
    with torch.no_grad():
        if seq2seq:
            targets = padded(answers, IGNORED)
            return model(**inputs, labels=targets).logits.float(), targets
        # The token at one place is predicted at the place before.
        targets = padded([[IGNORED] * len(p) + answer for p, answer in zip(prompts, answers)], IGNORED)[:, 1:]
        places = (targets != IGNORED).any(0).nonzero().flatten()
        base = model.get_base_model() if hasattr(model, "get_base_model") else model
        if "logits_to_keep" in inspect.signature(type(base).forward).parameters:
            logits = model(**inputs, logits_to_keep=places).logits
        else:
            logits = model(**inputs).logits[:, places]
        return logits.float(), targets[:, places]


def _scores(tasks: dict[str, dict[str, Any]]) -> dict[str, float]:
    scores = {
        "eval_f1": sum(task["f1"] for task in tasks.values()) / len(tasks),
        "eval_parse_rate": 1 - sum(t["unparseable"] for t in tasks.values()) / sum(t["rows"] for t in tasks.values()),
    }
    for name, task in tasks.items():
        scores |= {f"eval_{name}_{what}": float(task[what]) for what in ("f1", "recall")}
        scores[f"eval_{name}_parse_rate"] = 1 - task["unparseable_share"]
    return scores
