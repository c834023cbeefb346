"""MONAI Label's local store over a studies folder whose files are whole, checked and never lost."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from fastapi import HTTPException
from monailabel.datastore.local import LocalDatastore, LocalDatastoreModel

from monai_fundusgen.apps.label.transfer import photograph_content, refuse_other_size
from monai_fundusgen.data.label_studies import UNKNOWN, LabelStudies, plain_name, read_codes
from monai_fundusgen.storage.whole_file import write_json

#: Where an upload lies is nobody's business.
_UPLOAD: Final = re.compile(re.escape(tempfile.gettempdir()) + r"/[^\s/:']+")


@contextmanager
def told() -> Iterator[None]:
    """Answer an error of the user with its message in place of a bare 500."""
    try:
        yield
    except KeyError as error:
        raise HTTPException(404, f"{error.args[0]}: no such photograph or label in the studies") from error
    except (OSError, ValueError) as error:
        raise HTTPException(400, _UPLOAD.sub("the upload", str(error))) from error


class StudiesDatastore(LocalDatastore):
    """The store. Whoever else writes to the folder, a generation for one, is seen at the next question.

    Args:
        path: studies folder.
        extensions: patterns of the files that MONAI Label looks for.
        auto_reload: whether files that someone puts there are looked out for.
    """

    def __init__(self, path: str, *, extensions: list[str], auto_reload: bool) -> None:
        self.files = LabelStudies(path)
        self._model: LocalDatastoreModel | None = None
        super().__init__(path, extensions=extensions, auto_reload=auto_reload)

    @property
    def _datastore(self) -> LocalDatastoreModel:
        """What the list on disk says now; the methods of MONAI Label all ask this attribute."""
        path = Path(self._datastore_config_path)
        if self._model is not None and path.exists() and path.stat().st_mtime_ns != self._config_ts:
            self._init_from_datastore_file()
        return self._model

    @_datastore.setter
    def _datastore(self, model: LocalDatastoreModel) -> None:
        self._model = model

    def _init_from_datastore_file(self, throw_exception: bool = False) -> None:
        path = Path(self._datastore_config_path)
        if path.exists():
            self._config_ts = path.stat().st_mtime_ns  # before the content: a later change is read again
            self.files.objects()
            model = LocalDatastoreModel.model_validate(self.files.read())
            model.base_path = self._datastore_path
            self._model = model

    def _reconcile_datastore(self) -> None:
        self.files.reconcile()
        self._init_from_datastore_file()

    def _update_datastore_file(self, lock: bool = True) -> None:
        write_json(self._datastore_config_path, self._model.model_dump(exclude={"base_path"}) if self._model else {})

    def add_image(self, image_id: str, image_filename: str, image_info: Mapping[str, Any]) -> str:
        """Put a photograph into the studies, as a PNG unless it is a PNG, JPEG or TIFF.

        Raises:
            HTTPException: 400, an id, a file or a picture that cannot be.
        """
        with told():
            name = plain_name(image_id or Path(image_filename).stem, "image")
            content, ending = photograph_content(Path(image_filename))
            self.files.add_image(name, content, ending, dict(image_info or {}))
        return name

    def save_label(self, image_id: str, label_filename: str, label_tag: str, label_info: Mapping[str, Any]) -> str:
        """Save a label in codes 0 to 3; the one that it replaces is kept.

        Raises:
            HTTPException: 400, a tag or label that cannot be, or of another size than the photograph; 404, no such one.
        """
        with told():
            photograph = self.files.image_path(image_id)
            codes = read_codes(label_filename)
            refuse_other_size(Path("label"), codes, photograph)
            info = dict(label_info or {})
            info["user"] = str(info.get("user") or info.get("client_id") or info.get("model") or UNKNOWN)
            self.files.save_label(image_id, plain_name(label_tag, "tag"), codes, info)
        return image_id

    def update_image_info(self, image_id: str, info: Mapping[str, Any]) -> None:
        """Add to what is known of a photograph.

        Raises:
            HTTPException: 404, no such photograph.
        """
        with told():
            self.files.update_info(image_id, info)

    def update_label_info(self, label_id: str, label_tag: str, info: Mapping[str, Any]) -> None:
        """Add to what is known of a label.

        Raises:
            HTTPException: 404, no such label.
        """
        with told():
            self.files.update_info(label_id, info, label_tag)
