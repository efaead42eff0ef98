"""A template that came with a model is tried before it is used: it is a program that a stranger wrote."""

import os
import select
import signal
import sys
from typing import Any

from iepile_dataset.errors import shown

from ..errors import TrainerError, first_line

__all__ = ["try_template"]

_CPU = 5  # seconds
_WALL = 60.0  # seconds, where others use the processor
_MEMORY = 1 << 30  # bytes beside what this process has
_LONGEST = 1 << 20  # characters of the template, and of a prompt that asks one word
_outcomes: dict[str, str] = {}  # template → why it cannot be used, "" where it can
_TURNS = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]


def try_template(tokenizer: Any) -> None:
    """Render a tokenizer's template once, in a process of its own that may not take much time or memory.

    transformers renders in a sandbox: a template reads no file and calls nothing. It may still loop for ever, or make
    a text that fills the memory; what depends on the text that is asked about does not show here.

    Raises:
        TrainerError: It does so, or is no template.
    """
    template = tokenizer.chat_template
    for name, text in template.items() if isinstance(template, dict) else [("", template)]:
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise _refusal(tokenizer, f"{(name and shown(name)) or 'it'} is no text of at most {_LONGEST >> 20} MB")
    if str(template) not in _outcomes:
        _outcomes[str(template)] = _tried(tokenizer) if hasattr(os, "fork") else ""
    if reason := _outcomes[str(template)]:
        raise _refusal(tokenizer, reason)


def _refusal(tokenizer: Any, reason: str) -> TrainerError:
    remedy = "mend chat_template.jinja, or name a format as --prompt_format when training"
    return TrainerError(
        f"{tokenizer.name_or_path or 'the tokenizer'}: its chat template cannot be used: {reason} ({remedy})"
    )


def _tried(tokenizer: Any) -> str:
    """Why the template cannot be used, "" where it can."""
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        _render(tokenizer, writing)
    os.close(writing)
    try:
        in_time = select.select([reading], [], [], _WALL)[0]
        words = os.read(reading, 1000).decode("utf-8", "replace") if in_time else ""
    finally:
        os.close(reading)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    # It says something in any case, unless it was ended.
    return words.removeprefix("+") if words else f"it takes more than {_CPU} s for one word"


def _bind() -> None:
    """Limit what this process may take."""
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (_CPU, _CPU))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if os.path.exists("/proc/self/statm"):  # elsewhere nothing tells what it has already
        with open("/proc/self/statm", encoding="ascii") as sizes:
            most = int(sizes.read().split()[0]) * resource.getpagesize() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _render(tokenizer: Any, writing: int) -> None:
    """In the child: say "+" and what is wrong, and end without what a process does at its end."""
    try:
        _bind()
        words = ""
        for turns, prompt in ((_TURNS[:1], True), (_TURNS, False)):
            text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=prompt)
            if len(text) > _LONGEST:
                words = f"it makes {len(text):,} characters of one word"
    except MemoryError:
        words = f"it takes more than {_MEMORY >> 30} GB of memory for one word"
    except BaseException as problem:
        words = first_line(problem)
    os.write(writing, f"+{words}".encode("utf-8", "replace")[:1000])
    os._exit(0)
