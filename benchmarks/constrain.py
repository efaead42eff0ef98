"""What a constraint costs a token: gold answers walked through their grammars, without any model.

    python benchmarks/constrain.py [--tokenizer smollm2] [--data_dir path/to/corpus] [--task ner] [--rows 64]

CPU time of this process. `smollm2` has to be there: iepile models get smollm2.
"""

import argparse
import time

from iepile_trainer.constrain import Grammars, Vocabulary, lark, shape_of, spelling_of
from iepile_trainer.data.arguments import DataArguments
from iepile_trainer.data.load import load_rows
from iepile_trainer.formats import stop_token_ids
from iepile_trainer.models.load import base_and_adapter, load_tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokenizer", default="smollm2")
    parser.add_argument("--data_dir")
    parser.add_argument("--task", default="ner")
    parser.add_argument("--rows", type=int, default=64)
    args = parser.parse_args()
    rows = load_rows(DataArguments(task=[args.task], data_dir=args.data_dir), "test", args.rows).to_list()
    tokenizer = load_tokenizer(*base_and_adapter(args.tokenizer))
    start = time.process_time()
    vocabulary = Vocabulary(tokenizer, stop_token_ids(tokenizer))
    print(f"{len(tokenizer):,} tokens: vocabulary {time.process_time() - start:.2f} s, once for a model")
    answers = [tokenizer(row["output"], add_special_tokens=False)["input_ids"] for row in rows]
    for constrain in ("json", "extractive"):
        start, made, tokens = time.process_time(), 0.0, 0
        for row, ids in zip(rows, answers):
            begun = time.process_time()
            shape, text = shape_of(row)
            grammars = Grammars(
                vocabulary, [lark(shape, text if constrain == "extractive" else None, spelling_of(tokenizer))]
            )
            made += time.process_time() - begun
            for id in ids:
                assert grammars.allowed([0])[0, id], row["output"]
                grammars.take(0, id)
            tokens += len(ids)
        each = (time.process_time() - start - made) / tokens
        print(f"{constrain}: a grammar {made / len(rows) * 1e3:.1f} ms, a mask {each * 1e3:.2f} ms ({tokens:,} tokens)")


if __name__ == "__main__":
    main()
