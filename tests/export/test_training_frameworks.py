"""Layouts of general frameworks, read back with the real libraries where they are installed."""

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.export.training_frameworks import run_lengths


def test_nnunet_names_channels_regions_and_counts(written, codes, pixels):
    root = written("nnunet", testing=0.25, dataset_id=7) / "Dataset007_SyntheticFundus"
    told = json.loads((root / "dataset.json").read_text())
    cases = sorted(path.name for path in (root / "imagesTr").iterdir())
    assert told["numTraining"] == len(cases) == 3 and told["file_ending"] == ".png"
    for case in cases:
        name = case.removesuffix("_0000.png")
        assert (pixels(root / "labelsTr" / f"{name}.png") == codes[name]).all()
        assert pixels(root / "imagesTr" / case).shape[-1] == len(told["channel_names"])
    assert len(list((root / "imagesTs").iterdir())) == 1


def test_nnunets_regions_keep_trees_whole_and_its_predictions_come_out_in_our_codes(written, codes):
    """Its rules: a region is the pixels of its codes; a prediction is painted region by region, in the given order."""
    told = json.loads((written("nnunet") / "Dataset501_SyntheticFundus" / "dataset.json").read_text())
    regions = [np.atleast_1d(codes_of) for name, codes_of in told["labels"].items() if name != "background"]
    assert told["labels"]["background"] == 0 and len(regions) == len(told["regions_class_order"])
    for code in codes.values():
        planes = [np.isin(code, region) for region in regions]
        assert (planes[0] == (code & 1 > 0)).all() and (planes[1] == (code & 2 > 0)).all()
        painted = np.zeros_like(code)
        for plane, value in zip(planes, told["regions_class_order"], strict=True):
            painted[plane] = value
        assert (painted == code).all()


def test_monai_label_finds_every_object_and_its_final_label(written, codes, pixels):
    root = written("monailabel")
    objects = json.loads((root / "datastore_v2.json").read_text())["objects"]
    assert objects.keys() == codes.keys()
    for name, told in objects.items():
        assert (root / f"{name}{told['image']['ext']}").is_file()
        label = root / "labels" / "final" / f"{name}{told['labels']['final']['ext']}"
        assert (pixels(label) == codes[name]).all()


@pytest.mark.parametrize("links", [None, True])
def test_a_label_that_monai_label_saves_in_place_does_not_reach_the_data_set(written, dataset, links):
    root = written("monailabel", links=links)
    before = (dataset / "labels" / "eye000000.png").read_bytes()
    with (root / "labels" / "final" / "eye000000.png").open("r+b") as file:
        file.write(b"changed")
    assert (dataset / "labels" / "eye000000.png").read_bytes() == before
    linked = (root / "eye000000.png").samefile(dataset / "images" / "eye000000.png")
    assert linked == bool(links)


@pytest.mark.parametrize("builder", [("imagefolder",), ()])
def test_hugging_face_loads_four_columns_of_pictures(written, codes, made, tmp_path, monkeypatch, builder):
    """Both by the name of the builder and by the folder alone, where its README is read for settings."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    root = written("huggingface", testing=0.25, validation=0.25)
    where = {"data_dir": str(root)} if builder else {"path": str(root)}
    loaded = datasets.load_dataset(*builder, **where, cache_dir=str(tmp_path / "cache"))
    assert {name: len(part) for name, part in loaded.items()} == {"train": 2, "validation": 1, "test": 1}
    for row, one in zip(loaded["train"], made, strict=False):
        assert row["id"] == one.id and row["seed"] == one.record["seed"]
        assert (np.asarray(row["label"]) == codes[one.id]).all()
        assert (np.asarray(row["image"]) == one.photograph.transpose(1, 2, 0)).all()
        assert ((np.asarray(row["fov"]) > 0) == one.fov).all()
        red, green, blue = np.moveaxis(np.asarray(row["av"]), -1, 0) > 0
        assert ((red | green) == one.label[0]).all() and ((blue | green) == one.label[1]).all()
        assert row["av_crossings"] == one.record["anatomy"]["av_crossings"]


def test_cocos_own_decoder_gives_back_arteries_and_veins(written, made):
    mask = pytest.importorskip("pycocotools.mask")
    coco = pytest.importorskip("pycocotools.coco")
    root = written("coco", testing=0.25)
    for part, samples in (("train", made[:3]), ("test", made[3:])):
        read = coco.COCO(str(root / "annotations" / f"{part}.json"))
        for image, one in zip(read.loadImgs(read.getImgIds()), samples, strict=True):
            assert (root / "images" / part / image["file_name"]).is_file()
            for kind in (0, 1):
                (found,) = read.loadAnns(read.getAnnIds(imgIds=image["id"], catIds=kind + 1, iscrowd=0))
                assert (read.annToMask(found) == one.label[kind]).all()
                encoded = mask.frPyObjects(found["segmentation"], *found["segmentation"]["size"])
                assert mask.area(encoded) == found["area"] and (mask.toBbox(encoded) == found["bbox"]).all()


def test_cocos_own_score_of_the_truth_against_itself_is_one(written):
    """With crowds it is -1: COCO's scores leave them out, as detectron2 leaves out photographs of nothing else."""
    coco = pytest.importorskip("pycocotools.coco")
    score = pytest.importorskip("pycocotools.cocoeval")
    truth = coco.COCO(str(written("coco") / "annotations" / "train.json"))
    found = []
    for annotation in truth.dataset["annotations"]:
        coded = truth.annToRLE(annotation)
        row = {key: annotation[key] for key in ("image_id", "category_id")}
        found.append({**row, "score": 1.0, "segmentation": coded})
    evaluation = score.COCOeval(truth, truth.loadRes(found), "segm")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    assert evaluation.stats[0] == 1.0


def test_run_lengths_of_a_mask_that_begins_with_a_one():
    assert run_lengths(np.array([[1, 0], [1, 1]], dtype=bool)) == [0, 2, 1, 1]
    assert run_lengths(np.zeros((2, 2), dtype=bool)) == [4]


def read_grey(content):
    """The line of docs/how-to/export.md."""
    return Image.open(io.BytesIO(content)).copy()


def test_webdataset_reads_its_shards_and_their_hashes_stand_in_the_index(written, codes, made):
    webdataset = pytest.importorskip("webdataset")
    root = written("webdataset", testing=0.25)
    shards = json.loads((root / "index.json").read_text())["shards"]
    assert [shard["samples"] for shard in shards] == [3, 1]
    found = {}
    for shard in shards:
        assert hashlib.sha256((root / shard["name"]).read_bytes()).hexdigest() == shard["sha256"]
        rows = webdataset.WebDataset(str(root / shard["name"]), shardshuffle=False).decode(
            webdataset.handle_extension("label.png fov.png", read_grey), "pil"
        )
        found.update({row["__key__"]: row for row in rows})
    assert found.keys() == codes.keys()
    for one in made:
        row = found[one.id]
        assert row["label.png"].mode == row["fov.png"].mode == "L" and row["image.png"].mode == "RGB"
        assert (np.asarray(row["label.png"]) == codes[one.id]).all()
        assert (np.asarray(row["image.png"]) == one.photograph.transpose(1, 2, 0)).all()
        assert row["json"]["seed"] == one.record["seed"]
