"""A GGUF file as a model: trained on, asked and merged like a folder."""

import json

import pytest
import torch

from iepile_trainer.errors import TrainerError
from iepile_trainer.models.load import load, load_tokenizer, read_weights
from iepile_trainer.models.merge import merge
from iepile_trainer.sft import main

gguf = pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def weights(base):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(base / "llama")


@pytest.fixture(scope="module")
def file(base, weights, tmp_path_factory):
    """The random Llama of `base` as GGUF in full precision, its matrices laid out as llama.cpp has them."""
    path = tmp_path_factory.mktemp("gguf") / "small.gguf"
    config, tokenizer = weights.config, load_tokenizer(str(base / "llama"))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    description = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in tokenizer.all_special_tokens else 1 for token in tokens])
    writer.add_token_merges([pair if isinstance(pair, str) else " ".join(pair) for pair in description["merges"]])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in weights.state_dict().items():
        if name == "lm_head.weight":  # tied
            continue
        count = next((count for part, count in heads.items() if part in name), None)
        if count:  # llama.cpp turns pairs that lie side by side, transformers pairs half a head apart
            rows, columns = tensor.shape
            tensor = tensor.view(count, 2, rows // count // 2, columns).transpose(1, 2).reshape(rows, columns)
        writer.add_tensor(names.get_name(name, (".weight",)), tensor.float().contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def logits(model, ids):
    with torch.no_grad():
        return model.eval()(input_ids=torch.tensor([ids])).logits


def test_the_weights_are_those_of_the_folder_and_can_be_saved(file, weights, tmp_path):
    model = read_weights(str(file), dtype=torch.float32)
    ids = [5, 9, 14, 3, 200]
    torch.testing.assert_close(logits(model, ids), logits(weights, ids), atol=1e-4, rtol=1e-4)
    model.save_pretrained(tmp_path)
    assert (tmp_path / "model.safetensors").is_file()
    torch.testing.assert_close(logits(read_weights(str(tmp_path), dtype=torch.float32), ids), logits(model, ids))


def test_an_adapter_on_it_is_trained_asked_and_merged(file, rows_file, tmp_path):
    out = tmp_path / "run"
    words = ["--config", "lora", "--model_name_or_path", file, "--dataset", rows_file, "--output_dir", out]
    main([str(word) for word in [*words, "--max_steps", 2, "--learning_rate", 0.02, "--disable_tqdm", "true"]])
    assert json.loads((out / "adapter_config.json").read_text())["base_model_name_or_path"] == str(file)
    apart, tokenizer = load(str(out))
    merge(out, tmp_path / "merged")
    merged, _ = load(str(tmp_path / "merged"))
    ids = tokenizer("Ada Bo lives in Rome.")["input_ids"]
    torch.testing.assert_close(logits(merged, ids), logits(apart, ids), atol=1e-4, rtol=1e-4)


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(TrainerError, match=r"cannot load the model .*nothing\.gguf"):
        load(str(tmp_path / "nothing.gguf"))
