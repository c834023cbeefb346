"""Networks that read cases, with weights of the bundles."""

import numpy as np
import pytest

from monai_fundusgen.data.angiograms import SPANS_S, LoadAngiogramd, drawn_times_s, phantom_angiogram
from monai_fundusgen.groundtruth.networks import frame_reader, photograph_reader
from monai_fundusgen.groundtruth.ridges import ridge_probability


@pytest.fixture(scope="module")
def eye():
    return phantom_angiogram(2_000_003, 512, 3)


def dice(found, truth):
    return 2 * (found & truth).sum() / (found.sum() + truth.sum())


def test_the_network_finds_more_than_the_filter_and_nothing_outside_the_field(eye):
    network = frame_reader("network", field_deg=45)
    truth, fov = eye["vessel"][0], eye["fov"][0]
    image = eye["image"][-1].astype(np.float32) / 255
    found, filtered = network(image, fov), frame_reader("ridges")(image, fov)
    assert frame_reader("ridges") is ridge_probability
    assert found.shape == truth.shape and found.dtype == np.float32 and not found[~fov].any()
    best = max(dice(filtered > level, truth) for level in (0.2, 0.4, 0.6, 0.8))
    assert dice(found > 0.5, truth) > best + 0.05


def test_nothing_valid_gives_nothing():
    blank = np.zeros((128, 128), np.float32)
    assert not frame_reader()(blank, blank > 0).any()


def test_the_photographs_network_gives_three_maps():
    photograph = np.random.default_rng(0).integers(40, 160, (3, 200, 200), dtype=np.uint8)
    found = photograph_reader()(photograph, np.ones((200, 200), bool))
    assert found.shape == (3, 200, 200) and 0 <= found.min() <= found.max() <= 1


def test_another_reader_is_refused():
    with pytest.raises(ValueError, match=r"found 'magic', expected one of network, ridges"):
        frame_reader("magic")


def test_single_frames_of_successive_seeds_show_every_phase():
    times = [drawn_times_s(seed, 1)[0] for seed in range(6)]
    assert all(low <= time <= high for time, (low, high) in zip(times, SPANS_S, strict=True))
    assert (np.diff(drawn_times_s(9, 6)) > 0).all()


def test_frames_of_phantoms_and_files_have_one_form(eye, tmp_path):
    from PIL import Image

    Image.fromarray(eye["image"][2]).save(tmp_path / "frame.png")
    Image.fromarray(eye["vessel"][0].astype(np.uint8) * 255).save(tmp_path / "vessel.png")
    item = {"image": str(tmp_path / "frame.png"), "vessel": str(tmp_path / "vessel.png")}
    opened = LoadAngiogramd()(item)
    drawn = LoadAngiogramd(3, phantom_size=512)({"seed": 2_000_003})
    assert np.array_equal(opened["image"][0], drawn["image"][2]) and opened["image"].dtype == drawn["image"].dtype
    assert (np.asarray(opened["vessel"]) == np.asarray(drawn["vessel"])).mean() > 0.999
    assert "vessel" not in LoadAngiogramd(labelled=False)({"image": item["image"]})
    with pytest.raises(ValueError, match=r"num_frames: found 0"):
        LoadAngiogramd(0)
