"""The quickstart's training corpus, written as the ordinary tree that `load_dataset("iepile")` reads."""

from itertools import islice
from pathlib import Path
from typing import Any

from iepile_dataset.atomic import json_text, write_file

from ..evaluate_run import write_lines
from .grammar import LANGUAGES, Sentence, load_grammar, sentences

UNSEEN_SUFFIX = "_unseen_names"
LICENCE = "CC-BY-4.0 (written for this package)"


def write_corpus(folder: Path, train: int, test: int, seed: int = 0) -> None:
    """Write `IE-<language>/<task>/<source>/` for NER and RE, English and Chinese.

    Beside each source `<name>` stands a second one `<name>_unseen_names` that has only a test split and
    whose names occur in no training sentence. Within a language all files hold different sentences, so
    no test sentence is ever trained on, not even by the other task.

    Args:
        folder: The root of the tree.
        train: Training sentences per language and task.
        test: Test sentences per language and task, the same number again with unseen names.
        seed: The same seed writes the same bytes.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_corpus(Path(folder), train=3, test=2)
    ...     sorted(path.name for path in Path(folder, "IE-en/NER").iterdir())
    ['town_news', 'town_news_unseen_names']
    """
    for language in LANGUAGES:
        grammar = load_grammar(language)
        usual, unseen = sentences(language, seed), sentences(language, seed, unseen=True)
        # Training sentences come last: how many there are does not change what one is tested on.
        for split, drawn, count in (("test", usual, test), ("unseen", unseen, test), ("train", usual, train)):
            for task, source in grammar["sources"].items():
                name = source + UNSEEN_SUFFIX if split == "unseen" else source
                home = folder / f"IE-{language}" / task / name
                meta = {"dataset": name, "lang": language, "task": task, "licence": LICENCE}
                write_file(home / "meta.json", json_text(meta))
                types, relations = (list(grammar["names"]), []) if task == "NER" else ([], grammar["relations"])
                write_lines(home / "schema.json", [types, relations, {}])
                records = (_record(task, sentence) for sentence in islice(drawn, count))
                write_lines(home / ("train.json" if split == "train" else "test.json"), records)


def _record(task: str, sentence: Sentence) -> dict[str, Any]:
    if task == "NER":
        entities = [{"entity": mention, "entity_type": kind} for mention, kind in sentence.entities]
        return {"text": sentence.text, "entity": entities}
    relations = [{"head": head, "relation": name, "tail": tail} for head, name, tail in sentence.relations]
    return {"text": sentence.text, "relation": relations}
