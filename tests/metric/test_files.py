"""Files as people have them: other keys, one array, marks and line ends of Windows."""

import gzip
import json

import pytest

from iepile_metric import score_file
from iepile_metric.files import layout

ANSWER = '{"person": ["Ada"]}'
LABEL = '[{"entity": "Ada", "entity_type": "person"}]'
QUESTION = json.dumps({"instruction": "-", "schema": ["person"], "input": "Ada left."})


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"output": ANSWER, "label": LABEL}, None),
        (
            {"source": "s", "instruction": QUESTION, "output": ANSWER, "prediction": ANSWER},
            "'prediction', gold in 'output'",
        ),
        ({"prompt": "…", "predict": ANSWER, "label": ANSWER}, "answers in 'predict', gold in 'label'"),
        ({"instruction": QUESTION, "label": LABEL, "generated": ANSWER}, "answers in 'generated'"),
        ({"response": ANSWER, "label": json.loads(LABEL)}, "answers in 'response'"),
    ],
)
@pytest.mark.parametrize("form", ["lines", "array", "mark", "windows", "gzip"])
def test_rows_of_others_are_told_by_their_keys(tmp_path, row, words, form):
    file = tmp_path / "answers.jsonl"
    lines = "".join(json.dumps(row) + "\n" for _ in range(2)).encode()
    if form == "gzip":
        file = tmp_path / "answers.jsonl.gz"
    contents = {
        "lines": lines,
        "array": json.dumps([row, row], indent=1).encode(),
        "mark": b"\xef\xbb\xbf" + lines,
        "windows": lines.replace(b"\n", b"\r\n"),
        "gzip": gzip.compress(lines),
    }
    file.write_bytes(contents[form])
    scores, bad = score_file(file, "ner")
    assert (scores["tp"], scores["fp"], scores["fn"], bad) == (2, 0, 0, [])
    assert (layout(file) is None) if words is None else (words in layout(file))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"instruction": "x", "output": "{}"}\n', "'output' alone"),
        (b'{"instruction": "x", "label": "[]"}\n', "the row has no 'output'"),
        (b'{"response": "{}"}\n', "the row has no 'label'"),
    ],
)
def test_what_a_row_lacks_is_named(tmp_path, content, words):
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        score_file(tmp_path / "a.jsonl", "ner")
    with pytest.raises(ValueError, match=words):
        layout(tmp_path / "a.jsonl")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_another_encoding_is_named_with_its_remedy(tmp_path, encoding):
    (tmp_path / "a.jsonl").write_bytes(json.dumps({"output": ANSWER, "label": LABEL}).encode(encoding))
    with pytest.raises(ValueError, match=r"a.jsonl:1: the file is UTF-16 \(save it as UTF-8"):
        score_file(tmp_path / "a.jsonl", "ner")


def test_an_array_that_breaks_off_is_named(tmp_path):
    (tmp_path / "a.json").write_text(f"[{json.dumps({'output': ANSWER, 'label': LABEL})},")
    with pytest.raises(ValueError, match="a JSON array that breaks off"):
        score_file(tmp_path / "a.json", "ner")


def test_a_line_of_another_encoding_is_named(tmp_path):
    good, bad = ({"output": "{}", "label": "[]", "id": name} for name in ("a", "张三"))
    content = json.dumps(good).encode() + b"\n" + json.dumps(bad, ensure_ascii=False).encode("gbk") + b"\n"
    (tmp_path / "a.jsonl").write_bytes(content)
    scores, lines = score_file(tmp_path / "a.jsonl", "ner")
    assert scores["rows"] == 1
    assert "a.jsonl:2: not UTF-8 (save the file as UTF-8" in str(lines[0])
