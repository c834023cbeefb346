"""From a folder of scans to a datalist of slices: what is found, whose it is, what is left out and why."""

import json
from pathlib import Path

import numpy as np
import pytest

from monai_fundusgen.__main__ import main
from monai_fundusgen.data.ct_datalist import build_ct_datalist, describe_ct, volumes_folder
from monai_fundusgen.data.ct_persons import persons, trace_of
from monai_fundusgen.data.ct_volume import CTVolume, read_nifti
from monai_fundusgen.data.datalist import CT_READER, write_datalist
from tests.reference import ct_scans

pytest.importorskip("pydicom")
body_hu, nifti, series = ct_scans.body_hu, ct_scans.nifti, ct_scans.series


@pytest.fixture
def scans(tmp_path):
    """Three persons: one as NIfTI, one as DICOM, one as both."""
    root = tmp_path / "scans"
    nifti(root / "a.nii.gz")
    series(root / "dicom" / "b", "bert")
    series(root / "dicom" / "c", "carl")
    nifti(
        root / "c_again.nii", body_hu("carl"), np.array([[-2, 0, 0, 30], [0, -2, 0, 20], [0, 0, 4, 5], [0, 0, 0, 1.0]])
    )
    return root


def reasons(built):
    return dict(map(tuple, built["left_out"]))


def test_every_slice_of_every_scan_is_an_item_with_its_place(scans, tmp_path):
    built = build_ct_datalist(scans, tmp_path / "ct.json")
    assert [(one["kind"], one["source"], one["slices"]) for one in built["volumes"]] == [
        ("NIfTI", "a.nii.gz", 10), ("NIfTI", "c_again.nii", 10), ("DICOM", "dicom/b", 10), ("DICOM", "dicom/c", 10),
    ]  # fmt: skip
    assert built["numTraining"] == len(built["training"]) == 40 and built["left_out"] == []
    for item in built["training"]:
        volume = read_nifti(tmp_path / item["image"])
        assert item["position_mm"] == pytest.approx(volume.height_mm(item["slice"]), abs=1e-3)
        assert volume.spacing_mm == pytest.approx((2, 2, 4))
    first = read_nifti(tmp_path / built["training"][0]["image"]).hu
    assert first.shape[0] < 40 and (first > 0).sum() == (body_hu() > 0).sum()  # cut to the body, and all of it


def test_copies_of_a_scan_are_one_person_and_no_other_is(scans, tmp_path):
    built = build_ct_datalist(scans, tmp_path / "ct.json")
    found = {one["source"]: one["person"] for one in built["volumes"]}
    assert found["c_again.nii"] == found["dicom/c"] and len(set(found.values())) == 3
    assert not any("anna" in json.dumps(part) or "carl" in json.dumps(part) for part in built["volumes"])


def test_a_part_of_a_scan_that_lost_its_height_is_still_that_persons():
    affine = np.diag([-2.0, -2.0, 4.0, 1.0])
    whole, other = (CTVolume(body_hu(name), affine) for name in ("anna", "bert"))
    part = CTVolume(whole.hu[:, :, 6:9], affine)  # its first slice says 0 mm, and was at 24
    assert persons(["", "", ""], [trace_of(one) for one in (whole, other, part)]) == [0, 1, 0]
    assert persons(["x", "x", ""], [trace_of(one) for one in (whole, other, other)]) == [0, 0, 0]


def test_no_person_is_in_two_parts(scans, tmp_path):
    built = build_ct_datalist(scans, tmp_path / "ct.json", testing=0.34, validation=0.5, seed=1)
    parts = [{item["person"] for item in built[name]} for name in ("training", "validation", "testing")]
    assert [len(part) for part in parts] == [1, 1, 1] and len(set.union(*parts)) == 3
    assert all("fold" in item for item in built["training"])


def test_faults_are_told_and_the_other_series_go_on(scans, tmp_path):
    def localizer(one, k):
        if k == 0:
            one.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    def coloured(one, k):
        one.Modality, one.SamplesPerPixel = "CT", 3

    def mixed(one, k):
        if k > 4:
            one.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]

    series(scans / "with localizer", "anna", change=localizer, series="1.3.1")
    series(scans / "captures", "anna", change=coloured, series="1.3.2")
    series(scans / "mixed", "anna", change=mixed, series="1.3.3")
    series(scans / "gap", "anna", places=[0, 4, 8, 20, 24, 28, 32, 36, 40, 44.0], series="1.3.4")
    nifti(scans / "four.nii.gz", np.stack([body_hu()] * 2, axis=-1))
    nifti(scans / "a_seg.nii.gz", body_hu() > 0, dtype=np.uint8)
    nifti(scans / "air.nii.gz", np.full((8, 8, 8), -1000))
    cut = series(scans / "cut", "anna", series="1.3.5") / "003.dcm"
    cut.write_bytes(cut.read_bytes()[:-200])
    (scans / "notes.txt").write_text("my notes")
    built = build_ct_datalist(scans, tmp_path / "ct.json")
    told = reasons(built)
    assert told["with localizer (1 files)"] == "a localizer, not a slice"
    assert "3 colours" in told["captures (10 files)"] and "axial" in told["mixed (5 slices)"]
    assert (
        "three axes" in told["four.nii.gz"]
        and "label map" in told["a_seg.nii.gz"]
        and "air alone" in told["air.nii.gz"]
    )
    assert "003.dcm" in told["cut (10 slices)"] and len(told) == 7
    found = {(one["source"], one["slices"]): one["person"] for one in built["volumes"] if one["kind"] == "DICOM"}
    ours = {key: person for key, person in found.items() if not key[0].startswith("dicom/")}
    assert list(ours) == [("with localizer", 9), ("mixed", 5), ("gap", 3), ("gap", 7)] and len(set(ours.values())) == 1
    assert "part 1 of 2" in describe_ct(built, "ct.json") and "left out: captures" in describe_ct(built, "ct.json")


def test_nothing_usable_is_refused_with_every_reason(tmp_path):
    nifti(tmp_path / "scans" / "flat.nii.gz", body_hu()[..., 0])
    with pytest.raises(ValueError, match=r"not one CT volume.*\n.*flat\.nii\.gz: shape \(40, 32\)"):
        build_ct_datalist(tmp_path / "scans", tmp_path / "ct.json")
    assert not volumes_folder(tmp_path / "ct.json").exists()


def test_the_verb_writes_replaces_and_tells(scans, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for names in (["a.nii.gz"], []):  # the second time without one scan
        with pytest.raises(SystemExit) as stop:
            main(["datalist", "ct", str(scans), "-o", "ct.json"])
        assert stop.value.code in (0, None)
        told = json.loads((tmp_path / "ct.json").read_text())
        kept = {path.name for path in (tmp_path / "ct_volumes").iterdir()}
        assert kept == {one["file"] for one in told["volumes"]} and told["reader"] == CT_READER
        for name in names:
            (scans / name).unlink()
    assert len(told["volumes"]) == 3
    assert "3 volumes of 2 persons" in capsys.readouterr().out


def test_strangers_in_the_folder_for_the_volumes_are_left_alone(scans, tmp_path):
    (tmp_path / "ct_volumes").mkdir()
    (tmp_path / "ct_volumes" / "mine.nii.gz").write_bytes(b"mine")
    with pytest.raises(FileExistsError, match=r"mine\.nii\.gz, expected nothing"):
        build_ct_datalist(scans, tmp_path / "ct.json")
    assert [path.name for path in (tmp_path / "ct_volumes").iterdir()] == ["mine.nii.gz"]


def test_the_same_folder_gives_the_same_bytes(scans, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_datalist(tmp_path / name / "ct.json", build_ct_datalist(scans, tmp_path / name / "ct.json"))
    first, second = ({path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.*")
                      if path.is_file()} for name in ("one", "two"))  # fmt: skip
    assert first == second


@pytest.mark.data
def test_the_real_folder_gives_its_scans(ct_data, tmp_path):
    built = build_ct_datalist(ct_data / "totalsegmentator", tmp_path / "ct.json")
    found = {Path(one["source"]).name: (one["person"], one["slices"]) for one in built["volumes"]}
    assert found == {
        "aorta_ct.nii.gz": (0, 164), "example_ct.nii.gz": (1, 112), "example_ct_sm.nii.gz": (1, 30),
        "pulmonary_ct.nii.gz": (0, 112), "dicom": (2, 20),
    }  # fmt: skip
