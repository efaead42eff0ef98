"""Thoughts of reasoning models in an answer: what stands outside of them."""

import re

from .repairs import ONLY_THOUGHT, Unparseable

OPENING = (
    *("<think>", "<thinking>", "<thought>", "<thoughts>", "<reasoning>", "<reflection>", "<scratchpad>"),
    *("<seed:think>", "<longcat_think>", "<analysis>", "[THINK]", "◁think▷"),
    *("<|begin_of_thought|>", "<|channel|>analysis<|message|>", "<|channel|>commentary<|message|>"),
    *("<|channel>thought", "<unused94>thought", "<|think|>", "<|start_thinking|>"),
)
"""How a thought begins, as templates of models spell it."""

CLOSING = (
    *("</think>", "</thinking>", "</thought>", "</thoughts>", "</reasoning>", "</reflection>", "</scratchpad>"),
    *("</seed:think>", "</longcat_think>", "</analysis>", "[/THINK]", "◁/think▷"),
    *("<|end_of_thought|>", "<|channel|>final<|message|>", "<|end|>", "<channel|>", "<unused95>", "</|think|>"),
    *("<|end_thinking|>", "assistantfinal"),
)
"""How it ends; `assistantfinal` is what is left of such a mark where special tokens are not shown."""

_MARKS = re.compile("|".join(map(re.escape, OPENING + CLOSING)), re.IGNORECASE)
_CLOSING = frozenset(mark.lower() for mark in CLOSING)


def without_thoughts(text: str) -> tuple[str, bool]:
    """Leave out the thoughts of an answer.

    The opening mark may stand in the prompt, so a closing one that was not opened ends a thought that began with the
    text. A thought that is not closed was cut off.

    Returns:
        The rest, and whether there was a thought.

    Raises:
        Unparseable: there is nothing else.

    >>> without_thoughts('<think>Bob?</think>{"person": ["Ada"]}')
    ('{"person": ["Ada"]}', True)
    >>> without_thoughts('{"person": ["Bob"]}? No.</think>{"person": ["Ada"]}')
    ('{"person": ["Ada"]}', True)
    """
    rest: list[str] = []
    start, is_open, marks = 0, False, 0
    for mark in _MARKS.finditer(text):
        marks += 1
        if mark.group().lower() not in _CLOSING:
            if not is_open:
                rest.append(text[start : mark.start()])
            is_open = True
        else:
            if not is_open:
                rest.clear()
            is_open, start = False, mark.end()
    if not marks:
        return text, False
    if not is_open:
        rest.append(text[start:])
    outside = "".join(rest)
    if not outside.strip():
        raise Unparseable(ONLY_THOUGHT)
    return outside, True
