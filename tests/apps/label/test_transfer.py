from __future__ import annotations

import json

import numpy as np
import pytest
from monai.data import load_decathlon_datalist
from PIL import Image

from monai_fundusgen.__main__ import main
from monai_fundusgen.apps.label import transfer
from monai_fundusgen.apps.label.transfer import export_studies, import_studies
from monai_fundusgen.data.label_studies import FINAL, ORIGINAL, LabelStudies, read_codes
from monai_fundusgen.data.loading import LoadFundusd, load_datalist
from monai_fundusgen.metrics.functional.label_changes import LabelChanges

HEIGHT, WIDTH = 40, 64  # not square


def label(code=1, row=10):
    codes = np.zeros((HEIGHT, WIDTH), np.uint8)
    codes[row : row + 3, 5:60] = code
    return codes


def photograph(grey):
    pixels = np.full((HEIGHT, WIDTH, 3), grey, np.uint8)
    pixels[0:5, 50:60] = (200, 10, 20)  # top right
    return pixels


@pytest.fixture
def listed(tmp_path):
    """Datalist of four photographs of three kinds, with labels in codes and in colours, and one without a label."""
    folder = tmp_path / "source"
    folder.mkdir()
    for place, ending in enumerate(("png", "tiff", "jpeg", "gif")):
        Image.fromarray(photograph(60 + 30 * place)).save(folder / f"eye.{place}.{ending}")
        Image.fromarray(label(2)).save(folder / f"label{place}.png")
    colours = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    colours[label() > 0] = (255, 0, 0)
    colours[30, 5:10] = 255  # of unknown kind
    Image.fromarray(colours).save(folder / "label1.png")
    items = [{"image": f"eye.{place}.{ending}", "label": f"label{place}.png", "fold": place}
             for place, ending in enumerate(("png", "tiff", "jpeg"))]  # fmt: skip
    content = {"labels": {"1": "artery"}, "training": items[:2], "validation": [{**items[2]}],
               "testing": [{"image": "eye.3.gif"}]}  # fmt: skip
    (folder / "list.json").write_text(json.dumps(content))
    return folder / "list.json"


@pytest.fixture
def studies(listed, tmp_path):
    export_studies(listed, tmp_path / "studies")
    return LabelStudies(tmp_path / "studies")


def pixels(path):
    return np.asarray(Image.open(path).convert("RGB"))


def test_photographs_and_labels_arrive_the_right_way_round(studies, listed):
    assert list(studies.objects()) == [f"eye_{place}" for place in range(4)]
    for place, ending in enumerate(("png", "tiff", "jpeg", "gif")):
        source, there = listed.with_name(f"eye.{place}.{ending}"), studies.image_path(f"eye_{place}")
        assert there.suffix == (".png", ".tif", ".jpg", ".png")[place]
        assert (pixels(there) == pixels(source)).all() and pixels(there).shape == (HEIGHT, WIDTH, 3)
    assert (read_codes(studies.label_file("eye_0", ORIGINAL)) == label(2)).all()
    assert (read_codes(studies.label_file("eye_1", ORIGINAL)) == label(1)).all()
    assert not studies.objects()["eye_3"]["labels"]


def test_nothing_in_the_studies_is_a_file_of_the_source(studies, listed):
    """MONAI Label writes in place."""
    inodes = {path.stat().st_ino for path in listed.parent.iterdir()}
    before = {path: path.read_bytes() for path in listed.parent.iterdir()}
    for path in studies.root.rglob("*"):
        if path.is_file():
            assert path.stat().st_ino not in inodes
            path.write_bytes(b"changed")
    assert before == {path: path.read_bytes() for path in listed.parent.iterdir()}


def test_a_second_export_adds_what_is_new_and_leaves_the_rest(studies, listed):
    studies.save_label("eye_0", FINAL, label(1), {"user": "anna"})
    Image.fromarray(label(3)).save(listed.with_name("label2.png"))
    again = export_studies(listed, studies.root)
    assert (again.added, again.present, again.labels, again.kept) == (0, 4, 0, 3)
    assert FINAL in studies.objects()["eye_0"]["labels"]
    assert (read_codes(studies.label_file("eye_2", ORIGINAL)) == label(2)).all()


@pytest.mark.parametrize("steps", [0, 1, 4, 6])
def test_an_export_that_was_killed_goes_on(listed, tmp_path, monkeypatch, steps):
    count = iter(range(100))

    def stopping(write):
        def written(*arguments, **options):
            if next(count) == steps:
                raise KeyboardInterrupt
            return write(*arguments, **options)

        return written

    with monkeypatch.context() as patched:
        for name in ("add_image", "save_label"):
            patched.setattr(LabelStudies, name, stopping(getattr(LabelStudies, name)))
        with pytest.raises(KeyboardInterrupt):
            export_studies(listed, tmp_path / "studies")
    export_studies(listed, tmp_path / "studies")
    objects = LabelStudies(tmp_path / "studies").objects()
    assert [sorted(entry["labels"]) for entry in objects.values()] == [[ORIGINAL]] * 3 + [[]]


def test_unknown_kinds_are_counted(listed, tmp_path):
    assert export_studies(listed, tmp_path / "new").uncertain_px == 5


def test_corrected_labels_come_back_with_who_when_and_what(studies, tmp_path):
    first, second = label(2), label(2)
    first[30, 5:9] = 1
    second[label(2) > 0] = 1
    studies.save_label("eye_0", FINAL, first, {"user": "anna"})
    studies.save_label("eye_0", FINAL, second, {"user": "ben"})
    studies.save_label("eye_2", FINAL, label(2), {"client_id": "viewer"})
    labels = import_studies(studies.root, tmp_path / "back.json")
    assert [(one.id, one.user, one.version) for one in labels] == [("eye_0", "ben", 2), ("eye_2", "unknown", 1)]
    assert labels[0].changes == LabelChanges(0, 0, int((label() > 0).sum()), 1)
    assert labels[1].changes == LabelChanges(0, 0, 0, 0)
    files = tmp_path / "back_files"
    record = json.loads((files / transfer.RECORD).read_text())
    assert [(one["version"], one["user"]) for one in record[0]["history"]] == [(1, "anna")]
    assert record[0]["time"] and record[0]["changes"]["flipped_branches"] == 1
    assert record[0]["original"]["source"] == "label0.png" and record[0]["image"]["source"] == "eye.0.png"
    assert (read_codes(files / "versions" / "eye_0_v1.png") == first).all()
    assert (read_codes(files / "original" / "eye_0.png") == label(2)).all()


def test_the_datalist_is_read_by_monai_and_by_trainings(studies, tmp_path):
    for name in ("eye_0", "eye_1", "eye_2"):
        studies.save_label(name, FINAL, label(3), {"user": "anna"})
    import_studies(studies.root, tmp_path / "back.json")
    assert len(load_decathlon_datalist(tmp_path / "back.json", True, "training")) == 2
    (held_back,) = load_datalist(tmp_path / "back.json", "validation", needs=("label",))
    item = LoadFundusd(("image", "label"))(held_back)
    assert item["image"].shape == (3, HEIGHT, WIDTH) and item["label"].shape == (2, HEIGHT, WIDTH)
    assert (item["label"].numpy() == (label(3) > 0)).all()
    assert [item["fold"] for item in json.loads((tmp_path / "back.json").read_text())["training"]] == [0, 1]


def test_what_was_imported_stays_when_labels_change(studies, tmp_path):
    studies.save_label("eye_0", FINAL, label(1), {"user": "anna"})
    import_studies(studies.root, tmp_path / "back.json")
    studies.save_label("eye_0", FINAL, label(3), {"user": "anna"})
    assert read_codes(tmp_path / "back_files" / "labels" / "eye_0.png").max() == 1


def test_there_and_back_keeps_every_pixel(studies, tmp_path):
    for name in ("eye_0", "eye_1", "eye_2"):
        studies.save_label(name, FINAL, read_codes(studies.label_file(name, ORIGINAL)), {"user": "anna"})
    import_studies(studies.root, tmp_path / "back.json")
    export_studies(tmp_path / "back.json", tmp_path / "again")
    again = LabelStudies(tmp_path / "again")
    for name in ("eye_0", "eye_1", "eye_2"):
        assert (pixels(again.image_path(name)) == pixels(studies.image_path(name))).all()
        assert (read_codes(again.label_file(name, ORIGINAL)) == read_codes(studies.label_file(name, FINAL))).all()


def test_a_label_on_its_side_is_refused(studies, tmp_path):
    """As a program writes it that takes rows for columns."""
    studies.save_label("eye_0", FINAL, label(1).T, {"user": "anna"})
    with pytest.raises(ValueError, match="40 x 64 px, its photograph has 64 x 40"):
        import_studies(studies.root, tmp_path / "back.json")
    assert not list(tmp_path.glob("back*"))


@pytest.mark.parametrize("name", ["../../outside", "a/b"])
def test_a_strangers_list_leads_nowhere(studies, tmp_path, name):
    content = studies.read()
    entry = content["objects"].pop("eye_0")
    entry["labels"] = {FINAL: {"ext": ".png", "info": {}}}
    content["objects"][name] = entry
    (studies.root / "datastore_v2.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="letters, digits"):
        import_studies(studies.root, tmp_path / "back.json")


def test_a_linked_label_is_refused(studies, tmp_path):
    studies.save_label("eye_0", FINAL, label(1), {})
    path = studies.label_path("eye_0", FINAL)
    path.rename(tmp_path / "elsewhere.png")
    path.symlink_to(tmp_path / "elsewhere.png")
    with pytest.raises(ValueError, match="a link"):
        import_studies(studies.root, tmp_path / "back.json")


def test_the_verbs_carry_a_data_set_there_and_back(finished_set, tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["label", "export", str(finished_set), "-o", str(tmp_path / "studies"), "-q"])
    assert not stop.value.code
    studies = LabelStudies(tmp_path / "studies")
    codes = read_codes(studies.label_file("eye000001", ORIGINAL))
    studies.save_label("eye000001", FINAL, np.where(codes == 1, 2, codes).astype(np.uint8), {"user": "anna"})
    with pytest.raises(SystemExit) as stop:
        main(["label", "import", str(studies.root), "-o", str(tmp_path / "back.json")])
    assert not stop.value.code
    told = capsys.readouterr().out
    assert "eye000001: version 1 by anna" in told and "1 final labels" in told
    changes = json.loads((tmp_path / "back_files" / "labels.json").read_text())[0]["changes"]
    assert changes["changed_kind_px"] == int((codes == 1).sum()) and changes["flipped_branches"] > 5
