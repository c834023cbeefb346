from __future__ import annotations

import pytest

from monai_fundusgen.metrics.protocol import Protocol


def test_the_oracle_is_named_so_and_is_not_the_default():
    assert Protocol().threshold_from == "fixed"
    assert "ORACLE" in Protocol(threshold_from="test_oracle", threshold=None).describe()
    assert "ORACLE" not in Protocol().describe()


def test_every_rule_shows_in_the_description():
    words = [
        Protocol().describe(),
        Protocol(field="all").describe(),
        Protocol(field="all_zeroed").describe(),
        Protocol(pooling="per_image").describe(),
        Protocol(threshold=0.4).describe(),
        Protocol(threshold_from="validation", threshold=None).with_threshold(0.5).describe(),
        Protocol(annotator="second").describe(),
        *(Protocol(kinds=kinds).describe(kinds=True) for kinds in ("authors", "all_vessels", "intersection", "tree")),
    ]
    assert len(set(words)) == len(words)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"field": "inside"}, "field is 'inside'"),
        ({"kinds": "all"}, "kinds is 'all'"),
        ({"threshold_from": "test_oracle"}, "finds its own"),
        ({"threshold": None}, "fixed threshold is None"),
    ],
)
def test_rules_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Protocol(**options)


def test_a_fixed_threshold_is_not_chosen_later():
    with pytest.raises(ValueError, match="only 'validation'"):
        Protocol().with_threshold(0.3)
