"""A new model and its tokenizer come out of the rows and the seed alone."""

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.models.scratch import new_model, new_tokenizer


def test_the_same_rows_give_the_same_tokenizer_and_the_same_model(row_list):
    first, second = (new_tokenizer(row_list(50), 400) for _ in range(2))
    assert first.get_vocab() == second.get_vocab()
    one, two = (new_model(first, hidden=32, layers=1, seed=3) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one.parameters(), two.parameters()))
    assert one.config.tie_word_embeddings


def test_instructions_and_answers_come_back_as_they_were(tokenizer, row_list):
    for row in row_list(20):
        for text in (row["instruction"], row["output"]):
            assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text


@pytest.mark.parametrize("task", ["ee", "eet", "eea"])
def test_events_come_back_as_they_were_and_their_glue_is_short(task):
    from iepile_trainer.data.arguments import DataArguments
    from iepile_trainer.data.load import load_rows

    rows = load_rows(DataArguments(task=[task], language="en"), "train").to_list()
    tokenizer = new_tokenizer(rows, 400)
    for row in rows:
        for text in (row["instruction"], row["output"]):
            assert tokenizer.decode(tokenizer(text, add_special_tokens=False)["input_ids"]) == text
    answer = '{"lawsuit": [], "layoff": [{"trigger": "axed", "arguments": {"place": "NAN", "date": "May"}}]}'
    glue = [token for token in tokenizer.tokenize(answer) if '"' in token]
    if task == "ee":
        ends = ['": [], "', '": [{"trigger": "', '", "arguments": {"', '": "NAN", "', '": "', '"}}]}']
        assert glue == ['{"', *ends]


def test_rows_of_another_form_are_refused():
    with pytest.raises(TrainerError, match="their instruction is no JSON"):
        new_tokenizer([{"instruction": "plain words", "output": "[]"}])
