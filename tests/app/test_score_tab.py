"""The second tab in a real browser: a file of answers, its scores, and a report that cannot touch the page."""

import json

import pytest

pytestmark = pytest.mark.slow


def score(page, path):
    page.tab("Score")
    if path:
        page.one("#answers input[type=file]").send_keys(str(path))
        page.until(lambda: "⇣" in page.one("#answers").text and path.stem[:4] in page.one("#answers").text)
    page.one("#score").click()
    page.until(lambda: page.one("#scored").text not in ("", "No file yet."))
    page.until(lambda: "Scoring" not in page.one("#scored").text + page.one("#score").text)


def test_a_file_is_scored_and_its_bad_lines_are_named(page, answers):
    score(page, answers)
    assert page.one("#scored").text == "mine.jsonl: 2 lines could not be scored."
    bad = page.texts("#scores .bad li")
    assert bad[0].startswith("mine.jsonl:3: no JSON: ")
    assert bad[1].startswith("mine.jsonl:4: 'output' is int, not text")
    headline = page.all("#scores tbody tr")[0]
    # Four gold entities: two found, one nothing, one wrong: precision 2/3, recall 2/4, F1 4/7.
    cells = [cell.text for cell in headline.find_elements("css selector", "th, td")]
    assert cells == ["entity (headline)", "0.6667", "0.5000", "0.5714", "2", "1", "2"]


def test_the_report_works_in_a_frame_of_its_own_and_what_was_uploaded_runs_nowhere(page, answers):
    score(page, answers)
    frame = page.one("#scores iframe")
    assert frame.get_attribute("sandbox") == "allow-scripts"
    page.window.switch_to.frame(frame)
    assert page.one("#found").text == "4 of 4 records"
    assert page.window.execute_script("return self.origin") == "null"
    assert not page.is_hacked
    reach = "try { parent.document; return 'reached' } catch (error) { return error.name }"
    assert page.window.execute_script(reach) == "SecurityError"
    page.window.switch_to.default_content()
    assert not page.is_hacked


def test_options_change_the_scores_and_the_report_is_there_as_a_file(page, answers, tmp_path):
    rows = [json.loads(line) for line in answers.read_text().splitlines() if '"task"' in line]
    shouted = [{**row, "output": row["output"].replace("Ada", "ADA")} for row in rows[:2]]
    (tmp_path / "shouted.jsonl").write_text("\n".join(map(json.dumps, shouted)))
    score(page, tmp_path / "shouted.jsonl")
    assert page.one("#scored").text == "shouted.jsonl: every line was scored."
    assert page.all("#scores tbody tr td")[2].text == "0.0000"
    next(each for each in page.all("#match label") if each.text == "normalised").click()
    page.one("#score").click()
    page.until(lambda: page.all("#scores tbody tr td")[2].text == "1.0000")
    page.until(lambda: page.one("#report").is_enabled())


def test_without_a_file_or_with_nothing_in_it_it_says_what_to_give(page, tmp_path):
    score(page, None)
    assert page.one("#scored [role=alert]").text == "no file yet (iepile predict writes one)"
    (tmp_path / "nothing.jsonl").write_text("[1]\n")
    score(page, tmp_path / "nothing.jsonl")
    page.until(lambda: "nothing.jsonl" in page.one("#scored [role=alert]").text)
    told = page.one("#scored [role=alert]").text
    assert "a row is a JSON object, this is int" in told
    assert "/" not in told.replace("nothing.jsonl", "")  # nor where the server keeps it
