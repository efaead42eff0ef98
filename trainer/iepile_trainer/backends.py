"""The engines under their former name: `open_backend("vllm", "runs/lora", constrain="json")`."""

from typing import Any

from .engines import Answer, Engine, EngineOptions, open_engine

__all__ = ["Answer", "open_backend"]


def open_backend(kind: str, model: str, adapter: str | None = None, logprobs: bool = False, **options: Any) -> Engine:
    """An engine; the options are those of `EngineOptions`."""
    return open_engine(EngineOptions(model, adapter, engine=kind, confidence=logprobs, **options))
