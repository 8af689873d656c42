"""The multipart/form-data of uploads, parsed as a stream. Never more than one file within the limit is in memory.

Unknown fields are skipped without being stored; known ones have a size limit. The tokenizer is python-multipart's,
imported with the first upload.
"""

from __future__ import annotations

import logging
from io import BytesIO
from typing import TYPE_CHECKING

from emulator.web.request_head import text
from portrait.media import MB, limits_for
from portrait.models import AssetType

if TYPE_CHECKING:
    from types import ModuleType

    from python_multipart.multipart import MultipartCallbacks, MultipartParser

FILE_LIMIT = int(limits_for("alltoken", endpoint="upload")[AssetType.IMAGE].size.high or 0)
"""The largest file of `/v1/portrait/upload` in bytes. Contract §5: 10 MB."""

# Contract §5; ProjectName is on every request (§2).
_FIELDS = frozenset({"GroupId", "Name", "AssetType", "ProjectName"})
_FIELD_LIMIT = 65_536
_MAX_PARTS = 100


def body_limit(file_limit: int) -> int:
    """The largest form in bytes: the file, and room for fields and boundaries."""
    return file_limit + MB


class FileTooLarge(Exception):
    """The file or the form exceeds its limit."""


class InvalidForm(Exception):
    """The body is malformed. The message continues a sentence that starts with "the body"."""


class FormReader:
    """Parses a form fed in pieces of any size.

    Args:
        content_type: The request's Content-Type, boundary included.
        file_limit: The largest file in bytes.

    Raises:
        InvalidForm: The type is not multipart/form-data, or has no valid boundary.
    """

    def __init__(self, content_type: str, file_limit: int = FILE_LIMIT) -> None:
        self._form = _Form(file_limit)
        self._parser = _open(content_type, self._form)
        self._limit = body_limit(file_limit)
        self._size = 0

    @property
    def file_name(self) -> str:
        """The name that the client gave the file, "" for none."""
        return self._form.file_name

    def feed(self, data: bytes) -> None:
        """Parse the next piece.

        Raises:
            FileTooLarge: A limit is exceeded; the rest need not be read.
            InvalidForm: The form is malformed.
        """
        self._size += len(data)
        if self._size > self._limit:
            raise FileTooLarge
        try:
            self._parser.write(data)
        except ValueError as error:  # the base of python-multipart's errors
            raise InvalidForm("is not well-formed multipart/form-data") from error

    def finish(self) -> tuple[dict[str, str], bytes | None]:
        """The fields and the file, at the end of the body.

        Raises:
            InvalidForm: The form is incomplete.
        """
        if not self._form.complete:
            raise InvalidForm("ends before the closing boundary of its multipart/form-data")
        return self._form.fields, self._form.file


class _Form:
    """A form as far as it has been parsed.

    It does not know its parser, which calls it: so a form whose upload is cut off is freed at once, and not by the
    garbage collector, which may never come.
    """

    def __init__(self, file_limit: int) -> None:
        self.file_name = ""
        self.fields: dict[str, str] = {}
        self.file: bytes | None = None
        self.complete = False
        self._file_limit = file_limit
        self._parts = 0
        self._headers: dict[bytes, bytes] = {}
        self._header = [b"", b""]  # name and value of the current header
        self._name = ""
        self._content: BytesIO | None = None  # of the current part; None to skip it

    def callbacks(self) -> MultipartCallbacks:
        """The callbacks of the parser."""
        return {
            "on_part_begin": self._part_begins,
            "on_header_field": lambda data, start, end: self._header_grows(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._header_grows(1, data[start:end]),
            "on_header_end": self._header_ends,
            "on_headers_finished": self._content_begins,
            "on_part_data": self._content_grows,
            "on_part_end": self._part_ends,
            "on_end": self._form_ends,
        }

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:  # each costs the event loop some microseconds, whatever it holds
            raise InvalidForm(f"has more than {_MAX_PARTS} parts")
        self._headers = {}

    def _header_grows(self, index: int, data: bytes) -> None:
        self._header[index] += data  # the parser limits a header line

    def _header_ends(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value.strip(b" \t")
        self._header = [b"", b""]

    def _content_begins(self) -> None:
        _, options = _multipart().parse_options_header(self._headers.get(b"content-disposition"))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if not self._name:
            raise InvalidForm("has a part without a name")
        if self._name in self.fields or (self._name == "file" and self.file is not None):
            raise InvalidForm(f"has two parts named {self._name}")
        self._content = BytesIO() if self._name == "file" or self._name in _FIELDS else None
        if self._name == "file":
            self.file_name = options.get(b"filename", b"").decode("utf-8", "replace")

    def _content_grows(self, data: bytes, start: int, end: int) -> None:
        if self._content is None:
            return
        if self._name == "file":
            if self._content.tell() + end - start > self._file_limit:
                raise FileTooLarge
        elif self._content.tell() + end - start > _FIELD_LIMIT:
            raise InvalidForm(f"has a field {self._name} of more than 64 KB")
        self._content.write(memoryview(data)[start:end])

    def _part_ends(self) -> None:
        if self._content is None:
            return
        content = self._content.getvalue()
        self._content = None
        if self._name == "file":
            self.file = content
            return
        try:
            self.fields[self._name] = content.decode()
        except UnicodeDecodeError:
            raise InvalidForm(f"has a field {self._name} that is not UTF-8") from None

    def _form_ends(self) -> None:
        self.complete = True


def _open(content_type: str, form: _Form) -> MultipartParser:
    multipart = _multipart()
    kind, options = multipart.parse_options_header(text(content_type).encode().decode("latin-1"))
    if kind.lower() != b"multipart/form-data":
        raise InvalidForm("must be multipart/form-data")
    boundary = options.get(b"boundary")
    if not boundary:
        raise InvalidForm("has no boundary in its Content-Type")
    try:
        parser: MultipartParser = multipart.MultipartParser(boundary, form.callbacks())
    except ValueError as error:
        raise InvalidForm("has a boundary that cannot be used") from error
    parser.logger = _SILENT
    return parser


# The parser warns of each broken form, which is answered with an error already.
_SILENT = logging.Logger("emulator.form", logging.CRITICAL)  # noqa: LOG001 - nobody is to switch it on


def _multipart() -> ModuleType:
    try:
        from python_multipart import multipart  # noqa: PLC0415 - loaded with the first upload
    except ImportError as error:
        raise ModuleNotFoundError("uploads need python-multipart: pip install 'portrait-actions[emulator]'") from error
    return multipart
