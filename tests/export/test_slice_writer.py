"""Sampled slices as files: HU, place, picture, datalist, Secondary Capture; and the report beside real ones."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from ignite.engine import Engine
from PIL import Image

from monai_fundusgen.data.ct_slices import LoadSliced, slice_items
from monai_fundusgen.export.secondary_capture import write_captures
from monai_fundusgen.export.slice_writer import SliceWriter
from monai_fundusgen.handlers.slice_report import SliceReport
from monai_fundusgen.metrics.features import RandomFeatures
from monai_fundusgen.transforms.hounsfield import to_hu


def engine_of(samples, handler):
    """An engine that gives the samples in two batches."""
    parts = list(torch.arange(len(samples)).chunk(2))
    engine = Engine(lambda engine, batch: {"pred": samples[batch["index"]]})
    handler.attach(engine)
    engine.run([{"index": part} for part in parts])


@pytest.fixture
def samples():
    return torch.rand(5, 1, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def written(samples, tmp_path):
    engine_of(samples, SliceWriter(tmp_path, window="full", spacing_mm=6.0, shown_window="soft_tissue"))
    return tmp_path


def test_a_slice_goes_to_nifti_and_back_within_a_hounsfield_unit(written, samples):
    for item, sample in zip(slice_items(written / "datalist.json", "training"), samples, strict=True):
        back = LoadSliced(16, 6.0)(item)["image"]
        assert float((back - to_hu(sample, "full")).abs().max()) <= 0.5


def test_the_file_says_where_left_and_back_are(written, samples):
    image = nib.load(written / "slice000002.nii.gz")
    assert image.shape == (16, 16, 1) and image.header.get_zooms() == (6, 6, 3)
    assert nib.aff2axcodes(image.affine) == ("L", "P", "S")
    assert image.affine @ [7.5, 7.5, 0, 1] == pytest.approx([0, 0, 0, 1])
    value = float(to_hu(samples[2, 0, 3, 11], "full"))  # row 3, column 11
    assert np.asarray(image.dataobj)[11, 3, 0] == round(value)


def test_pictures_show_the_window(written, samples):
    picture = np.asarray(Image.open(written / "slice000000.png"))
    expected = ((to_hu(samples[0, 0], "full") + 160) / 400).clamp(0, 1) * 255
    assert picture.shape == (16, 16, 3) and np.abs(picture[..., 0] - expected.numpy()).max() <= 1
    assert Image.open(written / "slice000000.png").text["Comment"] == "computer generated CT slice"


def test_neighbours_are_slices_of_one_file(tmp_path):
    engine_of(torch.rand(2, 3, 8, 8), SliceWriter(tmp_path, window="lung", spacing_mm=3.0, slice_mm=2.0))
    assert nib.load(tmp_path / "slice000001.nii.gz").header.get_zooms() == (3, 3, 2)
    assert [item["slice"] for item in json.loads((tmp_path / "datalist.json").read_text())["training"]] == [1, 1]


def test_captures_show_the_picture_and_say_that_it_is_synthetic(written):
    pydicom = pytest.importorskip("pydicom")
    paths = write_captures(written, window="soft_tissue")
    first = {path: path.read_bytes() for path in paths}
    image = pydicom.dcmread(paths[3])
    assert image.SOPClassUID == "1.2.840.10008.5.1.4.1.1.7" and image.SyntheticData == "YES"
    assert image.PatientName == "SYNTHETIC^slice000003" and image.NominalScannedPixelSpacing == [6, 6]
    assert np.array_equal(image.pixel_array, np.asarray(Image.open(written / "slice000003.png"))[..., 0])
    assert len({pydicom.dcmread(path).SOPInstanceUID for path in paths}) == 5
    assert {path: path.read_bytes() for path in write_captures(written, window="soft_tissue")} == first


def test_captures_of_nothing_are_refused(tmp_path):
    pytest.importorskip("pydicom")
    with pytest.raises(FileNotFoundError, match="sample some first"):
        write_captures(tmp_path, window="full")
    with pytest.raises(ValueError, match="expected one of lung"):
        SliceWriter(tmp_path, window="brain", spacing_mm=1.0)


def blobs(count, seed):
    """Smooth pictures that differ."""
    rough = torch.randn(count, 1, 6, 6, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(rough, 32, mode="bicubic").clamp(-1, 1)


def test_planted_copies_are_found_and_strangers_are_not(tmp_path):
    real, strange = blobs(20, seed=1), blobs(6, seed=2)
    items = [{"image": one, "person": place // 5} for place, one in enumerate(real)]
    unseen = [{"image": one, "person": 9} for one in blobs(6, seed=3)]
    rows = {}
    for name, samples in {"copies": real[:6], "strangers": strange}.items():
        report = SliceReport(tmp_path / name, RandomFeatures(), training=items, held_out=unseen, window="full")
        engine_of((samples + 1) / 2, report)
        rows[name] = json.loads((tmp_path / name / "slices.json").read_text())
        assert np.asarray(Image.open(tmp_path / name / "nearest_pairs.png")).shape == (64, 6 * 32, 3)
    nearest = {name: row["nearest_correlation"] for name, row in rows.items()}
    assert nearest["copies"]["samples"]["min"] == pytest.approx(1)
    limit = nearest["strangers"]["slices of held-out persons"]["max"]
    assert nearest["strangers"]["samples"]["median"] < limit < 0.95
    assert nearest["copies"]["training slices to those of other persons"]["max"] < 0.95
    assert set(rows["copies"]["to_training_slices"]) == {
        "samples", "half of the training slices, to the other half", "held-out persons",
    }  # fmt: skip
