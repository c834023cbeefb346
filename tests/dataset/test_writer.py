import json

import numpy as np
import pytest
from monai.data import load_decathlon_datalist
from PIL import Image

from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.writer import DatasetWriter, FinishedSample
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    fov = np.ones((40, 60), dtype=bool)  # not square: rows and columns must not change places
    photograph, label = rng.integers(0, 256, (3, 40, 60), dtype=np.uint8), rng.random((2, 40, 60)) > 0.7
    return FinishedSample("eye000000", photograph, label, fov, grow_retina(1, anatomy=Anatomy(finest_level=1)), {})


@pytest.fixture
def dataset(tmp_path, sample):
    writer = DatasetWriter(Journal(tmp_path / "set", {}).start())
    writer.write(sample)
    writer.finish()
    return tmp_path / "set"


def pixels(path):
    return np.asarray(Image.open(path))


def test_files_hold_exactly_what_was_given(dataset, sample):
    assert (pixels(dataset / "images/eye000000.png") == sample.photograph.transpose(1, 2, 0)).all()
    codes = pixels(dataset / "labels/eye000000.png")
    assert ((codes & 1 > 0) == sample.label[0]).all()
    assert ((codes & 2 > 0) == sample.label[1]).all()
    assert set(np.unique(codes)) == {0, 1, 2, 3}
    assert (pixels(dataset / "fov/eye000000.png") == 255).all()


def test_the_colour_map_tells_the_same_as_the_codes(dataset, sample):
    colours = pixels(dataset / "av/eye000000.png").reshape(-1, 3)
    codes = pixels(dataset / "labels/eye000000.png").reshape(-1)
    legend = np.array([(0, 0, 0), (255, 0, 0), (0, 0, 255), (0, 255, 0)])
    assert (colours == legend[codes]).all()


def test_the_datalist_is_one_that_monai_reads(dataset):
    items = load_decathlon_datalist(str(dataset / "datalist.json"), True, "training")
    assert len(items) == 1
    assert items[0]["image"] == str(dataset / "images/eye000000.png")
    assert items[0]["label"] == str(dataset / "labels/eye000000.png")
    assert json.loads((dataset / "datalist.json").read_text())["labels"]["3"] == "crossing"


def test_nothing_temporary_stays(dataset):
    assert not [path for path in dataset.rglob(".*")]
