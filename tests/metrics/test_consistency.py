from __future__ import annotations

import itertools
import logging

import numpy as np
import pytest
from mlscorecheck.check.binary import check_1_testset_no_kfold

from monai_fundusgen.metrics.functional.consistency import consistent, consistent_fields

logging.getLogger("mlscorecheck").setLevel(logging.ERROR)
ORACLE_NAMES = {"accuracy": "acc", "sensitivity": "sens", "specificity": "spec", "precision": "ppv", "dice": "f1"}
#: Pixels of DRIVE's test images, first annotator: vessels and others, inside the field and everywhere.
DRIVE = {"fov": (577_649, 3_960_494), "all": (577_945, 6_021_255)}


def scores_of(tp, tn, positives, negatives):
    fp = negatives - tn
    return {
        "accuracy": (tp + tn) / (positives + negatives),
        "sensitivity": tp / positives,
        "specificity": tn / negatives,
        "precision": tp / (tp + fp),
        "dice": 2 * tp / (tp + fp + positives),
    }


@pytest.mark.parametrize("names", list(itertools.combinations(ORACLE_NAMES, 3)))
def test_the_verdict_is_that_of_mlscorecheck(names):
    rng = np.random.default_rng(3)
    positives, negatives, verdicts = 40, 130, []
    for _ in range(8):
        true = scores_of(int(rng.integers(1, 41)), int(rng.integers(0, 130)), positives, negatives)
        reported = {name: round(float(np.clip(true[name] + rng.choice([0, 0.004, -0.02]), 0, 1)), 3) for name in names}
        oracle = check_1_testset_no_kfold(
            testset={"p": positives, "n": negatives},
            scores={ORACLE_NAMES[name]: value for name, value in reported.items()},
            eps=5e-4,
        )
        verdicts.append(consistent(reported, positives, negatives, 5e-4))
        assert verdicts[-1] is not oracle["inconsistency"], reported
    assert len(set(verdicts)) == 2


@pytest.mark.parametrize("field", ["fov", "all"])
def test_rounded_scores_tell_which_pixels_were_counted(field):
    positives, negatives = DRIVE[field]
    true = scores_of(int(0.8 * positives), int(0.98 * negatives), positives, negatives)
    reported = {name: round(true[name], 4) for name in ("accuracy", "sensitivity", "specificity")}
    assert consistent_fields(reported, DRIVE, 5e-5) == {"fov": field == "fov", "all": field == "all"}


def test_unknown_scores_are_refused():
    with pytest.raises(ValueError, match="auc"):
        consistent({"auc": 0.9}, 10, 10, 0.1)
