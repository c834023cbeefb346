"""Reading a case: what enters, in which order, and what is said of the rest."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from monai_fundusgen.groundtruth.captions import caption_mask
from monai_fundusgen.groundtruth.series import read_case
from monai_fundusgen.groundtruth.times import time_in_name

SIZE = 192


def disc_image(level: int = 120) -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.where(np.hypot(x - SIZE / 2, y - SIZE / 2) < 85, level + 20 * np.sin(x / 9), 0)
    return image.astype(np.uint8)


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)


@pytest.fixture
def case(tmp_path):
    folder = tmp_path / "case7"
    save(folder / "photograph.png", np.stack([disc_image()] * 3, axis=-1))
    for name, level in (("b_0m20s.png", 150), ("a_65s.jpg", 100), ("c_1m10.5s.tif", 60)):
        save(folder / "frames" / name, disc_image(level))
    return folder


@pytest.mark.parametrize(("name", "seconds"), [
    ("12.5s.png", 12.5), ("eye_0m12s.jpg", 12.0), ("fa_1m05.5s.tif", 65.5), ("OD t012.5.tif", 12.5), ("t=7s.png", 7.0),
    ("010.8s.png", 10.8), ("2min3sec.png", 123.0), ("IMG_0012.png", None), ("frames3.png", None), ("a12s3.png", None),
])  # fmt: skip
def test_times_are_found_in_names(name, seconds):
    assert time_in_name(name) == seconds


def test_frames_come_in_order_of_time_whatever_their_format(case):
    read = read_case(case)
    assert read.name == "case7"
    assert [frame.time_s for frame in read.frames] == [20.0, 65.0, 70.5]
    assert read.photograph.shape == (3, SIZE, SIZE)
    assert all(frame.image.dtype == np.float32 and 0.2 < frame.image[frame.valid].mean() < 0.7 for frame in read.frames)
    assert read.remarks == ()


def test_a_table_of_times_goes_before_names(case):
    (case / "frames" / "times.csv").write_text("file,time_s\nb_0m20s.png,300\na_65s,4\nc_1m10.5s.tif,5\n")
    assert [frame.name[0] for frame in read_case(case).frames] == ["a", "c", "b"]


@pytest.mark.parametrize(("table", "message"), [
    ("file,seconds\n", "expected file and time_s"),
    ("file,time_s\nx.png,3\n", "no frame is named 'x.png'"),
    ("file,time_s\na_65s.jpg,soon\n", "line 2: found time_s='soon'"),
    ("file,time_s\na_65s.jpg,-1\n", "line 2: found time_s='-1'"),
])  # fmt: skip
def test_a_wrong_table_is_named(case, table, message):
    (case / "frames" / "times.csv").write_text(table)
    with pytest.raises(ValueError, match=message):
        read_case(case)


def test_a_frame_that_cannot_be_read_is_left_out_with_a_remark(case):
    (case / "frames" / "d_80s.png").write_bytes(b"no picture")
    (case / "frames" / "e_90s.dcm").write_bytes(b"no DICOM")
    save(case / "frames" / "f_99s.png", np.zeros((SIZE, SIZE), np.uint8))
    save(case / "frames" / "g_99s.png", disc_image()[:64, :64])
    read = read_case(case)
    assert len(read.frames) == 3
    assert [remark.split("frames/")[1][:8] for remark in read.remarks] == [
        "d_80s.pn",
        "e_90s.dc",
        "f_99s.pn",
        "g_99s.pn",
    ]


def test_a_case_without_its_parts_is_refused(case, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder"):
        read_case(tmp_path / "none")
    save(case / "fundus.jpg", disc_image())
    with pytest.raises(ValueError, match=r"2 photographs \(fundus.jpg, photograph.png\)"):
        read_case(case)
    (case / "fundus.jpg").unlink()
    for path in (case / "frames").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no frame that can be read"):
        read_case(case)
    (case / "photograph.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"expected photograph\.png"):
        read_case(case)


def test_an_almost_black_early_frame_has_the_field_of_the_others(case):
    save(case / "frames" / "early_9s.png", disc_image(0) // 12)
    read = read_case(case)
    assert read.frames[0].valid.sum() == pytest.approx(read.frames[1].valid.sum(), rel=0.01)


@pytest.mark.parametrize("noise", [0, 4])
def test_a_periphery_that_is_hardly_brighter_than_the_surround_belongs_to_the_field(case, noise):
    y, x = np.mgrid[:SIZE, :SIZE]
    away = np.hypot(x - SIZE / 2, y - SIZE / 2)
    light = np.where(away < 85, 9 + 140 * np.exp(-((away / 30) ** 2)), 0)  # as in ultra-widefield angiograms
    grain = np.random.default_rng(0).integers(0, noise + 1, light.shape)
    for path in (case / "frames").iterdir():
        save(path, (light + grain).astype(np.uint8))
    field = read_case(case).frames[0].valid
    assert (field & (away < 84)).sum() > 0.99 * (away < 84).sum() and (field & (away > 92)).sum() < 0.01 * field.sum()


def test_images_are_brought_to_the_longest_side_asked_for(case):
    read = read_case(case, longest_px=130)
    assert read.photograph.shape == (3, 130, 130)
    assert {frame.image.shape for frame in read.frames} == {(130, 130)}


def test_burned_in_text_is_masked_and_vessels_are_not():
    image = disc_image(140)
    plain = image.copy()
    plain[60:64, 40:150] = 255  # a bright line, no text
    plain[100:110, 90:100] = 255  # a reflection
    assert not caption_mask(plain).any()
    picture = Image.fromarray(plain)
    ImageDraw.Draw(picture).text((50, 120), "OD 0:12.5", fill=255, font=ImageFont.load_default(14))
    written = np.asarray(picture)
    changed = written != plain
    mask = caption_mask(written)
    assert mask[changed].mean() > 0.98
    assert not mask[:105].any()
    assert mask.sum() < 12 * changed.sum()


def write_dicom(path, pixels, **tags):
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = pydicom.uid.OphthalmicPhotography8BitImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    made = Dataset()
    made.file_meta = meta
    made.SOPClassUID, made.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    made.Modality, made.PhotometricInterpretation, made.SamplesPerPixel = "OP", "MONOCHROME2", 1
    made.Rows, made.Columns = pixels.shape[-2:]
    made.BitsAllocated = made.BitsStored = 8
    made.HighBit, made.PixelRepresentation = 7, 0
    if pixels.ndim == 3:
        made.NumberOfFrames = len(pixels)
    made.PixelData = pixels.tobytes()
    for name, value in tags.items():
        setattr(made, name, value)
    made.save_as(path, enforce_file_format=True)


def test_dicom_frames_count_from_the_injection(case):
    for path in (case / "frames").iterdir():
        path.unlink()
    image = disc_image()
    when = {"AcquisitionDate": "20200101", "ContrastBolusStartTime": "100000"}
    write_dicom(case / "frames" / "a.dcm", image, AcquisitionDateTime="20200101100012.500", **when)
    negative = 255 - image
    write_dicom(case / "frames" / "b.dcm", negative, AcquisitionDateTime="20200101100100",
                PhotometricInterpretation="MONOCHROME1", **when)  # fmt: skip
    write_dicom(case / "frames" / "c.dcm", np.stack([image] * 2), AcquisitionDateTime="20200101100200",
                FrameTimeVector=["0", "1500"], **when)  # fmt: skip
    read = read_case(case)
    assert [frame.time_s for frame in read.frames] == [12.5, 60.0, 120.0, 121.5]
    assert np.array_equal(read.frames[0].image, read.frames[1].image)


def test_dicom_of_another_modality_or_cut_is_left_out(case):
    write_dicom(case / "frames" / "x.dcm", disc_image(), Modality="CT")
    write_dicom(case / "frames" / "y.dcm", disc_image())
    whole = (case / "frames" / "y.dcm").read_bytes()
    (case / "frames" / "y.dcm").write_bytes(whole[: len(whole) // 2])
    ct, cut = read_case(case).remarks
    assert "found modality CT, expected OP" in ct
    assert "y.dcm: cannot be read as DICOM" in cut
