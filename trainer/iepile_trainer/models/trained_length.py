"""How long a question a run's model has learnt to read."""

from pathlib import Path

from ..errors import TrainerError
from ..run_folder import is_finished, read_run


def trained_length(model: str | None, adapter: str | None = None) -> int | None:
    """The most tokens of a prompt that a model's training was like; a model may read more, but mostly worse.

    A prompt and its answer stay within the training's `max_length`; where the model was trained from nothing, within
    its longest row, since it has seen no position beyond. An average answer is left free.

    Args:
        model: A run folder, else nothing is known.
        adapter: The same; it was trained last.

    Returns:
        A number of tokens, None where it is not known.
    """
    folder = next((Path(name) for name in (adapter, model) if name and is_finished(name)), None)
    if folder is None:
        return None
    try:
        record = read_run(folder)
        lengths = record["lengths"]
        longest = [lengths["max_length"]]
        if record["base_model"] is None:
            longest.append(lengths["percentiles"]["100%"])
        reach = min(int(tokens) for tokens in longest if tokens) - lengths["answer_tokens"] // max(lengths["kept"], 1)
    except (TrainerError, AttributeError, KeyError, TypeError, ValueError):  # of an older version, or by hand
        return None
    return reach if reach > 0 else None
