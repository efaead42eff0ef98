"""Systems of others answer as their own libraries say, in the form of our answers."""

import json

import pytest
from typer.testing import CliRunner

from iepile.cli import app
from iepile_trainer import TrainerError
from iepile_trainer.engines import EngineOptions, open_engine

TEXTS = ("Ada lives in Ulm .", "Bo lives in Rome .", "It rains .")
LABELS = ["person", "city"]
ASKED = [
    {"task": "NER", "instruction": json.dumps({"instruction": "?", "schema": labels, "input": text})}
    for text, labels in zip(TEXTS, (LABELS, LABELS[::-1], LABELS))
]


def answered(name, model):
    engine = open_engine(EngineOptions(str(model), engine=name))
    other, *answers = engine.answer([{**ASKED[0], "task": "RE"}, *ASKED])
    assert other.error == f"engine {name} answers NER alone"
    assert [answer.error for answer in answers] == [None] * len(TEXTS)
    return [json.loads(answer.text) for answer in answers]


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """A pipeline of spaCy that knows three sentences; its labels are written as such pipelines do."""
    spacy = pytest.importorskip("spacy")
    from spacy.training import Example

    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    nlp.add_pipe("ner")
    marks = [[(0, 3, "PERSON"), (13, 16, "CITY")], [(0, 2, "PERSON"), (12, 16, "CITY")], []]
    examples = [Example.from_dict(nlp.make_doc(text), {"entities": one}) for text, one in zip(TEXTS, marks)]
    nlp.initialize(lambda: examples)
    for _ in range(60):
        nlp.update(examples)
    place = tmp_path_factory.mktemp("spacy") / "pipeline"
    nlp.to_disk(place)
    return place


def test_a_pipeline_of_spacy_answers_by_the_labels_that_are_asked(pipeline):
    first, second, third = answered("spacy", pipeline)
    assert first == {"person": ["Ada"], "city": ["Ulm"]}
    assert list(second.items()) == [("city", ["Rome"]), ("person", ["Bo"])]
    assert third == {"person": [], "city": []}


def test_the_benchmark_scores_it_where_it_answers_and_leaves_it_out_elsewhere(pipeline, tmp_path):
    record = {"text": TEXTS[0], "entity": [{"entity": "Ada", "entity_type": "person"}]}
    relation = {"text": TEXTS[0], "relation": [{"head": "Ada", "relation": "lives in", "tail": "Ulm"}]}
    for task, schema, line in (
        ("NER", '["person"]\n[]\n{}\n', record),
        ("RE", '[]\n["lives in"]\n{}\n', relation),
    ):
        folder = tmp_path / "corpus/IE-en" / task / "homes"
        folder.mkdir(parents=True)
        (folder / "schema.json").write_text(schema)
        (folder / "test.json").write_text(json.dumps(line) + "\n")
    words = ["benchmark", tmp_path / "corpus", "--model", pipeline, "--engine", "spacy", "--out", tmp_path / "out"]
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert results["systems"]["pipeline"]["scores"].keys() == {"ner"}
    assert results["systems"]["pipeline"]["scores"]["ner"]["f1"] == 1
    assert results["left_out"] == ["pipeline: no RE row was answered (engine spacy answers NER alone)"]
    relations = (tmp_path / "out/tables.md").read_text().partition("### RE")[2]
    assert "| homes | 1 | 0.00 (0.00–0.00) | 0.00 (0.00–0.00) | 100.00 (100.00–100.00) | – |" in relations


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """The folder of an encoder with random weights."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, set_seed

    set_seed(0)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *dict.fromkeys(" ".join([*TEXTS, *LABELS]).split())]
    words = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, "[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    place = tmp_path_factory.mktemp("encoder")
    PreTrainedTokenizerFast(tokenizer_object=words, mask_token="[MASK]", **special).save_pretrained(place)
    shape = {"num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": 64}
    config = BertConfig(vocab_size=len(names), hidden_size=16, intermediate_size=32, **shape)
    BertModel(config).save_pretrained(place)
    return place


def test_gliner_answers_what_the_library_finds(encoder, tmp_path):
    gliner = pytest.importorskip("gliner")
    from transformers import AutoConfig

    config = gliner.GLiNERConfig(
        model_name=str(encoder), encoder_config=AutoConfig.from_pretrained(encoder).to_dict(), hidden_size=16,
        num_rnn_layers=0, max_len=64, max_width=3, dropout=0.0,
    )  # fmt: skip
    model = gliner.GLiNER.from_config(config, load_tokenizer=True)
    model.save_pretrained(tmp_path / "pickled")
    with pytest.raises(TrainerError, match=r"pickled: no model\.safetensors"):
        open_engine(EngineOptions(str(tmp_path / "pickled"), engine="gliner"))
    model.save_pretrained(tmp_path / "model", safe_serialization=True)
    model = gliner.GLiNER.from_pretrained(str(tmp_path / "model"))
    answers = answered("gliner", tmp_path / "model")
    assert any(mentions for answer in answers for mentions in answer.values())
    for text, answer in zip(TEXTS, answers):
        found = model.inference([text], list(answer))[0]
        assert answer == {label: [one["text"] for one in found if one["label"] == label] for label in answer}


def test_gliner2_answers_what_the_library_finds(encoder, tmp_path):
    gliner2 = pytest.importorskip("gliner2")
    gliner2.GLiNER2(gliner2.ExtractorConfig(model_name=str(encoder), max_width=3)).save_pretrained(str(tmp_path / "m"))
    model = gliner2.GLiNER2.from_pretrained(str(tmp_path / "m"))
    for text, answer in zip(TEXTS, answered("gliner2", tmp_path / "m")):
        found = model.extract_entities(text, list(answer))["entities"]
        assert answer == {label: found.get(label, []) for label in answer}


def test_what_is_no_model_of_a_library_is_one_line(tmp_path):
    pytest.importorskip("spacy")
    with pytest.raises(TrainerError, match=r"nowhere: spacy cannot load it: \[E050\]") as refused:
        open_engine(EngineOptions(str(tmp_path / "nowhere"), engine="spacy"))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("where", ["encoder", "named", "beside"])
def test_code_that_comes_with_an_encoder_is_not_run(where, tmp_path):
    from iepile_trainer.engines.taggers import _harmless

    model, other = tmp_path / "model", tmp_path / "other"
    for folder in (model, other):
        folder.mkdir()
    (model / "model.safetensors").write_bytes(b"")
    code = {"model_type": "bert", "auto_map": {"AutoModel": "modeling.Strange"}}
    config = {"encoder": {"encoder_config": code}, "named": {"model_name": str(other)}, "beside": {}}[where]
    (model / "gliner_config.json").write_text(json.dumps(config))
    (other / "config.json").write_text(json.dumps(code))
    if where == "beside":
        (model / "encoder").mkdir()
        (model / "encoder/config.json").write_text(json.dumps(code))
    with pytest.raises(TrainerError, match=r"model: its encoder comes with Python code, which is not run \(take"):
        _harmless(str(model))
    for file in model.rglob("*.json"):
        file.write_text('{"model_name": "no/such"}')
    assert _harmless(str(model)) == str(model)
