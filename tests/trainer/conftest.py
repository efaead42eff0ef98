"""Tiny random models, tokenizers learnt on the spot and rows made by hand: no network, no weights."""

import copy
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

PROMPT = "Extract the entities that match the schema."
NAMES = ("Ada", "Bo", "Cai", "Dora", "Emil", "Fay", "Gus", "Hana", "Ivo", "Jun")
PLACES = ("Rome", "Oslo", "Lima", "Kyoto", "Turin", "Accra", "Quito")


@pytest.fixture(scope="session")
def row_list() -> Callable[..., list[dict[str, str]]]:
    """A function that makes `n` different rows: a person and a place in one sentence, ids numbered."""

    def make(n: int = 20, tail: str = "") -> list[dict[str, str]]:
        rows = []
        for i in range(n):
            name, place = f"{NAMES[i % 10]} {NAMES[(i // 10) % 10]}", PLACES[i % 7]
            asked = {"instruction": PROMPT, "schema": ["person", "place"], "input": f"{name} lives in {place}.{tail}"}
            rows.append(
                {
                    "id": f"en/NER/homes/train:{i + 1}",
                    "task": "NER",
                    "source": "homes",
                    "language": "en",
                    "instruction": json.dumps(asked, ensure_ascii=False),
                    "output": json.dumps({"person": [name], "place": [place]}, ensure_ascii=False),
                    "label": json.dumps(
                        [{"entity": name, "entity_type": "person"}, {"entity": place, "entity_type": "place"}]
                    ),
                }
            )
        return rows

    return make


@pytest.fixture(scope="session")
def dataset(row_list: Callable[..., list[dict[str, str]]]) -> Callable[..., Any]:
    """The same as a `datasets.Dataset`."""
    from datasets import Dataset

    return lambda *args, **options: Dataset.from_list(row_list(*args, **options))


@pytest.fixture(scope="session")
def learnt_tokenizer(row_list: Callable[..., list[dict[str, str]]]) -> Any:
    """The tokenizer of `tokenizer`; not to be changed."""
    from iepile_trainer.models.scratch import new_tokenizer

    return new_tokenizer(row_list(100), 500)


@pytest.fixture
def tokenizer(learnt_tokenizer: Any) -> Any:
    """A tokenizer of a base model: byte-level BPE, no chat template."""
    return copy.deepcopy(learnt_tokenizer)


@pytest.fixture
def chat_tokenizer(tokenizer: Any) -> Any:
    """A tokenizer of a chat model: its template closes a turn with a token that is not its end token."""
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


@pytest.fixture(scope="session")
def small_model() -> Callable[..., Any]:
    """A function that makes a random model for a tokenizer, of `family` llama, qwen3, falcon, glm4, t5 and others."""

    def make(tokenizer: Any, family: str = "llama", hidden: int = 64) -> Any:
        from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, set_seed

        set_seed(0)
        tokens = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
        tokens |= {"bos_token_id": tokenizer.bos_token_id, "pad_token_id": tokenizer.pad_token_id}
        if family == "t5":
            size = {"d_model": hidden, "d_kv": hidden // 2, "d_ff": 2 * hidden, "num_layers": 2, "num_heads": 2}
            start = tokenizer.pad_token_id
            return AutoModelForSeq2SeqLM.from_config(
                AutoConfig.for_model(family, **size, **tokens, decoder_start_token_id=start)
            )
        config = AutoConfig.for_model(
            family,
            hidden_size=hidden,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=256,
            initializer_range=0.09,
            tie_word_embeddings=True,
            **({} if family in ("falcon", "bloom") else {"intermediate_size": 2 * hidden, "num_key_value_heads": 2}),
            **({"head_dim": hidden // 2} if family in ("qwen3", "glm4", "llama") else {}),
            **tokens,
        )
        return AutoModelForCausalLM.from_config(config)

    return make


@pytest.fixture
def saved(tokenizer: Any, small_model: Callable[..., Any], tmp_path: Any) -> Any:
    """A folder with a random model and its tokenizer, which has a prompt format."""
    from iepile_trainer.formats import use_format

    use_format(tokenizer)
    for part in (small_model(tokenizer), tokenizer):
        part.save_pretrained(tmp_path / "model")
    return tmp_path / "model"


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory, learnt_tokenizer: Any, small_model: Callable[..., Any]) -> Any:
    """A folder of random models to train on, each with its tokenizer: two decoders and an encoder-decoder."""
    folder = tmp_path_factory.mktemp("base")
    for family in ("llama", "qwen3", "t5"):
        small_model(learnt_tokenizer, family).save_pretrained(folder / family)
        learnt_tokenizer.save_pretrained(folder / family)
    return folder


@pytest.fixture(scope="session")
def rows_file(tmp_path_factory: pytest.TempPathFactory, row_list: Callable[..., list[dict[str, str]]]) -> Any:
    """24 rows as JSON lines."""
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in row_list(24)))
    return path


class _Completions(ThreadingHTTPServer):
    """A small model behind /v1; `trouble` maps the number of a request to what goes wrong with it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, model, tokenizer, trouble=None):
        self.model, self.tokenizer, self.trouble = model, tokenizer, trouble or {}
        self.lock, self.at_work, self.most_at_once, self.bodies, self.keys = threading.Lock(), 0, 0, [], set()
        super().__init__(("127.0.0.1", 0), _Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.reply(200, {"object": "list", "data": []})

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            number = len(server.bodies)
            server.bodies.append(body)
            server.keys.add(self.headers["Authorization"])
            server.at_work += 1
            server.most_at_once = max(server.most_at_once, server.at_work)
        try:
            trouble = server.trouble(number, body) if callable(server.trouble) else server.trouble.get(number)
            if trouble == "cut":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")
                self.wfile.flush()
                self.connection.close()
            elif trouble == "slow":
                time.sleep(2)
                self.close_connection = True
            elif trouble:
                self.reply(trouble, {"error": {"message": f"no, {self.headers['Authorization']}, not now"}})
            else:
                self.reply(200, self.answer(body))
        finally:
            with server.lock:
                server.at_work -= 1

    def answer(self, body):
        from iepile_trainer.engines.decode import decode
        from iepile_trainer.formats import stop_token_ids
        from iepile_trainer.tokenization.encode import prompt_ids

        server, chat = self.server, "messages" in body
        ends = stop_token_ids(server.tokenizer)
        with server.lock:
            ids = prompt_ids(server.tokenizer, [body["messages"][0]["content"]])[0] if chat else body["prompt"]
            (one,) = decode(server.model, [ids], ends, server.tokenizer.pad_token_id, body["max_tokens"], None, True)
        pieces = [server.tokenizer.decode([id]) for id in one.ids]
        text = "".join(pieces)
        choice = {"index": 0, "finish_reason": "stop" if one.ended else "length", "text": text}
        logprobs = {"tokens": pieces, "token_logprobs": one.logprobs, "text_offset": [], "top_logprobs": None}
        if chat:
            choice["message"] = {"role": "assistant", "content": text}
            logprobs = {
                "content": [{"token": t, "logprob": p, "top_logprobs": []} for t, p in zip(pieces, one.logprobs)]
            }
        choice["logprobs"] = logprobs if body.get("logprobs") else None
        return {"id": "1", "object": "x", "created": 0, "model": body["model"], "choices": [choice]}

    def reply(self, status, value):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        if status in (429, 503):
            self.send_header("retry-after-ms", "20")
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(scope="session")
def completion_server() -> Callable[..., Any]:
    """A function that starts a server for a model behind OpenAI's protocol; end it with `shutdown`, `server_close`."""
    return _Completions
