import numpy as np

from monai_fundusgen.phantom.anatomy import Anatomy
from monai_fundusgen.phantom.raster import vessel_map
from monai_fundusgen.phantom.tree import grow_retina
from monai_fundusgen.transforms.redrawn import RedrawnMap
from monai_fundusgen.transforms.resize import area_resize


def test_a_whole_map_stays_and_a_speck_goes():
    label = vessel_map(grow_retina(2, anatomy=Anatomy(diameter_deg=60, cut=0.716)), 1024)
    soft = area_resize(label, 256, 256).astype(np.float32)
    redrawn = RedrawnMap(field_cut=0.716)(soft)
    wide = area_resize(label, 256, 256) > 0.5
    assert redrawn.dtype == np.float32 and 2 * np.minimum(redrawn, soft).sum() / (redrawn + soft).sum() > 0.9
    assert (redrawn[wide] > 0.3).mean() > 0.98
    spotted = np.zeros((2, 256, 256), dtype=np.float32)
    spotted[0, 128, 120:123] = 1
    assert not RedrawnMap()(spotted).any()
