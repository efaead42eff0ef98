"""The first tab in a real browser: type, click, read."""

import json

import pytest

from ..sentences import ADA, SUED, ZH
from .conftest import BAD, BAD_LABEL, MARKUP

pytestmark = pytest.mark.slow


def rows(page):
    return [[cell.text for cell in row.find_elements("css selector", "th, td")] for row in page.all("#found tbody tr")]


def marked(page):
    return page.texts("#found mark"), page.texts("#found .name")


def test_an_answer_is_marked_listed_with_places_and_given_as_json(page):
    page.extract(ADA, "person, place")
    assert marked(page) == (["Ada Bell", "Rome"], ["person", "place"])
    found = rows(page)
    assert [row[:3] for row in found] == [["person", "Ada Bell", "0–8"], ["place", "Rome", "18–22"]]
    assert all(0.5 < float(row[3]) <= 1 for row in found)
    assert page.one("#status").text.startswith("2 results from 1 question by heart in ")
    page.one("#copy > button").click()
    page.until(lambda: '"extractions"' in page.one("#json").text)
    page.one("#asked > button").click()
    page.until(lambda: page.one("#questions summary").text == "1 of 1: person · place")
    page.one("#questions summary").click()
    assert page.texts("#questions pre")[:3] == [
        '["person", "place"]',
        ADA,
        '{"person": ["Ada Bell"], "place": ["Rome"]}',
    ]
    page.all("#questions summary")[1].click()  # the raw JSON is folded once more
    assert json.loads(page.one("#questions pre.raw").text)["schema"] == ["person", "place"]


def test_it_says_that_it_is_busy_and_takes_no_second_click(page):
    from selenium.webdriver.common.action_chains import ActionChains

    page.type("#text", ADA)
    page.type("#labels", ", ".join(["person", "place", *(f"label {n}" for n in range(60))]))
    page.listen()
    ActionChains(page.window).double_click(page.one("#extract")).click(page.one("#extract")).perform()
    page.until(lambda: "Extract" in page.heard()[1:])
    heard = page.heard()
    assert heard.count("Extracting …") == 1
    assert any("Asking the model: 8 of 11" in told for told in heard)  # 62 labels, six at a time
    assert sum(" from 11 questions " in told for told in heard) == 1


def test_chinese_texts_relations_and_events_are_shown_so_that_one_can_read_them(page):
    page.extract(ZH, "person，place")
    assert marked(page) == (["小明", "北京"] * 2, ["person", "place"] * 2)
    assert page.one("#found .text").get_attribute("lang") == "zh"
    page.extract(ADA, "lives in", "Relations")
    assert marked(page) == (["Ada Bell", "Rome"], ["lives in →", "→ lives in"])
    assert [row[:3] for row in rows(page)] == [["lives in", "Ada Bell → Rome", "0–8, 18–22"]]
    page.extract(SUED, "lawsuit: plaintiff, place", "Events with arguments")
    assert marked(page) == (["Ada Bell", "sued", "Rome"], ["plaintiff", "lawsuit!", "place"])
    listed = [["lawsuit", "sued trigger", "9–13"], ["plaintiff", "Ada Bell", "0–8"], ["place", "Rome", "17–21"]]
    assert [row[:3] for row in rows(page)] == listed


def test_markup_in_texts_labels_and_answers_stays_text(page):
    page.extract(BAD, BAD_LABEL)
    assert marked(page) == ([MARKUP], [BAD_LABEL])
    assert rows(page)[0][:3] == [BAD_LABEL, MARKUP, "8–42"]
    page.extract("${1 + 1} {{ 7 * 7 }} @children <b>bold</b>", "<b>label</b>\n${2 + 2}")
    assert page.one("#found .text").text == "${1 + 1} {{ 7 * 7 }} @children <b>bold</b>"
    page.one("#asked > button").click()
    page.until(lambda: page.one("#questions summary").text == "1 of 1: <b>label</b> · ${2 + 2}")
    assert not page.is_hacked


@pytest.mark.parametrize(
    ("text", "labels", "task", "told"),
    [
        ("  \n ", "person", None, "no text yet (type or paste one)"),
        (ADA, " , ", None, "the schema has no labels for NER (expected a list of labels)"),
        (ADA, "", None, "no labels yet (Types, with commas or line breaks between them: person, city)"),
        (ADA, '{"types": 3}', None, "schema:1: 3 is not a list of labels"),
        (ADA, "in: city", "Typed relations", "labels, line 1: 1 types instead of two"),
        (ADA, ", ".join(map(str, range(101))), None, "101 labels are too many for this page (at most 100 at once)"),
        ("Rome " * 400_000, "place", None, "the text has 2,000,000 characters, this page takes 20,000 at once"),
    ],
)
def test_what_cannot_be_asked_is_said_and_the_button_comes_back(page, text, labels, task, told):
    page.extract(text, labels, task)
    assert page.one("#status [role=alert]").text.startswith(told)
    assert page.one("#found").text == ""
    assert page.one("#extract").is_enabled()


def test_a_long_text_is_asked_in_windows(page):
    page.extract("The sun shone all day. " * 60 + ADA, "person, place")
    assert " from 1 question " not in page.one("#status").text
    page.one("#asked > button").click()
    page.until(lambda: page.texts("#questions .question > summary small"))
    starts = [int(told.split()[-1]) for told in page.texts("#questions .question > summary small")]
    assert starts == sorted(set(starts))  # each window says where it begins


def test_a_schema_file_fills_the_labels_of_the_chosen_task(page, tmp_path):
    (tmp_path / "schema.json").write_text('["lawsuit"]\n["in", "part of"]\n{"lawsuit": ["plaintiff"]}\n')
    (tmp_path / "bad.yaml").write_text("types: 3\n")
    page.choose("#task", "Relations")
    page.until(lambda: "Relations, with commas" in page.one("#labels").text)
    give = page.one("[data-testid='Load schema-upload-button']")
    give.send_keys(str(tmp_path / "schema.json"))
    page.until(lambda: page.one("#labels textarea").get_property("value") == "in, part of")
    page.until(lambda: page.one("#status").text == "2 labels loaded.")
    give.send_keys(str(tmp_path / "bad.yaml"))
    page.until(lambda: page.one("#status [role=alert]").text.startswith("the schema file:1: 3 is not a list of labels"))


def test_every_example_is_one_click(page):
    for button, name in zip(
        page.all("#examples button"), ("People, places", "Who works where", "人物与城市", "谁在哪里任职")
    ):
        assert button.text == name
        button.click()
    page.until(lambda: page.one("#text textarea").get_property("value") == "李文静在东海集团负责设计光速手机。")
    page.until(lambda: page.one("#labels textarea").get_property("value") == "任职于，居住地，总部地点，生产")
    page.until(lambda: page.one("#task input").get_property("value") == "Relations (RE)")


def test_the_keyboard_is_enough_and_every_field_has_a_name(page):
    from selenium.webdriver.common.keys import Keys

    page.one("#text textarea").click()
    names = []
    for _ in range(9):
        page.window.switch_to.active_element.send_keys(Keys.TAB)
        names.append(page.window.switch_to.active_element.accessible_name)
        if names[-1] == "Extract":
            break
    assert names[-1] == "Extract"
    assert names[0] == "Task"
    assert all(names)
    page.listen()
    page.window.switch_to.active_element.send_keys(Keys.ENTER)
    page.until(lambda: "Extract" in page.heard()[1:])
    assert page.one("#text textarea").accessible_name == "Text"
    assert page.one("#labels textarea").accessible_name.startswith("Labels")


def test_stop_ends_the_work_and_the_next_visitor_is_answered(page):
    page.type("#text", "The sun shone all day. " * 150)
    page.type("#labels", ", ".join(f"label {n}" for n in range(60)))
    page.one("#extract").click()
    page.until(lambda: "Asking the model: " in page.one("#status").text)  # 8 of some eighty, and so on
    page.one("#stop").click()
    page.until(lambda: page.one("#status").text == "Stopped.")
    page.until(lambda: page.one("#extract").text == "Extract" and not page.one("#stop").is_enabled())
    page.extract(ADA, "person, place")
    assert marked(page) == (["Ada Bell", "Rome"], ["person", "place"])
