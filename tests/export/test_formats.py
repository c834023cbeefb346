"""Every layout read as its consumer reads it, and compared with the samples themselves."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.data.layouts import find_layout
from monai_fundusgen.export.formats import FORMATS, export_dataset
from monai_fundusgen.export.training_frameworks import run_lengths
from monai_fundusgen.phantom.morphometry import measure


def pixels(path):
    return np.asarray(Image.open(path))


def written(dataset, tmp_path, name, testing=0.25):
    export_dataset(dataset, tmp_path / name, name, testing=testing)
    return tmp_path / name


def test_drive_folders_sort_alike_and_hold_the_union(dataset, made, tmp_path):
    root = written(dataset, tmp_path, "drive")
    for part, samples in (("train", made[:3]), ("test", made[3:])):
        lists = [
            sorted(path.name for path in (root / part / name).iterdir()) for name in ("images", "1st_manual", "mask")
        ]
        assert lists[0] == lists[1] == lists[2] == [f"{one.id}.png" for one in samples]
        for one in samples:
            label = pixels(root / part / "1st_manual" / f"{one.id}.png")
            assert ((label / 255).round() == one.label.any(0)).all() and set(np.unique(label)) == {0, 255}
            assert (pixels(root / part / "images" / f"{one.id}.png") == one.photograph.transpose(1, 2, 0)).all()
            assert ((pixels(root / part / "mask" / f"{one.id}.png") != 0) == one.fov).all()


def test_rite_is_found_by_this_projects_own_layout_and_decodes_to_the_label(dataset, made, tmp_path):
    import re

    root = written(dataset, tmp_path, "rite")
    for section, samples in zip(find_layout("rite").sections, (made[:3], made[3:]), strict=True):
        names = sorted(path.name for path in (root / section.folder).iterdir())
        assert len(names) == len(samples)
        for name, one in zip(names, samples, strict=True):
            found = re.fullmatch(section.pattern, name)
            colours = pixels(root / section.templates["label"][0].format(id=found["id"])).reshape(-1, 3)
            legend = {(0, 0, 0): 0, (255, 0, 0): 1, (0, 0, 255): 2, (0, 255, 0): 3}
            codes = np.array([legend[tuple(colour)] for colour in colours.tolist()]).reshape(256, 256)
            assert (codes == one.label[0] + 2 * one.label[1]).all()
            assert (
                (pixels(root / section.templates["vessel"][0].format(id=found["id"])) > 0) == one.label.any(0)
            ).all()


def test_rrwnet_has_a_number_first_and_three_planes(dataset, made, tmp_path):
    root = written(dataset, tmp_path, "rrwnet") / "RITE" / "train"
    assert sorted(int(path.stem) for path in (root / "enhanced").iterdir()) == [1, 2, 3]
    for number, one in enumerate(made[:3], 1):
        planes = pixels(root / "av3" / f"{number:02d}.png").transpose(2, 0, 1) > 127
        assert (planes[:2] == one.label).all() and (planes[2] == one.label.any(0)).all()


def test_lwnet_lists_paths_and_grey_codes(dataset, codes, tmp_path):
    root = written(dataset, tmp_path, "lwnet")
    rows = list(csv.DictReader((root / "train.csv").open())) + list(csv.DictReader((root / "test.csv").open()))
    assert [row["im_paths"] for row in rows] == [f"images/{name}.png" for name in codes]
    for row, code in zip(rows, codes.values(), strict=True):
        grey = pixels(root / row["gt_paths"])
        assert (np.select([grey == 0, grey == 170, grey == 255, grey == 85], [0, 1, 2, 3], 9) == code).all()
        assert set(np.unique(pixels(root / row["mask_paths"]))) <= {0, 255}


def test_hvgn_has_its_size_and_every_vessel_pixel_has_a_kind(dataset, made, tmp_path):
    root = written(dataset, tmp_path, "hvgn")
    names = (root / "train.csv").read_text().split() + (root / "test.csv").read_text().split()
    assert names == [f"{one.id}.png" for one in made]
    for name, one in zip(names, made, strict=True):
        mask, fundus = pixels(root / "mask" / name), pixels(root / "fundus" / name)
        assert mask.shape == fundus.shape == (1024, 1536, 3)
        red, green, blue = (mask[384:640, 640:896, channel] for channel in range(3))
        assert (np.stack([red, blue]) // 255 == one.label).all() and not green.any()
        assert mask.sum() == mask[384:640, 640:896].sum()
        assert (fundus[384:640, 640:896] == one.photograph.transpose(1, 2, 0)).all()


def test_rvgan_crops_are_those_of_the_photograph_row_by_row(dataset, made, tmp_path):
    archive = np.load(written(dataset, tmp_path, "rvgan") / "train.npz")
    images, masks, labels = (archive[f"arr_{number}"] for number in range(3))
    per_row = (256 - 128) // 32 + 1
    assert images.shape == (3 * per_row**2, 128, 128, 3) and masks.shape == labels.shape == (
        3 * per_row**2,
        128,
        128,
        1,
    )
    place = per_row**2 + 2 * per_row + 3  # second photograph, third row, fourth crop
    rows, columns = slice(64, 192), slice(96, 224)
    assert (images[place] == made[1].photograph.transpose(1, 2, 0)[rows, columns]).all()
    assert (labels[place][..., 0] == made[1].label.any(0)[rows, columns] * 255).all()
    assert (masks[place][..., 0] == made[1].fov[rows, columns] * 255).all()


def test_nnunet_names_channels_labels_and_counts(dataset, codes, tmp_path):
    root = written(dataset, tmp_path, "nnunet") / "Dataset501_SyntheticFundus"
    told = json.loads((root / "dataset.json").read_text())
    cases = sorted(path.name for path in (root / "imagesTr").iterdir())
    assert told["numTraining"] == len(cases) == 3 and told["file_ending"] == ".png"
    assert sorted(told["labels"].values()) == list(range(4)) and told["labels"]["background"] == 0
    for case in cases:
        name = case.removesuffix("_0000.png")
        assert (pixels(root / "labelsTr" / f"{name}.png") == codes[name]).all()
        assert pixels(root / "imagesTr" / case).shape[-1] == len(told["channel_names"])
    assert len(list((root / "imagesTs").iterdir())) == 1


def test_monai_label_finds_every_object_and_its_final_label(dataset, codes, tmp_path):
    root = written(dataset, tmp_path, "monailabel")
    objects = json.loads((root / "datastore_v2.json").read_text())["objects"]
    assert objects.keys() == codes.keys()
    for name, told in objects.items():
        assert (root / f"{name}{told['image']['ext']}").is_file()
        label = root / "labels" / "final" / f"{name}{told['labels']['final']['ext']}"
        assert (pixels(label) == codes[name]).all()


def test_hugging_face_loads_three_columns_of_pictures(dataset, codes, made, tmp_path, monkeypatch):
    datasets = pytest.importorskip("datasets")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    root = written(dataset, tmp_path, "huggingface")
    loaded = datasets.load_dataset("imagefolder", data_dir=str(root), cache_dir=str(tmp_path / "cache"))
    assert len(loaded["train"]) == 3 and len(loaded["test"]) == 1
    for row, one in zip(loaded["train"], made, strict=False):
        assert row["id"] == one.id and row["seed"] == one.record["seed"]
        assert (np.asarray(row["label"]) == codes[one.id]).all()
        assert (np.asarray(row["image"]) == one.photograph.transpose(1, 2, 0)).all()
        assert ((np.asarray(row["fov"]) > 0) == one.fov).all()
        assert row["av_crossings"] == one.record["anatomy"]["av_crossings"]


def test_cocos_own_decoder_gives_back_arteries_and_veins(dataset, made, tmp_path):
    mask = pytest.importorskip("pycocotools.mask")
    coco = pytest.importorskip("pycocotools.coco")
    root = written(dataset, tmp_path, "coco")
    for part, samples in (("train", made[:3]), ("test", made[3:])):
        read = coco.COCO(str(root / "annotations" / f"{part}.json"))
        for image, one in zip(read.loadImgs(read.getImgIds()), samples, strict=True):
            assert (root / "images" / part / image["file_name"]).is_file()
            for kind in (0, 1):
                (found,) = read.loadAnns(read.getAnnIds(imgIds=image["id"], catIds=kind + 1, iscrowd=None))
                assert (read.annToMask(found) == one.label[kind]).all()
                encoded = mask.frPyObjects(found["segmentation"], *found["segmentation"]["size"])
                assert mask.area(encoded) == found["area"] and (mask.toBbox(encoded) == found["bbox"]).all()


def test_run_lengths_of_a_mask_that_begins_with_a_one():
    assert run_lengths(np.array([[1, 0], [1, 1]], dtype=bool)) == [0, 2, 1, 1]
    assert run_lengths(np.zeros((2, 2), dtype=bool)) == [4]


def test_webdataset_reads_its_shards_and_their_hashes_stand_in_the_index(dataset, codes, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    import hashlib

    root = written(dataset, tmp_path, "webdataset")
    shards = json.loads((root / "index.json").read_text())["shards"]
    assert [shard["samples"] for shard in shards] == [3, 1]
    found = {}
    for shard in shards:
        assert hashlib.sha256((root / shard["name"]).read_bytes()).hexdigest() == shard["sha256"]
        for row in webdataset.WebDataset(str(root / shard["name"]), shardshuffle=False).decode("pil"):
            found[row["__key__"]] = (np.asarray(row["label.png"].convert("L")), row["json"]["seed"])
    assert found.keys() == codes.keys()
    assert all((label == codes[name]).all() for name, (label, _) in found.items())


def test_dicom_reads_back_and_says_that_it_is_synthetic(dataset, made, tmp_path):
    pydicom = pytest.importorskip("pydicom")
    highdicom = pytest.importorskip("highdicom")
    root = written(dataset, tmp_path, "dicom")
    for one in made:
        image = pydicom.dcmread(root / one.id / "photograph.dcm")
        assert image.SOPClassUID == "1.2.840.10008.5.1.4.1.1.77.1.5.1" and image.SyntheticData == "YES"
        assert (image.pixel_array == one.photograph.transpose(1, 2, 0)).all()
        assert image.ImageLaterality == ("R" if one.record["right_eye"] else "L")
        found = highdicom.seg.segread(root / one.id / "vessels.dcm")
        assert found.SyntheticData == "YES" and found.number_of_segments == 2
        assert [found.get_segment_description(number).segment_label for number in (1, 2)] == ["artery", "vein"]
        planes = found.get_pixels_by_source_instance([image.SOPInstanceUID])[0]
        assert (np.moveaxis(planes, -1, 0) == one.label).all()
    assert len({pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in root.rglob("*.dcm")}) == 8


def test_the_graph_has_the_vessels_length_and_networkx_reads_it(dataset, made, tmp_path):
    networkx = pytest.importorskip("networkx")
    root = written(dataset, tmp_path, "graph")
    for one in made:
        content = json.loads((root / "json" / f"{one.id}.json").read_text())
        truth = measure(one.eye)
        assert len(content["crossings"]) == len(content["fronts"]) == truth.crossings
        assert set(content["fronts"]) <= {"artery", "vein"}
        for number, kind in enumerate(("artery", "vein")):
            length = sum(edge["length_px"] for edge in content["edges"] if edge["kind"] == kind)
            pixel_mm = one.eye.field.pixel_mm(256)
            assert length * pixel_mm == pytest.approx(truth.length_mm[number], rel=0.01)  # of the graph, not of pixels
        read = networkx.read_graphml(root / "graphml" / f"{one.id}.graphml")
        rings = sum(data["type"] == "ring" for _, data in read.nodes(data=True))
        assert read.number_of_nodes() == len(content["nodes"]) + rings
        assert read.number_of_edges() == len(content["edges"])
        ends = [node for node in content["nodes"] if node["type"] == "end"]
        assert ends and all(0 <= node["row"] < 256 and 0 <= node["column"] < 256 for node in ends)


@pytest.mark.parametrize("name", FORMATS)
def test_an_export_is_whole_or_absent(name, dataset, tmp_path, monkeypatch):
    """A failure in the middle leaves neither a folder nor a part of one."""
    from monai_fundusgen.export import formats
    from monai_fundusgen.export.source import SourceDataset

    if name == "dicom":
        pytest.importorskip("highdicom")
    rows = SourceDataset.__iter__

    def broken(self):
        for number, sample in enumerate(rows(self)):
            if number == 2:
                raise OSError("the disk is gone")
            yield sample

    monkeypatch.setattr(SourceDataset, "__iter__", broken)
    with pytest.raises(OSError, match="the disk is gone"):
        formats.export_dataset(dataset, tmp_path / "out", name)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_refused(dataset, tmp_path):
    with pytest.raises(ValueError, match="'voc', expected one of drive, rvgan"):
        export_dataset(dataset, tmp_path / "out", "voc")
    with pytest.raises(ValueError, match="testing: found 1.5"):
        export_dataset(dataset, tmp_path / "out", "drive", testing=1.5)
    with pytest.raises(FileNotFoundError, match="folder of a data set"):
        export_dataset(tmp_path, tmp_path / "out", "drive")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(FileExistsError, match="not empty"):
        export_dataset(dataset, tmp_path / "full", "drive")
