"""A model that knows some sentences by heart, the page served by a process of its own, and a real browser."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iepile_dataset import Schema

from ..sentences import ADA, LEARNT, SUED, entities, rows_of

MARKUP = "<script>window.hacked = 1</script>"
BAD_LABEL = "<img src=x onerror=hacked=1>"
BAD = f"In Rome {MARKUP} happened."


@pytest.fixture(scope="session")
def run(by_heart):
    """A run folder whose model answers the sentences of LEARNT."""
    bad = (BAD, Schema(types=(BAD_LABEL,)), "ner", "en", entities((MARKUP, BAD_LABEL)))
    return by_heart(rows_of(*LEARNT, bad), steps=150, positions=768)


@pytest.fixture(scope="session")
def tree(tmp_path_factory):
    """A corpus tree: 23 lines of entities, one with markup, one that cannot be used, one without annotation."""
    folder = tmp_path_factory.mktemp("trees") / "mine"
    homes = folder / "IE-en" / "NER" / "homes"
    homes.mkdir(parents=True)
    (homes / "schema.json").write_text('["person", "place"]\n[]\n{}\n')
    records = [{"text": f"Ada {n} saw Rome.", "entity": entities((f"Ada {n}", "person"))} for n in range(1, 21)]
    records += [{"text": BAD, "entity": entities((MARKUP, "place"))}, {"text": "Nobody.", "entity": "none"}]
    records += [{"text": "Not annotated."}]
    (homes / "train.json").write_text("".join(json.dumps(record) + "\n" for record in records))
    (homes / "test.json").write_text(json.dumps(records[0]) + "\n")
    suits = folder / "IE-en" / "EE" / "suits"
    suits.mkdir(parents=True)
    (suits / "schema.json").write_text('["lawsuit"]\n["plaintiff"]\n{"lawsuit": ["plaintiff"]}\n')
    event = {"event_type": "lawsuit", "event_trigger": "sued", "arguments": []}
    (suits / "train.json").write_text(json.dumps({"text": SUED, "event": [event]}) + "\n")
    return folder


@pytest.fixture(scope="session")
def address(run, tree, tmp_path_factory):
    """Where `iepile app` answers, a process of its own in an empty folder; it leaves nothing behind."""
    place = tmp_path_factory.mktemp("served")
    scratch = place / "tmp"
    scratch.mkdir()
    command = [sys.executable, "-m", "iepile.cli", "app", "--model", str(run), "--corpus", str(tree)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "TMPDIR": str(scratch)}
    with (place / "out").open("wb") as out, (place / "err").open("wb") as err:
        process = subprocess.Popen(command, cwd=place, env=environment, stdout=out, stderr=err)
    try:
        end = time.monotonic() + 120
        while "http" not in (place / "out").read_text():
            assert process.poll() is None, (place / "err").read_text()
            assert time.monotonic() < end, (place / "err").read_text()
            time.sleep(0.1)
        yield (place / "out").read_text().split(" ")[0]
    finally:
        process.terminate()
        process.wait(30)
    assert list(scratch.glob("iepile-app-*")) == []  # uploads went with it


@pytest.fixture(scope="session")
def parked(chromium, address):
    """The empty tab stands at an address of the server, so that the scripts of the page stay compiled between tests."""
    chromium.get(f"{address}config")


@pytest.fixture
def window(parked, browser):
    browser.set_window_size(1280, 1000)
    return browser


class Page:
    """The page as a visitor has it: find, type, click, wait."""

    def __init__(self, window):
        self.window = window

    def one(self, selector):
        return self.window.find_element("css selector", selector)

    def all(self, selector):
        return self.window.find_elements("css selector", selector)

    def texts(self, selector):
        return [element.text for element in self.all(selector)]

    def until(self, holds, seconds=60.0):
        """Wait for what is expected; elements may be drawn anew meanwhile. Fails where it never comes."""
        from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException

        end, pause = time.monotonic() + seconds, 0.05
        while True:
            try:
                if holds():
                    return
            except (NoSuchElementException, StaleElementReferenceException):
                pass
            assert time.monotonic() < end, self.one("body").text
            time.sleep(pause)
            pause = min(0.5, 1.5 * pause)  # asking costs the browser more than waiting

    def tab(self, name):
        self.window.execute_script("scrollTo(0, 0)")
        next(each for each in self.all("button[role=tab]") if each.text == name).click()
        self.until(lambda: self.one("button[role=tab][aria-selected=true]").text == name)

    def type(self, selector, text):
        """Put a text into a field as a paste does, also a long one."""
        self.window.execute_script(
            "const [field, text] = arguments; field.focus(); field.value = text;"
            "field.dispatchEvent(new Event('input', {bubbles: true}))",
            self.one(f"{selector} textarea, {selector} input"),
            text,
        )

    def choose(self, selector, text):
        """Pick from a list by mouse."""
        self.one(f"{selector} input").click()
        self.until(lambda: any(text in each for each in self.texts("[role=option]")))
        next(each for each in self.all("[role=option]") if text in each.text).click()

    def extract(self, text, labels, task=None):
        """Ask for a task, and wait for the end."""
        self.tab("Extract")
        if task:
            self.choose("#task", task)
        self.type("#text", text)
        self.type("#labels", labels)
        self.listen()
        self.one("#extract").click()
        self.until(lambda: "Extract" in self.heard()[1:])

    def listen(self):
        """Remember what the status and the button say from now on, however briefly."""
        self.window.execute_script(
            "window.heard = []; window.ear?.disconnect(); const hear = () => {"
            "for (const name of ['status', 'extract']) { const told = document.getElementById(name)?.innerText.trim();"
            "if (told && heard.findLast(each => each[0] === name)?.[1] !== told) heard.push([name, told]) } }; hear();"
            "window.ear = new MutationObserver(hear);"
            "window.ear.observe(document.body, {subtree: true, childList: true, characterData: true})"
        )

    def heard(self):
        """What was said since; the first two are what stood there before."""
        return [told for _, told in self.window.execute_script("return window.heard")][1:]

    @property
    def is_hacked(self):
        return self.window.execute_script("return window.hacked") is not None


@pytest.fixture
def page(window, address):
    """The page, freshly opened, on a desktop."""
    window.get(address)
    opened = Page(window)
    opened.until(lambda: opened.one("#extract").is_displayed())
    return opened


@pytest.fixture(scope="session")
def answers(tmp_path_factory) -> Path:
    """A predictions file: two right, one wrong, one that writes a script; and two lines that are no rows."""
    gold = json.dumps(entities(("Ada Bell", "person")))
    rows = [
        {"id": str(n), "task": "NER", "source": "homes", "instruction": json.dumps({"input": ADA}), "label": gold}
        for n in range(1, 5)
    ]
    outputs = [
        '{"person": ["Ada Bell"]}',
        '{"person": ["Ada Bell"]}',
        '{"person": []}',
        json.dumps({"person": [f"</script>{MARKUP}"]}),
    ]
    lines = [json.dumps({**row, "output": output}) for row, output in zip(rows, outputs)]
    lines[2:2] = ["not JSON", '{"output": 3, "label": "[]"}']
    path = tmp_path_factory.mktemp("answers") / "mine.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return path
