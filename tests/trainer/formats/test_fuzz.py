"""Whatever a tokenizer brings as its chat template, it is used or refused in one line."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iepile_trainer import TrainerError
from iepile_trainer.formats.probe import try_template

from ...fuzzing import FUZZ, JSON

PIECES = [
    "{% for message in messages %}", "{% endfor %}", "{{ message.content }}", "{{ message['role'] }}", "{% generation %}",
    "{% endgeneration %}", "{% if add_generation_prompt %}", "{% endif %}", "{{ eos_token }}", "{{ messages }}", "{%", "}}",
    "{{ ''.__class__.__mro__ }}", "{{ raise_exception('no') }}", "{{ 'x' * 10 ** 9 }}", "{{ 10 ** 10 ** 8 }}",
    "{{ range(10 ** 9) | list }}", "{% set x = messages %}", "{{ x[5].y }}", "{{ strftime_now('%Y') }}", "{% include 'a' %}",
    "{{ messages | map(attribute='__init__') | list }}", "{{ cycler.__init__.__globals__ }}", "{#", "#}", "\x00", "\ud800",
]  # fmt: skip
TEMPLATES = st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=8).map("".join)


@pytest.mark.slow
@FUZZ
@given(TEMPLATES | st.dictionaries(st.sampled_from(["default", "tool_use"]), TEMPLATES | JSON, max_size=2) | JSON)
def test_any_template_is_used_or_refused_in_one_line(learnt_tokenizer, template):
    tokenizer = copy.copy(learnt_tokenizer)
    tokenizer.chat_template = template
    refused = ""
    try:
        try_template(tokenizer)
    except TrainerError as problem:
        refused = str(problem)
    assert not refused or "its chat template cannot be used" in refused
    assert len(refused.splitlines()) <= 1
