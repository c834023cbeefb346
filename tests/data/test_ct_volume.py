"""CT volumes: orientation, resampling and refusals, on made files; HU of real ones against nibabel."""

import nibabel as nib
import numpy as np
import pytest

from monai_fundusgen.data.ct_body import body_box
from monai_fundusgen.data.ct_volume import CTVolume, nifti_bytes, read_nifti, upright, write_nifti
from tests.reference import ct_scans

body_hu, nifti = (ct_scans.body_hu, ct_scans.nifti)


def values_at(volume, points_mm):
    index = np.rint(np.linalg.inv(volume.affine) @ np.vstack([points_mm.T, np.ones(len(points_mm))]))[:3].astype(int)
    return volume.hu[tuple(index)]


@pytest.mark.parametrize("codes", ["LPS", "RAS", "PIR", "SLA"])
def test_a_voxel_keeps_its_value_and_its_place_whatever_the_axes_of_the_file(tmp_path, codes):
    image = nib.Nifti1Image(body_hu(), np.array([[-2, 0, 0, 40], [0, -2.5, 0, 7], [0, 0, 4, -9], [0, 0, 0, 1.0]]))
    turn = nib.orientations.ornt_transform(nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(codes))
    turned = image.as_reoriented(turn)
    nib.save(turned, tmp_path / "a.nii.gz")
    volume = read_nifti(tmp_path / "a.nii.gz")
    assert nib.aff2axcodes(volume.affine) == ("L", "P", "S") and volume.spacing_mm == pytest.approx((2, 2.5, 4))
    rng = np.random.default_rng(0)
    index = np.stack([rng.integers(0, side, 100) for side in turned.shape])
    places = nib.affines.apply_affine(turned.affine, index.T)
    assert np.array_equal(values_at(volume, places), np.asarray(turned.dataobj)[tuple(index)])


def test_an_oblique_volume_comes_out_upright_with_its_values_where_they_were(tmp_path):
    angle = np.radians(12)
    tilt = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = tilt @ np.diag([-2.0, -2.0, 2.0])
    x, y, z = np.meshgrid(*(np.arange(side, dtype=float) for side in (30, 30, 30)), indexing="ij")
    smooth = CTVolume(np.rint(-900 + 20 * x + 10 * y + 15 * z).astype(np.int16), affine)  # linear: so is its sampling
    volume = upright(smooth)
    assert np.allclose(volume.affine[:3, :3], np.diag([-2.0, -2.0, 2.0]))
    index = np.stack([np.random.default_rng(1).integers(8, 22, 200) for _ in range(3)])
    places = nib.affines.apply_affine(affine, index.T)
    inside = np.linalg.inv(volume.affine) @ np.vstack([places.T, np.ones(200)])
    found = volume.hu[tuple(np.rint(inside[:3]).astype(int))].astype(float)
    off = np.linalg.inv(affine) @ volume.affine @ np.vstack([np.rint(inside[:3]), np.ones(200)])
    assert np.abs(found - (-900 + 20 * off[0] + 10 * off[1] + 15 * off[2])).max() <= 1  # rounding
    assert volume.hu[0, 0, 0] == -1024  # a corner that no slice reached is air


def test_what_is_written_is_read_again_and_equal_volumes_are_equal_bytes(tmp_path):
    volume = read_nifti(nifti(tmp_path / "a.nii"))
    write_nifti(tmp_path / "b.nii.gz", volume)
    again = read_nifti(tmp_path / "b.nii.gz")
    assert np.array_equal(volume.hu, again.hu) and np.allclose(volume.affine, again.affine)
    assert nifti_bytes(volume) == nifti_bytes(again)


def test_a_crop_stays_where_it_was(tmp_path):
    volume = read_nifti(nifti(tmp_path / "a.nii"))
    part = volume.crop((slice(3, 30), slice(4, 20), slice(2, 8)))
    assert np.array_equal(part.hu, volume.hu[3:30, 4:20, 2:8])
    assert part.affine @ [0, 0, 0, 1] == pytest.approx(volume.affine @ [3, 4, 2, 1])
    assert part.height_mm(0) == pytest.approx(volume.height_mm(2))


def test_the_box_holds_the_body_and_leaves_the_table(tmp_path):
    hu = np.full((80, 80, 6), -1000, np.int16)
    hu[20:50, 15:45, 1:6] = 30
    hu[10:70, 70:71] = 100  # a thin table
    box = body_box(read_nifti(nifti(tmp_path / "a.nii", hu, np.diag([-2.0, -2.0, 5.0, 1]))))
    assert box[0].start <= 20 and box[0].stop >= 50 and box[1].start <= 15 and 45 <= box[1].stop < 70
    assert box[2] == slice(1, 6)


def test_pads_and_overshoots_are_clipped_to_what_scanners_store(tmp_path):
    hu = body_hu().astype(np.float32)
    hu[0], hu[1] = -3024, 3500.4
    volume = read_nifti(nifti(tmp_path / "a.nii", hu, dtype=np.float32))
    assert volume.hu.min() == -1024 and volume.hu.max() == 3071 and volume.hu.dtype == np.int16


def four_dimensional(path):
    return nifti(path, np.stack([body_hu()] * 2, axis=-1))


def with_spacing_zero(path):
    nifti(path)
    image = nib.load(path)
    header = image.header.copy()
    header["pixdim"][1:4], header["srow_x"], header["qform_code"], header["sform_code"] = (0, 2, 4), 0, 0, 2
    data = nib.Nifti1Image(np.asarray(image.dataobj), None, header)
    data.header["sform_code"] = 2
    nib.save(data, path)


def cut(path):
    nifti(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(("name", "make", "says"), [
    ("four", four_dimensional, ["(40, 32, 10, 2)", "three axes", "file of its own"]),
    ("flat", lambda path: nifti(path, body_hu()[..., 0]), ["(40, 32)", "three axes"]),
    ("zero", with_spacing_zero, ["voxels of 0", "above 0"]),
    ("labels", lambda path: nifti(path, (body_hu() > 100) * 3, dtype=np.uint8), ["0 to 3", "no air", "label map"]),
    ("unit", lambda path: nifti(path, body_hu() / 1000, dtype=np.float32), ["no air", "in HU"]),
    ("huge", lambda path: nifti(path, body_hu() * 1e5, dtype=np.float32), ["-1e+08", "no Hounsfield units", "-1024"]),
    ("nan", lambda path: nifti(path, np.where(body_hu() > 100, np.nan, -1000), dtype=np.float32), ["not finite"]),
    ("complex", lambda path: nifti(path, body_hu() * 1j, dtype=np.complex64), ["complex64", "HU"]),
    ("cut", cut, ["cannot be read as NIfTI"]),
    ("text", lambda path: path.write_text("no image"), ["cannot be read as NIfTI"]),
])  # fmt: skip
def test_a_file_that_is_no_volume_is_told_so_with_its_name(tmp_path, name, make, says):
    path = tmp_path / f"{name}.nii.gz"
    make(path)
    with pytest.raises((OSError, ValueError)) as caught:
        read_nifti(path)
    assert str(path) in str(caught.value) and [part for part in says if part not in str(caught.value)] == []


@pytest.mark.data
def test_real_volumes_agree_with_nibabel_at_random_voxels(ct_data):
    for path in sorted((ct_data / "totalsegmentator").glob("*_ct.nii.gz")):
        image = nib.load(path)
        raw, volume = np.asarray(image.dataobj), read_nifti(path)
        rng = np.random.default_rng(0)
        index = np.stack([rng.integers(0, side, 500) for side in raw.shape])
        places = nib.affines.apply_affine(image.affine, index.T)
        assert np.array_equal(values_at(volume, places), np.clip(raw[tuple(index)], -1024, 3071))
