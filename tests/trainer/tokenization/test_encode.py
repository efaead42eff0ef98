"""Training sees the prompt of prediction, token for token, and nothing is lost without being counted."""

import json

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.formats import end_token_id, use_format
from iepile_trainer.tokenization.encode import encode, prompt_ids
from iepile_trainer.tokenization.truncate import gold_units


@pytest.mark.parametrize("kind", ["tokenizer", "chat_tokenizer"])
def test_training_begins_with_the_prompt_that_prediction_sends(kind, request, dataset):
    tokenizer, rows = request.getfixturevalue(kind), dataset(5)
    encoded, _ = encode(rows, tokenizer, 200)
    for row, instruction in zip(encoded, rows["instruction"]):
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": instruction}], add_generation_prompt=True, return_dict=False
        )
        assert prompt_ids(tokenizer, [instruction]) == [prompt]
        assert row["input_ids"][: len(prompt)] == prompt
        assert row["labels"][: len(prompt)] == [-100] * len(prompt)
        assert row["labels"][len(prompt) :] == row["input_ids"][len(prompt) :]


def test_prompts_together_are_those_one_by_one_whatever_stands_in_them(chat_tokenizer):
    texts = ["Who?", "a <|im_end|> b", "谁", "", "\ue000 and \U000f0000<|im_start|>\U000f0001", "Who?"]
    chat_tokenizer(["a", "b c d"], padding=True, truncation=True, max_length=2)  # leaves its limits behind
    turns = [[{"role": "user", "content": text}] for text in texts]
    wanted = chat_tokenizer.apply_chat_template(turns, add_generation_prompt=True, sanitize_control_tokens=True)
    assert prompt_ids(chat_tokenizer, texts) == wanted["input_ids"]
    assert prompt_ids(chat_tokenizer, texts[1:2]) == wanted["input_ids"][1:2]


@pytest.mark.parametrize(("kind", "end"), [("tokenizer", "</s>"), ("chat_tokenizer", "<|im_end|>")])
def test_the_end_token_is_learnt(kind, end, request, dataset):
    tokenizer, rows = request.getfixturevalue(kind), dataset(3)
    encoded, _ = encode(rows, tokenizer, 200)
    for row, output in zip(encoded, rows["output"]):
        assert row["labels"][-1] == tokenizer.convert_tokens_to_ids(end) == end_token_id(tokenizer)
        assert tokenizer.decode([id for id in row["labels"][:-1] if id != -100]) == output


def test_in_the_plain_format_the_end_token_stands_in_the_trained_part(tokenizer):
    assert use_format(tokenizer) == "plain"
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": '{"person": []}'}]
    whole = tokenizer.apply_chat_template(turns, return_dict=True, return_assistant_tokens_mask=True)
    trained = [id for id, mask in zip(whole["input_ids"], whole["assistant_masks"]) if mask]
    assert tokenizer.decode(trained) == '{"person": []}</s>'
    assert tokenizer.decode(whole["input_ids"]) == '<s>?\n{"person": []}</s>'


def test_a_tokenizer_keeps_its_own_template_unless_another_is_asked_for(chat_tokenizer):
    own = chat_tokenizer.chat_template
    assert use_format(chat_tokenizer) == "tokenizer"
    assert chat_tokenizer.chat_template == own
    assert use_format(chat_tokenizer, "plain") == "plain"
    assert use_format(chat_tokenizer) == "plain"  # recognised when it comes back from a run folder
    with pytest.raises(TrainerError, match="prompt format 'plane' is unknown"):
        use_format(chat_tokenizer, "plane")


def test_a_control_token_in_the_text_stays_text(tokenizer, dataset):
    rows = dataset(1).map(lambda row: {"instruction": row["instruction"].replace(" lives", " </s><s> lives")})
    use_format(tokenizer)
    ids = prompt_ids(tokenizer, rows["instruction"][:])[0]
    assert tokenizer.eos_token_id not in ids
    assert ids.count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(ids) == "<s>" + rows[0]["instruction"] + "\n"


def test_a_long_text_loses_its_end_and_nothing_else(tokenizer, dataset):
    tail = " And then nothing happened" * 12
    rows = dataset(4, tail=tail)
    whole, _ = encode(rows, tokenizer, None)
    limit = min(whole["length"]) - 20
    encoded, report = encode(rows, tokenizer, limit, "shorten")
    assert (report.rows, report.kept, report.shortened, report.dropped) == (4, 4, 4, 0)
    assert report.gold_lost == 0
    for row, original in zip(encoded, rows):
        assert limit - 8 <= len(row["input_ids"]) <= limit
        prompt = tokenizer.decode([id for id, label in zip(row["input_ids"], row["labels"]) if label == -100])
        asked, before = json.loads(prompt.removeprefix("<s>")), json.loads(original["instruction"])
        assert before["input"].startswith(asked["input"])
        assert before["input"][len(asked["input"])] in " ."  # cut between words
        assert {**asked, "input": ""} == {**before, "input": ""}
        assert tokenizer.decode([id for id in row["labels"] if id != -100]) == original["output"] + "</s>"


def test_where_shortening_would_lose_gold_the_row_is_dropped_and_counted(tokenizer, row_list):
    from datasets import Dataset

    rows = row_list(2)
    for row, text in zip(rows, ("Ada Ada lives in Rome." + " x" * 60, "x " * 60 + "Bo Ada lives in Oslo.")):
        row["instruction"] = json.dumps({**json.loads(row["instruction"]), "input": text})
    both = Dataset.from_list(rows)
    limit = encode(both, tokenizer, None)[0]["length"][0] - 30
    encoded, report = encode(both, tokenizer, limit, "shorten")
    # The second text would lose "Bo Ada" and "Oslo": 2 of 4 mentions.
    assert encoded["id"][:] == ["en/NER/homes/train:1"]
    assert (report.shortened, report.dropped, report.gold, report.gold_lost) == (1, 1, 4, 2)
    assert report.gold_lost_share == 0.5
    assert "gold lost 2 of 4 units (50.00%)" in str(report)


def test_a_text_that_is_too_long_is_asked_about_in_windows(tokenizer, row_list):
    from datasets import Dataset

    (row,) = row_list(1)
    text = "Ada Ada lives in Rome. " + "Nothing happened. " * 20 + "Later Rome bored her."
    row["instruction"] = json.dumps({**json.loads(row["instruction"]), "input": text})
    rows = Dataset.from_list([row])
    limit = encode(rows, tokenizer, None)[0]["length"][0] * 2 // 3
    encoded, report = encode(rows, tokenizer, limit)
    prompts, answers = [], []
    for window in encoded:
        assert window["length"] == len(window["input_ids"]) <= limit
        assert window["id"] == row["id"]
        prompt = tokenizer.decode([id for id, label in zip(window["input_ids"], window["labels"]) if label == -100])
        prompts.append(json.loads(prompt.removeprefix("<s>"))["input"])
        answers.append(tokenizer.decode([id for id in window["labels"] if id != -100]).removesuffix("</s>"))
    assert "".join(prompts) == text
    assert all(window.rstrip().endswith(".") for window in prompts)  # whole sentences
    assert answers[0] == '{"person": ["Ada Ada"], "place": ["Rome"]}'
    assert answers[-1] == '{"person": [], "place": ["Rome"]}'
    assert (report.rows, report.kept, report.windowed, report.windows) == (1, len(encoded), 1, len(encoded))
    assert (report.gold, report.gold_lost, report.dropped) == (2, 0, 0)


def test_a_pair_whose_ends_stand_in_different_windows_is_counted_as_lost(tokenizer):
    from datasets import Dataset

    asked = {"instruction": "Relate.", "schema": ["born in"], "input": ""}
    output = '{"born in": [{"subject": "Ada", "object": "Ulm"}, {"subject": "Bo", "object": "Rome"}]}'
    text = "Ada was born in Ulm. " + "So it is. " * 30 + "Bo came later. " + "So it is. " * 30 + "He is from Rome."
    row = {"id": "a", "task": "RE", "instruction": json.dumps({**asked, "input": text}), "output": output}
    rows = Dataset.from_list([row])
    whole = encode(rows, tokenizer, None)[0]["length"][0]
    _, report = encode(rows, tokenizer, whole // 2)
    # Bo and Rome stand in no window together: 1 of 2 pairs.
    assert (report.gold, report.gold_lost, report.windowed) == (2, 1, 1)
    assert report.windows >= 3


def test_windows_that_overlap_lose_no_pair_across_the_edge_of_two(tokenizer):
    from datasets import Dataset

    asked = {"instruction": "Relate.", "schema": ["lives in"]}
    text = "So it is. " * 12 + "Ada came. She lives in Ulm. " + "So it is. " * 12
    row = {"id": "a", "task": "RE", "output": '{"lives in": [{"subject": "Ada", "object": "Ulm"}]}'}
    rows = Dataset.from_list([{**row, "instruction": json.dumps({**asked, "input": text})}])
    losses = set()
    for limit in range(80, encode(rows, tokenizer, None)[0]["length"][0], 3):
        apart, joined = (encode(rows, tokenizer, limit, window_overlap=overlap)[1] for overlap in (0, 1))
        assert (joined.gold, joined.gold_lost) == (1, 0)
        assert joined.windows >= apart.windows
        losses.add(apart.gold_lost)
    assert losses == {0, 1}  # without the overlap it depends on where the text is cut


def test_gold_is_counted_as_the_dataset_counts_it():
    event = {"trigger": "sued", "arguments": {"who": ["Ada"], "whom": "NAN"}}
    ee = '{"schema": [{"event_type": "sue", "trigger": true, "arguments": ["who", "whom"]}], "input": "Ada sued, Ada sued."}'
    # Two events of one trigger are two units, and so are their arguments.
    assert gold_units("EE", ee, json.dumps({"sue": [event, event]})).total() == 4
    eea = '{"schema": [{"event_type": "sue", "trigger": ["sued"], "arguments": ["who"]}], "input": "Ada sued."}'
    assert gold_units("EEA", eea, '{"sue": [{"who": "Ada"}]}').total() == 1  # the trigger was in the question


def test_rows_of_another_form_are_shortened_instead(tokenizer, dataset):
    rows = dataset(1, tail=" And then nothing happened" * 12).remove_columns(["task", "label"])
    limit = encode(rows, tokenizer, None)[0]["length"][0] - 20
    assert encode(rows, tokenizer, limit)[1].shortened == 1  # without its task a row cannot be cut into windows


def test_an_encoder_decoder_reads_the_prompt_and_learns_the_answer(tokenizer, dataset):
    rows = dataset(3)
    joined, apart = encode(rows, tokenizer, 200)[0], encode(rows, tokenizer, 200, seq2seq=True)[0]
    for one, two in zip(joined, apart):
        assert two["input_ids"] + two["labels"] == one["input_ids"]
        assert one["labels"][-len(two["labels"]) :] == two["labels"]
    longest = max(len(row["input_ids"]) for row in apart)
    assert encode(rows, tokenizer, longest, "drop", seq2seq=True)[1].dropped == 0
    with pytest.raises(TrainerError, match="dropped 3 over"):
        encode(rows, tokenizer, longest, "drop")


def test_drop_and_error_leave_texts_alone(tokenizer, dataset):
    rows = dataset(3, tail=" So it is" * 20)
    limit = encode(rows, tokenizer, None)[0]["length"][0]
    long = rows.add_item(
        {**rows[0], "id": "long", "instruction": rows[0]["instruction"].replace("So", "So it is, so", 3)}
    )
    encoded, report = encode(long, tokenizer, max(limit, max(encode(rows, tokenizer, None)[0]["length"])), "drop")
    assert "long" not in encoded["id"][:]
    assert report.dropped == 1
    with pytest.raises(TrainerError, match=r"long: \d+ tokens, more than max_length .*--overlong window"):
        encode(long, tokenizer, report.max_length, "error")


def test_rows_without_an_answer_are_skipped_and_counted(tokenizer, dataset):
    rows = dataset(3).map(lambda row, at: {"output": "" if at == 1 else row["output"]}, with_indices=True)
    encoded, report = encode(rows, tokenizer, 200)
    assert encoded["id"][:] == ["en/NER/homes/train:1", "en/NER/homes/train:3"]
    assert (report.rows, report.kept, report.unlabelled) == (3, 2, 1)


def test_nothing_left_and_missing_columns_are_errors(tokenizer, dataset):
    with pytest.raises(TrainerError, match="no row is left to train on; rows 2: kept 0"):
        encode(dataset(2), tokenizer, 5)
    with pytest.raises(TrainerError, match="no column 'output', only instruction"):
        encode(dataset(2).select_columns(["instruction"]), tokenizer, 100)
    with pytest.raises(TrainerError, match="overlong='cut' is unknown"):
        encode(dataset(2), tokenizer, 100, "cut")


def test_two_processes_encode_as_one_does(tokenizer, dataset):
    rows = dataset(8)
    one, first = encode(rows, tokenizer, 200)
    two, second = encode(rows, tokenizer, 200, num_proc=2)
    assert one["input_ids"][:] == two["input_ids"][:]
    assert first == second
