"""Going on with a run, a share of its rows stays among the new ones."""

import math

import pytest

from iepile_trainer.run_folder import read_run
from iepile_trainer.sft import main


def trained(out, model, *words):
    fixed = ["--task", "ner", "--max_steps", "1", "--per_device_train_batch_size", "2", "--max_length", "1024"]
    main(["--model_name_or_path", str(model), "--output_dir", str(out), *fixed, *words])
    (entry,) = read_run(out)["data"]
    return entry


@pytest.mark.slow
def test_the_old_rows_are_those_of_the_record_and_stand_in_the_new_one(base, tmp_path, capsys):
    first = trained(tmp_path / "first", base / "llama", "--source", "city_news", "--max_rows", "21")
    assert first["rows_by_source"] == {"city_news": 21}
    asked = ("--source", "shop_support", "wanggou_pinglun", "--max_rows", "30", "--keep_sources", "0.3")
    second = trained(tmp_path / "second", tmp_path / "first", *asked)
    counts = second["rows_by_source"]
    assert counts.pop("city_news") == math.ceil(0.3 * 21)
    assert counts.keys() == {"shop_support", "wanggou_pinglun"}
    assert sum(counts.values()) == 30
    assert second["options"]["keep_sources"] == 0.3
    assert "kept 7 rows of ner city_news" in capsys.readouterr().out
    # What is asked anyway is not kept beside it; what was kept once can be kept again.
    third = trained(tmp_path / "third", tmp_path / "second", "--source", "shop_support", "--keep_sources", "1")
    assert third["rows_by_source"].keys() == {"shop_support", "city_news", "wanggou_pinglun"}


def test_without_a_record_or_with_a_stream_it_is_refused(base, tmp_path, capsys):
    for words, reason in (
        (("--keep_sources", "0.5"), "llama has no record of what it was trained on (name the old data beside the new"),
        (("--keep_sources", "0.5", "--streaming"), "keep_sources goes with rows that are loaded whole"),
        (("--keep_sources", "0"), "--keep_sources 0.0: a share of the old rows, above 0 and up to 1"),
    ):
        with pytest.raises(SystemExit) as ended:
            trained(tmp_path / "run", base / "llama", *words)
        assert reason in str(ended.value)
