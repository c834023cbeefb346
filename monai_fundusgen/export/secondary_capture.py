"""Generated CT slices as DICOM Secondary Capture: pictures in a window, marked as synthetic, for viewers and archives.

They are no CT images: a picture in a window has no Hounsfield units. Those are in the NIfTI file beside it.
"""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch

from monai_fundusgen.data.ct_volume import read_nifti
from monai_fundusgen.export.dicom import decimal, empty_object, set_all, synthetic_identity
from monai_fundusgen.storage.whole_file import whole_file
from monai_fundusgen.transforms.hounsfield import shown, window_hu

SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"


def _uid(content: bytes, role: str) -> str:
    """Unique identifier under 2.25, from the file's bytes and the role."""
    return f"2.25.{int(hashlib.sha256(content + role.encode()).hexdigest()[:32], 16)}"


def write_captures(directory: str | Path, *, window: str) -> list[Path]:
    """Write ``sliceNNNNNN.dcm`` beside every ``sliceNNNNNN.nii.gz``; the same file gives the same bytes on any day.

    Args:
        directory: of a `SliceWriter`.
        window: that the pictures show.

    Raises:
        ImportError: pydicom is not installed.
        FileNotFoundError: no slices there.
        ValueError: no such window.
    """
    try:
        import pydicom  # noqa: F401
    except ImportError as error:
        raise ImportError("DICOM needs pydicom: pip install 'monai-fundusgen[ct]'") from error
    window_hu(window)
    slices = sorted(Path(directory).glob("slice*.nii.gz"))
    if not slices:
        raise FileNotFoundError(f"{directory}: no slice*.nii.gz there; sample some first")
    return [_write_capture(path, window) for path in slices]


def _write_capture(path: Path, window: str) -> Path:
    name, uids = path.name.removesuffix(".nii.gz"), partial(_uid, path.read_bytes())
    volume = read_nifti(path)
    hu = torch.from_numpy(volume.hu[:, :, volume.hu.shape[2] // 2].T.astype(np.float32))[None]
    pixels = shown(hu, window)[0].numpy()
    low, high = window_hu(window)
    image = empty_object(SECONDARY_CAPTURE, uids("capture"))
    set_all(image, synthetic_identity(name, uids, modality="OT", study="SYNTHETIC: computer generated CT slice"))
    set_all(
        image,
        {
            "ConversionType": "WSD", "ImageType": ["DERIVED", "SECONDARY"], "SeriesDescription": f"window {window}",
            "DerivationDescription": f"computer generated; {low:g} to {high:g} HU shown as 0 to 255",
            "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "Rows": pixels.shape[0],
            "Columns": pixels.shape[1], "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7, "PixelRepresentation": 0,
            "BurnedInAnnotation": "NO", "PatientOrientation": ["L", "P"],
            "NominalScannedPixelSpacing": [decimal(side) for side in volume.spacing_mm[1::-1]],
            "PixelData": np.ascontiguousarray(pixels).tobytes(),
        },
    )  # fmt: skip
    target = path.with_name(f"{name}.dcm")
    with whole_file(target) as file:
        image.save_as(file, enforce_file_format=True)
    return target
