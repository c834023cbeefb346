"""The study in a real Chromium: clicks, keys, reload, two tabs, a server that goes away, a folder on disk.

Marked ``browser``: ``make test-browser``.
"""

import io
import json
import shutil

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("uvicorn", reason="pip install 'monai-fundusgen[study]'")
playwright = pytest.importorskip("playwright.sync_api", reason="pip install 'monai-fundusgen[browser]'")
# ruff: noqa: E402
from monai_fundusgen.apps.turing.analysis import analyse
from monai_fundusgen.apps.turing.answer_book import AnswerBook
from monai_fundusgen.apps.turing.report import write_report
from monai_fundusgen.apps.turing.static_copy import write_static
from monai_fundusgen.apps.turing.study import read_study
from tests.apps.turing.conftest import serve_study, tokens

pytestmark = pytest.mark.browser
NEW = "#trial[aria-busy=false]:not([hidden]) #picture:not(.waiting)"


@pytest.fixture
def server(study_folder):
    server = serve_study(study_folder)
    yield server
    server.kill()


def link(server, reader="anna"):
    return f"http://127.0.0.1:{server.port}/#{tokens(server.folder)[reader]}"


def begin(page, address):
    page.goto(address)
    page.select_option("#role", "ophthalmologist")
    page.fill("#years", "12")
    page.check("#agreed")
    page.click("#consent button[type=submit]")
    page.wait_for_selector(NEW)


def progress(page):
    return page.inner_text("#progress")


def reaches(page, text):
    """Wait until the page says where it is."""
    playwright.expect(page.locator("#progress")).to_have_text(text, timeout=20_000)


def by_keys(page, judgement="r", confidence=4):
    """Judge the picture with the keyboard and wait for the next thing."""
    before = progress(page)
    page.wait_for_selector(NEW)
    page.keyboard.press(judgement)
    page.keyboard.press(str(confidence))
    page.wait_for_selector("#next:enabled")
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#progress")).not_to_have_text(before, timeout=20_000)


def answers(folder):
    book = AnswerBook(folder, read_study(folder))
    (sheet,) = book.sheets()
    book.close()
    return sheet.answers


def by_clicks_with_a_mark(page):
    """Judge the picture with the mouse: synthetic, 2, two reasons, a region."""
    page.wait_for_selector(NEW)
    page.click("#synthetic")
    page.click("#confidence button[value='2']")
    page.check("input[value=crossings]")
    page.check("input[value=disc]")
    page.click("#region")
    box = page.locator("#picture").bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.75 * box["height"], steps=4)
    page.mouse.up()
    page.click("#next")


def test_a_study_from_the_link_to_the_report(context, server, study_folder, study, tmp_path):
    page = context.new_page()
    begin(page, link(server))
    assert "#" not in page.url and progress(page) == "Practice 1 of 2"
    by_keys(page)
    by_keys(page)
    assert progress(page) == "Picture 1 of 6" and page.inner_text("#notice") == "From here on, the pictures count."
    by_clicks_with_a_mark(page)
    reaches(page, "Picture 2 of 6")
    assert page.locator("#mark").is_hidden() and page.locator("#reasons input:checked").count() == 0

    for number in range(5):
        by_keys(page, "rs"[number % 2], 1 + number)
    assert page.locator("#done").is_visible() and "Thank you" in page.inner_text("#done")
    page.reload()
    page.wait_for_selector("#done:visible")

    found = answers(study_folder)
    assert [each.answer.trial for each in found] == [trial.id for trial in study.reader("anna").trials]
    marked = found[2].answer
    assert (marked.real, marked.confidence, marked.reasons) == (False, 2, ("crossings", "disc"))
    assert marked.mark == pytest.approx((0.25, 0.5, 0.5, 0.75), abs=0.02)
    assert [each.answer.real for each in found[3:]] == [True, False, True, False, True]
    assert all(0 < each.answer.response_ms < 60_000 and each.times_shown == 1 for each in found)

    write_report(analyse(study_folder), study_folder, tmp_path / "out")
    page.goto((tmp_path / "out" / "report.html").as_uri())
    assert page.locator("svg").count() == 2 and page.locator("table").count() == 4


def test_a_reload_a_closed_window_and_a_new_browser_go_on_where_they_stopped(context, chromium, server, study_folder):
    page = context.new_page()
    begin(page, link(server))
    by_keys(page)
    page.reload()
    page.wait_for_selector(NEW)
    assert progress(page) == "Practice 2 of 2"
    page.close()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/")  # the cookie knows the reader
    page.wait_for_selector(NEW)
    assert progress(page) == "Practice 2 of 2"
    elsewhere = chromium.new_context().new_page()
    elsewhere.goto(f"http://127.0.0.1:{server.port}/")
    elsewhere.fill("#token", tokens(study_folder)["anna"])
    elsewhere.click("#code button")
    elsewhere.wait_for_selector(NEW)
    assert progress(elsewhere) == "Practice 2 of 2"
    elsewhere.context.close()
    by_keys(page)
    assert [each.times_shown for each in answers(study_folder)] == [1, 4]


def test_the_first_answer_of_two_tabs_stays_and_the_second_is_told(context, server, study_folder):
    first = context.new_page()
    begin(first, link(server))
    second = context.new_page()
    second.goto(f"http://127.0.0.1:{server.port}/")
    second.wait_for_selector(NEW)
    by_keys(first, "r", 5)
    second.bring_to_front()
    by_keys(second, "s", 1)
    assert "answered before" in second.inner_text("#notice") and progress(second) == "Practice 2 of 2"
    by_keys(second, "s", 1)
    assert [(each.answer.real, each.answer.confidence) for each in answers(study_folder)] == [(True, 5), (False, 1)]


def test_double_clicks_and_held_keys_answer_once(context, server, study_folder):
    page = context.new_page()
    begin(page, link(server))
    page.keyboard.press("r")
    page.keyboard.press("3")
    page.dblclick("#next")
    reaches(page, "Practice 2 of 2")
    page.wait_for_selector(NEW)
    page.evaluate("for (let n = 0; n < 5; n += 1) document.getElementById('next').click()")
    page.keyboard.press("s")
    page.keyboard.press("3")
    page.wait_for_selector("#next:enabled")
    page.evaluate("for (let n = 0; n < 5; n += 1) document.getElementById('answer').requestSubmit()")
    reaches(page, "Picture 1 of 6")
    assert [each.answer.real for each in answers(study_folder)] == [True, False]


def test_the_back_button_leads_to_no_earlier_picture(context, server):
    page = context.new_page()
    page.goto("about:blank")
    begin(page, link(server))
    by_keys(page)
    page.go_back()
    page.go_forward()
    page.wait_for_selector(NEW)
    assert progress(page) == "Practice 2 of 2"


def test_an_answer_to_a_server_that_is_gone_stays_on_the_page(context, server, study_folder):
    page = context.new_page()
    begin(page, link(server))
    server.kill()
    page.keyboard.press("s")
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    page.wait_for_selector("#notice:visible")
    assert "The server does not answer" in page.inner_text("#notice")
    assert page.get_attribute("#synthetic", "aria-pressed") == "true" and progress(page) == "Practice 1 of 2"
    server.start()
    page.keyboard.press("Enter")
    reaches(page, "Practice 2 of 2")
    assert [(each.answer.real, each.answer.confidence) for each in answers(study_folder)] == [(False, 5)]


def test_a_wrong_link_asks_for_the_code(context, server):
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/#wrong")
    page.wait_for_selector("#notice:visible")
    assert "no reader of this study" in page.inner_text("#notice") and page.locator("#code").is_visible()
    page.fill("#token", tokens(server.folder)["ben"])
    page.click("#code button")
    page.wait_for_selector("#consent:visible")
    assert page.inner_text("#who") == "Reader: ben" and page.locator("#notice").is_hidden()


def test_zoom_pan_and_red_free(context, server):
    page = context.new_page()
    begin(page, link(server))
    width = lambda: page.locator("#picture").bounding_box()["width"]
    fitted = width()
    page.click("#actual")
    assert width() == pytest.approx(128, abs=1)
    page.keyboard.press("f")
    assert width() == pytest.approx(fitted)
    stage = page.locator("#stage").bounding_box()
    x, y = stage["x"] + 200, stage["y"] + 300
    page.mouse.move(x, y)
    before = page.locator("#picture").bounding_box()
    placed = page.get_attribute("#paper", "style")
    page.mouse.wheel(0, -100)
    playwright.expect(page.locator("#paper")).not_to_have_attribute("style", placed)
    after = page.locator("#picture").bounding_box()
    share = lambda box: ((x - box["x"]) / box["width"], (y - box["y"]) / box["height"])
    assert share(after) == pytest.approx(share(before), abs=1e-3)  # the point under the pointer stays
    page.mouse.down()
    page.mouse.move(x + 50, y - 30, steps=3)
    page.mouse.up()
    moved = page.locator("#picture").bounding_box()
    assert (moved["x"] - after["x"], moved["y"] - after["y"]) == pytest.approx((50, -30), abs=1)
    page.keyboard.press("g")
    grey = on_screen(page)
    assert grey.max() > 60 and np.ptp(grey, axis=-1).max() <= 2
    page.keyboard.press("g")
    assert np.ptp(on_screen(page), axis=-1).max() > 60


def on_screen(page):
    """Pixels of the middle of the stage."""
    stage = page.locator("#stage").bounding_box()
    clip = {"x": stage["x"] + stage["width"] / 2, "y": stage["y"] + stage["height"] / 2, "width": 100, "height": 100}
    picture = page.screenshot(clip=clip)
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)


def test_a_folder_opened_from_disk(context, built, tmp_path):
    """Keys, reload, a second tab, the answers file; consent too is in it."""
    write_static(built, "anna", tmp_path / "anna")
    page = context.new_page()
    begin(page, (tmp_path / "anna" / "index.html").as_uri())
    by_keys(page)
    page.reload()
    page.wait_for_selector(NEW)
    assert progress(page) == "Practice 2 of 2"
    other = context.new_page()
    other.goto((tmp_path / "anna" / "index.html").as_uri())
    other.wait_for_selector(NEW)
    by_keys(other, "s", 2)
    page.bring_to_front()
    by_keys(page, "r", 5)
    assert "answered before" in page.inner_text("#notice")
    for number in range(6):
        by_keys(page, "rs"[number % 2], 1 + number % 5)
    page.wait_for_selector("#done:visible")
    with page.expect_download() as told:
        page.click("#save")
    assert told.value.suggested_filename == "answers anna.json" and "Send this file" in page.inner_text("#saved")
    told.value.save_as(tmp_path / "answers anna.json")
    study = shutil.copytree(built, tmp_path / "study")
    (sheet,) = analyse(study, [tmp_path / "answers anna.json"]).sheets
    assert [each.answer.real for each in sheet.answers] == [True, False, True, False, True, False, True, False]
    assert [each.times_shown for each in sheet.answers[:2]] == [1, 3]
    assert json.loads((tmp_path / "answers anna.json").read_text())["consent"]["role"] == "ophthalmologist"
