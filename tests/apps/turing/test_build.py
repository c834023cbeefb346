"""A study that is built: balanced, interleaved, opaque, alike, whole."""

import io
import os
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from monai_fundusgen.apps.turing import build as room
from monai_fundusgen.apps.turing.build import build, choose, reading_order
from monai_fundusgen.apps.turing.leak_check import leak_check, measured, refuse_leaks
from monai_fundusgen.apps.turing.pictures import common_field, equal_file, squared
from monai_fundusgen.apps.turing.study import KEY, PICTURES, TOKENS, read_study
from monai_fundusgen.apps.turing.study_file import ArmPlan, StudyPlan, read_plan
from tests.apps.turing.conftest import draw, lay_out, tokens


def test_every_reader_sees_every_picture_once_practice_first(built):
    study = read_study(built)
    assert [reader.name for reader in study.readers] == ["anna", "ben"]
    for reader in study.readers:
        assert Counter(trial.picture for trial in reader.trials) == Counter(dict.fromkeys(study.pictures, 1))
        assert [trial.practice for trial in reader.trials] == [True] * 2 + [False] * 6
        practised = {study.pictures[trial.picture].arm for trial in reader.trials[:2]}
        assert practised == {"hospital", "generator"}
    assert study.share() == {"real": 3, "all": 6}


def plan_of(counts, seed=0):
    arms = tuple(ArmPlan(name, None, count, name == "a") for name, count in counts.items())
    return StudyPlan(None, "t", seed, 128, 90, 0, True, ("x", "y"), arms)


@pytest.mark.parametrize("counts", [{"a": 20, "b": 20, "c": 20, "d": 20}, {"a": 30, "b": 10}])
def test_arms_are_spread_evenly_and_in_an_order_that_differs_between_readers(counts):
    plan = plan_of(counts)
    chosen = [room.Chosen(arm, None, False) for arm, count in counts.items() for _ in range(count)]
    orders = [reading_order(plan, chosen, reader) for reader in range(2)]
    assert orders[0] != orders[1] and orders[0] == reading_order(plan, chosen, 0)
    assert orders[0] != reading_order(plan_of(counts, seed=1), chosen, 0)
    for order in orders:
        assert sorted(order) == list(range(len(chosen)))
        half = Counter(chosen[index].arm for index in order[: len(order) // 2])
        assert half == {arm: count // 2 for arm, count in counts.items()}


def test_neither_place_nor_the_arm_before_tells_the_arm():
    """Over many readers, each place has each arm as often, and an arm follows itself as often as in a shuffle."""
    counts = {"a": 20, "b": 20}
    plan = plan_of(counts)
    chosen = [room.Chosen(arm, None, False) for arm, count in counts.items() for _ in range(count)]
    arms = np.array([[chosen[index].arm == "a" for index in reading_order(plan, chosen, r)] for r in range(400)])
    assert np.abs(arms.mean(axis=0) - 0.5).max() < 0.11
    assert (arms[:, 1:] == arms[:, :-1]).mean() == pytest.approx(36 / 39 * 4 / 9 + 3 / 39 / 2, abs=0.02)


def test_names_and_ids_are_opaque_and_no_two_alike(built):
    study = read_study(built)
    ids = [trial.id for reader in study.readers for trial in reader.trials] + list(study.pictures) + [study.id]
    assert len(set(ids)) == len(ids) and all(len(one) == 24 and int(one, 16) >= 0 for one in ids)
    files = sorted(path.name for path in (built / PICTURES).iterdir())
    assert files == sorted(f"{name}.png" for name in study.pictures)
    times = {path.stat().st_mtime for path in (built / PICTURES).iterdir()}
    assert times == {0.0}
    text = (built / KEY).read_text()
    assert all(token not in text for token in tokens(built).values())
    assert os.stat(built).st_mode & 0o077 == 0 and os.stat(built / TOKENS).st_mode & 0o077 == 0


def test_no_metadata_is_left(built):
    for path in (built / PICTURES).iterdir():
        assert b"patient" not in path.read_bytes()
        with Image.open(path) as image:
            assert image.size == (128, 128) and not image.info and not image.getexif()


def traces_of(paths):
    return [measured(path.read_bytes()) for path in paths]


def test_the_folders_tell_their_arms_and_the_study_does_not(tmp_path):
    plan = read_plan(lay_out(tmp_path, count=8))
    chosen = choose(plan)
    rng = np.random.default_rng(0)
    before = {
        each.trace: each for each in leak_check(traces_of([c.path for c in chosen]), [c.arm for c in chosen], rng)
    }
    for trace in ("file length", "file header", "picture size", "border"):
        assert before[trace].tells and before[trace].leak.accuracy > 0.9, trace
    with pytest.raises(ValueError, match="the files tell them apart by file length: tells"):
        refuse_leaks(list(before.values()))
    built = build(tmp_path / "study.yaml", tmp_path / "study")
    hidden = [each for each in built.findings if each.hidden]
    assert len(hidden) == 4
    for each in hidden:
        assert each.leak.p_value == 1 and each.leak.accuracy == pytest.approx(each.leak.chance), each
    assert len({path.stat().st_size for path in (tmp_path / "study" / PICTURES).iterdir()}) == 1


def test_a_trace_that_can_be_seen_is_warned_of(tmp_path):
    """Blocks of 8 px on one arm alone."""
    traces, arms = [], []
    for number in range(24):
        pixels = np.random.default_rng(number).normal(120, 8, (128, 128, 3))
        if number % 2:
            pixels += 12 * ((np.arange(128) // 8) % 2)[None, :, None]
        pixels *= (np.hypot(*(np.indices((128, 128)) - 63.5)) < 62)[..., None]
        buffer = io.BytesIO()
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, format="PNG", compress_level=0)
        traces.append(measured(buffer.getvalue()))
        arms.append("ab"[number % 2])
    (warning,) = refuse_leaks(leak_check(traces, arms, np.random.default_rng(0)))
    assert warning.startswith("JPEG grid: tells 100% of the pictures") and "readers may see it too" in warning


def test_all_pictures_have_one_field_and_one_history(tmp_path):
    cut = squared(draw(tmp_path / "cut.png", 1, flat=0.1), 128)
    full = squared(draw(tmp_path / "full.png", 2), 128)
    shared = common_field([(tmp_path / "cut.png", cut[1]), (tmp_path / "full.png", full[1])])
    assert not (shared & ~cut[1]).any() and not (shared & ~full[1]).any()
    files = [equal_file(pixels, shared, 80) for pixels, _ in (cut, full)]
    decoded = [np.asarray(Image.open(io.BytesIO(content))) for content in files]
    for content, pixels in zip(files, decoded, strict=True):
        assert (pixels[~shared] == 0).all() and (pixels[shared].max(axis=-1) > 0).all()
        assert len(content) == len(files[0])
    buffer = io.BytesIO()
    masked = np.where(shared[None], full[0], 0).transpose(1, 2, 0).astype(np.uint8)
    Image.fromarray(masked).save(buffer, format="JPEG", quality=80, subsampling=2)
    assert np.array_equal(decoded[1][shared], np.asarray(Image.open(buffer))[shared])


def test_fields_without_enough_in_common_are_refused(tmp_path):
    fields = [
        (tmp_path / f"{flat}.png", squared(draw(tmp_path / f"{flat}.png", 1, flat=flat), 128)[1]) for flat in (0, 0.3)
    ]
    with pytest.raises(ValueError, match=r"0\.3\.png: its field fills .* expected 60%; leave such pictures out"):
        common_field(fields)


def test_a_failed_build_leaves_nothing(tmp_path):
    plan = lay_out(tmp_path)
    (tmp_path / "generator" / "eye000000.png").write_bytes(b"no picture")
    with pytest.raises(OSError, match=r"eye000000\.png: cannot be read as an image"):
        build(plan, tmp_path / "study")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["generator", "hospital", "study.yaml"]


def test_the_seed_chooses_pictures_and_order(tmp_path):
    plan = lay_out(tmp_path, count=3)
    for number in range(4, 12):
        draw(tmp_path / "hospital" / f"more{number}.png", 50 + number)
    chosen = [{each.path.name for each in choose(read_plan(plan))} for _ in range(2)]
    plan.write_text(plan.read_text().replace("seed: 5", "seed: 6"))
    assert chosen[0] == chosen[1] != {each.path.name for each in choose(read_plan(plan))}
