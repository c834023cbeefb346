"""What a warp on disk must obey: ITK reads the same map of points, and so do we."""

from __future__ import annotations

import itk
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
    return Warp((bent(1), bent(2)))


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform((0, 0), (419, 299), (200, 2))


@pytest.mark.parametrize("name", ["warp.tfm", "warp.h5"])
def test_itk_reads_the_map_that_was_written(tmp_path, warp, points, name):
    write_warp(tmp_path / name, warp)
    (transform,) = itk.transformread(str(tmp_path / name))
    theirs = np.array([list(transform.TransformPoint(point.tolist())) for point in points])
    np.testing.assert_allclose(theirs, warp.map(points), atol=1e-6)
    np.testing.assert_allclose(read_warp(tmp_path / name).map(points), warp.map(points), atol=1e-9)


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


def test_what_is_no_warp_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"warp\.txt.*expected \.tfm or \.h5"):
        write_warp(tmp_path / "warp.txt", Warp())
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_warp(tmp_path / "none.tfm")
    (tmp_path / "cut.tfm").write_text("#Insight Transform File V1.0\nTransform: BSpl")
    with pytest.raises(ValueError, match=r"cut\.tfm"):
        read_warp(tmp_path / "cut.tfm")
    scale = itk.ScaleTransform[itk.D, 2].New()
    itk.transformwrite([scale], str(tmp_path / "scale.tfm"))
    with pytest.raises(ValueError, match="found ScaleTransform"):
        read_warp(tmp_path / "scale.tfm")
