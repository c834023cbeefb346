from __future__ import annotations

import numpy as np
import pytest

from monai_fundusgen.metrics.functional.paired import paired_errors


def test_a_drawing_with_one_piece_and_one_loop_too_many():
    target = np.zeros((40, 40), dtype=bool)
    target[10, 5:35] = True
    found = target.copy()
    found[20:26, 20:26] = True
    found[22:24, 22:24] = False
    assert paired_errors(target, target) == (type(paired_errors(target, target)))(1.0, 0, 0)
    errors = paired_errors(found, target)
    assert (errors.pieces_error, errors.loops_error) == (1, 1)
    assert 0.5 < errors.cl_dice < 1
    left = np.zeros_like(target)
    left[:, :15] = True
    assert paired_errors(found, target, left).pieces_error == 0
    with pytest.raises(ValueError, match="one size"):
        paired_errors(found, target[1:])
