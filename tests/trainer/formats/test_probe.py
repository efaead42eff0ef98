"""A template that comes with a model is tried within bounds before anything is asked."""

import os

import pytest

from iepile_trainer.errors import TrainerError
from iepile_trainer.formats import OWN, probe, use_format

LOOP = "{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}"
WILD = {
    "a loop": (LOOP, r"takes more than 1 s for one word"),
    "a product": ("{{ 'x' * 20000000000 }}", r"takes more than 1 GB of memory for one word"),
    "a long text": ("{{ 'x' * 2000000 }}", r"makes 2,000,000 characters of one word"),
    "a breach": ("{{ messages.__class__.__mro__[1].__subclasses__() }}", r"unsafe|access"),
    "a file": ("{% include '/etc/passwd' %}", r"no loader"),
    "half a block": ("{% for message in messages %}", r"Unexpected end of template|endfor"),
    "its own error": ("{{ raise_exception('only tools') }}", r"only tools"),
}


@pytest.mark.parametrize(("template", "reason"), WILD.values(), ids=WILD)
def test_a_wild_template_is_refused_in_one_line(tokenizer, template, reason, monkeypatch):
    monkeypatch.setattr(probe, "_CPU", 1)
    tokenizer.chat_template, tokenizer.name_or_path = template, "models/strange"
    with pytest.raises(
        TrainerError, match=rf"^models/strange: its chat template cannot be used: .*(?:{reason})"
    ) as error:
        use_format(tokenizer)
    assert "\n" not in str(error.value)


def test_another_format_may_be_named_instead(tokenizer):
    tokenizer.chat_template = LOOP
    assert use_format(tokenizer, "plain") == "plain"


def test_a_template_of_a_chat_model_passes_and_is_tried_once(chat_tokenizer, monkeypatch):
    probe._outcomes.clear()
    forks, fork = [], os.fork
    monkeypatch.setattr(os, "fork", lambda: forks.append(1) or fork())
    for _ in range(3):
        assert use_format(chat_tokenizer) == OWN
    assert len(forks) == 1
