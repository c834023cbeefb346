import json

import pytest

from monai_fundusgen import __version__
from monai_fundusgen.conventions import DATASET_SCHEMA, TOOL
from monai_fundusgen.dataset.journal import Journal
from monai_fundusgen.dataset.manifest import ASIDE, JOURNALS, MANIFEST, SETTINGS, finished, merge, record_line, records
from monai_fundusgen.dataset.placement import sample_id
from monai_fundusgen.storage.whole_file import whole_file

RUN = {"seed": 1, "mask_source": "phantom", "stages": {"mask": {"weights": "abc"}}}


def journal(root, **options):
    """A journal that has been started."""
    return Journal(root, options.pop("settings", RUN), num_samples=options.pop("num_samples", 3), **options).start()


def test_samples_are_done_when_the_folder_is_opened_again(tmp_path):
    first = journal(tmp_path / "out")
    for index in (0, 2):
        first.append(sample_id(index), {"seed": index})
    done = journal(tmp_path / "out").done
    assert [index in done for index in range(4)] == [True, False, True, False] and len(done) == 2


@pytest.mark.parametrize("half", [b"{", b'{"id": "eye000001", "se', b'{"id": "eye000001"}'])
def test_a_half_written_line_is_dropped_and_the_next_one_stays_readable(tmp_path, half):
    journal(tmp_path).append("eye000000", {})
    with next((tmp_path / JOURNALS).iterdir()).open("ab") as file:
        file.write(half)  # a run killed in the middle of a line: no line end
    again = journal(tmp_path)
    assert len(again.done) == 1
    again.append("eye000002", {})
    assert [index in finished(tmp_path) for index in range(3)] == [True, False, True]


def test_only_the_first_process_of_a_part_mends_and_only_its_own_part(tmp_path):
    journal(tmp_path)
    with whole_file(tmp_path / "images" / "a.png", tmp_path / ".partial" / "part-0000-rank-0001") as file:
        file.write(b"half")
        journal(tmp_path, rank=1)
    assert (tmp_path / "images" / "a.png").read_bytes() == b"half"
    busy, left = (tmp_path / ".partial" / worker / "x" for worker in ("part-0001-rank-0000", "part-0000-rank-0007"))
    for path in (busy, left):
        path.parent.mkdir()
        path.write_bytes(b"")
    journal(tmp_path)
    assert busy.exists() and not left.exists()


def test_other_settings_are_refused_and_named_down_to_the_weights(tmp_path):
    journal(tmp_path).append("eye000000", {})
    with pytest.raises(ValueError, match="seed: there 1, now 2.*another output folder.*overwrite"):
        journal(tmp_path, settings={**RUN, "seed": 2})
    with pytest.raises(ValueError, match="stages.mask.weights: there 'abc', now 'def'"):
        journal(tmp_path, settings={**RUN, "stages": {"mask": {"weights": "def"}}})


def test_a_run_grows_when_told_and_never_shrinks(tmp_path):
    journal(tmp_path).append("eye000000", {})
    with pytest.raises(ValueError, match="a run of 3 samples, now 5 are asked for; extend it"):
        journal(tmp_path, num_samples=5)
    assert journal(tmp_path, num_samples=5, extend=True).num_samples == 5
    with pytest.raises(ValueError, match="a run of 5 samples, now 3 are asked for; ask for at least as many"):
        journal(tmp_path, num_samples=3, extend=True)


def test_a_run_that_made_no_sample_gives_way_to_another(tmp_path):
    journal(tmp_path)
    journal(tmp_path, settings={**RUN, "seed": 2}).append("eye000000", {})
    with pytest.raises(ValueError, match="seed: there 2, now 1"):
        journal(tmp_path)


def test_overwriting_deletes_the_data_set_and_nothing_beside_it(tmp_path):
    journal(tmp_path).append("eye000000", {})
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "eye000000.png").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("mine")
    again = journal(tmp_path, settings={**RUN, "seed": 2}, overwrite=True)
    assert len(again.done) == 0
    again.append("eye000001", {})
    assert not (tmp_path / "images").exists() and (tmp_path / "notes.txt").exists() and list(again.done) == [1]
    assert not (tmp_path / ASIDE).exists()


def test_a_folder_with_other_files_is_not_written_to(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(FileExistsError, match="holds images but no run.json"):
        journal(tmp_path)


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(NotADirectoryError, match="found a file, expected a folder"):
        journal(tmp_path / "out")


def test_the_manifest_is_sorted_whatever_wrote_the_journals_and_has_each_sample_once(tmp_path):
    journal(tmp_path)
    (tmp_path / MANIFEST).write_bytes(b"".join(record_line(sample_id(index), {"seed": index}) for index in (0, 3)))
    for rank, indices in enumerate([(5, 1), (4, 2, 3)]):
        writer = journal(tmp_path, rank=rank)
        for index in indices:
            writer.append(sample_id(index), {"seed": index})
    merge(tmp_path)
    assert [(one["id"], one["seed"]) for one in records(tmp_path / MANIFEST)] == [(sample_id(i), i) for i in range(6)]
    assert not (tmp_path / JOURNALS).exists()
    before = (tmp_path / MANIFEST).read_bytes()
    merge(tmp_path)
    assert (tmp_path / MANIFEST).read_bytes() == before


@pytest.mark.parametrize("line", [b"{\n", b'{"seed": 1}\n', b'{"id": "other"}\n', b'{"id": "eye000000"}'])
def test_a_line_that_is_no_record_is_named(tmp_path, line):
    path = tmp_path / MANIFEST
    path.write_bytes(record_line("eye000001", {}) + line)
    with pytest.raises(ValueError, match=r"manifest.jsonl, line 2: (no|half a) record"):
        list(records(path))


def test_the_settings_are_written_with_their_hash(tmp_path):
    written = journal(tmp_path)
    found = json.loads((tmp_path / SETTINGS).read_text())
    assert (found["schema"], found["tool"], found["tool_version"]) == (DATASET_SCHEMA, TOOL, __version__)
    assert found["num_samples"] == 3 and found["settings"] == {**RUN, "shard_size": None}
    assert found["settings_sha256"] == written.digest
