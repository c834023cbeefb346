"""Small studies of drawn discs, which pass for fundus photographs, and a client that reads them."""

from __future__ import annotations

import csv
import json
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.apps.turing.build import build
from monai_fundusgen.apps.turing.study import TOKENS, read_study
from tests.apps.served import Served

SIDE = 150  # px of the drawn photographs
PLAN = """
title: Real or not
seed: {seed}
size: 128
practice: 2
readers: [anna, ben]
arms:
  hospital: {{folder: hospital, count: {count}, real: true}}
  generator: {{folder: generator, count: {count}, real: false}}
"""


def draw(path, seed, *, side=SIDE, flat=0.0, **options):
    """An orange disc with noise; ``flat`` is cut off at top and bottom."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:side, :side]
    middle = (side - 1) / 2
    field = ((y - middle) ** 2 + (x - middle) ** 2 < (0.49 * side) ** 2) & (np.abs(y - middle) < (0.5 - flat) * side)
    pixels = rng.normal([170, 90, 50], 12, (side, side, 3)).clip(40, 255) * field[..., None]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels.astype(np.uint8)).save(path, **options)
    return path


def lay_out(root, *, count=3, seed=5):
    """Folders of both arms, and the plan; the arms differ in format, size, field and metadata."""
    for number in range(count + 1):
        exif = Image.Exif()
        exif[0x010E] = "real patient 17"
        draw(root / "hospital" / f"patient{number}.jpg", number, side=190, flat=0.06, quality=70, exif=exif)
        draw(root / "generator" / f"eye{number:06}.png", 1000 + number)
    (root / "study.yaml").write_text(PLAN.format(count=count, seed=seed))
    return root / "study.yaml"


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """Folder of a study that no test writes to."""
    root = tmp_path_factory.mktemp("turing")
    build(lay_out(root), root / "study")
    return root / "study"


@pytest.fixture
def study_folder(built, tmp_path):
    """A study of one's own."""
    import shutil

    return shutil.copytree(built, tmp_path / "study")


@pytest.fixture
def study(study_folder):
    return read_study(study_folder)


def tokens(folder):
    with (folder / TOKENS).open(newline="") as file:
        return {row["reader"]: row["token"] for row in csv.DictReader(file)}


def serve_study(folder):
    """``fundusgen turing serve`` in a process of its own."""
    return Served(folder, ("turing", "serve"))


CONSENT = {"agreed": True, "role": "resident", "years": 3}


def said(trial, *, real=True, confidence=3, **more):
    """An answer as the page sends it."""
    return {
        "trial": trial,
        "real": real,
        "confidence": confidence,
        "reasons": [],
        "mark": None,
        "response_ms": 900,
    } | more


class Client:
    """A reader's browser, without pictures on a screen."""

    def __init__(self, address):
        self.address, self.cookie = address, None

    def ask(self, path, body=None):
        """Status and JSON of a request."""
        request = urllib.request.Request(f"{self.address}/{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        if self.cookie:
            request.add_header("cookie", self.cookie)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                if "set-cookie" in answer.headers:
                    self.cookie = answer.headers["set-cookie"].split(";")[0]
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read())
