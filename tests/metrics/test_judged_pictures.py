"""What a reader finds in phantom eyes of 256 px: laws of the counts, whatever the network."""

import numpy as np
import pytest
import torch

from monai_fundusgen.metrics.judged_pictures import ALL, DISTANCES, WIDTHS, JudgedPicturesMetric
from monai_fundusgen.metrics.judged_table import judged_tables
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.vessels.drawing import rasterise

SIZE = 256


@pytest.fixture(scope="module")
def eyes():
    rasters = [rasterise(grow_retina(seed), SIZE) for seed in (1, 2, 3)]
    return [(torch.from_numpy(one.label)[None], torch.from_numpy(one.fov)[None, None]) for one in rasters]


def reading(label):
    """The probabilities of a reader who sees the label."""
    return torch.cat([label.float(), label.any(dim=1, keepdim=True).float()], dim=1)


def photograph(label, depth=0.3):
    """Ground of one half, vessels darker by a share."""
    return torch.where(label.any(dim=1, keepdim=True), 0.5 * (1 - depth), 0.5).expand(-1, 3, -1, -1)


def judged(rows, **also):
    metric = JudgedPicturesMetric()
    for place, (chance, label, fov) in enumerate(rows):
        metric(chance, label, image=photograph(label), names=[f"eye{place}"], fov=fov, **also)
    return metric.aggregate()


def half_wrong(label):
    """Sees every vessel, and takes the kind for the other in the upper half of the picture."""
    chance = reading(label)
    chance[:, :2, : SIZE // 2] = chance[:, :2, : SIZE // 2].flip(1)
    return chance


def test_a_perfect_reading_scores_one_in_every_class(eyes):
    found = judged([(reading(label), label, fov) for label, fov in eyes])
    rows = [found["read"][ALL], *found["read"]["width"].values(), *found["read"]["distance"].values()]
    values = [row[name] for row in rows for name in ("dice", "recall", "precision", "av_accuracy", "av_balanced")]
    assert {value for value in values if value is not None} == {1.0}
    assert list(found["read"]["width"]) == WIDTHS and list(found["read"]["distance"]) == DISTANCES
    for classes in ("width", "distance"):
        assert sum(row["share"] for row in found["read"][classes].values()) == pytest.approx(1)
    assert found["read"][ALL]["interval"]["dice"] == [1.0, 1.0]


def test_swapped_kinds_turn_an_accuracy_into_the_rest_to_one(eyes):
    right = judged([(half_wrong(label), label, fov) for label, fov in eyes])["read"]
    swapped = judged([(half_wrong(label), label.flip(1), fov) for label, fov in eyes])["read"]
    accuracy = right[ALL]["av_accuracy"]
    assert 0.2 < accuracy < 0.8 and swapped[ALL]["av_accuracy"] == pytest.approx(1 - accuracy)
    assert swapped[ALL]["av_balanced"] == pytest.approx(1 - right[ALL]["av_balanced"])
    assert swapped[ALL]["dice"] == right[ALL]["dice"] == 1


def test_the_order_of_photographs_does_not_matter(eyes):
    rows = [(half_wrong(eyes[0][0]), *eyes[0]), (reading(eyes[1][0]), *eyes[1]), (half_wrong(eyes[2][0]), *eyes[2])]
    there, back = judged(rows), judged(rows[::-1])
    assert there["read"] == back["read"] and there["depth"] == back["depth"]
    assert [one["av_accuracy"] for one in there["images"]] == [one["av_accuracy"] for one in back["images"]][::-1]


def test_vessels_that_are_not_seen_lower_the_recall_of_their_width_alone():
    label = torch.zeros(1, 2, 1024, 1024, dtype=torch.bool)
    label[:, 0, 200:203, 100:900] = label[:, 1, 500:509, 100:900] = True
    chance = reading(label)
    chance[:, :, 200:203] = 0
    chance[:, 2, 800:805, 300:400] = chance[:, 0, 800:805, 300:400] = 1  # a vessel of 5 px that is none
    metric = JudgedPicturesMetric()
    metric(chance, label, image=photograph(label), names=["eye"])
    width = metric.aggregate()["read"]["width"]
    assert width["2.5-4"]["recall"] == 0 and width["7-12"]["recall"] == width["7-12"]["precision"] == 1
    assert width["4-7"]["recall"] is None and width["4-7"]["precision"] == 0
    assert width["2.5-4"]["share"] == pytest.approx(3 / 12)


def test_uncertain_pixels_are_vessels_without_a_kind(eyes):
    label, fov = eyes[0]
    chance, known = reading(label), label.clone()
    chance[:, :2, : SIZE // 2] = chance[:, :2, : SIZE // 2].flip(1)
    uncertain = torch.zeros_like(fov)
    uncertain[:, :, : SIZE // 2] = label.any(dim=1, keepdim=True)[:, :, : SIZE // 2]
    known[:, :, : SIZE // 2] = False
    found = judged([(chance, known, fov)], uncertain=uncertain)["read"][ALL]
    assert found["dice"] == 1 and found["av_accuracy"] == 1


def test_planted_depth_comes_out_and_deeper_paint_is_deeper(eyes):
    found = []
    for depth in (0.1, 0.3):
        metric = JudgedPicturesMetric()
        for label, fov in eyes:
            metric(reading(label), label, image=photograph(label, depth), names=["eye"], fov=fov)
        rows = metric.aggregate()["depth"]
        found.append(rows["artery"][ALL]["green"]["median"])
        assert found[-1] == pytest.approx(depth, abs=0.01) and rows["artery"][ALL]["green"]["eyes"] == 3
        assert rows["vein_minus_artery"][ALL]["green"]["median"] == pytest.approx(0, abs=0.01)
    assert found[0] < found[1]


def test_photographs_without_vessels_are_named_and_alone_refused(eyes):
    label, fov = eyes[0]
    bare = (reading(label), torch.zeros_like(label), fov)
    found = judged([(reading(label), label, fov), bare])
    assert found["without_vessels"] == ["eye1"] and found["images"][1]["recall"] is None
    assert found["read"][ALL]["precision"] == pytest.approx(0.5), "what was found in the bare one is wrong"
    with pytest.raises(ValueError, match=r"1 photograph\(s\) without a labelled vessel"):
        judged([bare])
    with pytest.raises(ValueError, match="no photograph was added"):
        judged([])


def test_shapes_that_do_not_fit_are_refused(eyes):
    label, fov = eyes[0]
    with pytest.raises(ValueError, match=r"expected \(B, 3, S, S\)"):
        JudgedPicturesMetric()(reading(label)[:, :2], label, image=photograph(label), names=["eye"], fov=fov)


def test_the_tables_show_every_set_and_a_dash_for_what_was_not_measured(eyes):
    sets = {name: judged([(how(label), label, fov) for label, fov in eyes]) for name, how in
            {"seen": reading, "half": half_wrong}.items()}  # fmt: skip
    text = judged_tables(sets)
    accuracy = sets["half"]["read"][ALL]["av_accuracy"]
    assert "| seen | 3 | 1.000 |" in text and f"{accuracy:.3f}" in text and "| - |" in text
    assert np.count_nonzero([line.startswith("| half |") for line in text.splitlines()]) == 1 + 3 + 3 + 9
