"""DICOM files: read back by its libraries, judged by dicom3tools, the same on any day."""

import shutil
import subprocess
import time

import numpy as np
import pytest

from monai_fundusgen.export.export_dataset import export_dataset

pydicom = pytest.importorskip("pydicom")
highdicom = pytest.importorskip("highdicom")


@pytest.fixture
def root(written):
    return written("dicom")


def test_dicom_reads_back_and_says_that_it_is_synthetic(root, made):
    for one in made:
        image = pydicom.dcmread(root / one.id / "photograph.dcm")
        assert image.SOPClassUID == "1.2.840.10008.5.1.4.1.1.77.1.5.1" and image.SyntheticData == "YES"
        assert (image.pixel_array == one.photograph.transpose(1, 2, 0)).all()
        assert image.ImageLaterality == ("R" if one.record["right_eye"] else "L")
        found = highdicom.seg.segread(root / one.id / "vessels.dcm")
        assert found.SyntheticData == "YES" and found.number_of_segments == 2
        assert [found.get_segment_description(number).segment_label for number in (1, 2)] == ["artery", "vein"]
        planes = found.get_pixels_by_source_instance([image.SOPInstanceUID])[0]
        assert (np.moveaxis(planes, -1, 0) == one.label).all()


def test_identifiers_differ_between_objects_and_eyes(root):
    read = [pydicom.dcmread(path, stop_before_pixels=True) for path in root.rglob("*.dcm")]
    assert len({one.SOPInstanceUID for one in read}) == len({one.SeriesInstanceUID for one in read}) == 8
    assert len({one.StudyInstanceUID for one in read}) == len({one.PatientID for one in read}) == 4


def test_two_exports_are_the_same_bytes(root, dataset, tmp_path):
    time.sleep(1.1)  # into another second of the clock
    export_dataset(dataset, tmp_path / "again", "dicom")
    files = sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())
    assert len(files) == 10
    assert all((root / file).read_bytes() == (tmp_path / "again" / file).read_bytes() for file in files)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="no dciodvfy: apt-get install dicom3tools")
def test_dciodvfy_finds_no_error_but_the_one_that_its_age_explains(root):
    """Synthetic Data (0008,001C) came to the standard after Debian's dicom3tools."""
    judged = 0
    for path in sorted(root.rglob("*.dcm")):
        told = subprocess.run(["dciodvfy", path], capture_output=True, text=True, check=False)
        lines = (told.stdout + told.stderr).splitlines()
        assert {"OphthalmicPhotography8BitImage", "Segmentation"} & set(lines)
        errors = [line for line in lines if line.startswith("Error") or " - Error" in line]
        assert [line for line in errors if "(0x0008,0x001c)" not in line] == []
        judged += 1
    assert judged == 8
