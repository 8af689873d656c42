"""The gateway's upload: what is refused before a byte is sent, and what goes out as multipart."""

import io
from email import message_from_bytes
from pathlib import Path

import pytest

from portrait import UsageError
from portrait.errors import ConnectionLost
from portrait.http import FailureKind
from portrait.upload import MAX_FILE
from tests.portrait.helpers import broken, good

JPEG = (Path(__file__).parents[2] / "fixtures" / "media" / "portrait.jpg").read_bytes()
UPLOADED = {
    "Id": "asset-1",
    "GroupId": "group-1",
    "Name": "host",
    "AssetType": "Image",
    "Status": "processing",
    "UploadedURL": "https://r2.example/a.jpg?X-Amz-Signature=s",
    "R2Key": "portrait-uploads/12/9a3fce.jpg",
}


def parts(request):
    """The fields of a multipart request, and its file: name, type and bytes."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    found = {
        part.get_param("name", header="content-disposition"): part
        for part in message_from_bytes(head + request.body).get_payload()
    }
    file = found.pop("file")
    fields = {name: part.get_payload(decode=True).decode() for name, part in found.items()}
    return fields, (file.get_filename(), file.get_content_type(), file.get_payload(decode=True))


def test_a_file_goes_out_as_multipart(colour, tmp_path):
    """File, group, name, type and project; the sniffed type, not the one of the name."""
    path = tmp_path / "host.png"
    path.write_bytes(JPEG)
    client, script = colour.scripted(good(UPLOADED), project="shop")
    uploaded = client.upload_asset(path, group_id="group-1", name="host", asset_type="Image")
    assert (uploaded.id, uploaded.status, uploaded.r2_key) == ("asset-1", "Processing", UPLOADED["R2Key"])
    assert "Signature" not in repr(uploaded)
    fields, file = parts(script.requests[0])
    assert fields == {"GroupId": "group-1", "Name": "host", "AssetType": "Image", "ProjectName": "shop"}
    assert file == ("host.png", "image/jpeg", JPEG)
    assert script.requests[0].url == "https://api.alltoken.ai/v1/portrait/upload"
    assert script.requests[0].headers["Authorization"].startswith("Bearer ")


@pytest.mark.parametrize("form", ["str", "path", "bytes", "bytearray", "file", "stream"])
def test_a_source_is_a_path_bytes_or_an_open_file(colour, tmp_path, form):
    """All of them send the same bytes; bytes without a name get one."""
    path = tmp_path / "host.jpg"
    path.write_bytes(JPEG)
    with path.open("rb") as file:
        source = {
            "str": str(path),
            "path": path,
            "bytes": JPEG,
            "bytearray": bytearray(JPEG),
            "file": file,
            "stream": io.BytesIO(JPEG),
        }[form]
        client, script = colour.scripted(good(UPLOADED))
        client.upload_asset(source, group_id="group-1")
    fields, (name, _, content) = parts(script.requests[0])
    assert fields == {"GroupId": "group-1"}
    assert name == ("host.jpg" if form in {"str", "path", "file"} else "portrait.jpg")
    assert content == JPEG


BAD = {
    "empty": (b"", "is empty"),
    "not an image": (b"hello", "not an image"),
    "a GIF": (b"GIF89a" + bytes(100), "image/gif"),
    "too large": (JPEG + bytes(MAX_FILE - len(JPEG) + 1), "larger than 10 MB"),
    "not there": (Path("/nowhere/host.jpg"), "cannot be read"),
    "a folder": (Path("/"), "cannot be read"),
    "text": (io.StringIO("hello"), "binary mode"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_does_not_fit_is_a_usage_error(colour, name):
    """Nothing is sent, and the message says what is wrong."""
    source, text = BAD[name]
    client, script = colour.scripted(good(UPLOADED))
    with pytest.raises(UsageError, match=text):
        client.upload_asset(source, group_id="group-1")
    assert script.requests == []


@pytest.mark.parametrize("source", ["a\0b", "closed", "raises"])
def test_what_cannot_be_read_is_a_usage_error(colour, source):
    """answer-sources: a name that no file has, a closed file, a stream with a fault of its own."""

    class Faulty(io.BytesIO):
        def read(self, size=-1):
            raise ValueError(size)

    closed = io.BytesIO(JPEG)
    closed.close()
    client, script = colour.scripted(b"")
    with pytest.raises(UsageError, match="cannot be read"):
        client.upload_asset({"closed": closed, "raises": Faulty()}.get(source, source), group_id="g")
    assert script.requests == []


@pytest.mark.parametrize(
    "source", ["https://cdn.example/a.jpg?X-Amz-Signature=planted", "data:image/png;base64,planted"]
)
def test_an_address_is_no_file(colour, source):
    """It is not repeated, and the advice leads to where addresses are taken."""
    client, script = colour.scripted(b"")
    with pytest.raises(UsageError, match="ensure_asset") as caught:
        client.upload_asset(source, group_id="g")
    assert ("planted" in str(caught.value), script.requests) == (False, [])


def test_a_file_of_exactly_the_limit_is_sent(colour):
    """10 MB are taken."""
    client, script = colour.scripted(good(UPLOADED))
    client.upload_asset(JPEG + bytes(MAX_FILE - len(JPEG)), group_id="group-1")
    assert len(script.requests[0].body) > MAX_FILE


def test_a_stream_is_never_read_beyond_the_limit(colour):
    """A file without an end is refused after one byte too many."""

    class Endless(io.RawIOBase):
        requested = 0

        def read(self, size=-1):
            self.requested += size
            return JPEG + bytes(size - len(JPEG))

    client, _ = colour.scripted(good(UPLOADED))
    source = Endless()
    with pytest.raises(UsageError, match="larger than"):
        client.upload_asset(source, group_id="group-1")
    assert source.requested == MAX_FILE + 1


def test_a_lost_upload_is_not_repeated(colour):
    """It may have made an asset."""
    client, script = colour.scripted(broken(FailureKind.DISCONNECTED))
    with pytest.raises(ConnectionLost) as info:
        client.upload_asset(JPEG, group_id="group-1")
    assert info.value.may_have_executed
    assert len(script.requests) == 1


@pytest.mark.parametrize("name", ["größe 主持.jpg", 'a"b.jpg', "a\r\nX: 1.jpg", "\udcff.jpg"])
def test_a_files_name_cannot_break_the_request(colour, tmp_path, name):
    """Other alphabets, quotes, line breaks, and names that are not text."""
    path = tmp_path / name
    path.write_bytes(JPEG)
    client, script = colour.scripted(good(UPLOADED))
    client.upload_asset(path, group_id="group-1")
    fields, (_, kind, content) = parts(script.requests[0])
    assert (fields, kind, content) == ({"GroupId": "group-1"}, "image/jpeg", JPEG)
