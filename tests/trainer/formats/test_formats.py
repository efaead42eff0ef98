"""Prompts are what the models of each format expect, to the letter, with one BOS and a learnt end token."""

import json

import pytest
from typer.testing import CliRunner

from iepile.commands.formats import app
from iepile_trainer import TrainerError
from iepile_trainer.formats import end_token_id, find, shipped, stop_token_ids, use_format
from iepile_trainer.tokenization.encode import answer_ids, prompt_ids

NAMES = [format.name for format in shipped()]
FAMILIES = ["llama", "alpaca", "vicuna", "zhixi", "falcon", "baichuan", "chatglm", "qwen", "moss", "openba"]

# The prompt for "Who?" and what follows the answer, each as the models' makers give it.
GOLDEN = {
    "alpaca": (
        "<s>Below is an instruction that describes a task. Write a response that appropriately completes the request."
        "\n\n### Instruction:\nWho?\n\n### Response:\n",
        "</s>",
    ),
    "baichuan2": ("<s><reserved_106>Who?<reserved_107>", "</s>"),
    "chatglm2": ("<s>[gMASK]sop\n\n[Round 1]\n\n问：Who?\n\n答：", "</s>"),
    "llama2_zh": (
        "<s>[INST] <<SYS>>\nYou are a helpful assistant. 你是一个乐于助人的助手。\n<</SYS>>\n\nWho? [/INST]",
        "</s>",
    ),
    "moss": ("<s><|Human|>: Who?<eoh>\n<|MOSS|>:", "<eom>"),
    "qwen": (
        "<s><|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\nWho?<|im_end|>\n"
        "<|im_start|>assistant\n",
        "<|im_end|>",
    ),
}
CONTROL = ["<|im_start|>", "<|im_end|>", "<|eot_id|>", "<eom>", "<|user|>", "<|observation|>", "<reserved_106>"]


def byte_tokenizer(adds_bos=False, bos="<s>", eos="</s>", control=CONTROL):
    """One token per byte, and the control tokens; with `adds_bos` it puts BOS before whatever it tokenises."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({letter: id for id, letter in enumerate(alphabet)}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, bos_token=bos, eos_token=eos)
    tokenizer.add_special_tokens({"additional_special_tokens": control})
    if adds_bos:
        pair = [(bos, tokenizer.bos_token_id)]
        tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(f"{bos} $A", None, pair)
        assert tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id
    return tokenizer


def turns(*contents, system=None):
    first = [] if system is None else [{"role": "system", "content": system}]
    return first + [{"role": ("user", "assistant")[at % 2], "content": said} for at, said in enumerate(contents)]


@pytest.fixture(scope="module")
def tokenizer():
    return byte_tokenizer()


@pytest.fixture(scope="module")
def original(reference):
    return json.loads((reference / "prompt_formats.json").read_text("utf-8"))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("plain", "moss")])
def test_prompts_and_answers_equal_the_original(name, original):
    expected = original[name]
    end = expected["stop"][0] if expected["eos_is_first_stop"] else "<<EOS>>"
    prompt = expected["rendered_prompt"].replace("<<QUERY>>", 'Wer? {"a": []}\n\n谁')
    assert find(name).render(turns('Wer? {"a": []}\n\n谁'), prompt=True) == prompt
    answer = expected["rendered_answer"].replace("<<ANSWER>>", '{"b": ["谁"]}').replace("<<EOS>>", end)
    assert find(name).render(turns('Wer? {"a": []}\n\n谁', '{"b": ["谁"]}')) == prompt + answer
    assert find(name).has_system == bool(expected["system"])
    assert {find(name).end, *find(name).stop} - {None} == set(expected["stop"])


def test_every_original_format_is_there(original):
    assert len(original) == 27
    assert set(NAMES) == {*original, "moss", "plain"}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_tokenizer_renders_the_golden_prompt(name, tokenizer):
    prompt, end = GOLDEN[name]
    assert use_format(tokenizer, name) == name
    assert tokenizer.decode(prompt_ids(tokenizer, ["Who?"])[0]) == prompt
    assert tokenizer.apply_chat_template(turns("Who?", "Ada"), tokenize=False) == f"{prompt}Ada{end}"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("adds_bos", [False, True])
def test_a_prompt_has_one_bos_whether_or_not_the_tokenizer_adds_it(name, adds_bos):
    tokenizer = byte_tokenizer(adds_bos)
    use_format(tokenizer, name)
    ids = prompt_ids(tokenizer, ["Who wrote <s>?"])[0]  # the one in the text stays text
    assert ids[0] == tokenizer.bos_token_id
    assert ids.count(tokenizer.bos_token_id) == 1
    assert tokenizer.decode(ids) == find(name).render(turns("Who wrote <s>?"), bos="<s>", eos="</s>", prompt=True)


@pytest.mark.parametrize("adds", [False, True])
def test_the_tokenizer_class_of_llama_gives_one_bos_too(adds):
    from transformers import LlamaTokenizer

    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokenizer = LlamaTokenizer(vocab={token: id for id, token in enumerate(tokens)}, merges=[], add_bos_token=adds)
    assert (tokenizer("x")["input_ids"][0] == tokenizer.bos_token_id) is adds
    assert use_format(tokenizer, "llama") == "llama2"
    assert prompt_ids(tokenizer, ["Who?"])[0].count(tokenizer.bos_token_id) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_tokenizer_without_bos_gets_none(name):
    tokenizer = byte_tokenizer(bos=None)
    use_format(tokenizer, name)
    expected = find(name).render(turns("Who?"), bos="", eos="</s>", prompt=True)
    assert tokenizer.decode(prompt_ids(tokenizer, ["Who?"])[0]) == expected


@pytest.mark.parametrize("name", NAMES)
def test_answer_and_end_token_are_trained_and_nothing_else(name, tokenizer):
    use_format(tokenizer, name)
    end = find(name).end or "</s>"
    whole = tokenizer.apply_chat_template(turns("Who?", '{"a": "谁"}'), return_assistant_tokens_mask=True)
    trained = [id for id, mask in zip(whole["input_ids"], whole["assistant_masks"]) if mask]
    assert tokenizer.decode(trained) == '{"a": "谁"}' + end
    assert trained[-1] == tokenizer.convert_tokens_to_ids(end) == end_token_id(tokenizer)
    # Tokenised apart, as training does it, prompt and answer are the same conversation.
    assert prompt_ids(tokenizer, ["Who?"])[0] + answer_ids(tokenizer, ['{"a": "谁"}'])[0] == whole["input_ids"]

    two = tokenizer.apply_chat_template(turns("Who?", "Ada", "Where?", "Rome"), return_assistant_tokens_mask=True)
    trained = [id for id, mask in zip(two["input_ids"], two["assistant_masks"]) if mask]
    assert tokenizer.decode(trained) == f"Ada{end}Rome{end}"


@pytest.mark.parametrize("format", shipped(), ids=lambda format: format.name)
def test_a_conversation_goes_on_where_the_prompt_ended(format):
    first, second = turns("Who?", "Ada"), turns("Who?", "Ada", "Where?", "Rome")
    end = format.end or "<<EOS>>"
    assert format.render(first) == format.render(first[:1], prompt=True) + "Ada" + end
    assert format.render(second) == format.render(second[:3], prompt=True) + "Rome" + end
    assert format.render(second).startswith(format.render(first))
    # Without the prompt for an answer there may be less, never something else.
    assert format.render(first[:1], prompt=True).startswith(format.render(first[:1]))


def test_later_turns_look_as_the_models_know_them():
    second = turns("Who?", "Ada", "Where?")
    assert find("chatglm2").render(second, prompt=True).endswith("Ada<<EOS>>\n\n[Round 2]\n\n问：Where?\n\n答：")
    assert find("llama2").render(second, prompt=True).endswith("Who? [/INST]Ada<<EOS>><<BOS>>[INST] Where? [/INST]")
    assert find("mistral").render(second, prompt=True) == "<<BOS>>[INST] Who? [/INST]Ada<<EOS>>[INST] Where? [/INST]"
    later = "Ada<|im_end|>\n<|im_start|>user\nWhere?<|im_end|>\n<|im_start|>assistant\n"
    assert find("qwen").render(second, prompt=True).endswith(later)


@pytest.mark.parametrize("format", shipped(), ids=lambda format: format.name)
def test_a_system_message_replaces_the_system_text_and_an_empty_one_removes_it(format):
    own = format.render(turns("Who?"), prompt=True)
    other = format.render(turns("Who?", system="Answer in JSON."), prompt=True)
    none = format.render(turns("Who?", system=""), prompt=True)
    assert other.count("Answer in JSON.") == 1
    assert other.replace("Answer in JSON.", "").endswith(none[-len("Who?") :])
    assert len(none) <= len(own)
    assert len(none) < len(other)
    assert none.count("<<BOS>>") == none.count("Who?") == 1
    for word in ("elpful", "Below is", "pirate", "Deepseek", "ChatGLM3"):  # of the formats' own texts
        assert word not in other + none


def test_the_ten_families_are_formats_or_other_names_of_one():
    assert [find(family).name for family in FAMILIES] == [
        "llama2", "alpaca", "vicuna", "alpaca", "falcon", "baichuan", "chatglm3", "qwen", "moss", "openba",
    ]  # fmt: skip
    assert {family for format in shipped() for family in format.families} == set(FAMILIES)
    assert [format.name for format in shipped() if format.unverified] == ["moss"]
    known = [name for format in shipped() for name in (format.name, *format.aliases)]
    assert len(known) == len(set(known))


def test_an_unknown_name_is_told_with_the_closest_ones(tokenizer):
    with pytest.raises(TrainerError, match=r"^prompt format 'qwenn' is unknown \(do you mean \"qwen\"\?\)$"):
        use_format(tokenizer, "qwenn")
    with pytest.raises(TrainerError, match=r"'Zhixy' is unknown \(do you mean \"zhixi\"\?\)$"):
        find("Zhixy")
    with pytest.raises(TrainerError, match=r"'####' is unknown \(one of alpaca, .*, ziya\)$"):
        find("####")


def test_an_own_template_stays_and_comes_back_under_its_name(tmp_path):
    tokenizer = byte_tokenizer()
    with pytest.raises(TrainerError, match="no chat template of its own"):
        use_format(tokenizer, "tokenizer")
    tokenizer.chat_template = "{% for message in messages %}{{ message.content }}{% endfor %}"
    assert use_format(tokenizer) == use_format(tokenizer, "tokenizer") == "tokenizer"
    assert stop_token_ids(tokenizer) == [tokenizer.eos_token_id]
    use_format(tokenizer, "zhixi")
    tokenizer.save_pretrained(tmp_path)
    assert use_format(type(tokenizer).from_pretrained(tmp_path)) == "alpaca"


def test_a_tokenizer_that_lacks_the_formats_end_token_ends_with_its_own():
    tokenizer = byte_tokenizer(control=[])
    use_format(tokenizer, "qwen")
    assert answer_ids(tokenizer, ["Ada"])[0][-1] == end_token_id(tokenizer) == tokenizer.eos_token_id


def test_prediction_also_stops_at_the_other_tokens_that_close_a_turn(tokenizer):
    def stops(name):
        use_format(tokenizer, name)
        return set(tokenizer.convert_ids_to_tokens(stop_token_ids(tokenizer)))

    assert stops("llama2") == {"</s>"}
    assert stops("qwen") == {"</s>", "<|im_end|>"}
    assert stops("chatglm3") == {"</s>", "<|user|>", "<|observation|>"}
    assert stops("intern") == {"</s>"}  # the tokenizer has no <eoa>


def run(*words):
    return CliRunner().invoke(app, words)


def test_the_command_lists_all_formats():
    done = run()
    assert done.exit_code == 0
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[0] for line in lines[1 : len(NAMES) + 1]] == NAMES
    assert ["moss", "moss", "no", "<eom>", "unverified"] in lines
    assert ["chatglm3", "chatglm", "chatglm", "yes", "<<EOS>>"] in lines


def test_the_command_shows_the_raw_prompt():
    prompt = GOLDEN["qwen"][0].replace("<s>", "<<BOS>>")
    assert run("show", "qwen", "--query", "Who?").stdout == prompt
    assert run("show", "qwen", "--query", "Who?", "--answer", "Ada").stdout == prompt + "Ada<|im_end|>"
    assert run("show", "zhixi", "--query", "Who?", "--system", "").stdout == (
        "<<BOS>>### Instruction:\nWho?\n\n### Response:\n"
    )
    refused = run("show", "qwenn", "--query", "Who?")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: prompt format 'qwenn' is unknown (do you mean \"qwen\"?)")
    assert refused.stderr.count("\n") == 1
