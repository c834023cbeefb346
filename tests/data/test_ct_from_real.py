"""Faults made in real scans: each is told with its reason, and the series beside it go on."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from monai_fundusgen.data.ct_datalist import build_ct_datalist

pydicom = pytest.importorskip("pydicom")
REAL = "totalsegmentator"
OTHER_SERIES = "1.2.3.4.5"


def altered(source, target, change, keep=slice(None)):
    """The series of a folder written anew, after ``change(dataset, number)``."""
    target.mkdir(parents=True)
    for number, path in enumerate(sorted(source.glob("*.dcm"))[keep]):
        one = pydicom.dcmread(path)
        change(one, number)
        one.save_as(target / path.name)
    return target


def tags(first=0, **values):
    """A change of tags from one slice on."""

    def change(one, number):
        for name, value in values.items() if number >= first else ():
            setattr(one, name, value)

    return change


def localizer(one, number):
    if number == 0:
        one.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]


def second_series(one, number):
    if number >= 10:
        one.SeriesInstanceUID = OTHER_SERIES


@pytest.fixture
def faulty(ct_data, tmp_path):
    """The real series untouched, and copies with one fault each."""
    real, root = ct_data / REAL / "dicom", tmp_path / "scans"
    altered(real, root / "untouched", tags())
    altered(real, root / "two series", second_series)
    altered(real, root / "localizer", localizer)
    altered(real, root / "captures", tags(SamplesPerPixel=3))
    altered(real, root / "mixed", tags(first=12, ImageOrientationPatient=[1, 0, 0, 0, 0, -1]))
    altered(real, root / "spacing", tags(PixelSpacing=[0, 0]))
    altered(real, root / "one slice", tags(), keep=slice(7, 8))
    cut = sorted(altered(real, root / "cut", tags()).glob("*.dcm"))[4]
    cut.write_bytes(cut.read_bytes()[:-3000])
    volume = nib.load(ct_data / REAL / "example_ct_sm.nii.gz")
    hu = np.asarray(volume.dataobj)[:, :, :8].astype(np.float32)
    for name, values in (("four", np.stack([hu] * 2, axis=-1)), ("float", hu * 1e5)):
        nib.save(nib.Nifti1Image(values, volume.affine), root / f"{name}.nii.gz")
    return root


@pytest.mark.data
def test_faults_made_in_real_scans_are_told_and_the_other_series_go_on(faulty, tmp_path):
    built = build_ct_datalist(faulty, tmp_path / "ct.json")
    told = dict(map(tuple, built["left_out"]))
    expected = {
        "localizer": "a localizer", "captures": "3 colours", "mixed": "axial", "spacing": "pixels of 0 x 0 mm",
        "cut": "its pixels cannot be read", "four.nii.gz": "three axes", "float.nii.gz": "no Hounsfield units",
    }  # fmt: skip
    for name, reason in expected.items():
        (found,) = (why for what, why in told.items() if what.split(" (")[0] == name)
        assert reason in found, name
    assert len(told) == len(expected)
    slices = {}
    for one in built["volumes"]:
        slices.setdefault(one["source"], []).append(one["slices"])
    assert slices["untouched"] == [20] and slices["two series"] == [10, 10] and slices["one slice"] == [1]
    assert slices["localizer"] == [19] and slices["mixed"] == [12]
    assert len({one["person"] for one in built["volumes"]}) == 1
