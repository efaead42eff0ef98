"""Who answers: a model in this process, vLLM, a server that speaks OpenAI's protocol, a Ray cluster, a tagger.

They take the same rows, send the same prompt, token for token that of the training, and give the same `Answer`; a
tagger gets text and labels instead. A new
engine is a class with the three members of `answer.Engine`, its name in `options.ENGINES` and a line in `open_engine`.
"""

from .answer import Answer, Engine, Row, Token, answered, well_formed
from .options import CONSTRAINTS, ENGINES, EngineOptions

__all__ = [
    "CONSTRAINTS", "ENGINES", "Answer", "Engine", "EngineOptions", "Row", "Token", "answered", "open_engine",
    "well_formed",
]  # fmt: skip


def open_engine(options: EngineOptions) -> Engine:
    """Make an engine ready, such as `open_engine(EngineOptions("runs/lora", constrain="json"))`.

    Raises:
        TrainerError: A missing package, no such model, options that do not go together.

    >>> open_engine(EngineOptions("m", engine="openai", base_url="localhost"))
    Traceback (most recent call last):
    iepile_trainer.TrainerError: base_url='localhost' is no address (such as http://localhost:8000/v1)
    """
    if options.engine == "openai":
        from .openai_engine import OpenAIEngine

        return OpenAIEngine(options)
    if options.engine == "vllm":
        from .vllm_engine import VLLMEngine

        return VLLMEngine(options)
    if options.engine == "ray":
        from .ray_engine import RayEngine

        return RayEngine(options)
    if options.engine in ("gliner", "gliner2", "spacy"):
        from .taggers import TaggerEngine

        return TaggerEngine(options)
    from .transformers_engine import load_engine

    return load_engine(options)
