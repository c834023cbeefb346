import json

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.conventions import SYNTHETIC
from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.manifest import MANIFEST, records
from monai_fundusgen.dataset.placement import Placement
from monai_fundusgen.dataset.verification import verify
from monai_fundusgen.dataset.writer import DatasetWriter
from monai_fundusgen.storage.folder_lock import FolderLock


def test_a_record_tells_what_made_the_sample_and_every_file_says_what_it_is(finished_set, made):
    rows = list(records(finished_set / MANIFEST))
    assert [row["id"] for row in rows] == [one.id for one in made]
    for row, one in zip(rows, made, strict=True):
        assert row["seed"] == one.record["seed"] and row["device"] == "cpu"
        assert set(row["versions"]) == {"monai_fundusgen", "python", "torch", "monai", "numpy", "scipy"}
        assert set(row["files"]) == {"images", "labels", "av", "fov", "graphs"}
        for folder in ("images", "labels", "av", "fov"):
            text = Image.open(finished_set / folder / f"{one.id}.png").text
            assert text["Synthetic"] == SYNTHETIC and text["Seed"] == str(one.record["seed"])


def test_a_run_that_lacks_samples_is_not_finished(made, tmp_path, caplog):
    writer = DatasetWriter(Journal(tmp_path, {"seed": 1}, num_samples=4).start())
    writer.write(made[2])
    with caplog.at_level("INFO"):
        assert not writer.finish()
    assert "1 of 4 samples" in caplog.text and not (tmp_path / MANIFEST).exists()


def test_of_two_parts_that_end_together_one_writes_the_lists(made, tmp_path, caplog):
    writer = DatasetWriter(Journal(tmp_path, {"seed": 1, "size": 256}, num_samples=4).start())
    for sample in made:
        writer.write(sample)
    with FolderLock(tmp_path, "lists"), caplog.at_level("INFO"):
        assert writer.finish()
    assert "another part of the run writes its lists" in caplog.text and not (tmp_path / MANIFEST).exists()
    assert writer.finish() and not list(verify(tmp_path)) and not list(tmp_path.glob(".*"))


def test_large_runs_are_put_into_shards(made, tmp_path):
    journal = Journal(tmp_path, {"seed": 1, "size": 256}, num_samples=4, shard_size=3).start()
    writer = DatasetWriter(journal)
    for sample in made:
        writer.write(sample)
    assert writer.finish()
    assert len(list((tmp_path / "shard-00000" / "images").iterdir())) == 3
    assert (
        json.loads((tmp_path / "datalist.json").read_text())["training"][3]["label"]
        == "shard-00001/labels/eye000003.png"
    )
    assert Placement.for_run(3, 3).shard_size is None and Placement.for_run(99, 0).shard_size is None
    with pytest.raises(ValueError, match="shard_size: found -1"):
        Placement.for_run(3, -1)


def test_the_card_tells_a_stranger_what_this_is(finished_set):
    card = (finished_set / "README.md").read_text()
    assert "no gate was asked for" in card
    assert card.startswith("---\npretty_name: Synthetic fundus photographs")
    for word in (
        "4 computer-generated",
        "No photograph",
        "shows a person's eye",
        "Not for diagnosis",
        "| completeness |",
    ):
        assert word in card
    assert max(len(line) for line in card.splitlines() if not line.startswith("|")) <= 400


def test_croissants_own_library_accepts_the_description_and_reads_the_samples(finished_set, made):
    croissant = pytest.importorskip("mlcroissant")
    read = croissant.Dataset(str(finished_set / "croissant.json"))
    assert not read.metadata.issues.errors
    assert (
        "http://mlcommons.org/croissant/1.1" in json.loads((finished_set / "croissant.json").read_text())["conformsTo"]
    )
    rows = list(read.records("samples"))
    assert [(row["samples/id"].decode(), row["samples/seed"]) for row in rows] == [
        (one.id, one.record["seed"]) for one in made
    ]
    pictures = {
        row["images_records/id"].decode(): row["images_records/pixels"] for row in read.records("images_records")
    }
    for one in made:
        assert (np.asarray(pictures[one.id]) == one.photograph.transpose(1, 2, 0)).all()
