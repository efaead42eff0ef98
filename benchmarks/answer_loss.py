"""Where the loss of an answer lies: by kind of token, for a model before and after training.

    python benchmarks/answer_loss.py SOURCE MODEL [MODEL …] [--task ner] [--rows 100]

Kinds: `forced` is what the schema leaves no choice about (braces, labels, separators), `decision` opens a list with
something or with nothing, `inside` is text of a mention or the end of it. Rows of the validation split, by a seed.
"""

import argparse
import json

from iepile_trainer.engines.open_bias import ListTokens
from iepile_trainer.formats import use_format
from iepile_trainer.models.load import load
from iepile_trainer.prediction.calibrate import corpus_rows
from iepile_trainer.tokenization.encode import answer_ids
from iepile_trainer.training.evaluate import answer_logits

KINDS = ("forced", "decision", "inside")


def kinds_of(tokenizer, lists: ListTokens, output: str, ids: list[int]) -> list[str]:
    """The kind of each token of an answer, by the characters that it spells."""
    spans = tokenizer(output, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    inside, depth, place = set(), 0, 0
    for place, letter in enumerate(output):
        depth += (letter == "[") - (letter == "]")
        if depth:
            inside.add(place)
    kinds = []
    for before, token, (start, end) in zip([None, *ids], ids, spans):
        if lists.decision(before, token) is not None:
            kinds.append("decision")
        else:
            kinds.append("inside" if inside.intersection(range(start, end)) else "forced")
    return [*kinds, "forced"]  # the end token


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--task", default="ner")
    parser.add_argument("--rows", type=int, default=100)
    options = parser.parse_args()
    rows = corpus_rows(options.source, options.task, "validation", options.rows, 42)
    for name in options.models:
        import torch

        model, tokenizer = load(name)
        use_format(tokenizer)
        lists = ListTokens.of(tokenizer)
        sums, counts = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0)
        for row in rows:
            ids = answer_ids(tokenizer, [row["output"]])[0]
            logits, targets = answer_logits(model, tokenizer, [row["instruction"]], [ids])
            losses = torch.nn.functional.cross_entropy(logits[0], targets[0], reduction="none").tolist()
            for kind, loss in zip(kinds_of(tokenizer, lists, row["output"], ids), losses):
                sums[kind] += loss
                counts[kind] += 1
        total = sum(sums.values())
        figures = {
            kind: {"tokens": count, "share of loss": round(sums[kind] / total, 3), "each": round(sums[kind] / count, 4)}
            for kind, count in counts.items()
        }
        print(json.dumps({"model": name, "loss of an answer": round(total / len(rows), 3), **figures}), flush=True)


if __name__ == "__main__":
    main()
