"""Gaussians fitted to features: summed up batch by batch in memory that no sample size changes, and their distance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

FloatArray = NDArray[np.float64]
_TOLERATED: Final = 1e-8  # relative error of a distance


@dataclass(frozen=True)
class Gaussian:
    """Mean and scatter of N feature vectors.

    Attributes:
        count: N.
        mean: (D,).
        root: R (K, D), K at most max(D, N), with ``R.T @ R`` the sum of outer products of the centred vectors.
    """

    count: int
    mean: FloatArray
    root: FloatArray

    def joined(self, other: Gaussian) -> Gaussian:
        """Of both samples together, as if they had been one.

        Source: Chan, Golub, LeVeque 1983 (Am Stat 37:242) for the mean; the scatter is kept as a root by QR, so that no
        digits are lost to squares.
        """
        count = self.count + other.count
        shift = other.mean - self.mean
        between = np.sqrt(self.count * other.count / count) * shift
        root = _short(np.concatenate([self.root, other.root, between[None]]))
        return Gaussian(count, self.mean + shift * (other.count / count), root)


def gaussian_of(features: NDArray[np.floating]) -> Gaussian:
    """Gaussian of features (N, D), N >= 1; for N above a few thousand join those of batches."""
    x = np.asarray(features, dtype=np.float64)
    mean = x.mean(axis=0)
    return Gaussian(len(x), mean, x - mean)


def _short(rows: FloatArray) -> FloatArray:
    """At most D rows with the same R.T R."""
    return np.asarray(np.linalg.qr(rows, mode="r")) if len(rows) > rows.shape[1] else rows


def frechet_between(x: Gaussian, y: Gaussian) -> float:
    """Squared Frechet distance ``|mu_x - mu_y|^2 + tr C_x + tr C_y - 2 tr (C_x C_y)^(1/2)``.

    With C = R.T R / (N - 1) the last trace is the sum of the singular values of ``R_x R_y.T``: no matrix root, no
    imaginary parts, never more than min(N, D) rows. Where both samples have more rows than features it is first tried
    as the sum of the roots of the eigenvalues of C_x C_y, a fifth of the time; that stands where rounding cannot have
    moved the distance by more than a part in 10^8.

    Raises:
        ValueError: fewer than two vectors, or of different width.

    Source: Heusel et al. 2017 (arXiv:1706.08500).
    """
    if min(x.count, y.count) < 2 or x.mean.shape != y.mean.shape:
        raise ValueError(
            f"frechet_between: found {x.count} vectors of {x.mean.size} features and {y.count} of {y.mean.size}, "
            "expected at least 2 of each, of one width"
        )
    roots = [one.root / np.sqrt(one.count - 1) for one in (x, y)]
    apart = float(((x.mean - y.mean) ** 2).sum() + sum((root**2).sum() for root in roots))
    if min(len(root) for root in roots) >= x.mean.size:
        shared, error = _by_eigenvalues(*roots)
        if 2 * error <= _TOLERATED * abs(apart - 2 * shared):
            return apart - 2 * shared
    ours, theirs = (_short(root) for root in roots)
    return float(apart - 2 * np.linalg.svd(ours @ theirs.T, compute_uv=False).sum())


def _by_eigenvalues(x: FloatArray, y: FloatArray) -> tuple[float, float]:
    """``tr (C_x C_y)^(1/2)`` of roots (K, D), K >= D, and a bound of its rounding error, infinite for a singular C_x.

    The eigenvalues of C_x C_y are those of a symmetric matrix, L.T C_y L with C_x = L L.T, each found to within
    ``eps |C_x| |C_y|``; that error counts by half its ratio to the eigenvalue's root.
    """
    c_x, c_y = x.T @ x, y.T @ y
    rounding = float(np.finfo(np.float64).eps * np.linalg.norm(c_x) * np.linalg.norm(c_y))
    try:
        found = linalg.eigh(c_y, c_x, type=2, eigvals_only=True, driver="gvd", overwrite_a=True, overwrite_b=True)
    except linalg.LinAlgError:
        return 0.0, np.inf
    values = np.sqrt(np.clip(found, rounding, None))
    return float(values.sum()), float((rounding / (2 * values)).sum())
