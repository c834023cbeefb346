"""DICOM: an Ophthalmic Photography 8 Bit image and a segmentation of each sample, marked as synthetic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from copy import copy
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from monai_fundusgen import __version__
from monai_fundusgen.conventions import FIELD_FILL, MM_PER_DEGREE
from monai_fundusgen.export.source import ExportSample, SourceDataset

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset

OPHTHALMIC_PHOTOGRAPHY_8_BIT: Final = "1.2.840.10008.5.1.4.1.1.77.1.5.1"
_MAKER: Final = "monai_fundusgen"
_FIELD_DEG: Final = 45.0  # visual angle of the field, where the settings do not tell it
_DATE: Final = (
    "19700101"  # the standard wants a date; nobody took this photograph, and the day of the export says nothing
)
_TIME: Final = "000000"
#: A photograph has no depth; highdicom reads no segmentation without one, and the standard allows no zero.
_THICKNESS_MM: Final = "0.25"
#: Coded terms (value, scheme, meaning), SNOMED CT.
_RETINA: Final = ("5665001", "SCT", "Retina")
_CAMERA: Final = ("409898007", "SCT", "Fundus Camera")
_STRUCTURE: Final = ("91723000", "SCT", "Anatomical Structure")
_VESSELS: Final = (("artery", ("51114001", "SCT", "Artery")), ("vein", ("29092000", "SCT", "Vein")))


def dicom(source: SourceDataset, folder: Path) -> None:
    """``ID/photograph.dcm`` and ``ID/vessels.dcm``: one patient and study a sample; segments artery and vein.

    Synthetic Data (0008,001C) is YES in both; patient and study are named SYNTHETIC. Identifiers are functions of the
    data set and the sample, dates are placeholders: the same data set gives the same bytes on any day.

    Raises:
        ImportError: pydicom or highdicom is not installed.
    """
    try:
        import highdicom  # noqa: F401
        import pydicom  # noqa: F401
    except ImportError as error:
        raise ImportError("dicom: pydicom and highdicom are needed; pip install 'monai-fundusgen[export]'") from error
    for sample in source:
        photograph = _photograph(sample, float(source.settings.get("field_deg") or _FIELD_DEG))
        (folder / sample.id).mkdir(parents=True, exist_ok=True)
        photograph.save_as(folder / sample.id / "photograph.dcm", enforce_file_format=True)
        if sample.vessels().any():
            segmentation = _segmentation(sample, photograph)
            segmentation.save_as(folder / sample.id / "vessels.dcm", enforce_file_format=True)


def uid(sample: ExportSample, role: str) -> str:
    """Unique identifier under 2.25, from the hash of the photograph's bytes and the role."""
    files = sample.record.get("files", {})
    words = f"{files.get('images', sample.id)} {files.get('labels', '')} {sample.id} {role}"
    return f"2.25.{int(hashlib.sha256(words.encode()).hexdigest()[:32], 16)}"


def decimal(value: float) -> str:
    """A number as the standard's decimal string: at most 16 characters."""
    return f"{value:.10g}"


def laterality(sample: ExportSample) -> str:
    """R or L by the side of the disc; U where it is not known."""
    column = sample.record.get("anatomy", {}).get("disc_column")
    return "U" if column is None else "R" if column > 0.5 else "L"


def empty_object(sop_class: str, instance: str) -> FileDataset:
    """A DICOM file of a class, without any content yet; uncompressed, little endian."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID(instance)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    found = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    found.SOPClassUID, found.SOPInstanceUID = UID(sop_class), UID(instance)
    return found


def _photograph(sample: ExportSample, field_deg: float) -> Dataset:
    image = empty_object(OPHTHALMIC_PHOTOGRAPHY_8_BIT, uid(sample, "photograph"))
    set_all(image, _identity(sample))
    set_all(image, _acquisition(sample))
    pixels = sample.photograph()
    set_all(
        image,
        {
            "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "NumberOfFrames": 1,
            "Rows": pixels.shape[0], "Columns": pixels.shape[1], "BitsAllocated": 8, "BitsStored": 8, "HighBit": 7,
            "PixelRepresentation": 0, "LossyImageCompression": "00", "BurnedInAnnotation": "NO",
            "FrameIncrementPointer": 0x00181063, "FrameTime": "0",  # one frame: no time passes
            "PixelSpacing": [decimal(MM_PER_DEGREE * field_deg / FIELD_FILL / pixels.shape[1])] * 2,
            "PixelData": np.ascontiguousarray(pixels).tobytes(),
        },
    )  # fmt: skip
    return image


def synthetic_identity(name: str, uids: Callable[[str], str], *, modality: str, study: str) -> dict[str, Any]:
    """Patient, study, series and equipment of an object that a computer made.

    Args:
        name: of the sample.
        uids: role to identifier: patient, study, series.
        modality: code of the standard.
        study: its description.
    """
    return {
        "SyntheticData": "YES", "PatientName": f"SYNTHETIC^{name}",
        "PatientID": f"SYNTHETIC-{name}-{uids('patient')[-8:]}",
        "PatientBirthDate": "", "PatientSex": "", "PatientIdentityRemoved": "YES",
        "DeidentificationMethod": "computer generated", "StudyInstanceUID": uids("study"), "StudyDate": "",
        "StudyTime": "", "ReferringPhysicianName": "", "StudyID": "SYNTHETIC", "AccessionNumber": "",
        "StudyDescription": study, "Modality": modality,
        "SeriesInstanceUID": uids("series"), "SeriesNumber": 1, "Manufacturer": _MAKER,
        "ManufacturerModelName": _MAKER, "DeviceSerialNumber": "0", "SoftwareVersions": __version__,
        "InstanceNumber": 1, "ContentDate": _DATE, "ContentTime": _TIME, "PatientOrientation": "",
    }  # fmt: skip


def _identity(sample: ExportSample) -> dict[str, Any]:
    """Who and what the photograph is, and what its class asks for besides."""
    return {
        **synthetic_identity(
            sample.id, partial(uid, sample), modality="OP", study="SYNTHETIC: shows no person's eye"
        ),
        "SynchronizationFrameOfReferenceUID": uid(sample, "synchronization"), "SynchronizationTrigger": "NO TRIGGER",
        "AcquisitionTimeSynchronized": "N",
    }  # fmt: skip


def _acquisition(sample: ExportSample) -> dict[str, Any]:
    """What the standard asks of a photograph of the eye; what nobody measured is empty."""
    empty = ("IlluminationTypeCodeSequence", "LightPathFilterTypeStackCodeSequence", "LensesCodeSequence")
    more = ("ImagePathFilterTypeStackCodeSequence", "RefractiveStateSequence")
    none = ("EmmetropicMagnification", "IntraOcularPressure", "HorizontalFieldOfView", "PupilDilated", "DetectorType")
    return {
        "ImageType": ["ORIGINAL", "PRIMARY", "", "COLOR"], "ImageLaterality": laterality(sample),
        "AcquisitionDateTime": _DATE + _TIME, "PatientEyeMovementCommanded": "NO",
        "AnatomicRegionSequence": [_code(_RETINA)], "AcquisitionDeviceTypeCodeSequence": [_code(_CAMERA)],
        "ImageComments": f"computer generated by {_MAKER}; derived from no other image; dates are placeholders",
        **{name: [] for name in (*empty, *more)}, **{name: None for name in none},
    }  # fmt: skip


def _code(term: tuple[str, str, str]) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = term
    return item


def _functional_groups(photograph: Dataset) -> Dataset:
    """Where highdicom looks for the pixel spacing; photographs of this class have it elsewhere."""
    from pydicom.dataset import Dataset

    measures, groups = Dataset(), Dataset()
    measures.PixelSpacing = photograph.PixelSpacing
    measures.SliceThickness = _THICKNESS_MM
    groups.PixelMeasuresSequence = [measures]
    return groups


def set_all(dataset: Dataset, values: dict[str, Any]) -> None:
    """Set elements by their keywords."""
    for name, value in values.items():
        setattr(dataset, name, value)


def _segmentation(sample: ExportSample, photograph: Dataset) -> Dataset:
    from highdicom.content import AlgorithmIdentificationSequence
    from highdicom.seg import Segmentation, SegmentDescription
    from highdicom.sr.coding import CodedConcept

    algorithm = AlgorithmIdentificationSequence(
        name=_MAKER, family=CodedConcept("123110", "DCM", "Artificial Intelligence"), version=__version__
    )
    descriptions = [
        SegmentDescription(
            segment_number=number, segment_label=name, segmented_property_category=CodedConcept(*_STRUCTURE),
            segmented_property_type=CodedConcept(*term), algorithm_type="AUTOMATIC", algorithm_identification=algorithm,
            anatomic_regions=[CodedConcept(*_RETINA)],
        )
        for number, (name, term) in enumerate(_VESSELS, 1)
    ]  # fmt: skip
    measured = copy(photograph)
    measured.SharedFunctionalGroupsSequence = [_functional_groups(photograph)]
    planes = np.moveaxis(sample.vessels(), 0, -1)[None].astype(np.uint8)
    found: Dataset = Segmentation(
        source_images=[measured], pixel_array=planes, segmentation_type="BINARY", segment_descriptions=descriptions,
        series_instance_uid=uid(sample, "segmentation series"), series_number=2,
        sop_instance_uid=uid(sample, "segmentation"), instance_number=1, manufacturer=_MAKER,
        manufacturer_model_name=_MAKER, software_versions=__version__, device_serial_number="0",
        content_description="arteries and veins, as generated", content_creator_name="SYNTHETIC^",
        omit_empty_frames=False, content_date=_DATE, content_time=_TIME,
    )  # fmt: skip
    found.SyntheticData = "YES"
    found.PatientOrientation = ""
    _make_repeatable(found, sample)
    return found


def _make_repeatable(found: Dataset, sample: ExportSample) -> None:
    """Take out what highdicom draws or looks up on the clock."""
    del found.InstanceCreationDate, found.InstanceCreationTime
    organization = uid(sample, "dimensions")
    found.DimensionOrganizationSequence[0].DimensionOrganizationUID = organization
    for index in found.DimensionIndexSequence:
        index.DimensionOrganizationUID = organization
    for equipment in found.ContributingEquipmentSequence:
        equipment.ContributionDateTime = _DATE + _TIME
