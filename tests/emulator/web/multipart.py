"""multipart/form-data as bytes, well-formed or not, made without a library; it knows nothing of who reads it."""

BOUNDARY = b"a-boundary-7d1f"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY.decode()}"


def part(name, content, filename=None):
    """One part, from its headers to its last byte."""
    name, content = (value.encode() if isinstance(value, str) else value for value in (name, content))
    disposition = b'form-data; name="' + name + b'"'
    if filename is not None:
        disposition += b'; filename="' + (filename.encode() if isinstance(filename, str) else filename) + b'"'
    return b"Content-Disposition: " + disposition + b"\r\n\r\n" + content


def form(*parts, boundary=BOUNDARY):
    """A whole body."""
    body = b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in parts)
    return body + b"--" + boundary + b"--\r\n"
