"""Models on a Ray cluster: vLLM by Ray's own processor where it has GPUs, else transformers on its CPUs.

Prompts are made here, token for token those of the training; the cluster answers them in any order, and the answers
come back in that of the rows. What a lost worker was at is answered again.
"""

import os
import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

import pyarrow as pa

from iepile_dataset.cluster import ray_data

from ..errors import TrainerError
from ..models.load import check_remote_code, load_tokenizer, pretrained
from ..models.location import base_and_adapter, split_gguf
from .answer import Answer, Row
from .options import EngineOptions
from .prompts import Prompt, PromptEngine, answer_of, tokens_of
from .transformers_engine import load_engine, refuse_no_room, room_of
from .vllm_engine import engine_arguments, sampling

_BLOCK = 64  # prompts that a worker is given at once
_BATCH = 256  # of Ray's processor
_CPUS = 4  # of a model on CPUs, where the cluster has many


class RayEngine(PromptEngine):
    """Answers on a cluster; all rows are read, and their prompts made, before the first answer comes.

    Raises:
        DataError: Ray is not installed, or the cluster cannot be reached.
        TrainerError: No such model.
    """

    def __init__(self, options: EngineOptions) -> None:
        from transformers import AutoConfig

        check_remote_code(options.trust_remote_code, options.revision)
        base, adapter = base_and_adapter(options.model, options.adapter)
        base, adapter = _everywhere(base), adapter and _everywhere(adapter)
        remote = options.revision, options.trust_remote_code
        place, gguf = split_gguf(base)
        named: dict[str, Any] = {**gguf}
        config = pretrained(AutoConfig, place, *remote, **named)
        tokenizer = load_tokenizer(base, adapter, *remote)
        super().__init__(options, tokenizer, room_of(config, options.max_new_tokens))
        refuse_no_room(self)
        self._base, self._adapter, self._data = base, adapter, ray_data()

    def answer(self, rows: Iterable[Row]) -> Iterator[Answer]:
        """One answer per row, in input order; see `Engine.answer`."""
        import ray

        answers: dict[int, Answer] = {}
        blocks, count = [], 0
        source = iter(rows)
        while chunk := list(islice(source, _BLOCK)):
            with self._turn:
                prompts = dict(enumerate(map(self.prompt, chunk), count))
            count += len(chunk)
            answers |= {place: one for place, one in prompts.items() if isinstance(one, Answer)}
            asked = [(place, pickle.dumps(one)) for place, one in prompts.items() if isinstance(one, Prompt)]
            if asked:
                blocks.append(ray.put(pa.table(list(zip(*asked)), ["place", "prompt"])))
        made = iter(self._spread(blocks).iter_rows() if blocks else ())
        for place in range(count):
            while place not in answers:
                row = next(made)
                failed = row.get("__inference_error__")  # of Ray's processor: the row as it was
                answer = Answer("", failed) if failed else pickle.loads(row["answer"])
                if isinstance(answer, TrainerError):
                    raise answer
                answers[row["place"]] = answer
            yield answers.pop(place)

    def _spread(self, blocks: list[Any]) -> Any:
        """The rows `place, prompt` of some blocks with an `answer` each."""
        import ray

        resources, options = ray.cluster_resources(), self.options
        asked = self._data.from_arrow_refs(blocks)
        if gpus := int(resources.get("GPU", 0)):
            from ray.data.llm import build_processor

            common = sampling(options, self.tokenizer)
            ask = partial(request, sampling=common, adapter=self._adapter)
            read = partial(response, options=options, ends=frozenset(common["stop_token_ids"]))
            config = processor_config(options, self._base, self._adapter, gpus)
            return build_processor(config, preprocess=ask, postprocess=read)(asked)
        cpus = max(1, min(_CPUS, int(resources["CPU"]) // 2))
        here = replace(options, model=self._base, adapter=self._adapter, engine="transformers", examples=None)
        return asked.map_batches(
            _Transformers,
            fn_constructor_args=(here,),
            batch_size=None,
            batch_format="pyarrow",
            num_cpus=cpus,
            compute=self._data.ActorPoolStrategy(size=min(len(blocks), int(resources["CPU"]) // cpus)),
        )


class _Transformers:
    """A model of a worker; that there is none is its answer, since Ray would try again and again to start it."""

    def __init__(self, options: EngineOptions) -> None:
        self._problem = None
        try:
            self._engine = load_engine(options)
        except TrainerError as problem:
            self._problem = problem

    def __call__(self, asked: pa.Table) -> pa.Table:
        answers: Sequence[Any] = [self._problem] * len(asked)
        if not self._problem:
            prompts = asked.column("prompt").to_pylist()
            answers = self._engine.answer_prompts(list(map(pickle.loads, prompts)))
        return asked.select(["place"]).append_column("answer", [list(map(pickle.dumps, answers))])


def processor_config(options: EngineOptions, base: str, adapter: str | None, gpus: int) -> Any:
    """The configuration of Ray's processor: a vLLM on each GPU, which is sent token ids and gives text.

    Raises:
        ValueError: Ray has it otherwise by now.
    """
    from ray.data.llm import vLLMEngineProcessorConfig

    return vLLMEngineProcessorConfig(
        model_source=base,
        engine_kwargs={"dtype": options.dtype, **engine_arguments(options, adapter)},
        concurrency=gpus,
        batch_size=_BATCH,
        should_continue_on_error=True,
        chat_template_stage=False,
        tokenize_stage=False,
        detokenize_stage=False,
    )


def request(row: dict[str, Any], sampling: dict[str, Any], adapter: str | None) -> dict[str, Any]:
    """What Ray's processor is sent for a row: token ids, sampling with its grammar, and the adapter as its model."""
    prompt: Prompt = pickle.loads(row["prompt"])
    guided = {"structured_outputs": {"grammar": prompt.grammar}} if prompt.grammar else {}
    asked = {"tokenized_prompt": prompt.ids, "sampling_params": sampling | guided}
    return asked | ({"model": adapter} if adapter else {})


def response(row: dict[str, Any], options: EngineOptions, ends: frozenset[int]) -> dict[str, Any]:
    """The answer that Ray's processor gave; it does not say why an answer ended."""
    ids = [int(id) for id in row["generated_tokens"]]
    cut = len(ids) >= options.max_new_tokens and ids[-1] not in ends
    known = [
        next(one for id, one in of_token.items() if one is not None and int(id) == written)
        for written, of_token in zip(ids, row.get("logprobs") or ())
    ]
    tokens = tokens_of(row["generated_text"], ((one["decoded_token"], one["logprob"]) for one in known))
    shape = pickle.loads(row["prompt"]).shape
    return {"place": row["place"], "answer": pickle.dumps(answer_of(row["generated_text"], tokens, cut, shape))}


def _everywhere(model: str) -> str:
    """A folder as each machine would name it, a Hub id as it is."""
    return os.path.abspath(model) if os.path.exists(model) else model
