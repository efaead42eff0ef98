import json
from itertools import islice

import pytest

from iepile_trainer.quickstart.corpus import UNSEEN_SUFFIX, write_corpus
from iepile_trainer.quickstart.grammar import LANGUAGES, load_grammar, sentences

COUNT = 400


@pytest.fixture(params=LANGUAGES)
def language(request):
    return request.param


@pytest.mark.parametrize("unseen", [False, True])
def test_every_mention_stands_in_its_text_and_every_relation_joins_two_mentions(language, unseen):
    for sentence in islice(sentences(language, 0, unseen), COUNT):
        mentions = [mention for mention, _ in sentence.entities]
        assert all(mention in sentence.text for mention in mentions)
        assert all(head in mentions and tail in mentions for head, _, tail in sentence.relations)


def test_a_sentence_holds_no_mention_twice_and_names_are_annotated_in_the_order_of_the_text(language):
    for sentence in islice(sentences(language, 1), COUNT):
        places = [sentence.text.index(mention) for mention, _ in sentence.entities]
        assert places == sorted(places)
        assert len(set(sentence.entities)) == len(sentence.entities)


def test_every_clause_uses_names_fillers_and_relations_that_the_grammar_has(language):
    grammar = load_grammar(language)
    for sentence in islice(sentences(language, 2), COUNT):
        assert "{" not in sentence.text
        assert {kind for _, kind in sentence.entities} <= set(grammar["names"])
        assert {relation for _, relation, _ in sentence.relations} <= set(grammar["relations"])
    assert set(grammar["unseen"]) <= set(grammar["names"])


def test_the_same_seed_draws_the_same_sentences_and_another_seed_others(language):
    first, again, other = (list(islice(sentences(language, seed), 50)) for seed in (3, 3, 4))
    assert first == again
    assert first != other


def test_no_sentence_is_drawn_twice(language):
    texts = [sentence.text for sentence in islice(sentences(language, 5), 3000)]
    assert len(set(texts)) == len(texts)


def test_no_name_is_both_ordinary_and_unseen(language):
    ordinary, unseen = (
        {entity for sentence in islice(sentences(language, 0, flag), 2000) for entity in sentence.entities}
        for flag in (False, True)
    )
    assert not ordinary & unseen
    assert {kind for _, kind in ordinary} == {kind for _, kind in unseen} == set(load_grammar(language)["names"])


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder, train=300, test=30, seed=0)
    return folder


def records(tree, split, unseen=False):
    for path in sorted(tree.rglob(f"{split}.json")):
        if path.parent.name.endswith(UNSEEN_SUFFIX) == unseen:
            yield from map(json.loads, path.read_text("utf-8").splitlines())


def test_no_test_sentence_is_a_training_sentence_of_any_task(tree):
    trained = {record["text"] for record in records(tree, "train")}
    tested = [record["text"] for record in records(tree, "test")]
    assert len(trained) == 2 * 2 * 300  # two languages, two tasks, no sentence twice
    assert len(set(tested)) == 2 * 2 * 30
    assert not trained & set(tested)


def test_unseen_names_occur_in_no_training_sentence(tree):
    trained = "\n".join(record["text"] for record in records(tree, "train"))
    mentions = {
        entity["entity"] for record in records(tree, "test", unseen=True) for entity in record.get("entity", ())
    }
    assert mentions
    assert not [mention for mention in mentions if mention in trained]


def test_more_training_sentences_leave_the_test_sentences_as_they_are(tree, tmp_path):
    write_corpus(tmp_path, train=5, test=30, seed=0)
    assert list(records(tmp_path, "test")) == list(records(tree, "test"))


def test_the_tree_loads_as_instructions_with_one_row_per_record(tree):
    from datasets import load_dataset

    import iepile_dataset

    iepile_dataset.register()
    for task in ("ner", "re"):
        rows = load_dataset("iepile", task, split="train", data_dir=str(tree))
        assert len(rows) == 2 * 300  # all labels fit into one batch
        assert set(rows["language"]) == {"en", "zh"}
