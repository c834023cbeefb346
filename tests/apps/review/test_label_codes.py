"""Codes to a browser and back."""

import gzip
import struct

import numpy as np
import pytest

from monai_fundusgen.apps.review.label_codes import branch_body, changes, packed, unpacked
from tests.apps.review.conftest import turned
from tests.reference.label_drawings import HEIGHT, WIDTH, cross


def test_codes_come_back_as_they_went():
    codes = np.random.default_rng(0).integers(0, 5, (HEIGHT, WIDTH)).astype(np.uint8)
    assert np.array_equal(unpacked(packed(codes.tobytes()), HEIGHT, WIDTH), codes)


@pytest.mark.parametrize(("body", "told"), [
    (b"", "found 0 px, expected 12600"),
    (b"PNG", "found no gzip"),
    (gzip.compress(bytes(HEIGHT * WIDTH - 1)), "found 12599 px, expected 12600"),
    (gzip.compress(bytes(HEIGHT * WIDTH + 1)), "found more than 12600 px"),
    (gzip.compress(bytes(10**8)), "found more than 12600 px"),
    (gzip.compress(bytes(HEIGHT * WIDTH))[:-4], "without its end"),
    (gzip.compress(b"\5" * HEIGHT * WIDTH), "found code 5, expected 0 to 4"),
])  # fmt: skip
def test_what_is_no_label_is_refused(body, told):
    with pytest.raises(ValueError, match=told):
        unpacked(body, HEIGHT, WIDTH)


def test_branches_for_a_browser_hold_counts_nodes_and_two_planes():
    content = gzip.decompress(branch_body(cross()))
    (count,) = struct.unpack("<I", content[:4])
    assert count == 2 and len(content) == 4 + 8 * count + 2 * 2 * HEIGHT * WIDTH
    planes = np.frombuffer(content[4 + 8 * count :], "<u2").reshape(2, HEIGHT, WIDTH)
    assert np.array_equal(planes, np.stack([1 * (cross() & 1 > 0), 2 * (cross() & 2 > 0)]))


def test_a_kind_that_is_settled_counts_as_changed():
    before = cross()
    before[before == 1] = 4
    found = changes(before, cross())
    assert found["changed_kind_px"] == (before == 4).sum() and found["added_px"] == found["removed_px"] == 0
    assert changes(cross(), turned())["flipped_branches"] == 1
