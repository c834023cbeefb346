import pytest

from monai_fundusgen.generation.journal import MANIFEST, Journal
from monai_fundusgen.storage.whole_file import whole_file

SETTINGS = {"seed": 1, "mask_source": "phantom"}


def test_records_are_there_when_the_folder_is_opened_again(tmp_path):
    journal = Journal(tmp_path / "out", SETTINGS)
    journal.append({"id": "a", "seed": 1})
    journal.append({"id": "b", "seed": 2})
    assert Journal(tmp_path / "out", SETTINGS).records == [{"id": "a", "seed": 1}, {"id": "b", "seed": 2}]


@pytest.mark.parametrize("half", [b"{", b'{"id": "b", "se', b'{"id": "b"}'])
def test_a_half_written_line_is_dropped_and_the_next_one_stays_readable(tmp_path, half):
    Journal(tmp_path, SETTINGS).append({"id": "a"})
    with (tmp_path / MANIFEST).open("ab") as file:
        file.write(half)  # a run killed in the middle of a line: no line end
    journal = Journal(tmp_path, SETTINGS)
    assert journal.done == {"a"}
    journal.append({"id": "c"})
    assert Journal(tmp_path, SETTINGS).done == {"a", "c"}


def test_a_process_that_does_not_mend_leaves_alone_what_another_is_writing(tmp_path):
    with whole_file(tmp_path / "images" / "a.png") as file:
        file.write(b"half")
        Journal(tmp_path, SETTINGS, mend=False)
    assert [path.name for path in sorted(tmp_path.rglob("*.*"))] == ["a.png"]


def test_other_settings_are_refused_and_named(tmp_path):
    Journal(tmp_path, SETTINGS).append({"id": "a"})
    with pytest.raises(ValueError, match="seed: there 1, now 2.*choose another output folder"):
        Journal(tmp_path, {**SETTINGS, "seed": 2})


@pytest.mark.parametrize("manifest", [None, b'{"id": "a"'])
def test_a_run_that_made_no_sample_gives_way_to_another(tmp_path, manifest):
    Journal(tmp_path, SETTINGS)
    if manifest is not None:
        (tmp_path / MANIFEST).write_bytes(manifest)
    Journal(tmp_path, {**SETTINGS, "seed": 2}).append({"id": "a"})
    with pytest.raises(ValueError, match="seed: there 2, now 1"):
        Journal(tmp_path, SETTINGS)


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(NotADirectoryError, match="found a file, expected a folder"):
        Journal(tmp_path / "out", SETTINGS)
