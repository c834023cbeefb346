"""A real MONAI Label server on loopback, for tests marked ``label``; they skip where it is not installed."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.data.items import phantom_arrays
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.transforms.av_codec import encode_av

START_S = 120
CUT = 30  # rows taken from either end, so that the photograph is not square


def pytest_collection_modifyitems(items):
    if importlib.util.find_spec("monailabel") is None:
        for item in items:
            if item.get_closest_marker("label"):
                item.add_marker(pytest.mark.skip(reason="no MONAI Label here: make test-label"))


@pytest.fixture(scope="session")
def phantom():
    """Photograph (H, W, 3) and label codes (H, W) of a phantom eye as HRF's camera sees it, wider than high."""
    arrays = phantom_arrays(3, 400, anatomy=Anatomy(diameter_deg=60.0, cut=0.716))
    photograph, codes = np.moveaxis(arrays["image"], 0, -1), encode_av(arrays["label"])
    return np.ascontiguousarray(photograph[CUT:-CUT]), np.ascontiguousarray(codes[CUT:-CUT])


@contextmanager
def running(command, folder, port, environment=None):
    """A server, from its first answer until the end of the block; its log is ``server.log``."""
    told = {**os.environ, "OMP_NUM_THREADS": "2", "MONAI_LABEL_AUTO_UPDATE_SCORING": "false", **(environment or {})}
    log = folder / "server.log"
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=folder, env=told, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        _wait(url, process, log)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # its tasks too
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url, process, log):
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(f"{url}/info/", timeout=30).read()
            return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer after {START_S} s: {log.read_text()[-3000:]}")


def write_picture(path: Path, pixels):
    Image.fromarray(pixels).save(path)
    return str(path)


def pixels_of(path):
    return np.asarray(Image.open(path))


def serve_command(studies, app, port):
    words = ["label", "serve", str(studies), "--app", str(app), "--port", str(port)]
    return [sys.executable, "-m", "monai_fundusgen", *words]
