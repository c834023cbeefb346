"""How long a reviewer waits, on a photograph of 3504 x 2336 px, in a headless Chromium without a graphics card.

    python benchmarks/review_page.py [--repeats 5]

A phantom eye is enlarged to that size (smooth photograph, nearest label), served by `fundusgen review` and worked on:
opened, zoomed, a branch flipped, a stroke painted, each saved. Medians, in milliseconds:

- open: from the click in the list to photograph and label on the screen;
- branches: until a click flips, the server's work on the vessel graph (a new server compiles or loads its kernels);
- zoom: between two frames while the wheel turns;
- flip: the page's own work on a click on the longest branch; stroke: on one move of a brush of 20 px;
- saved: from the end of an edit until the server has it on disk.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.transforms.av_codec import encode_av
from monai_fundusgen.vessels.branches import label_branches

HEIGHT, WIDTH, PORT = 2336, 3504, 8291
FRAMES = """async () => {
  const times = [];
  for (let n = 0, last = performance.now(); n < 40; n += 1) {
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times.sort((a, b) => a - b)[20];
}"""
TIMED = """name => {
  const real = LabelMap.prototype[name]; window.spent = [];
  LabelMap.prototype[name] = function (...given) {
    const start = performance.now(); real.apply(this, given); window.spent.push(performance.now() - start);
  };
}"""


def lay_out(root: Path) -> np.ndarray:
    """Write the enlarged eye; returns its label."""
    arrays = phantom_arrays(0, 1024)
    rows = slice((WIDTH - HEIGHT) // 2, (WIDTH + HEIGHT) // 2)
    photograph = Image.fromarray(arrays["image"].transpose(1, 2, 0)).resize((WIDTH, WIDTH), Image.Resampling.BICUBIC)
    label = Image.fromarray(encode_av(arrays["label"])).resize((WIDTH, WIDTH), Image.Resampling.NEAREST)
    for folder in ("images", "labels"):
        (root / folder).mkdir()
    Image.fromarray(np.asarray(photograph)[rows]).save(root / "images" / "eye.jpg", quality=92)
    codes = np.asarray(label)[rows]
    Image.fromarray(codes).save(root / "labels" / "eye.png")
    return codes


class Watch:
    """Milliseconds by name."""

    def __init__(self) -> None:
        self.found: dict[str, list[float]] = {}
        self.begin()

    def begin(self) -> None:
        """Start to count."""
        self._start = time.perf_counter()

    def end(self, name: str) -> None:
        """Note the time since the start."""
        self.found.setdefault(name, []).append(1000 * (time.perf_counter() - self._start))


def middle_of_longest_branch(codes: np.ndarray) -> tuple[float, float]:
    """Column and row of a pixel of it, as shares of the sides."""
    number = label_branches(np.stack([codes & 1 > 0, codes & 2 > 0])).number.max(axis=0)
    pixels = np.argwhere(number == np.argmax(np.bincount(number[number > 0])))
    row, column = pixels[len(pixels) // 2]
    return (column + 0.5) / WIDTH, (row + 0.5) / HEIGHT


def open_photograph(page, watch: Watch) -> None:
    """Open the photograph and wait for its branches."""
    watch.begin()
    page.click("#rows button")
    page.wait_for_selector("#saved:has-text('All saved')")
    watch.end("open")
    page.wait_for_selector("#stage[data-branches]:not([data-branches=''])", timeout=120_000)
    watch.end("branches")


def edit(page, method: str, act, watch: Watch, repeats: int) -> None:
    """Time the page's own method and the save after it."""
    page.evaluate(TIMED, method)
    for _ in range(repeats):
        watch.begin()
        act()
        page.wait_for_timeout(20)
        page.wait_for_selector("#saved:has-text('All saved')")
        watch.end(f"saved after {method}")
    watch.found[method] = page.evaluate("window.spent")


def measure(page, codes: np.ndarray, repeats: int) -> dict[str, list[float]]:
    """Milliseconds of everything that a reviewer waits for."""
    watch, (across, down) = Watch(), middle_of_longest_branch(codes)
    open_photograph(page, watch)
    box = page.locator(".label").bounding_box()
    x, y = box["x"] + across * box["width"], box["y"] + down * box["height"]

    def stroke() -> None:
        page.mouse.move(x - 40, y - 30)
        page.mouse.down()
        page.mouse.move(x - 30, y - 30, steps=4)
        page.mouse.up()
        page.keyboard.press("Control+z")

    page.mouse.move(x, y)
    edit(page, "flip", lambda: page.mouse.click(x, y), watch, repeats)
    page.keyboard.press("v")
    for _ in range(12):
        page.keyboard.press("]")
    edit(page, "strokeTo", stroke, watch, repeats)
    for delta in (-100, 100):
        for _ in range(repeats):
            page.mouse.wheel(0, delta)
            watch.found.setdefault("zoom, between frames", []).append(page.evaluate(FRAMES))
    return watch.found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    chromium = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        chromium = None
    if chromium is None:
        print("skipped: needs chromium and monai-fundusgen[browser]")
        return
    with tempfile.TemporaryDirectory() as folder:
        codes = lay_out(Path(folder))
        command = [sys.executable, "-m", "monai_fundusgen", "review", folder, "--port", str(PORT)]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        server.stdout.readline()
        try:
            with sync_playwright() as program:
                browser = program.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.set_default_timeout(60_000)
                page.goto(f"http://127.0.0.1:{PORT}/")
                page.fill("#told", "bench")
                page.click("#enter-form button")
                for name, values in measure(page, codes, repeats).items():
                    spread = f"({len(values)} times, {min(values):.0f} to {max(values):.0f})"
                    print(f"{name:24} {np.median(values):8.0f} ms   {spread}")
                browser.close()
        finally:
            server.kill()


if __name__ == "__main__":
    main()
