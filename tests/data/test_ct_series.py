"""DICOM series: what belongs together, what is left out, and the Hounsfield units of all of it."""

import nibabel as nib
import numpy as np
import pytest

from monai_fundusgen.data import ct_series
from monai_fundusgen.data.ct_series import even_runs, read_run, remarks, slice_file, stack_affine, stacks
from tests.reference import ct_scans

body_hu, series, slice_dataset = (ct_scans.body_hu, ct_scans.series, ct_scans.slice_dataset)

pydicom = pytest.importorskip("pydicom")


def files(folder):
    return [found for path in sorted(folder.iterdir()) if (found := slice_file(path)) is not None]


def only_run(folder):
    (stack,) = stacks(files(folder))
    (run,) = even_runs(stack)
    return run


def test_a_series_has_the_hu_and_the_place_of_its_slices(tmp_path):
    volume = read_run(only_run(series(tmp_path / "s")))
    assert np.array_equal(volume.hu, body_hu())
    assert volume.affine @ [3, 5, 2, 1] == pytest.approx([30 - 6, 20 - 10, 5 + 8, 1])


def test_slices_are_ordered_by_place_not_by_name_or_number(tmp_path):
    places = [4.0 * k for k in (3, 0, 9, 1, 2, 8, 4, 5, 7, 6)]
    volume = read_run(only_run(series(tmp_path / "s", places=places)))
    assert np.array_equal(volume.hu, body_hu()[:, :, np.argsort(places)])


def test_each_slice_has_its_own_slope_and_intercept(tmp_path):
    def change(one, k):
        one.RescaleSlope, one.RescaleIntercept = 0.5, -1024 + k
        stored = 2 * (np.frombuffer(one.PixelData, "<u2").astype(int) - k)
        one.PixelData = stored.clip(0).astype("<u2").tobytes()

    volume = read_run(only_run(series(tmp_path / "s", change=change)))
    assert np.array_equal(volume.hu, np.maximum(body_hu(), -1024 + np.arange(10)))


def test_monochrome1_is_not_turned_round(tmp_path):
    def change(one, k):
        one.PhotometricInterpretation = "MONOCHROME1"

    run = only_run(series(tmp_path / "s", change=change))
    assert np.array_equal(read_run(run).hu, body_hu()) and "MONOCHROME1" in remarks(run)[0]


def test_signed_values_and_padding_come_out_as_hu(tmp_path):
    def change(one, k):
        stored = body_hu()[:, :, k].T.astype("<i2")
        stored[0, 0] = -2000
        one.PixelRepresentation, one.RescaleIntercept = 1, 0
        one.PixelData = stored.tobytes()

    volume = read_run(only_run(series(tmp_path / "s", change=change)))
    assert volume.hu[0, 0, 0] == -1024 and np.array_equal(volume.hu[1:], body_hu()[1:])


def test_a_tilted_gantry_is_straightened(tmp_path):
    """Planes lean by 15 degrees, the table moves along the body: a sphere stays one where it is."""
    angle, folder = np.radians(15), tmp_path / "s"
    folder.mkdir()
    down = np.array([0, np.cos(angle), np.sin(angle)])
    centre = np.array([0.0, 2.0, 30.0])
    for k in range(40):
        origin = np.array([-40.0, -40.0 * down[1], 2.0 * k - 40.0 * down[2]])
        columns, rows = np.meshgrid(np.arange(40) * 2.0, np.arange(40) * 2.0)
        places = origin + columns[..., None] * [1, 0, 0] + rows[..., None] * down
        hu = np.where(np.linalg.norm(places - centre, axis=-1) < 18, 300, -1000)
        one = slice_dataset(hu, number=k + 1)
        one.ImageOrientationPatient = [1, 0, 0, *map(float, down)]
        one.ImagePositionPatient = [float(side) for side in origin]
        one.GantryDetectorTilt = 15
        one.save_as(folder / f"{k:03d}.dcm", enforce_file_format=True)
    run = only_run(folder)
    volume = read_run(run)
    assert "leans by 15.0 degrees: straightened" in remarks(run)
    assert nib.aff2axcodes(stack_affine(run)) == ("L", "P", "S") and np.allclose(np.diag(volume.affine)[:2], -2)
    sphere = np.argwhere(volume.hu > -350)
    places = nib.affines.apply_affine(volume.affine, sphere)
    assert places.mean(axis=0) == pytest.approx([0, -2, 30], abs=0.3)  # NIfTI counts to the front
    assert np.ptp(places, axis=0) == pytest.approx([36, 36, 36], abs=5)


def test_missing_slices_and_another_step_cut_the_stack(tmp_path):
    places = [0, 4, 8, 12, 24, 28, 32, 34, 36, 38.0]
    (stack,) = stacks(files(series(tmp_path / "s", places=places)))
    runs = even_runs(stack)
    assert [[round(one.position_mm[2] - 5, 3) for one in run] for run in runs] == [
        [0, 4, 8, 12],
        [24, 28, 32],
        [34, 36, 38],
    ]
    assert [read_run(run).spacing_mm[2] for run in runs] == pytest.approx([4, 4, 2])


def test_one_slice_is_a_volume_as_thick_as_it_says(tmp_path):
    folder = tmp_path / "s"
    folder.mkdir()
    slice_dataset(body_hu()[:, :, 0].T).save_as(folder / "a.dcm", enforce_file_format=True)
    volume = read_run(only_run(folder))
    assert volume.hu.shape == (40, 32, 1) and volume.spacing_mm == pytest.approx((2, 2, 4))


def test_copies_of_a_slice_count_once_and_series_stay_apart(tmp_path):
    folder = series(tmp_path / "s")
    (folder / "copy.dcm").write_bytes((folder / "003.dcm").read_bytes())
    series(tmp_path / "t", "bert")
    for path in (tmp_path / "t").iterdir():
        path.rename(folder / f"b{path.name}")
    found = stacks(files(folder))
    assert [len(stack) for stack in found] == [10, 10] and [stack[0].person for stack in found] == ["anna", "bert"]


def set_tags(**tags):
    def change(one):
        for name, value in tags.items():
            if value is None:
                delattr(one, name)
            else:
                setattr(one, name, value)

    return change


@pytest.mark.parametrize(("change", "says"), [
    (set_tags(Modality="MR"), ["modality MR", "expected CT"]),
    (set_tags(SamplesPerPixel=3), ["3 colours", "secondary capture"]),
    (set_tags(NumberOfFrames=20), ["20 frames", "NIfTI"]),
    (set_tags(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"]), ["a localizer"]),
    (set_tags(ImagePositionPatient=None, RescaleSlope=None), ["no ImagePositionPatient and no RescaleSlope"]),
    (set_tags(PixelSpacing=[0, 0]), ["pixels of 0 x 0 mm", "above 0"]),
    (set_tags(ImageOrientationPatient=[0, 0, 0, 0, 1, 0]), ["unit vectors"]),
])  # fmt: skip
def test_what_is_no_slice_says_what_it_is(tmp_path, change, says):
    one = slice_dataset(body_hu()[:, :, 0].T)
    change(one)
    one.save_as(tmp_path / "a.dcm", enforce_file_format=True)
    with pytest.raises(ValueError) as caught:
        slice_file(tmp_path / "a.dcm")
    assert [part for part in says if part not in str(caught.value)] == []


def test_a_file_that_is_no_dicom_is_nothing(tmp_path):
    (tmp_path / "notes").write_text("no DICOM")
    assert slice_file(tmp_path / "notes") is None


def test_two_acquisitions_and_coronal_planes_are_refused(tmp_path):
    (stack,) = stacks(files(series(tmp_path / "s", places=[4.0 * (k % 5) for k in range(10)])))
    with pytest.raises(ValueError, match="two slices at .* export each as a series"):
        even_runs(stack)
    coronal = series(tmp_path / "c", change=lambda one, k: set_tags(ImageOrientationPatient=[1, 0, 0, 0, 0, -1])(one))
    with pytest.raises(ValueError, match="expected axial slices"):
        even_runs(stacks(files(coronal))[0])


def test_a_cut_file_is_named(tmp_path):
    folder = series(tmp_path / "s")
    cut = folder / "004.dcm"
    cut.write_bytes(cut.read_bytes()[:-500])
    with pytest.raises(OSError, match=r"004\.dcm: its pixels cannot be read .*bytes of pixel data"):
        read_run(only_run(folder))


def test_what_pydicom_cannot_unpack_itk_does(tmp_path):
    run = only_run(series(tmp_path / "s"))
    dataset = pydicom.dcmread(run[2].path)
    assert np.array_equal(ct_series._hu_by_itk(run[2].path, dataset), body_hu()[:, :, 2].T)


@pytest.mark.data
def test_a_real_series_agrees_with_itk_at_random_voxels(ct_data):
    import itk

    run = only_run(ct_data / "totalsegmentator" / "dicom")
    volume = read_run(run)
    rng = np.random.default_rng(0)
    for one in (run[0], run[11]):
        image = itk.imread(str(one.path))
        for _ in range(100):
            index = [int(side) for side in (*rng.integers(0, 512, 2), 0)]
            place = np.array(image.TransformIndexToPhysicalPoint(index)) * [-1, -1, 1]
            found = np.rint(np.linalg.inv(volume.affine) @ [*place, 1])[:3].astype(int)
            assert volume.hu[tuple(found)] == image.GetPixel(index)
