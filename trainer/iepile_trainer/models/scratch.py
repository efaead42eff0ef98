"""A small Llama and its tokenizer, new: what can be trained on a laptop without downloading weights.

Two things let a model of about a million parameters learn the task at all: initial weights of range 0.09 (with
the usual 0.02 it learns nothing) with tied embeddings, and a tokenizer in which a name is the same token in the
text and in the answer, made so that copying a name out of a text is easy.
"""

import json
from collections.abc import Iterable
from typing import Any

from iepile_dataset.answers import leaves

from ..errors import TrainerError

# The parts of JSON that answers repeat. As single tokens they make rows half as long.
GLUE = (
    '{"', '"}', '"], "input": "', '": ["', '", "', '"], "', '"]}', '": [], "', '": []}',
    '": [{"subject": "', '", "object": "', '"}, {"subject": "', '"}], "', '"}]}',
)  # fmt: skip

# The same for events, whose schema entries are objects.
EVENT_GLUE = (
    '", "trigger": true, "arguments": ["', '", "trigger": ["', '"], "arguments": ["', '"]}, {"event_type": "',
    '"]}], "input": "', '": [{"', '": [{"trigger": "', '", "arguments": {"', '": "', '": "NAN", "', '": "NAN"}',
    '"}}', '"}}], "', '"}}]}', '"}}, {"trigger": "', '"}], "',
)  # fmt: skip

# Words with a capital in pieces of so many letters; other words, numbers and signs whole.
_PIECES = r" ?\p{Lu}\p{Ll}{0,%d}|(?<=\p{L})\p{Ll}{1,%d}| ?\p{Ll}+| ?\p{L}| ?\p{N}+|[^\p{L}\p{N}]"


def new_model(
    tokenizer: Any, hidden: int = 128, layers: int = 3, positions: int = 2048, seed: int = 42, **shape: Any
) -> Any:
    """A Llama for `tokenizer`: heads of 32, feed-forward three times as wide, tied embeddings.

    Args:
        tokenizer: Its tokens are those of the model.
        hidden: Width.
        layers: Depth.
        positions: Most tokens that it reads.
        seed: Of the initial weights.
        **shape: Other values of a `LlamaConfig`.
    """
    from transformers import LlamaConfig, LlamaForCausalLM, set_seed

    set_seed(seed)
    shape = {"intermediate_size": 3 * hidden, "initializer_range": 0.09, "tie_word_embeddings": True, **shape}
    shape |= {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(hidden // 32, 1),
        max_position_embeddings=positions,
        **shape,
    )
    return LlamaForCausalLM(config)


def new_tokenizer(rows: Iterable[dict[str, Any]], size: int = 4000, letters: int = 2) -> Any:
    """Learn a byte-level BPE tokenizer from rows; any text can be encoded.

    Words with a capital are spelt in pieces and Chinese character by character, so that names are copied rather than
    known by heart. A word begins with the same token behind a space and behind a quotation mark (` Anna`
    in the text, `"Anna` in the answer), and the prompts and the glue of JSON are one token each.
    The price: a string that begins with a space is written without it.

    Args:
        rows: Rows with `instruction`.
        size: Tokens to learn; prompts and glue come on top.
        letters: Most letters of a piece: with more, names are shorter and frequent ones one token.

    Returns:
        A `PreTrainedTokenizerFast` without a chat template.

    Raises:
        TrainerError: The rows are not of this package's form.

    >>> asked = '{"instruction": "Find.", "schema": ["city"], "input": "Ann likes Oslo. 她住在北京。"}'
    >>> tokenizer = new_tokenizer([{"instruction": asked}] * 3, 400)
    >>> tokenizer.tokenize("by Ann")[-2:] == tokenizer.tokenize('{"Ann')[-2:]
    True
    >>> tokenizer.decode(tokenizer.encode('{"city": ["Ann", "北京"]}'))
    '{"city": ["Ann", "北京"]}'
    """
    from tokenizers import AddedToken, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    try:
        asked = [json.loads(row["instruction"]) for row in rows]
        texts = [text for one in asked for text in (one["input"], *leaves(one["schema"])) if isinstance(text, str)]
        openings = dict.fromkeys(map(_opening, asked))
    except (ValueError, KeyError, TypeError):
        raise TrainerError("cannot learn a tokenizer from these rows: their instruction is no JSON") from None
    with_events = any(opening.endswith('{"event_type": "') for opening in openings)
    glue = dict.fromkeys([*openings, *GLUE, *(EVENT_GLUE if with_events else ())])
    tokenizer = _untrained(letters)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<pad>", "<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in glue])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        clean_up_tokenization_spaces=False,
    )


def _untrained(letters: int) -> Any:
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.BPE())
    # Runs on what stands between two added tokens: a Latin word there gets the space that it has inside a sentence.
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend(" "), normalizers.Replace(Regex(r"^ (?![\p{Latin}\d])"), "")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{Han}"), "isolated"),
            pre_tokenizers.Split(Regex(_PIECES % (letters - 1, letters)), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    # The added space goes again behind a quotation mark, unless the mark itself is quoted.
    undo = decoders.Replace(Regex(r'(?<=[^\\]") '), "")
    tokenizer.decoder = decoders.Sequence([decoders.ByteLevel(), undo])
    return tokenizer


def _opening(asked: dict[str, Any]) -> str:
    """An instruction as far as it is the same in every row of a task."""
    prompt = json.dumps(asked["instruction"], ensure_ascii=False)
    is_event = isinstance(next(iter(asked["schema"]), None), dict)
    return '{"instruction": ' + prompt + ', "schema": [' + ('{"event_type": "' if is_event else '"')
