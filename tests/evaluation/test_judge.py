"""``fundusgen judge``: sets from folders and lists, what is refused before the first is read, and the report."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from monai_fundusgen.__main__ import main
from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.writer import DatasetWriter
from monai_fundusgen.evaluation import judge as room
from monai_fundusgen.sampling.painted_labels import LabelPainter
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.weights.bundles import SEGMENTER, bundle
from monai_fundusgen.weights.files import save_weights
from monai_fundusgen.weights.stages import stage_config


class LabelReader:
    """Reads the label of whatever eye a photograph is of."""

    def __init__(self, eyes):
        self.labels = {eye.photograph.tobytes(): torch.from_numpy(eye.label) for eye in eyes}

    def __call__(self, photograph, fov):
        label = self.labels[photograph.tobytes()]
        return torch.cat([label, label.any(dim=0, keepdim=True)]).float()


@pytest.fixture
def copied(finished_set, tmp_path):
    shutil.copytree(finished_set, tmp_path / "set")
    return tmp_path / "set"


def test_a_reader_who_sees_the_label_scores_one_on_a_data_set(finished_set):
    pictures = room.open_set(finished_set, "training")
    found = room.judged(pictures, LabelReader(pictures.eyes), size=256)
    assert found["pictures"] == 4 and found["read"]["all"]["av_accuracy"] == found["read"]["all"]["dice"] == 1
    assert [one["id"] for one in found["images"]] == [f"eye{index:06d}" for index in range(4)]
    assert found["depth"]["vein"]["all"]["green"]["median"] > found["depth"]["artery"]["all"]["green"]["median"] > 0


def test_a_set_that_is_still_made_is_judged_as_far_as_it_is(made, tmp_path):
    settings = {"mask_source": "phantom", "photograph_source": "phantom", "size": 256, "seed": 1}
    writer = DatasetWriter(Journal(tmp_path / "set", settings, num_samples=4).start())
    with pytest.raises(ValueError, match="no sample is finished yet"):
        room.open_set(tmp_path / "set", "training")
    for sample in made[:2]:
        writer.write(sample)
    assert len(room.open_set(tmp_path / "set", "training").eyes) == 2
    assert len(room.open_set(tmp_path / "set", "training", limit=1).eyes) == 1


def test_folder_and_datalist_of_a_set_give_the_same(finished_set):
    folder, listed = (room.open_set(place, "training") for place in (finished_set, finished_set / "datalist.json"))
    assert (folder.name, listed.name) == ("set", "datalist training")
    for one, other in zip(folder.eyes, listed.eyes, strict=True):
        assert one.id == other.id and np.array_equal(one.photograph, other.photograph)
        assert np.array_equal(one.label, other.label) and np.array_equal(one.fov, other.fov)


def test_every_bad_photograph_is_named_before_one_is_judged(copied):
    write_png(copied / "images/eye000001.png", np.full((256, 256, 3), (20, 30, 90), dtype=np.uint8))
    write_png(copied / "labels/eye000002.png", np.ones((128, 128), dtype=np.uint8))
    (copied / "fov/eye000003.png").write_bytes(b"text")
    with pytest.raises(ValueError, match="3 of 4 photographs cannot be judged") as error:
        room.refuse_bad(room.open_set(copied, "training").eyes)
    told = str(error.value)
    assert "eye000001.png: no colour fundus photograph" in told and "sizes differ" in told
    assert "eye000003.png: cannot be read" in told
    for name in ("images/eye000000.png", "labels/eye000002.png"):
        (copied / name).unlink()
    with pytest.raises(FileNotFoundError, match=r"2 of its files are missing.*images/eye000000.*labels/eye000002"):
        room.open_set(copied, "training")


def test_two_sets_of_one_name_are_refused(copied, finished_set):
    with pytest.raises(ValueError, match="two sets of one name: set"):
        room.open_sets([copied, finished_set], None)


class FlatPainter:
    """Paints the ground grey and vessels black, and keeps the looks that it was asked for."""

    def __init__(self):
        self.seeds = []

    def __call__(self, vessels, planned):
        self.seeds += [plan["seed"] for plan in planned]
        return [np.where(one.label.any(axis=0), 0, 120).astype(np.uint8)[None].repeat(3, 0) for one in vessels]


def test_painted_labels_are_judged_against_what_was_painted(finished_set):
    sets = room.open_sets([], finished_set / "datalist.json", "training", 2)
    painter = FlatPainter()
    (_, painted) = room.with_painted(sets, LabelPainter(painter))
    assert painted.name == "painted labels" and room.with_painted(sets, None) == sets
    seen = []

    def reader(photograph, fov):
        seen.append(photograph)
        return torch.from_numpy(np.stack([photograph[0] < 60] * 3).astype(np.float32))

    found = room.judged(painted, reader, size=256)
    assert found["read"]["all"]["recall"] == 1 and found["depth"]["artery"]["all"]["green"]["median"] > 0.9
    assert len(set(painter.seeds)) == 2 and not np.array_equal(seen[0], sets[0].eyes[0].photograph)


def test_the_second_network_judges_where_its_weights_are_and_the_report_says_which(tmp_path):
    shutil.copytree(bundle(SEGMENTER), tmp_path / "bundle", ignore=shutil.ignore_patterns("judge.pt"))
    _, told = room.open_judge(bundle=tmp_path / "bundle", image_size=256)
    assert (told["network"], told["weights"], told["image_size"], told["vote"]) == ("av_unet", "model.pt", 256, True)
    network = stage_config(tmp_path / "bundle", preset="judge").get_parsed_content("network_def")
    save_weights(network.state_dict(), tmp_path / "bundle/models/judge.pt")
    first, (second, told) = (
        room.open_judge(name, bundle=tmp_path / "bundle", vote=False) for name in ("av_unet", None)
    )
    assert told["network"] == "judge" and told["weights"] == "judge.pt" and told["vote"] is False
    assert told["weights_sha256"] != first[1]["weights_sha256"]
    assert type(second.network.network) is not type(first[0].network.network)
    with pytest.raises(ValueError, match="network: found 'jury', expected judge or av_unet"):
        room.open_judge("jury")
    with pytest.raises(ValueError, match="image_size: found 0"):
        room.open_judge("av_unet", image_size=0)


def console(arguments, code):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == code


def test_the_console_writes_a_folder_with_both_reports(finished_set, tmp_path, capsys):
    lists = finished_set / "datalist.json"
    arguments = ["judge", str(finished_set), "--real", str(lists), "--part", "training", "--limit", "1"]
    settings = ["--network", "av_unet", "--size", "512", "--read-size", "512", "-o", str(tmp_path / "out")]
    console([*arguments, *settings, "--quiet"], 0)
    assert capsys.readouterr().out == ""
    report = json.loads((tmp_path / "out/judged.json").read_text())
    assert list(report["sets"]) == ["real training", "set"] and report["judge"]["network"] == "av_unet"
    assert report["sets"]["set"]["read"] == report["sets"]["real training"]["read"]
    assert report["sets"]["set"]["read"]["all"]["dice"] > 0.4, "a phantom of 256 px shows its vessels"
    text = (tmp_path / "out/judged.md").read_text()
    assert text.startswith("Read by av_unet") and "| real training | 1 |" in text
    console([*arguments, *settings], 2)
    assert "not empty; give a new folder" in capsys.readouterr().err


@pytest.mark.slow
def test_the_cascade_paints_the_labels_of_a_list(tmp_path, capsys):
    main(["generate", "-n", "1", "-o", str(tmp_path / "set"), "--quiet"])
    lists = str(tmp_path / "set/datalist.json")
    main(
        ["judge", "--real", lists, "--part", "training", "--paint", "--read-size", "1024", "-o", str(tmp_path / "out")]
    )
    report = json.loads((tmp_path / "out/judged.json").read_text())
    assert report["sets"]["painted labels"]["read"]["all"]["recall"] > 0.5
    photograph = Image.open(tmp_path / "set/images/eye000000.png")
    assert photograph.size == (1024, 1024) and "painted labels" in capsys.readouterr().out
