"""The reviewer in a real Chromium: clicks, keys, reload, two tabs, two reviewers, a server that goes away.

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
from monai_fundusgen.apps.review.label_codes import read_codes
from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.transforms.av_codec import encode_av
from monai_fundusgen.vessels.branches import label_branches
from tests.apps.served import Served

pytestmark = pytest.mark.browser
SIDE = 512
EYES = ("eye_left", "eye_right")


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    """Photographs and labels of two phantom eyes."""
    root = tmp_path_factory.mktemp("review")
    for seed, name in enumerate(EYES):
        arrays = phantom_arrays(seed, SIDE)
        write_png(root / "images" / f"{name}.png", arrays["image"].transpose(1, 2, 0))
        write_png(root / "labels" / f"{name}.png", encode_av(arrays["label"]))
    return root


@pytest.fixture
def folder(eyes, tmp_path):
    return shutil.copytree(eyes, tmp_path / "set")


@pytest.fixture
def server(folder):
    server = Served(folder, ("review",))
    yield server
    server.kill()


def original(folder, name=EYES[0]):
    return read_codes(folder / "labels" / f"{name}.png")


def current(folder, name=EYES[0]):
    """The version that the server has on disk."""
    record = json.loads((folder / "review" / f"{name}.json").read_text())
    return read_codes(folder / "review" / record["current"]["file"])


class Reviewer:
    """A page of the reviewer, and hands at it."""

    def __init__(self, context, server, name="anna", *, page=None):
        self.page = page or context.new_page()
        self.page.goto(server.address)
        self.page.wait_for_selector("#enter:visible, #review:visible")
        if self.page.locator("#enter").is_visible():
            self.page.fill("#told", name)
            self.page.click("#enter-form button")
        self.page.wait_for_selector("#rows button")

    def open(self, name=EYES[0]):
        self.page.click(f"#rows button:has-text('{name}')")
        self.page.wait_for_selector(".label")
        return self

    def ready(self):
        """Branches are known, so that a click flips."""
        self.page.wait_for_selector("#stage[data-branches]:not([data-branches=''])")
        return self

    def saved(self):
        playwright.expect(self.page.locator("#saved")).to_have_text("All saved", timeout=20_000)
        return self

    def told(self, text):
        playwright.expect(self.page.locator("#notice")).to_contain_text(text, timeout=20_000)

    def place(self, row, column):
        """Where a pixel of the photograph is on the screen."""
        box = self.page.locator(".label").bounding_box()
        return box["x"] + (column + 0.5) * box["width"] / SIDE, box["y"] + (row + 0.5) * box["height"] / SIDE

    def click(self, row, column):
        self.page.mouse.move(*self.place(row, column))
        self.page.mouse.click(*self.place(row, column))

    def paint(self, key, first, last):
        """A stroke of a brush from a pixel to another."""
        self.page.keyboard.press(key)
        self.page.mouse.move(*self.place(*first))
        self.page.mouse.down()
        self.page.mouse.move(*self.place(*last), steps=6)
        self.page.mouse.up()

    def row(self, name=EYES[0]):
        return self.page.inner_text(f"#rows button:has-text('{name}')")


def longest_branch(codes, kind=0):
    """Number, pixels, and a pixel in the middle of the longest branch of a kind that lies away from others."""
    found = label_branches(np.stack([codes & 1 > 0, codes & 2 > 0]))
    numbers, sizes = np.unique(found.number[kind][codes == kind + 1], return_counts=True)
    number = numbers[np.argmax(sizes)]
    mask = found.number[kind] == number
    own = np.argwhere(mask & (codes == kind + 1))
    return mask, own[len(own) // 2], found, number


def flipped(codes, mask, to):
    """The label after the branches of a mask were turned."""
    after = codes.copy()
    after[mask] = after[mask] & 2 | 2 if to == 2 else after[mask] & 1 | 1
    return after


def test_a_label_is_corrected_by_clicks_and_keys_and_made_final(context, server, folder):
    codes = original(folder)
    mask, middle, _, _ = longest_branch(codes)
    anna = Reviewer(context, server).open().ready()
    anna.click(*middle)
    anna.saved()
    assert np.array_equal(current(folder), flipped(codes, mask, 2))
    anna.page.keyboard.press("Control+z")
    anna.page.wait_for_selector("#undo:disabled")
    anna.saved()
    assert np.array_equal(current(folder), codes)
    anna.page.keyboard.press("Control+y")
    anna.paint("v", (240, 200), (240, 300))
    anna.paint("]", (250, 200), (250, 201))
    anna.paint("e", (240, 240), (240, 260))
    anna.saved()
    painted = current(folder)
    assert (
        painted[240, 210] == painted[237, 290] == 2 and painted[240, 250] == 0 and painted[225, 250] == codes[225, 250]
    )
    assert np.array_equal(painted[:230], flipped(codes, mask, 2)[:230])
    anna.page.keyboard.press("Enter")
    anna.page.wait_for_selector("#final:disabled")
    assert "final, anna" in anna.row() and "1 of 2 final" in anna.page.inner_text("#count")
    assert np.array_equal(read_codes(folder / "review" / f"{EYES[0]}.final.png"), painted)
    record = json.loads((folder / "review" / f"{EYES[0]}.json").read_text())
    assert record["final"]["changes"]["flipped_branches"] >= 1 and record["final"]["changes"]["added_px"] > 100
    assert np.array_equal(original(folder), codes)
    anna.page.keyboard.press("n")
    anna.page.wait_for_selector(f"#rows button[aria-current=true]:has-text('{EYES[1]}')")


def test_shift_flips_all_that_is_downstream(context, server, folder):
    codes = original(folder)
    found = label_branches(np.stack([codes & 1 > 0, codes & 2 > 0]))
    below = {
        number: np.flatnonzero((found.ends[:, 0] == far) & (far >= 0)) + 1
        for number, (_, far) in enumerate(found.ends, start=1)
    }
    numbers = [n for n in below if below[n].size and (found.number[1] == n).sum() > 80]  # a vein with daughters
    number = min(numbers, key=lambda n: (found.number[1] == n).sum())
    own = np.argwhere((found.number[1] == number) & (codes == 2))
    anna = Reviewer(context, server).open().ready()
    anna.page.keyboard.down("Shift")
    anna.click(*own[len(own) // 2])
    anna.page.keyboard.up("Shift")
    anna.saved()
    after = current(folder)
    for each in (number, *below[number]):
        assert (after[(found.number[1] == each) & (codes == 2)] == 1).mean() > 0.95


def test_a_reload_and_a_new_window_go_on_where_they_stopped(context, server, folder):
    anna = Reviewer(context, server).open()
    anna.paint("a", (250, 240), (250, 260))
    anna.saved()
    anna.page.reload()
    anna.page.wait_for_selector("#rows button")
    anna.open().saved()
    assert "in work, anna" in anna.row() and anna.page.locator("#notice").is_hidden()
    anna.paint("a", (270, 240), (270, 260))
    anna.saved()
    anna.page.close()
    again = Reviewer(context, server).open()
    again.saved()
    assert (current(folder)[[250, 270], 250] & 1).all() and again.page.locator("#notice").is_hidden()


def test_the_second_tab_is_told_and_takes_over(context, server, folder):
    first = Reviewer(context, server).open()
    first.paint("a", (250, 240), (250, 260))
    first.saved()
    second = Reviewer(context, server).open()
    second.told("anna works on this photograph since")
    assert second.page.locator("#restart").is_disabled()
    second.paint("a", (300, 240), (300, 260))
    assert (
        not np.array_equal(current(folder), original(folder))
        and current(folder)[300, 250] == original(folder)[300, 250]
    )
    second.page.click("text=Take over")
    second.saved()
    second.paint("v", (270, 240), (270, 260))
    second.saved()
    assert current(folder)[250, 250] == 1 and current(folder)[270, 250] == 2


def test_of_two_reviewers_nobody_loses_a_version(new_context, server, folder):
    anna = Reviewer(new_context(), server, "anna").open()
    anna.paint("a", (250, 240), (250, 260))
    anna.saved()
    ben = Reviewer(new_context(), server, "ben").open()
    ben.told("anna works on this photograph since")
    ben.page.click("text=Take over")
    ben.saved()
    ben.paint("v", (250, 240), (250, 260))
    ben.saved()
    anna.paint("a", (270, 240), (270, 260))  # does not know yet
    anna.told("ben took this photograph over")
    assert anna.page.inner_text("#saved") == "Not saved" and current(folder)[250, 250] == 2
    anna.page.click("text=Take over with my version")
    anna.saved()
    assert current(folder)[250, 250] == 1 and current(folder)[270, 250] == 1
    kept = sorted((folder / "review" / "kept").iterdir())
    assert [read_codes(path)[250, 250] for path in kept] == [1, 2]
    ben.paint("v", (300, 240), (300, 260))
    ben.told("anna took this photograph over")
    ben.page.click("text=See the other version")
    ben.told("anna works on this photograph since")
    assert ben.page.locator("#restart").is_disabled() and current(folder)[300, 250] == original(folder)[300, 250]


def test_a_server_that_is_gone_loses_nothing(context, server, folder):
    anna = Reviewer(context, server).open()
    anna.paint("a", (250, 240), (250, 260))
    anna.saved()
    server.kill()
    anna.paint("a", (270, 240), (270, 260))
    anna.told("The server does not answer. Your changes are kept in this browser")
    server.start()
    anna.saved()  # by itself
    assert (current(folder)[[250, 270], 250] & 1).all() and anna.page.locator("#notice").is_hidden()

    server.kill()
    anna.paint("v", (290, 240), (290, 260))
    anna.told("The server does not answer.")
    anna.page.close()  # and with it the page that had the changes
    server.start()
    assert current(folder)[290, 250] == original(folder)[290, 250]
    again, held = Reviewer(context, server), []
    again.page.route("**/api/save/**", lambda route: held.append(route))
    again.open().ready().told("that had not reached the server are back")
    assert again.page.inner_text("#saved") == "Saving ..."  # and not before it is true
    held[0].continue_()
    again.saved()
    assert current(folder)[290, 250] == 2


def test_what_was_drawn_while_a_save_failed_is_kept_when_the_page_says_so(context, server, folder):
    anna, held = Reviewer(context, server).open(), []
    anna.page.route("**/api/save/**", lambda route: held.append(route))
    with anna.page.expect_request("**/api/save/**"):
        anna.paint("a", (250, 240), (250, 260))
    anna.paint("v", (290, 240), (290, 260))
    held[0].abort()
    anna.told("Your changes are kept in this browser")
    anna.page.close()
    again = Reviewer(context, server).open()
    again.told("that had not reached the server are back")
    again.saved()
    assert current(folder)[250, 250] & 1 and current(folder)[290, 250] == 2


def test_a_browser_that_keeps_nothing_still_saves_and_says_where_changes_are(context, server, folder):
    anna = Reviewer(context, server)
    anna.page.evaluate("() => { Unsaved.prototype.put = () => Promise.reject(new Error('full')); }")
    anna.open().paint("a", (250, 240), (250, 260))
    anna.saved()
    assert current(folder)[250, 250] & 1
    anna.page.route("**/api/save/**", lambda route: route.abort())
    anna.paint("v", (290, 240), (290, 260))
    anna.told("Your changes are on this page alone, which must stay open; saving goes on by itself.")


def on_screen(page):
    """Pixels of the middle of the stage."""
    stage = page.locator("#stage").bounding_box()
    clip = {"x": stage["x"] + stage["width"] / 2, "y": stage["y"] + stage["height"] / 2, "width": 100, "height": 100}
    return np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")).astype(int)


def test_zoom_pan_red_free_opacity_and_the_original(context, server, folder):
    anna = Reviewer(context, server)
    page = anna.page
    page.set_viewport_size({"width": 1600, "height": 800})  # wider than high, so that all of it is less than the width
    anna.open().saved()
    box = lambda: page.locator(".label").bounding_box()
    fitted, stage = box(), page.locator("#stage").bounding_box()
    assert fitted["height"] == pytest.approx(stage["height"], abs=2) and fitted["width"] < stage["width"]  # all of it
    page.click("#actual")
    playwright.expect(page.locator(".label")).to_have_js_property("offsetWidth", SIDE)
    page.keyboard.press("f")
    page.wait_for_function(
        "width => Math.abs(document.querySelector('.label').offsetWidth - width) < 2", arg=fitted["width"]
    )
    at = anna.place(200, 300)
    page.mouse.move(*at)
    page.mouse.wheel(0, -100)
    page.wait_for_function("width => document.querySelector('.label').offsetWidth > 1.2 * width", arg=fitted["width"])
    page.wait_for_timeout(500)
    assert anna.place(200, 300) == pytest.approx(at, abs=2)  # the point under the pointer stays
    page.mouse.down()
    page.mouse.move(at[0] + 50, at[1] - 30, steps=4)
    page.wait_for_timeout(500)
    page.mouse.up()
    assert anna.place(200, 300) == pytest.approx((at[0] + 50, at[1] - 30), abs=3)
    page.keyboard.press("h")
    page.keyboard.press("g")
    page.wait_for_timeout(200)
    assert np.ptp(on_screen(page), axis=-1).max() <= 2
    page.keyboard.press("g")
    page.wait_for_timeout(200)
    assert np.ptp(on_screen(page), axis=-1).max() > 40
    assert not (folder / "review" / f"{EYES[0]}.json").exists()  # looking changes nothing


def test_of_two_photographs_chosen_at_once_the_last_is_shown(context, server, folder):
    anna = Reviewer(context, server)
    anna.page.evaluate("document.querySelectorAll('#rows button').forEach((button) => button.click())")
    anna.saved()
    assert anna.page.locator(".label").count() == 1
    anna.page.wait_for_selector(f"#rows button[aria-current=true]:has-text('{EYES[1]}')")
    anna.paint("a", (250, 240), (250, 260))
    anna.saved()
    assert current(folder, EYES[1])[250, 250] == 1 and not (folder / "review" / f"{EYES[0]}.json").exists()


def test_a_spoilt_photograph_is_told_and_the_next_one_opens(context, server, folder):
    path = folder / "images" / f"{EYES[0]}.png"
    path.write_bytes(path.read_bytes()[:5000])
    anna = Reviewer(context, server)
    anna.page.click(f"#rows button:has-text('{EYES[0]}')")
    anna.told(f"{EYES[0]}: {EYES[0]}.png: cannot be read as an image")
    anna.open(EYES[1]).saved()
    assert anna.page.locator("#notice").is_hidden()


def test_a_reviewer_of_another_machine_needs_the_link(context, folder):
    server = Served(folder, ("review",), ("--reviewer", "anna", "--reviewer", "ben"))
    try:
        page = context.new_page()
        page.goto(f"{server.address}/#wrong")
        page.wait_for_selector("#notice:visible")
        assert "no reviewer here" in page.inner_text("#notice") and page.locator("#enter").is_visible()
        rows = (folder / "review" / "tokens.csv").read_text().split()
        page.goto(f"{server.address}/#{rows[2].split(',')[1]}")
        page.wait_for_selector("#rows button")
        assert page.inner_text("#who") == "ben" and "#" not in page.url
    finally:
        server.kill()
