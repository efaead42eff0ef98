"""The report page: safe to open, complete, and usable in a real browser."""

import json
import time

import pytest

from iepile_metric.report import examine

GOLD = [{"entity": "Ada", "entity_type": "person"}, {"entity": "北京", "entity_type": "place"}]


def row(number, answer, text="Ada went to 北京 .", source="one", task="NER", gold=GOLD):
    instruction = {"instruction": "-", "schema": ["person", "place"], "input": text}
    return {
        "id": f"en/{task}/{source}/test:{number}",
        "task": task,
        "source": source,
        "instruction": json.dumps(instruction),
        "output": answer if isinstance(answer, str) else json.dumps(answer),
        "label": json.dumps(gold),
    }


def rows():
    yield row(1, {"person": ["Ada"], "place": ["北京"]})
    yield row(2, {"person": ["北京"], "place": []})  # wrong label, and Ada missed
    yield row(3, "I do not know.", source="two")
    yield row(4, {"person": ["</script><script>window.hacked = 1</script>", "<img src=x onerror=hacked=1>"]})
    event = [{"event_type": "attack", "event_trigger": "hit", "arguments": [{"role": "agent", "argument": "Ada"}]}]
    answer = {"attack": [{"trigger": "hit", "arguments": {"agent": "Bob"}}]}
    yield row(5, answer, text="Ada hit Bob .", task="EE", gold=event)


def write_report(rows, path):
    answers = path.with_suffix(".jsonl")
    answers.write_text("".join(json.dumps(row) + "\n" for row in rows))
    path.write_text(examine(answers, title="Scores").page, "utf-8")


def test_nothing_in_the_data_can_end_the_script_that_holds_it(tmp_path):
    write_report(rows(), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("</script>") == 2  # the data and the code
    assert "http://" not in page
    assert "https://" not in page
    held = page.split('id="data">', 1)[1].split("</script>", 1)[0]
    assert json.loads(held)["records"][3]["units"][-1]["kind"] in ("missed", "spurious", "not in the text")


def select(browser, name, value):
    from selenium.webdriver.support.ui import Select

    Select(browser.find_element("id", name)).select_by_value(value)


def found(browser):
    return browser.find_element("id", "found").text


def until(holds, seconds=10.0):
    """The list is drawn a little after it was asked for: wait for what is expected, and fail where it never comes."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
def test_the_page_filters_and_moves_by_mouse_and_keyboard(browser, tmp_path):
    from selenium.webdriver.common.keys import Keys

    write_report(rows(), tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.get_log("browser") == []
    assert browser.execute_script("return window.hacked") is None
    assert found(browser) == "4 of 4 records"
    # filters by kind of error, by source, by words; the buttons in the table of errors set them too
    select(browser, "kind", "wrong label")
    assert found(browser) == "1 of 4 records"
    assert "gold: place · 北京" in browser.find_element("id", "list").text
    browser.find_element("css selector", "#filters [type=reset]").click()
    select(browser, "source", "two")
    assert found(browser) == "1 of 4 records"
    browser.find_element("css selector", "#filters [type=reset]").click()
    select(browser, "kind", "none")
    assert found(browser) == "1 of 4 records"
    browser.find_element("css selector", "#filters [type=reset]").click()
    browser.execute_script("scrollTo(0, 0)")
    next(b for b in browser.find_elements("css selector", "#kinds button") if b.text == "unparseable").click()
    until(lambda: found(browser) == "1 of 4 records")
    browser.find_element("css selector", "#filters [type=reset]").click()
    # mentions are marked in the text
    until(
        lambda: (
            [mark.text for mark in browser.find_elements("css selector", ".record:first-child mark.hit")]
            == ["Ada", "北京"]
        )
    )
    # keys: / to search, j and k to move, Enter to open the raw answer
    body = browser.find_element("tag name", "body")
    body.send_keys("/")
    browser.switch_to.active_element.send_keys("nowhere")
    assert found(browser) == "0 of 4 records"
    browser.switch_to.active_element.send_keys(Keys.ESCAPE)
    browser.find_element("css selector", "#filters [type=reset]").click()
    time.sleep(0.1)
    body.send_keys("j")
    browser.switch_to.active_element.send_keys("jjk")  # first, then second, third, second
    assert browser.switch_to.active_element.get_attribute("aria-label") == "record en/NER/one/test:2"
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert browser.switch_to.active_element.find_element("tag name", "details").get_attribute("open")
    # the other task, drawn as events
    browser.execute_script("scrollTo(0, 0)")
    browser.find_elements("css selector", "#tasks button")[1].click()
    assert found(browser) == "1 of 1 records"
    assert "agent" in browser.find_element("css selector", ".event").text


@pytest.mark.slow
def test_the_page_fits_a_phone_and_turns_dark(browser, tmp_path):
    write_report(rows(), tmp_path / "report.html")
    browser.set_window_size(500, 900)
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": True},
    )
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 360
    light = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    browser.find_element("id", "theme").click()
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") != light
    assert len(browser.get_screenshot_as_png()) > 10_000


def working_seconds(browser):
    """Processor time of all threads of the page: what it takes where nothing else is at work."""
    browser.execute_cdp_cmd("Performance.enable", {})
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(metric["value"] for metric in metrics if metric["name"] == "ProcessTime")


@pytest.mark.slow
def test_ten_thousand_records_open_in_under_three_seconds(browser, tmp_path):
    text = "Ada went to 北京 . " * 20
    write_report(
        (row(number, {"person": ["Ada", "Bob"], "place": []}, text=text) for number in range(10_000)),
        tmp_path / "report.html",
    )
    browser.get((tmp_path / "report.html").as_uri())
    assert found(browser) == "10000 of 10000 records"
    assert working_seconds(browser) < 3
    # only what is near the window is drawn; more comes with scrolling
    assert len(browser.find_elements("css selector", ".record")) < 200
    browser.execute_script("scrollTo(0, document.body.scrollHeight)")
    time.sleep(0.5)
    assert len(browser.find_elements("css selector", ".record")) > 30
    before = working_seconds(browser)
    select(browser, "kind", "missed")
    assert found(browser) == "10000 of 10000 records"
    assert working_seconds(browser) - before < 2
