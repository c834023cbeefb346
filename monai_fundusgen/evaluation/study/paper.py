"""Figures of the reference paper, to stand beside a study's, and why they are not the same thing."""

from __future__ import annotations

from typing import Final

#: Table III: training set -> AUC, accuracy, sensitivity, specificity of SSA-Net and of HVGN.
TABLE_III: Final = {
    "real 359": ((0.973, 0.963, 0.797, 0.98), (0.973, 0.912, 0.923, 0.901)),
    "real + 500": ((0.979, 0.972, 0.798, 0.986), (0.976, 0.915, 0.926, 0.905)),
    "real + 1000": ((0.980, 0.973, 0.803, 0.988), (0.976, 0.915, 0.927, 0.902)),
    "real + 2000": ((0.983, 0.975, 0.812, 0.989), (0.978, 0.921, 0.928, 0.914)),
    "real + 3000": ((0.984, 0.976, 0.815, 0.990), (0.980, 0.922, 0.930, 0.915)),
    "synthetic 1000": ((0.979, 0.973, 0.801, 0.988), (0.975, 0.914, 0.924, 0.903)),
    "synthetic 2000": ((0.982, 0.974, 0.811, 0.989), (0.978, 0.919, 0.926, 0.910)),
    "synthetic 3000": ((0.984, 0.975, 0.816, 0.988), (0.980, 0.921, 0.929, 0.912)),
}
#: Bundle -> its place in `TABLE_III`; of the other methods the paper has no such table.
PLACES: Final = {"fundus_vessel_ssanet": 0, "fundus_av_hvgn": 1}

STATEMENT: Final = """\
The paper's figures (Go, Ji, Park, Lee, arXiv:2305.06813, Table III) are not ours to beat or to miss: they were taken on
FIREFLY, a private set of 449 eyes of which 359 train and 90 to 100 test; one training each, without a spread; with a
threshold chosen on the test pixels themselves, and for HVGN on pooled outputs of both graphs on labelled vessel pixels.
Ours are inside the field of view, at a fixed threshold and at one chosen on validation photographs. What can be set
side by side is the sign and the size of a difference between arms. Of its Table II (within and across data sets) only
the layout is known here."""
