from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from monai_fundusgen.diffusion.schedule import NoiseSchedule
from monai_fundusgen.inferers.diffusion import DiffusionSampler, RequestedSampler
from monai_fundusgen.networks.nets.cascade import PhotographCascade
from monai_fundusgen.networks.nets.edsr import EDSR
from monai_fundusgen.networks.nets.pix2pixhd import GlobalGenerator
from monai_fundusgen.networks.nets.styled_generator import StyledGenerator
from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.sampling.label_drawing import LabelDrawing
from monai_fundusgen.sampling.painters import CascadePainter, PhantomPainter, open_painter
from monai_fundusgen.sampling.plan import GenerationPlan
from monai_fundusgen.sampling.sources import FolderMaps, PhantomMaps, SampledMaps, in_precision, open_map_source
from monai_fundusgen.storage.picture_file import write_png
from monai_fundusgen.transforms.traits import TraitRequest

PLANNED = GenerationPlan(3).samples()


@pytest.fixture(scope="module")
def eyes():
    return PhantomMaps(size=256, coarse_size=64)(PLANNED)


def test_the_soft_map_is_the_area_average_of_the_label(eyes):
    for eye in eyes:
        blocks = eye.label.reshape(2, 64, 4, 64, 4).mean(axis=(2, 4))
        assert np.allclose(eye.soft.numpy(), blocks, atol=1e-6)


def test_a_sample_does_not_depend_on_its_batch(eyes):
    alone = PhantomMaps(size=256, coarse_size=64)(PLANNED[1:2])[0]
    assert (alone.label == eyes[1].label).all()


def bars(seeds, network):
    """One broad artery from edge to edge in every map."""
    soft = torch.zeros(len(seeds), 2, 64, 64)
    soft[:, 0, 30:34] = 1
    soft[:, 0, 34] = 0.5
    return soft


def test_labels_of_sampled_maps_follow_the_vessel_and_end_at_the_field():
    for sample in SampledMaps(torch.nn.Identity(), bars, LabelDrawing(256, 0.7))(PLANNED):
        assert not sample.label[:, ~sample.fov].any() and not sample.label[1].any()
        middle = np.flatnonzero(sample.label[0, :, 128])
        assert middle[[0, -1]].tolist() == pytest.approx([120, 137], abs=1)  # 4.5 px of 64 are 18 px of 256
        assert sample.soft[0, 32, :].sum() < 64  # what lies outside the field is gone


def test_folder_maps_come_in_order_and_again(tmp_path):
    for index, code in enumerate((1, 2)):
        label = np.zeros((64, 64), dtype=np.uint8)
        label[30:34, 10:50] = code
        Image.fromarray(label).save(tmp_path / f"map{index}.png")
    samples = FolderMaps(tmp_path, size=64, coarse_size=16)(PLANNED)
    assert [bool(sample.label[0].any()) for sample in samples] == [True, False, True]
    assert [sample.origin["file"] for sample in samples] == ["map0.png", "map1.png", "map0.png"]


def test_a_map_of_another_size_is_named(tmp_path):
    Image.fromarray(np.zeros((40, 64), dtype=np.uint8)).save(tmp_path / "wide.png")
    with pytest.raises(ValueError, match=r"wide\.png: 64 x 40 px, expected 64 x 64"):
        FolderMaps(tmp_path, size=64)(PLANNED)


@pytest.mark.parametrize(
    ("pixels", "complaint"),
    [
        (np.full((256, 256), 77, np.uint8), "77"),
        (np.full((256, 256, 3), (90, 10, 10), np.uint8), r"\(90, 10, 10\)"),
    ],
    ids=["grey levels", "colours"],
)
def test_a_map_that_is_neither_codes_nor_colours_is_named(tmp_path, pixels, complaint):
    write_png(tmp_path / "odd.png", pixels)
    with pytest.raises(ValueError, match=rf"odd\.png.*{complaint}"):
        FolderMaps(tmp_path, size=256, coarse_size=64)(PLANNED)


def test_sources_that_lack_what_they_need_say_so(tmp_path):
    with pytest.raises(ValueError, match="mask_source: found 'folder' with mask_bundle None and mask_folder None"):
        open_map_source("folder")
    with pytest.raises(FileNotFoundError, match="no PNG there"):
        open_map_source("folder", mask_folder=tmp_path)
    with pytest.raises(FileNotFoundError, match="give the folder of a bundle"):
        open_map_source("ddpm", mask_bundle=tmp_path)


class Flat(torch.nn.Module):
    """A network that paints one level everywhere, four times as large."""

    def __init__(self, level):
        super().__init__()
        self.level = torch.nn.Parameter(torch.tensor(level))

    def forward(self, condition, style=None):
        return self.level.expand(len(condition), 3, *(4 * side for side in condition.shape[-2:]))


def test_painted_photographs_are_black_outside_the_field(eyes):
    network = PhotographCascade(Flat(1.0), torch.nn.Identity())
    painter = CascadePainter(network, lambda condition, network, **given: network(condition, **given))
    for photograph, eye in zip(painter(eyes, PLANNED), eyes, strict=True):
        assert (photograph[:, eye.fov] == 255).all() and not photograph[:, ~eye.fov].any()


def test_the_phantom_paints_only_eyes_that_it_knows(eyes):
    photographs = PhantomPainter()(eyes, PLANNED)
    assert all(photograph.shape == (3, 256, 256) for photograph in photographs)
    unknown = SampledMaps(torch.nn.Identity(), bars, LabelDrawing(256))(PLANNED)
    with pytest.raises(ValueError, match="maps from 'ddpm', which know no eye"):
        PhantomPainter()(unknown, PLANNED)


@pytest.mark.parametrize("size", [0, -256, 2.5, "large"])
def test_an_impossible_size_is_refused(size):
    with pytest.raises(ValueError, match=f"size: found {size!r}"):
        open_map_source("phantom", size=size)


def test_a_size_that_the_cascade_does_not_paint_is_refused(eyes):
    enlarger = EDSR(channels=8, num_blocks=1, scale=2, guide_channels=2)
    painter = CascadePainter(PhotographCascade(Flat(0.0), enlarger), None)
    with pytest.raises(ValueError, match="size: found 256, .* paints 128 px"):
        painter(eyes, PLANNED)


def test_a_style_that_is_no_photograph_is_named(tmp_path):
    write_png(tmp_path / "dark.png", np.zeros((64, 64, 3), np.uint8))
    styled = PhotographCascade(StyledGenerator(Flat(0.0)), torch.nn.Identity())
    with pytest.raises(ValueError, match=r"dark\.png: no field of view.*as style"):
        open_painter("cascade", styled, None, style=tmp_path / "dark.png")


def test_an_unknown_painter_is_refused():
    with pytest.raises(ValueError, match="photograph_source: found 'gan', expected cascade or phantom"):
        open_painter("gan", PhotographCascade(Flat(0.0), torch.nn.Identity()), None)


def test_a_style_needs_a_generator_that_takes_one(tmp_path):
    with pytest.raises(ValueError, match="style: found 'eye.jpg'.*generator that takes a style"):
        open_painter("cascade", PhotographCascade(Flat(0.0), torch.nn.Identity()), None, style="eye.jpg")


def test_the_manifest_tells_what_a_sampled_map_was_asked_for():
    request = TraitRequest(density=[0.06, 0.12], laterality="left")
    samples = SampledMaps(torch.nn.Identity(), bars, LabelDrawing(256, 0.7), request)(PLANNED)
    assert [sample.origin["requested"] for sample in samples] == [request.draw(one["seed"]) for one in PLANNED]


def test_phantoms_have_the_laterality_asked_for_and_no_other_wish_is_granted():
    right = open_map_source("phantom", size=256, request=TraitRequest(laterality="right"))
    assert all(sample.origin["right_eye"] for sample in right(PLANNED))
    with pytest.raises(ValueError, match="phantom cannot be asked for density, avr; take mask_source ddpm"):
        open_map_source("phantom", request=TraitRequest(density=0.1, avr=0.7))
    with pytest.raises(ValueError, match="folder cannot be asked for laterality"):
        open_map_source("folder", mask_folder="maps", request=TraitRequest(laterality="left"))


def test_rows_of_a_field_that_is_cut_flat_and_some_more_are_enlarged():
    """Inside the field a photograph is that of enlarging all rows, but for one grey level here and there."""
    torch.manual_seed(0)
    network = PhotographCascade(GlobalGenerator(5, 3, 4, 1, 1), EDSR(channels=8, num_blocks=2, guide_channels=2)).eval()
    flat = PhantomMaps(size=256, coarse_size=64, anatomy=Anatomy(diameter_deg=60.0, cut=0.5))(PLANNED)
    seen = []

    def inferer(condition, network, rows, **given):
        seen.append(rows)
        return network(condition, rows=rows, **given)

    fewer = CascadePainter(network, inferer)(flat, PLANNED)
    every = CascadePainter(network, lambda condition, network, rows, **given: network(condition, **given))(
        flat, PLANNED
    )
    inside = np.flatnonzero(flat[0].fov.any(axis=1)) / 4
    assert seen[0] == (int(inside[0]) - 8, int(inside[-1]) + 9)
    for one, other in zip(fewer, every, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1
    blind = replace(flat[0], fov=np.zeros_like(flat[0].fov))
    assert not CascadePainter(network, inferer)([blind], PLANNED[:1])[0].any() and seen[-1] == (0, 64)


@pytest.mark.parametrize("autocast", [None, "bfloat16"])
def test_the_mask_model_computes_in_the_precision_of_the_run(autocast):
    """And nothing but that changes; sources without a network stay what they are."""
    sampler = DiffusionSampler(NoiseSchedule.cosine(), prediction="logit", shape=(2, 64, 64), autocast="bfloat16")
    source = SampledMaps(torch.nn.Identity(), RequestedSampler(sampler), LabelDrawing(256, 0.7), batch=3)
    told = in_precision(source, autocast)
    assert told.sampler.sampler == replace(sampler, autocast=autocast)
    assert replace(told, sampler=source.sampler) == source
    assert source.sampler.sampler.autocast == "bfloat16"
    other = SampledMaps(torch.nn.Identity(), bars, LabelDrawing(256, 0.7))
    phantoms = PhantomMaps(size=256, coarse_size=64)
    assert in_precision(other, autocast) is other and in_precision(phantoms, autocast) is phantoms
