"""A grammar allows answers as each kind of tokenizer writes them in training."""

import pytest

from iepile_trainer.constrain import Grammars, Vocabulary, fits, lark, shape_of, spelling_of
from iepile_trainer.engines import EngineOptions
from iepile_trainer.engines.transformers_engine import TransformersEngine


def sentencepiece_bpe(texts):
    """A tokenizer of Llama 2's kind: a space before the text, written as a letter, unknown characters as bytes."""
    from tokenizers import Tokenizer, decoders, models, normalizers, trainers

    made = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    made.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=600, special_tokens=special, show_progress=False))
    return made


def sentencepiece_unigram(texts):
    """A tokenizer of T5's kind."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    made = Tokenizer(models.Unigram())
    made.normalizer, made.pre_tokenizer = normalizers.NFKC(), pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    special = {"special_tokens": ["<pad>", "</s>", "<unk>"], "unk_token": "<unk>", "show_progress": False}
    made.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=300, **special))
    return made


def quickstart_bpe(texts):
    from iepile_trainer.models.scratch import new_tokenizer

    return new_tokenizer([{"instruction": text} for text in texts], 400).backend_tokenizer


@pytest.mark.parametrize("kind", [sentencepiece_bpe, sentencepiece_unigram, quickstart_bpe])
def test_answers_are_accepted_as_a_tokenizer_of_any_kind_writes_them_in_training(kind, row_list, small_model):
    from transformers import PreTrainedTokenizerFast

    rows = row_list(40)
    made = kind([row["instruction"] for row in rows])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>", clean_up_tokenization_spaces=False)
    vocabulary = Vocabulary(tokenizer, [tokenizer.eos_token_id])
    for row in rows:
        ids = tokenizer(row["output"], add_special_tokens=False)["input_ids"]
        grammars = Grammars(vocabulary, [lark(*shape_of(row), spelling_of(tokenizer))])
        for id in [*ids, tokenizer.eos_token_id]:
            assert grammars.allowed([0])[0, id], (row["output"], tokenizer.convert_ids_to_tokens(ids))
            grammars.take(0, id)
    for answer in TransformersEngine(
        small_model(tokenizer), tokenizer, EngineOptions(max_new_tokens=20, constrain="json")
    ).answer(rows[:4]):
        assert fits(answer.text, shape_of(rows[0])[0])
