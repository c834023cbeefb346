"""Scans made for tests: a body of known values, as NIfTI and as DICOM series with any fault."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

PERSON_BLOBS = {"anna": (9, 14, 4), "bert": (24, 9, 7), "carl": (16, 22, 5)}


def body_hu(person="anna", shape=(40, 32, 10)):
    """HU (X, Y, Z): an ellipse of soft tissue in air with a bone at a person's own place; no two slices are equal."""
    x, y, z = np.meshgrid(*(np.arange(side) for side in shape), indexing="ij")
    hu = np.full(shape, -1000, np.int16)
    inside = ((x - shape[0] / 2) / (0.4 * shape[0])) ** 2 + ((y - shape[1] / 2) / (0.38 * shape[1])) ** 2 < 1
    hu[inside] = 40
    row, column, radius = PERSON_BLOBS[person]
    hu[inside & (np.hypot(x - row, y - column) < radius)] = 700
    hu[inside & (np.hypot(x - row - 5, y - 10 - z % 7) < 3)] = -120
    return hu + (x + 2 * y + 3 * z).astype(np.int16) % 11 * inside


def nifti(path: Path, hu=None, affine=None, dtype=np.int16) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    hu = body_hu() if hu is None else hu
    affine = np.diag([-2.0, -2.0, 4.0, 1.0]) if affine is None else affine
    nib.save(nib.Nifti1Image(np.asarray(hu, dtype=dtype), affine), path)
    return path


def slice_dataset(
    hu, *, place=0.0, number=1, series="1.2.3", person="anna", spacing=(2.0, 2.0), normal=(0.0, 0.0, 1.0)
):
    """A CT slice (rows, columns) in HU as a pydicom dataset; ``normal`` is the direction that slices are stacked in."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = CTImageStorage, ExplicitVRLittleEndian
    meta.MediaStorageSOPInstanceUID = f"{series}.{number}"
    one = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    one.SOPClassUID, one.SOPInstanceUID = CTImageStorage, f"{series}.{number}"
    one.Modality, one.ImageType, one.PatientID, one.SeriesInstanceUID = (
        "CT",
        ["ORIGINAL", "PRIMARY", "AXIAL"],
        person,
        series,
    )
    one.StudyInstanceUID, one.InstanceNumber, one.SliceThickness = "1.2", number, 4.0
    one.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    one.ImagePositionPatient = [float(side) for side in place * np.asarray(normal) + [-30.0, -20.0, 5.0]]
    one.PixelSpacing = list(spacing)
    one.Rows, one.Columns = hu.shape
    one.SamplesPerPixel, one.PhotometricInterpretation, one.PixelRepresentation = 1, "MONOCHROME2", 0
    one.BitsAllocated, one.BitsStored, one.HighBit = 16, 16, 15
    one.RescaleSlope, one.RescaleIntercept = 1, -1024
    one.PixelData = np.ascontiguousarray(hu + 1024).astype("<u2").tobytes()
    return one


def series(folder: Path, person="anna", *, places=None, change=lambda one, k: None, **options) -> Path:
    """A series of the body's slices, one file each; ``change`` alters the dataset of slice k before it is written."""
    folder.mkdir(parents=True, exist_ok=True)
    hu = body_hu(person)
    options = {"series": f"1.2.{1 + list(PERSON_BLOBS).index(person)}", "person": person, **options}
    for k in range(hu.shape[2]):
        place = 4.0 * k if places is None else places[k]
        one = slice_dataset(hu[:, :, k].T, place=place, number=k + 1, **options)
        change(one, k)
        one.save_as(folder / f"{k:03d}.dcm", enforce_file_format=True)
    return folder
