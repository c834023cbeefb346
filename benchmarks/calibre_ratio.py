"""How well the calibre ratio measured on a label follows that of the phantom's own graph.

    python benchmarks/calibre_ratio.py

For every visual angle: correlation and median difference of the ratio that `map_anatomy` measures on the label at
1024 px (reduced to 256) with the truth, once with the ring of a 60 degree map whatever the field, and once with the
ring of the field; both round the disc that is found on the vessels. The last column is the ring of the field round the
true disc.
"""

from __future__ import annotations

import argparse

import numpy as np

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.central_calibre import arteriole_venule_ratio, central_calibres_um
from monai_fundusgen.vessels.convergence import find_disc, reduced
from monai_fundusgen.vessels.drawing import vessel_map


def ratios(seed: int, field_deg: float) -> tuple[float, float, float, float]:
    """Truth, and the three measurements."""
    eye = grow_retina(seed, anatomy=Anatomy(diameter_deg=field_deg))
    artery, vein = central_calibres_um(eye)
    soft = reduced(vessel_map(eye, 1024), 256)
    row, column = eye.landmarks_rc(256)[0]
    return (
        artery / vein,
        arteriole_venule_ratio(soft, find_disc(soft)),
        arteriole_venule_ratio(soft, find_disc(soft, field_deg), field_deg=field_deg),
        arteriole_venule_ratio(soft, (float(row), float(column)), field_deg=field_deg),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--eyes", type=int, default=120)
    options = parser.parse_args()
    print(f"{'field':>6} {'truth':>12} {'ring of 60 deg':>16} {'ring of field':>16} {'true disc':>16}")
    for field_deg in (45.0, 60.0):
        table = np.array([ratios(seed, field_deg) for seed in range(options.eyes)])
        table = table[np.isfinite(table).all(axis=1)]
        truth = table[:, 0]
        shown = [f"r {np.corrcoef(truth, one)[0, 1]:.2f}, {np.median(one - truth):+.3f}" for one in table[:, 1:].T]
        print(f"{field_deg:>6g} {truth.mean():.2f} +- {truth.std():.2f} " + " ".join(f"{one:>16}" for one in shown))
