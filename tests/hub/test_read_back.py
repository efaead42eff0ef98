"""What was pushed, read by the libraries in fresh processes that have none of our packages."""

import json
import shutil

import pytest
from loopback import TOKEN


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A model, an adapter on it, and their tokenizer, as a training leaves them, with what must not be pushed."""
    from peft import LoraConfig, get_peft_model
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, set_seed

    from iepile_trainer.run_folder import write_run

    set_seed(1)
    words = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1, "Ada": 2, "Ulm": 3}, "<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="</s>", unk_token="<unk>")
    full, lora = tmp_path_factory.mktemp("runs") / "full", tmp_path_factory.mktemp("runs") / "lora"
    config = LlamaConfig(vocab_size=4, hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2)
    LlamaForCausalLM(config).save_pretrained(full)
    base = AutoModelForCausalLM.from_pretrained(full)
    get_peft_model(base, LoraConfig(target_modules="all-linear", r=2, init_lora_weights=False)).save_pretrained(lora)
    for folder, method in ((full, "full"), (lora, "lora")):
        tokenizer.save_pretrained(folder)
        write_run(folder, {"method": method, "base_model": "user/full", "data": [], "name": "run"})
        for name in (
            ".env",
            "training_args.bin",
            "optimizer.pt",
            "predictions.jsonl",
            "checkpoint-5/model.safetensors",
        ):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(b"not for others")
    return {"full": full, "lora": lora}


@pytest.mark.slow
def test_a_dataset_is_loaded_plain_and_streaming_and_fetched_byte_for_byte(hub, prepared, command, elsewhere, tmp_path):
    from datasets import load_dataset

    done = command("push", "dataset", prepared, "user/iepile", "--private")
    assert done.exit_code == 0, done.output
    assert "commit" in done.stdout
    assert len(hub.repos["dataset", "user/iepile"].branches["main"]) == 2
    told = elsewhere(
        "import json\nfrom datasets import load_dataset\nfrom huggingface_hub import snapshot_download\n"
        "rows = load_dataset('user/iepile', 'ner')\n"
        "stream = load_dataset('user/iepile', 'ner', streaming=True)\n"
        "assert {s: list(stream[s]) for s in stream} == {s: rows[s].to_list() for s in rows}\n"
        "raw = load_dataset('user/iepile', 'raw_ner', split='test')\n"
        f"snapshot_download('user/iepile', repo_type='dataset', local_dir={str(tmp_path / 'fetched')!r})\n"
        "print(json.dumps([{s: rows[s].to_list() for s in rows}, len(raw)]))"
    )
    rows, raw = json.loads(told.splitlines()[-1])
    here = load_dataset(str(prepared), "ner")
    assert rows == {split: here[split].to_list() for split in here}
    assert raw > 0
    fetched = tmp_path / "fetched"
    for path in prepared.rglob("*"):
        name = path.relative_to(prepared).as_posix()
        if path.is_file() and name not in ("quarantine.jsonl", "manifest.json", "README.md"):
            assert (fetched / name).read_bytes() == path.read_bytes(), name
    again = command("push", "dataset", prepared, "user/iepile", "--private")
    assert "nothing to do" in again.stdout, again.stderr


@pytest.mark.slow
def test_a_run_is_loaded_as_model_and_as_adapter_and_nothing_else_was_pushed(hub, runs, command, elsewhere):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    refused = command("push", "model", runs["lora"], "user/lora")
    assert refused.exit_code == 1
    assert f"an adapter on the folder {runs['full']}, which nobody else has" in refused.stderr
    assert not hub.calls
    for name, folder in runs.items():
        done = command("push", "model", folder, f"user/{name}", *(["--base", "user/full"] if name == "lora" else []))
        assert done.exit_code == 0, done.output
        files = hub.repos["model", f"user/{name}"].files()
        assert not {path for path in files if path.startswith(("checkpoint", ".")) or path.endswith((".bin", ".pt"))}
        assert {"run.json", "tokenizer.json", "README.md"} <= set(files)
        assert "predictions.jsonl" not in files
        same = files.keys() - {"README.md", "adapter_config.json"}
        assert {path: files[path] for path in same} == {path: (folder / path).read_bytes() for path in same}
        assert not [path for path, data in files.items() if str(folder.parent.parent).encode() in data]
    assert b"base_model: user/full" in files["README.md"]
    told = elsewhere(
        "import json, torch\nfrom peft import AutoPeftModelForCausalLM\nfrom transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "tokenizer = AutoTokenizer.from_pretrained('user/full')\n"
        "ids = tokenizer('Ada Ulm', return_tensors='pt').input_ids\n"
        "model = AutoModelForCausalLM.from_pretrained('user/full').eval()\n"
        "plain = model(ids).logits.tolist()\n"
        "adapted = AutoPeftModelForCausalLM.from_pretrained('user/lora').eval()(ids).logits.tolist()\n"
        "print(json.dumps([plain, adapted]))"
    )
    plain, adapted = json.loads(told.splitlines()[-1])
    model = AutoModelForCausalLM.from_pretrained(runs["full"]).eval()
    ids = torch.tensor([[2, 3]])
    assert torch.allclose(torch.tensor(plain), model(ids).logits, atol=1e-6)
    here = PeftModel.from_pretrained(model, runs["lora"]).eval()(ids).logits
    assert torch.allclose(torch.tensor(adapted), here, atol=1e-6)
    assert not torch.allclose(torch.tensor(plain), here, atol=1e-4)


@pytest.mark.slow
def test_the_metric_is_loaded_from_its_space_and_the_space_has_a_page(hub, command, elsewhere, tmp_path):
    for name in ("iepile_f1", "my-f1"):
        done = command("push", "metric", f"user/{name}")
        assert done.exit_code == 0, done.output
        files = hub.repos["space", f"user/{name}"].files()
        assert {f"{name}.py", "requirements.txt", "app.py", "README.md", "matching.py"} <= set(files)
        assert not [path for path in files if "/" in path]
        assert b"sdk: gradio" in files["README.md"]
    fetched = tmp_path / "iepile_f1"
    told = elsewhere(
        # which evaluate would import, and PyTorch with it: seconds, for nothing here
        "sys.modules['transformers'] = None\nimport evaluate, json\ndel sys.modules['transformers']\nfrom huggingface_hub import snapshot_download\n"
        "label = json.dumps([{'entity': 'Ada', 'entity_type': 'person'}, {'entity': 'Ulm', 'entity_type': 'city'}])\n"
        f"snapshot_download('user/iepile_f1', repo_type='space', local_dir={str(fetched)!r})\n"
        f"for place in ('user/iepile_f1', 'user/my-f1', {str(fetched)!r}):\n"
        "    metric = evaluate.load(place, 'ner')\n"
        "    assert metric.__class__.__module__.startswith('evaluate_modules.')\n"
        "    print(metric.compute(predictions=['{\"person\": [\"Ada\"]}'], references=[label])['f1'])\n"
        f"sys.path.insert(0, {str(fetched)!r})\nimport app\n"
        "print(app.scores_of(app.EXAMPLE, 'ner')['f1'], type(app.page()).__name__)\n"
        "try: app.scores_of('{\"output\": 1}', 'ner')\nexcept ValueError as problem: print(problem)"
    ).splitlines()
    # one of two found, none wrong: 2 · 1 · ½ / (1 + ½); by name, by another name, from a folder
    assert [float(line) for line in told[:3]] == [pytest.approx(2 / 3)] * 3
    # of Ada and Rome, Ada is found and Ulm is wrong
    assert told[3:] == ["0.5 Blocks", "line 1: not a row with output and label (KeyError)"]


@pytest.mark.slow
def test_no_token_in_any_output_file_or_commit(hub, prepared, runs, script, tmp_path):
    lines = [
        ["push", "dataset", str(prepared), "user/iepile"],
        ["push", "model", str(runs["lora"]), "user/lora", "--base", "user/full"],
        ["download", "user/iepile", "--out", str(tmp_path / "fetched")],
        ["push", "dataset", str(prepared), "user/iepile", "--private"],  # refused: it is public
    ]
    told = script(
        "import os, sys\nfrom iepile.cli import app\nsys.stderr = sys.stdout\n"
        f"for number, line in enumerate({lines!r} * 2):\n"
        "    if number == 4: os.environ['HF_TOKEN'] += 'x'\n"  # a wrong one
        "    try: app(line, standalone_mode=False)\n    except BaseException as end: print(repr(end))",
        HF_DEBUG="1",
    )
    assert "commit" in told
    assert "hf auth login" in told
    assert "Send: curl" in told  # the library's own log of what it sends
    assert TOKEN not in told
    for repo in hub.repos.values():
        assert not [path for path, data in repo.files().items() if TOKEN.encode() in data]
    assert (tmp_path / "fetched" / "manifest.json").is_file()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]


def test_predictions_go_only_when_asked(hub, runs, command, tmp_path):
    run = shutil.copytree(runs["lora"], tmp_path / "run")
    (run / "run.json").write_text(json.dumps({"method": "lora", "data": [{"licences": ["ask the authors"]}]}))
    adapter = (run, "user/lora", "--base", "user/full")
    refused = command("push", "model", *adapter, "--predictions")
    assert refused.exit_code == 1
    assert "--licences-checked" in refused.stderr
    done = command("push", "model", *adapter, "--predictions", "--licences-checked")
    assert done.exit_code == 0, done.output
    assert hub.repos["model", "user/lora"].files()["predictions.jsonl"] == b"not for others"
    done = command("push", "model", *adapter)  # and go again, where they would be out of date
    assert "predictions.jsonl" not in hub.repos["model", "user/lora"].files()
