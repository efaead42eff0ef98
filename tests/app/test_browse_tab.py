"""The third tab in a real browser, and the page as a whole: widths, requests, headers."""

import json
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

from .conftest import BAD, MARKUP

pytestmark = pytest.mark.slow


def lines(page):
    return page.texts("#records h2")


def where(page, told):
    page.until(lambda: page.one("#where").text == told)


def test_one_pages_through_a_split_and_picks_records_by_words(page):
    page.tab("Browse")
    where(page, "en/NER/homes, train: records 1–10 of 23, page 1 of 3")
    assert page.texts("#records article:first-child mark") == ["Ada 1"]
    assert page.texts("#records article:first-child .name") == ["person"]
    page.one("#next").click()
    where(page, "en/NER/homes, train: records 11–20 of 23, page 2 of 3")
    page.one("#next").click()
    where(page, "en/NER/homes, train: records 21–23 of 23, page 3 of 3")
    assert lines(page) == ["line 21", "line 22", "line 23"]
    page.one("#next").click()  # there is no fourth
    where(page, "en/NER/homes, train: records 21–23 of 23, page 3 of 3")
    page.type("#words", "ADA 1")
    page.one("#words input, #words textarea").send_keys("\n")
    where(page, "en/NER/homes, train: records 1–10 of 11, page 1 of 2")  # 1 and 10 to 19
    assert lines(page)[1] == "line 10"


def test_a_record_shows_annotation_instructions_and_itself_and_markup_stays_text(page):
    page.tab("Browse")
    page.one("#next").click()
    where(page, "en/NER/homes, train: records 11–20 of 23, page 2 of 3")
    page.one("#next").click()
    where(page, "en/NER/homes, train: records 21–23 of 23, page 3 of 3")
    first, second, third = page.all("#records article")
    assert first.find_element("css selector", "mark").text == MARKUP
    for summary in first.find_elements("css selector", ":scope > details > summary"):
        summary.click()
    page.until(lambda: BAD in first.find_element("css selector", ":scope > details:last-of-type pre").text)
    assert "1 annotated" in first.text
    assert "1 of 1: person · place" in first.text
    assert "cannot be used" in second.text
    assert "not annotated" in third.text
    assert not page.is_hacked


def test_task_source_and_split_follow_each_other(page):
    page.tab("Browse")
    page.choose("#in-split", "test")
    where(page, "en/NER/homes, test: records 1–1 of 1, page 1 of 1")
    page.choose("#in-task", "Events with arguments")
    where(page, "en/EE/suits, train: records 1–1 of 1, page 1 of 1")
    assert page.texts("#records .name") == ["lawsuit!"]
    page.choose("#in-task", "Entities")
    where(page, "en/NER/homes, train: records 1–10 of 23, page 1 of 3")
    assert page.all("[data-testid=toast-body]") == []


def test_the_statistics_are_counted_once_asked_for_and_do_not_tell_where_the_corpus_lies(page, tree):
    pytest.importorskip("matplotlib")
    page.tab("Browse")
    page.one("#statistics > button").click()
    page.until(lambda: page.one("#count").is_displayed())
    page.one("#count").click()
    page.until(lambda: page.all("#figures iframe"))
    assert page.one("#figures iframe").get_attribute("sandbox") == ""
    inside = page.one("#figures iframe").get_attribute("srcdoc")
    assert "<h1>mine</h1>" in inside
    assert inside.count("data:image/png;base64,") == 2
    assert str(tree.parent) not in page.window.page_source


def test_it_fits_a_phone_in_all_tabs(page, answers):
    size = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.window.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    page.extract(BAD, "person, place")
    page.one("#asked > button").click()
    page.one("#copy > button").click()
    page.until(lambda: '"extractions"' in page.one("#json").text)
    widths = [page.window.execute_script("return document.documentElement.scrollWidth")]
    page.tab("Score")
    page.one("#answers input[type=file]").send_keys(str(answers))
    page.until(lambda: "⇣" in page.one("#answers").text)
    page.one("#score").click()
    page.until(lambda: page.all("#scores iframe"))
    widths.append(page.window.execute_script("return document.documentElement.scrollWidth"))
    page.tab("Browse")
    widths.append(page.window.execute_script("return document.documentElement.scrollWidth"))
    assert max(widths) <= 390
    assert len(page.window.get_screenshot_as_png()) > 10_000


def test_nothing_is_fetched_from_elsewhere_and_no_script_fails(page, address):
    page.tab("Score")
    page.tab("Browse")
    messages = [json.loads(entry["message"])["message"] for entry in page.window.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert any(url.startswith(address) for url in asked)
    assert [url for url in asked if not url.startswith((address, "data:", "blob:", "chrome:", "about:"))] == []
    assert [entry for entry in page.window.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_a_port_that_is_taken_is_said_in_one_line(address, tmp_path):
    port = address.rstrip("/").rpartition(":")[2]
    command = [sys.executable, "-m", "iepile.cli", "app", "--port", port]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == f"error: port {port} is taken (name another with --port)\n"


def test_the_server_gives_out_no_file_of_the_machine(address, tree, run):
    for path in ("/etc/passwd", tree / "IE-en/NER/homes/train.json", run / "config.json"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{address}gradio_api/file={path}")
        assert refused.value.code == 403
    with urllib.request.urlopen(address) as answer:
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert str(run.parent) not in answer.read().decode()
    with urllib.request.urlopen(f"{address}gradio_api/info") as answer:
        assert json.load(answer)["named_endpoints"].keys() == {"/extract"}
