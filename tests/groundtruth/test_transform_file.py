"""What a warp on disk must obey: ITK reads the same map of points, and so do we."""

from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.groundtruth.descent import refined, with_lattice
from monai_fundusgen.groundtruth.transform_file import read_warp, write_warp
from monai_fundusgen.groundtruth.warp import Stage, Warp, similarity


def bent(seed: int, shape=(300.0, 420.0)) -> Stage:
    rng = np.random.default_rng(seed)
    stage = with_lattice(similarity(3.0 * seed, 1.1, np.array([4.0, -7.0]), np.array([200.0, 150.0])), shape, 7)
    stage.coefficients_px[:] = rng.normal(0, 3, stage.coefficients_px.shape)
    return stage


@pytest.fixture
def warp():
    return Warp((bent(1), similarity(2.0, 0.9, np.array([1.0, 2.0]), np.zeros(2)), bent(2)))


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform((0, 0), (419, 299), (200, 2))


@pytest.mark.slow
def test_itk_reads_the_map_that_was_written(tmp_path, warp, points):
    import itk

    write_warp(tmp_path / "warp.tfm", warp)
    (transform,) = itk.transformread(str(tmp_path / "warp.tfm"))
    theirs = np.array([list(transform.TransformPoint(point.tolist())) for point in points])
    np.testing.assert_allclose(theirs, warp.map(points), atol=1e-6)


def test_the_map_that_was_written_is_read(tmp_path, warp, points):
    write_warp(tmp_path / "warp.tfm", warp)
    np.testing.assert_array_equal(read_warp(tmp_path / "warp.tfm").map(points), warp.map(points))
    write_warp(tmp_path / "still.tfm", Warp())
    np.testing.assert_array_equal(read_warp(tmp_path / "still.tfm").map(points), points)


def test_the_way_back_ends_where_the_way_began(warp, points):
    np.testing.assert_allclose(warp.unmap(warp.map(points)), points, atol=2e-3)


def test_a_finer_lattice_is_the_same_spline(points):
    coarse = bent(3)
    np.testing.assert_allclose(refined(coarse).map(points), coarse.map(points), atol=1e-9)


def test_the_jacobian_is_the_scale_of_a_similarity_and_tells_a_fold(points):
    still = similarity(20.0, 1.5, np.zeros(2), np.zeros(2))
    np.testing.assert_allclose(Warp((still,)).jacobian((40, 60)), 1.5**2)
    folded = with_lattice(similarity(0, 1, np.zeros(2), np.zeros(2)), (300.0, 420.0), 7)
    folded.coefficients_px[0, :, 5] = 200
    assert Warp((folded,)).jacobian((300, 420)).min() < 0


HEAD = "#Insight Transform File V1.0\n"
COMPOSITE = HEAD + "Transform: CompositeTransform_double_2_2\n"
AFFINE = COMPOSITE + "Transform: AffineTransform_double_2_2\n"


@pytest.mark.parametrize(("text", "message"), [
    ("", "found '' at its head"),
    ("no transform", "found 'no transform' at its head"),
    (HEAD + "Transform: AffineTransform_double_2_2\n", "found no composite transform"),
    (AFFINE + "Parameters: 1 0", "a transform that is cut"),
    (AFFINE + "Parameters: 1 0 0 x 0 0\nFixedParameters: 0 0", "could not convert"),
    (COMPOSITE + "Transform: ScaleTransform_double_2_2\nParameters: 1 1\nFixedParameters: 0 0", "found ScaleTransform"),
])  # fmt: skip
def test_what_is_no_warp_is_named(tmp_path, text, message):
    (tmp_path / "x.tfm").write_text(text)
    with pytest.raises(ValueError, match=rf"x\.tfm: .*{message}"):
        read_warp(tmp_path / "x.tfm")


def test_a_wrong_name_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"warp\.txt.*expected \.tfm"):
        write_warp(tmp_path / "warp.txt", Warp())
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_warp(tmp_path / "none.tfm")
