"""Which model answers, and how: the one declaration of the engine options.

`open_engine`, `Extractor.from_pretrained` and the options of `iepile predict` and `iepile serve` are made from it. A
new option is a field here and its use in an engine.
"""

from dataclasses import dataclass
from math import inf

from ..command_line import check_options, option
from ..errors import TrainerError
from ..models.precision import DTYPES

__all__ = ["CONSTRAINTS", "ENGINES", "EngineOptions"]

ENGINES = ("transformers", "vllm", "openai", "ray", "gliner", "gliner2", "spacy")
CONSTRAINTS = ("none", "json", "extractive")


THOUGHT = 4096
"""Tokens that an answer with a thought may have at least."""


@dataclass(frozen=True)
class EngineOptions:
    """Which model answers, and how; the help of each field says what it means.

    `constrain="json"` holds an answer to exactly the shape that the row's task asks for, `extractive` its strings to
    whole words (in Chinese, characters) of the row's text as well. A server's prompts are token ids of `tokenizer`, in
    its prompt format; without one the instruction goes as a chat message. Its key comes from the environment variable
    `OPENAI_API_KEY`.

    Raises:
        TrainerError: A value that is not one of the choices, or out of its range.

    >>> EngineOptions("runs/lora", engine="onnx")
    Traceback (most recent call last):
    iepile_trainer.TrainerError: engine='onnx' is unknown (one of transformers, vllm, openai, ray, gliner, gliner2,
    spacy)
    """

    model: str = option("", "A run folder (whole model or adapter), a Hub id, or what a server calls its model.")
    adapter: str | None = option(None, "An adapter on top of --model.")
    engine: str = option("transformers", "Who answers.", choices=ENGINES, aliases=["--backend"])
    constrain: str = option(
        "none", "json: answers have the asked shape; extractive: and quote the text.", choices=CONSTRAINTS
    )
    batch_size: str = option("auto", "Prompts answered together, or auto; halved when memory runs out.")
    max_new_tokens: int = option(256, "Longest answer, in tokens.", range=(1, inf))
    thinking: str = option(
        "off", f"Thoughts of reasoning models; on: answers of up to {THOUGHT:,} tokens.", choices=("off", "on")
    )
    open_bias: float | None = option(
        None,
        "Nats for something against nothing where a list opens; by default as `iepile calibrate` found.",
        range=(-100, 100),
    )
    examples: str | None = option(
        None,
        "Show annotated rows before each question: a file of rows (JSON lines), or train, the training rows of the "
        "same sources.",
    )
    shots: int = option(4, "How many of them, as far as the prompt has room; the most alike.", range=(1, inf))
    template: str | None = option(
        None,
        "Ask models that were not trained for this in words of your own: a file of text with {schema} and {input}.",
    )
    dtype: str = option("auto", "Weights in memory.", choices=DTYPES)
    bits: int | None = option(None, "Load quantised weights.", choices=(4, 8))
    device_map: str | None = option(None, "auto spreads one model over all GPUs.")
    tokenizer: str | None = option(None, "Run folder or Hub id whose tokenizer makes the prompts, for a server.")
    revision: str | None = option(None, "Branch, tag or commit of a Hub model.")
    trust_remote_code: bool = option(False, "Run the model's own code; needs --revision.")
    base_url: str | None = option(None, "A server's address, such as http://localhost:8000/v1, for --engine openai.")
    concurrency: int = option(16, "Requests to a server at once.", range=(1, inf))
    timeout: float = option(120.0, "Seconds that a request to a server may take.", range=(1e-3, 1e6))
    retries: int = option(6, "Times that a failed request to a server is sent again.", range=(0, inf))
    confidence: bool = option(False, "Say how sure the model is of each unit.")

    def __post_init__(self) -> None:
        check_options(self)
        if self.is_thinking:
            if self.constrain != "none":
                raise TrainerError(f"thinking='on' goes with constrain='none' alone, not {self.constrain!r}")
            object.__setattr__(self, "max_new_tokens", max(self.max_new_tokens, THOUGHT))

    @property
    def is_thinking(self) -> bool:
        """Whether the model may think before it answers."""
        return self.thinking == "on"
