"""A server behind OpenAI's protocol answers as the model itself does, however badly the line behaves."""

import json
import subprocess
import sys
import threading

import pytest

from iepile_trainer import TrainerError
from iepile_trainer.engines import EngineOptions, open_engine
from iepile_trainer.engines.transformers_engine import TransformersEngine
from iepile_trainer.formats import use_format
from iepile_trainer.tokenization.encode import prompt_ids

KEY = "sk-very-secret-0123456789"
MOST = 6


@pytest.fixture
def model(tokenizer, small_model):
    use_format(tokenizer)
    return small_model(tokenizer).eval()


@pytest.fixture
def serve(model, tokenizer, tmp_path, monkeypatch, completion_server):
    """A function that starts a server and opens a engine to it."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    tokenizer.save_pretrained(tmp_path / "tokenizer")
    servers = []

    def start(trouble=None, **options):
        servers.append(completion_server(model, tokenizer, trouble))
        options = {"tokenizer": str(tmp_path / "tokenizer"), "max_new_tokens": MOST, "timeout": 1.0, **options}
        return servers[-1], open_engine(EngineOptions("tiny", engine="openai", base_url=servers[-1].url, **options))

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def texts(model, tokenizer, rows):
    return [
        answer.text for answer in TransformersEngine(model, tokenizer, EngineOptions(max_new_tokens=MOST)).answer(rows)
    ]


@pytest.mark.parametrize("chat", [False, True])
def test_a_server_answers_as_the_model_itself_does(chat, serve, model, tokenizer, row_list):
    rows = row_list(12)
    server, engine = serve(confidence=True, concurrency=3, **({"tokenizer": None} if chat else {}))
    answers = list(engine.answer(rows))
    own = list(TransformersEngine(model, tokenizer, EngineOptions(max_new_tokens=MOST, confidence=True)).answer(rows))
    assert [answer.error for answer in answers] == [None] * 12
    for there, here in zip(answers, own):
        assert there.cut
        if there.text == "".join(here.text):  # a tokenizer may add a space that one token alone does not have
            assert [t.logprob for t in there.tokens] == pytest.approx([t.logprob for t in here.tokens], abs=1e-4)
    assert [answer.text.replace(" ", "") for answer in answers] == [answer.text.replace(" ", "") for answer in own]
    assert 1 < server.most_at_once <= 3
    assert server.keys == {f"Bearer {KEY}"}


def test_the_prompt_that_is_sent_is_that_of_the_training_token_for_token(serve, tokenizer, row_list):
    rows = row_list(5)
    server, engine = serve(concurrency=1)
    list(engine.answer(rows))
    assert [body["prompt"] for body in server.bodies] == prompt_ids(tokenizer, [row["instruction"] for row in rows])
    assert [engine.count(row["instruction"]) for row in rows] == [len(body["prompt"]) for body in server.bodies]
    assert all(body["temperature"] == 0 and body["max_tokens"] == MOST for body in server.bodies)


def test_thoughts_are_switched_off_where_a_server_has_the_switch_and_on_where_wanted(serve, row_list):
    rows = row_list(3)
    server, engine = serve(concurrency=1, tokenizer=None)
    assert [answer.error for answer in engine.answer(rows)] == [None] * 3
    off = {"enable_thinking": False, "thinking": False}
    assert [body["chat_template_kwargs"] for body in server.bodies] == [off] * 3

    # one that does not know the switch is asked without it
    server, engine = serve(lambda number, body: 422 if "chat_template_kwargs" in body else None, tokenizer=None)
    assert [answer.error for answer in engine.answer(rows)] == [None] * 3
    assert sum("chat_template_kwargs" not in body for body in server.bodies) == 3


def test_thoughts_have_room_and_no_grammar():
    assert EngineOptions("m", thinking="on").max_new_tokens == 4096
    assert EngineOptions("m", thinking="on", max_new_tokens=9000).max_new_tokens == 9000
    with pytest.raises(TrainerError, match="thinking='on' goes with constrain='none'"):
        EngineOptions("m", thinking="on", constrain="json")


@pytest.mark.parametrize("switch", ["enable_thinking", "thinking"])
def test_a_template_with_a_switch_is_told_whether_to_think(switch, model, tokenizer):
    tokenizer.chat_template = (
        "{% for turn in messages %}{{ turn.content }}{% endfor %}"
        "{% if not " + switch + " | default(true) %}<no thoughts>{% endif %}"
    )
    row = {"instruction": "Who?"}
    prompt = TransformersEngine(model, tokenizer, EngineOptions(max_new_tokens=MOST)).prompt(row)
    assert "thoughts" in tokenizer.decode(prompt.ids)
    assert "thoughts" not in tokenizer.decode(prompt_ids(tokenizer, ["Who?"], thinking=True)[0])


@pytest.mark.slow
def test_refusals_errors_cut_lines_and_slow_answers_are_got_over(serve, model, tokenizer, row_list):
    rows = row_list(10)
    trouble = {1: 429, 2: 503, 4: "cut", 6: 500, 7: "slow", 9: 429}
    server, engine = serve(trouble, concurrency=4, retries=3)
    answers = list(engine.answer(rows))
    assert [answer.error for answer in answers] == [None] * 10
    assert [a.text.replace(" ", "") for a in answers] == [t.replace(" ", "") for t in texts(model, tokenizer, rows)]
    assert len(server.bodies) == 10 + len(trouble)


def test_a_row_that_the_server_never_answers_stops_no_other_and_no_key_is_told(serve, tokenizer, row_list, caplog):
    rows = row_list(6)
    bad = prompt_ids(tokenizer, [rows[2]["instruction"]])[0]
    rows[4]["instruction"] = ""
    caplog.set_level("DEBUG")
    _, engine = serve(lambda number, body: 503 if body["prompt"] == bad else None, retries=2)
    answers = list(engine.answer(rows))
    assert [bool(answer.error) for answer in answers] == [False, False, True, False, True, False]
    assert answers[2].error.startswith("InternalServerError: Error code: 503")
    assert answers[4].error == "the row has no instruction"
    assert KEY not in str(answers) + caplog.text


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_server_that_refuses_altogether_ends_the_run_in_one_line(status, serve, row_list):
    _, engine = serve(lambda number, body: status)
    with pytest.raises(TrainerError, match=r"the server http://127.* refuses: .*Error code") as told:
        list(engine.answer(row_list(30)))
    assert KEY not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_server_that_is_not_there_ends_the_run_in_one_line(serve, row_list):
    server, engine = serve(retries=1)
    server.shutdown()
    server.server_close()
    with pytest.raises(TrainerError, match="cannot be reached"):
        list(engine.answer(row_list(3)))


@pytest.mark.slow
def test_a_line_that_is_cut_for_one_row_only_is_an_error_of_that_row(serve, tokenizer, row_list):
    rows = row_list(4)
    bad = prompt_ids(tokenizer, [rows[1]["instruction"]])[0]
    _, engine = serve(lambda number, body: "cut" if body["prompt"] == bad else None, retries=1)
    assert [bool(answer.error) for answer in engine.answer(rows)] == [False, True, False, False]


def test_rows_are_read_as_they_are_needed_and_closing_stops_the_requests(serve, row_list):
    read = []

    def rows():
        for row in row_list(100):
            read.append(row["id"])
            yield row

    server, engine = serve(concurrency=2)
    answers = engine.answer(rows())
    next(answers)
    answers.close()
    assert len(read) == 8  # four ahead for each of two
    assert len(server.bodies) <= 8
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("iepile")]


def test_a_server_that_ignores_the_grammar_is_found_out(serve, row_list):
    server, engine = serve(constrain="extractive")
    rows = [{**row, "task": "NER"} for row in row_list(2)]
    for answer in engine.answer(rows):  # cut off after 6 tokens: closed
        ignored = "did not keep to the grammar" in (answer.error or "")
        assert ignored or json.loads(answer.text) == {"person": [], "place": []}
    grammar = server.bodies[0]["structured_outputs"]["grammar"]
    assert "STRETCH: %regex" in grammar
    assert server.bodies[0]["ebnf"] == grammar
    from llguidance.gbnf_to_lark import any_to_lark  # as SGLang reads it

    assert any_to_lark(grammar) == grammar


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"base_url": "localhost:8000"}, "is no address"),
        ({"base_url": "http://me:secret@localhost/v1"}, "names a user or a password"),
        ({"base_url": None}, "no key: set the environment variable OPENAI_API_KEY"),
        ({"adapter": "runs/lora"}, "takes no adapter"),
        ({"concurrency": 0}, "--concurrency 0 is out of range"),
    ],
)
def test_wrong_options_of_a_server_are_one_line_errors(options, reason, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(TrainerError, match=reason) as told:
        open_engine(EngineOptions("tiny", engine="openai", **{"base_url": "http://localhost:1/v1", **options}))
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("options", [{"device_map": "auto"}, {"bits": 4}, {"bits": 4, "constrain": "extractive"}])
def test_a_model_is_spread_or_loaded_in_four_bits(options, tmp_path, model, tokenizer, row_list):
    if "bits" in options:
        pytest.importorskip("bitsandbytes")
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    engine = open_engine(EngineOptions(str(tmp_path / "model"), engine="transformers", max_new_tokens=12, **options))
    answers = list(engine.answer(row_list(5)))
    assert [answer.error for answer in answers] == [None] * 5
    if "constrain" in options:
        assert all(list(json.loads(answer.text)) == ["person", "place"] for answer in answers)
    elif "bits" not in options:
        assert [answer.text for answer in answers] == [
            answer.text
            for answer in TransformersEngine(model, tokenizer, EngineOptions(max_new_tokens=12)).answer(row_list(5))
        ]


def test_without_vllm_its_engine_says_what_it_needs(tmp_path):
    pytest.importorskip("torch")
    try:
        import vllm  # noqa: F401
    except ImportError:
        with pytest.raises(TrainerError, match="engine vllm needs vLLM, which needs a GPU"):
            open_engine(EngineOptions(str(tmp_path), engine="vllm"))
    else:
        pytest.skip("vLLM is installed")


def test_an_engine_is_sent_the_training_prompt_as_token_ids(tokenizer, row_list):
    from iepile_trainer.engines.prompts import PromptEngine, tokens_of

    use_format(tokenizer)
    row = row_list(1)[0]
    (wanted,) = prompt_ids(tokenizer, [row["instruction"]])
    assert PromptEngine(EngineOptions(), tokenizer).prompt(row).ids == wanted
    short = PromptEngine(EngineOptions(), tokenizer, 5).prompt(row)
    assert short.error.startswith(f"the prompt has {len(wanted)} tokens, more than the 5")
    assert tokens_of("Ada", [("Ad", -0.5), ("a", -0.25)]) == ((0, 2, -0.5), (2, 3, -0.25))


def test_importing_the_engines_loads_no_heavy_package():
    code = "import sys, iepile_trainer.engines, iepile_trainer.constrain; print(sorted({'torch', 'openai', 'transformers', 'llguidance', 'datasets'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
