"""The upload's form reader: pieces of any size, hostile names, broken bodies, and limits that hold while it reads."""

import gc
import tracemalloc
import weakref
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.web import form as subject
from emulator.web.form import FILE_LIMIT, FileTooLarge, FormReader, InvalidForm, body_limit
from tests.emulator.web.multipart import BOUNDARY, CONTENT_TYPE, form, part

FILE = b"\x89PNG\r\n--a-boundary\r\n\r\n--" + bytes(range(256))
WHOLE = form(part("GroupId", "group-1"), part("file", FILE, "a.png"), part("Name", "主播"))


def read(body, content_type=CONTENT_TYPE, split_ranks=()):
    """Feeds a body, cut at the given offsets."""
    reader = FormReader(content_type)
    edges = [0, *sorted(split_ranks), len(body)]
    for start, end in pairwise(edges):
        reader.feed(body[start:end])
    return reader.finish()


def test_fields_and_file_are_read():
    """Fields come out as text, the file as its bytes."""
    fields, file = read(WHOLE)
    assert fields == {"GroupId": "group-1", "Name": "主播"}
    assert file == FILE


def test_a_form_that_is_cut_off_is_freed_at_once():
    """A process that holds many records does without the garbage collector, and an upload has 10 MB."""
    gc.disable()
    try:
        reader = FormReader(CONTENT_TYPE)
        reader.feed(WHOLE[:-40])
        parsed = weakref.ref(reader._form)
        del reader
        assert parsed() is None
    finally:
        gc.enable()


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_where_a_body_is_cut_does_not_matter(split_ranks):
    """The same form comes out however the body is cut into pieces."""
    assert read(WHOLE, split_ranks=split_ranks) == read(WHOLE)


def test_a_body_may_come_byte_by_byte():
    """Every boundary and header survives being cut at each byte."""
    assert read(WHOLE, split_ranks=range(len(WHOLE))) == read(WHOLE)


@given(st.integers(0, len(WHOLE) - 4))
def test_a_body_that_ends_early_is_broken(length):
    """No cut-off body is taken for a whole form. The last CRLF may be missing, and one hyphen with it is an end."""
    with pytest.raises(InvalidForm):
        read(WHOLE[:length])


@given(st.binary(max_size=400))
def test_garbage_is_broken_and_nothing_else(garbage):
    """Whatever bytes come, the reader answers with a form or with `InvalidForm`."""
    for body in (garbage, b"--" + BOUNDARY + b"\r\n" + garbage, b"--" + BOUNDARY + b"\r\nContent-Disp" + garbage):
        with pytest.raises(InvalidForm):
            read(body)


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_form_never_escapes(place, damage):
    """A form with a few bytes overwritten is read or broken; no other error comes out."""
    try:
        fields, file = read(WHOLE[:place] + damage + WHOLE[place + len(damage) :])
    except InvalidForm:
        return
    assert fields.keys() <= {"GroupId", "Name"}
    assert file is None or len(file) <= len(WHOLE)


@pytest.mark.parametrize(
    "content_type",
    [
        "", "application/json", "multipart/mixed; boundary=x", "multipart/form-data", "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""', "multipart/form-data; boundary=" + "x" * 300, "multipart", "\udce4",
        ";;;", "multipart/form-data;boundary",
    ],
)  # fmt: skip
def test_a_content_type_without_a_usable_boundary_is_broken(content_type):
    """What is no multipart/form-data, or names no boundary, is refused before a byte is read."""
    with pytest.raises(InvalidForm):
        FormReader(content_type)


def test_a_boundary_may_be_quoted():
    """RFC 2046 allows quotes around a boundary."""
    assert read(WHOLE, f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY.decode()}"') == read(WHOLE)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        ([b"X: y\r\n\r\ncontent"], "without a name"),
        ([part("", "x")], "without a name"),
        ([part("Name", "a"), part("Name", "b")], "two parts named Name"),
        ([part("file", "a", "a"), part("file", "b", "b")], "two parts named file"),
        ([part("Name", b"\xff\xfe")], "not UTF-8"),
        ([part("Name", b"n" * 65_537)], "more than 64 KB"),
        ([b"X-Long: " + b"x" * 10_000 + b"\r\n\r\n"], "not well-formed"),
        ([b"\r\n".join(b"X-%d: y" % n for n in range(20)) + b"\r\n\r\n"], "not well-formed"),
        ([b"no colon here\r\n\r\n"], "not well-formed"),
    ],
)
def test_a_part_that_makes_no_sense_breaks_the_form(parts, why):
    """The reason says what is wrong with the form."""
    with pytest.raises(InvalidForm, match=why):
        read(form(*parts))


def test_unknown_fields_are_skipped():
    """Contract §2: extra fields are ignored, here without being kept."""
    fields, file = read(form(part("thumbnail", b"x" * 300_000, "t.png"), part("GroupId", "g"), part("file", b"f", "f")))
    assert fields == {"GroupId": "g"}
    assert file == b"f"


@pytest.mark.parametrize(
    "name",
    [None, b"", b"../../etc/passwd", b"C:\\Users\\me\\face.jpg", b"a\x00.png", b"...", "人像.webp".encode(),
     b"\xff.png", b"x" * 999],
)  # fmt: skip
def test_a_file_name_is_not_kept(name):
    """What counts is the part's name: a file has no other name here, or none at all."""
    assert read(form(part("GroupId", "g"), part("file", b"content", name))) == ({"GroupId": "g"}, b"content")


def test_a_file_of_the_limit_fits_and_a_byte_more_does_not():
    """Contract §5: 10 MB."""
    assert FILE_LIMIT == 10 * 1_048_576
    assert len(read(form(part("file", bytes(FILE_LIMIT), "f")))[1]) == FILE_LIMIT
    with pytest.raises(FileTooLarge):
        read(form(part("file", bytes(FILE_LIMIT + 1), "f")))


def test_a_form_is_limited_even_where_its_parts_are_skipped():
    """Fields that nobody wants cannot keep the reader busy for ever."""
    reader = FormReader(CONTENT_TYPE)
    reader.feed(b"--" + BOUNDARY + b"\r\n" + part("junk", b""))
    for _ in range(body_limit(FILE_LIMIT) // 65_536 - 1):
        reader.feed(bytes(65_536))
    with pytest.raises(FileTooLarge):
        reader.feed(bytes(65_536))


def test_no_more_than_one_file_is_held():
    """Reading a file of the limit in pieces takes its size in memory, not a multiple."""
    head = b"--" + BOUNDARY + b"\r\n" + part("file", b"", "f")
    tail = b"\r\n--" + BOUNDARY + b"--\r\n"
    reader, piece = FormReader(CONTENT_TYPE), bytes(65_536)
    tracemalloc.start()
    try:
        reader.feed(head)
        for _ in range(FILE_LIMIT // len(piece)):
            reader.feed(piece)
        reader.feed(tail)
        _, file = reader.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(file) == FILE_LIMIT
    assert peak < 1.5 * FILE_LIMIT


def test_the_parser_does_not_talk(caplog):
    """The client is told what is wrong with its form; the log is not."""
    with caplog.at_level("DEBUG"), pytest.raises(InvalidForm):
        read(b"nonsense")
    assert caplog.records == []


def test_without_the_extra_the_answer_says_which_to_install(monkeypatch):
    """A base install has no multipart parser."""
    monkeypatch.setitem(__import__("sys").modules, "python_multipart", None)
    with pytest.raises(ModuleNotFoundError, match=r"portrait-actions\[emulator\]"):
        subject.FormReader(CONTENT_TYPE)


def test_the_parts_of_a_form_are_counted():
    """emulator-parts: a form of 180,000 parts ends with the 101st, before the rest is parsed."""
    body = form(*(part(f"field-{n}", b"x") for n in range(2_000)))
    reader = FormReader(CONTENT_TYPE)
    with pytest.raises(InvalidForm, match="more than 100 parts"):
        reader.feed(body)
    assert reader._form._parts == 101
    fields, _ = read(form(*(part(f"field-{n}", b"x") for n in range(99)), part("Name", "n")))
    assert fields == {"Name": "n"}
