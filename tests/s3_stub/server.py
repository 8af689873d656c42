"""HTTP ↔ bucket: a small HTTP/1.1 server in threads that speaks the S3 operations which the project uses, and no more.

It refuses what R2 refuses: checksums other than SHA-256, trailers and chunked bodies (501), HeadBucket and ListBuckets
with a bucket's own key (403), POST forms (501). It checks every signature and every hash that a request states.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import re
import socket
import socketserver
import threading
from collections import Counter
from email.utils import formatdate
from typing import Self
from urllib.parse import parse_qs, quote, unquote
from xml.sax.saxutils import escape

from attrs import define, field

from tests.s3_stub.bucket import Bucket, Refusal
from tests.s3_stub.faults import Fault
from tests.s3_stub.sigv4 import expected

ACCESS_KEY, SECRET_KEY = "AKIDSTUB", "stub-secret"
BLOCK = 1 << 20
REFUSED = ("x-amz-trailer", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-crc32", "x-amz-checksum-crc32c",
           "x-amz-checksum-crc64nvme", "x-amz-checksum-sha1", "x-amz-decoded-content-length")  # fmt: skip


class Dropped(Exception):
    """The connection is closed without an answer."""


@define
class Call:
    """A request that was answered or dropped."""

    operation: str
    key: str
    part: int | None
    status: int


@define(kw_only=True)
class Request:
    """A request as far as it was read."""

    method: str
    target: str
    headers: dict[str, str]
    operation: str = ""
    key: str = ""
    query: dict[str, str] = field(factory=dict)
    body: bytearray = field(factory=bytearray)
    size: int = 0
    sha256: str = ""
    md5: str = ""


@define
class Answer:
    """An answer to be sent."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(factory=dict)


class S3Stub:
    """A storage with one bucket, `portraits`, on a free port of loopback.

    Attributes:
        bucket: Its state.
        faults: What goes wrong.
        calls: Every request, in order of its answer.
        public: Whether `/-/KEY` serves objects without a key; a callable may answer in its place.
        page: Items on a page of a listing.
        can_list: Whether the key may list the bucket; without that right HEAD of a missing object is 403, as on AWS.
        check: Whether signatures and hashes are checked; a benchmark leaves it out.
    """

    def __init__(self, *, check: bool = True, port: int = 0, **bucket: object) -> None:
        self.bucket = Bucket(**bucket)  # type: ignore[arg-type]
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.public = None
        self.page = 1000
        self.can_list = True
        self.check = check
        self.bucket_name = "portraits"
        self.lock = threading.RLock()
        self.connections: set[socket.socket] = set()
        self.most_under_way = self.under_way = 0
        self._server = _Server(("127.0.0.1", port), _Handler)
        self._server.stub = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.002,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def public_base(self) -> str:
        """What serves keys without a signature."""
        return f"{self.url}/-"

    def count(self, operation: str) -> int:
        """How many requests of an operation there were."""
        return Counter(call.operation for call in list(self.calls))[operation]

    def fault(self, operation: str, action: str, **more: object) -> Fault:
        """Have something go wrong."""
        self.faults.append(Fault(operation=operation, action=action, **more))  # type: ignore[arg-type]
        return self.faults[-1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def struck(self, request: Request, *actions: str) -> Fault | None:
        """The fault that happens to a request, if it is one of those."""
        part = int(request.query["partNumber"]) if "partNumber" in request.query else None
        with self.lock:
            for fault in self.faults:
                if fault.action in actions and fault.strikes(request.operation, part):
                    return fault
        return None


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 128
    stub: S3Stub

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:
        with contextlib.suppress(OSError, Dropped), request:
            self.finish_request(request, client_address)


class _Handler(socketserver.StreamRequestHandler):
    rbufsize = 1 << 16
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.stub = self.server.stub
        self.stub.connections.add(self.connection)

    def finish(self) -> None:
        self.stub.connections.discard(self.connection)
        super().finish()

    def handle(self) -> None:
        while line := self.rfile.readline(65537):
            method, target, _ = line.decode("latin-1").split(" ", 2)
            headers = {}
            while (raw := self.rfile.readline(65537)) not in {b"\r\n", b""}:
                name, _, value = raw.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            with self.stub.lock:
                self.stub.under_way += 1
                self.stub.most_under_way = max(self.stub.most_under_way, self.stub.under_way)
            try:
                self._serve(Request(method=method, target=target, headers=headers))
            finally:
                with self.stub.lock:
                    self.stub.under_way -= 1

    def _serve(self, request: Request) -> None:
        part = None
        try:
            try:
                self._route(request)
                part = int(request.query["partNumber"]) if "partNumber" in request.query else None
                before = self.stub.struck(request, "drop-before", "status-before")
                if before and before.hook:
                    before.hook()
                if before and before.action == "drop-before":
                    raise Dropped
                self._read_body(request)
                if before:
                    raise Refusal(before.status, before.code)  # noqa: TRY301
                self._check(request)
                answer = self._operate(request)
                after = self.stub.struck(request, "drop-after", "status-after")
                if after and after.hook:
                    after.hook()
                if after and after.action == "drop-after":
                    raise Dropped
                if after:
                    raise Refusal(after.status, after.code)  # noqa: TRY301
            except Refusal as refusal:
                self._read_body(request)
                text = f"<Error><Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message></Error>"
                answer = Answer(refusal.status, text.encode())
                fault = next((f for f in self.stub.faults if f.status == refusal.status and f.headers), None)
                answer.headers.update(fault.headers if fault else ())
        except Dropped:
            self.stub.calls.append(Call(request.operation, request.key, part, 0))
            raise
        self.stub.calls.append(Call(request.operation, request.key, part, answer.status))
        self._send(request, answer)

    def _operate(self, request: Request) -> Answer:
        instead = self.stub.struck(request, "instead")
        if instead:
            return Answer(instead.status, instead.body, dict(instead.headers))
        alter = self.stub.struck(request, "alter")
        if not self.stub.can_list and request.operation in {"ListObjectsV2", "ListMultipartUploads"}:
            raise Refusal(403, "AccessDenied")
        with self.stub.lock:
            answer = OPERATIONS[request.operation](self.stub, request)
        return Answer(answer.status, alter.rewrite(answer.body), answer.headers) if alter else answer

    def _send(self, request: Request, answer: Answer) -> None:
        headers = {
            "Date": formatdate(usegmt=True),
            "Content-Length": str(len(answer.body)),
            "x-amz-request-id": "stub",
            **answer.headers,
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body = b"" if request.method == "HEAD" else answer.body
        self.wfile.write(f"HTTP/1.1 {answer.status} X\r\n{head}\r\n".encode() + body)
        if request.method != "HEAD" and headers["Content-Length"] != str(len(answer.body)):  # only closing ends it
            raise Dropped

    def _route(self, request: Request) -> None:
        path, _, query = request.target.partition("?")
        request.query = {k: v[0] for k, v in parse_qs(query, keep_blank_values=True).items()}
        first, _, key = unquote(path).lstrip("/").partition("/")
        request.key = key
        if first == "-":
            request.operation = "PublicGet"
        elif not first:
            request.operation = "ListBuckets"
        elif first != self.stub.bucket_name:
            raise Refusal(404, "NoSuchBucket")
        else:
            request.operation = _operation(request)

    def _read_body(self, request: Request) -> None:
        remaining = int(request.headers.pop("content-length", "0")) if not request.size else 0
        if not remaining:
            return
        request.headers["content-length"] = str(remaining)
        if request.headers.pop("expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        half = self.stub.struck(request, "cut", "call")
        request.size = remaining
        sha256, md5 = hashlib.sha256(), hashlib.md5()
        keep = self.stub.bucket.keep or request.method == "POST"
        while remaining:
            block = self.rfile.read(min(remaining, BLOCK if not half else max(1, request.size // 8)))
            if not block:
                raise Dropped
            remaining -= len(block)
            if self.stub.check:
                sha256.update(block)
                md5.update(block)
            if keep:
                request.body += block
            if half and remaining <= request.size // 2:
                if half.hook:
                    half.hook()
                if half.action == "cut":
                    raise Dropped
                half = None
        request.sha256, request.md5 = sha256.hexdigest(), md5.hexdigest() if self.stub.check else "0" * 32

    def _check(self, request: Request) -> None:
        headers = request.headers
        if any(name in headers for name in REFUSED) or "aws-chunked" in headers.get("content-encoding", ""):
            raise Refusal(501, "NotImplemented", "A header you provided implies functionality that is not implemented.")
        if request.operation == "PublicGet" or not self.stub.check:
            return
        if "X-Amz-Signature" not in request.query and "authorization" not in headers:
            raise Refusal(403, "AccessDenied")
        wanted, got = expected(SECRET_KEY, request.method, request.target, headers)
        if wanted == "expired":
            raise Refusal(403, "AccessDenied", "Request has expired")
        if wanted != got:
            raise Refusal(403, "SignatureDoesNotMatch", "The request signature we calculated does not match.")
        stated = headers.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        found = request.sha256 or hashlib.sha256(request.body).hexdigest()
        if stated not in {"UNSIGNED-PAYLOAD", found}:
            raise Refusal(400, "XAmzContentSHA256Mismatch")
        checksum = headers.get("x-amz-checksum-sha256")
        if checksum is not None and checksum != base64.b64encode(bytes.fromhex(found)).decode():
            raise Refusal(400, "BadDigest")


def _operation(request: Request) -> str:
    query, method = request.query, request.method
    if not request.key:
        if method == "GET" and query.get("list-type") == "2":
            return "ListObjectsV2"
        if method == "GET" and "uploads" in query:
            return "ListMultipartUploads"
        return {"HEAD": "HeadBucket", "GET": "ListObjects", "POST": "PostForm"}.get(method, "Unknown")
    if "uploadId" in query:
        return {"PUT": "UploadPart", "GET": "ListParts", "POST": "CompleteMultipartUpload",
                "DELETE": "AbortMultipartUpload"}[method]  # fmt: skip
    if method == "POST" and "uploads" in query:
        return "CreateMultipartUpload"
    return {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject", "DELETE": "DeleteObject"}.get(
        method, "Unknown"
    )


def _stored_headers(request: Request) -> dict[str, str]:
    return {k: v for k, v in request.headers.items() if k == "content-type" or k.startswith("x-amz-meta-")}


def _put(stub: S3Stub, request: Request) -> Answer:
    stored = stub.bucket.put(
        request.key,
        bytes(request.body),
        request.size,
        request.md5 or hashlib.md5(b"").hexdigest(),
        _stored_headers(request),
    )
    return Answer(headers={"ETag": f'"{stored.etag}"'})


def _create(stub: S3Stub, request: Request) -> Answer:
    upload_id = stub.bucket.create(request.key, _stored_headers(request))
    return _xml(f"<InitiateMultipartUploadResult><UploadId>{upload_id}</UploadId></InitiateMultipartUploadResult>")


def _part(stub: S3Stub, request: Request) -> Answer:
    etag = stub.bucket.part(
        request.key,
        request.query["uploadId"],
        int(request.query["partNumber"]),
        content=bytes(request.body),
        size=request.size,
        md5=request.md5,
    )
    return Answer(headers={"ETag": f'"{etag}"'})


def _complete(stub: S3Stub, request: Request) -> Answer:
    text = request.body.decode()
    numbers = [int(n) for n in re.findall(r"<PartNumber>(\d+)</PartNumber>", text)]
    etags = [e.replace("&quot;", '"').strip('"') for e in re.findall(r"<ETag>(.*?)</ETag>", text)]
    whole = stub.bucket.complete(request.key, request.query["uploadId"], list(zip(numbers, etags, strict=True)))
    return _xml(f"<CompleteMultipartUploadResult><ETag>&quot;{whole.etag}&quot;</ETag></CompleteMultipartUploadResult>")


def _abort(stub: S3Stub, request: Request) -> Answer:
    stub.bucket.upload(request.key, request.query["uploadId"])
    del stub.bucket.uploads[request.query["uploadId"]]
    return Answer(204)


def _list_parts(stub: S3Stub, request: Request) -> Answer:
    upload = stub.bucket.upload(request.key, request.query["uploadId"])
    after = int(request.query.get("part-number-marker", "0"))
    rest = sorted(number for number in upload.parts if number > after)
    page = rest[: stub.page]
    items = "".join(
        f"<Part><PartNumber>{n}</PartNumber><Size>{upload.parts[n].size}</Size>"
        f"<ETag>&quot;{upload.parts[n].etag}&quot;</ETag></Part>"
        for n in page
    )
    more = f"<IsTruncated>{str(len(rest) > len(page)).lower()}</IsTruncated>"
    marker = f"<NextPartNumberMarker>{page[-1] if page else 0}</NextPartNumberMarker>"
    return _xml(f"<ListPartsResult>{more}{marker}{items}</ListPartsResult>")


def _list_objects(stub: S3Stub, request: Request) -> Answer:
    prefix, after = request.query.get("prefix", ""), request.query.get("continuation-token", "")
    rest = sorted(key for key in stub.bucket.objects if key.startswith(prefix) and key > after)
    page = rest[: stub.page]
    items = "".join(
        f"<Contents><Key>{quote(k)}</Key><Size>{stub.bucket.objects[k].size}</Size></Contents>" for k in page
    )
    more = len(rest) > len(page)
    token = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if more else ""
    return _xml(
        f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{token}{items}</ListBucketResult>"
    )


def _list_uploads(stub: S3Stub, request: Request) -> Answer:
    prefix = request.query.get("prefix", "")
    after = (request.query.get("key-marker", ""), request.query.get("upload-id-marker", ""))
    rest = sorted(
        (upload.key, upload_id)
        for upload_id, upload in stub.bucket.uploads.items()
        if upload.key.startswith(prefix) and (upload.key, upload_id) > after
    )
    page = rest[: stub.page]
    items = "".join(
        f"<Upload><Key>{quote(key)}</Key><UploadId>{upload_id}</UploadId>"
        f"<Initiated>{stub.bucket.uploads[upload_id].started:%Y-%m-%dT%H:%M:%S.000Z}</Initiated></Upload>"
        for key, upload_id in page
    )
    more = len(rest) > len(page)
    markers = (
        f"<NextKeyMarker>{page[-1][0]}</NextKeyMarker><NextUploadIdMarker>{page[-1][1]}</NextUploadIdMarker>"
        if more
        else ""
    )
    return _xml(
        f"<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}</IsTruncated>"
        f"{markers}{items}</ListMultipartUploadsResult>"
    )


def _head(stub: S3Stub, request: Request) -> Answer:
    found = stub.bucket.objects.get(request.key)
    if found is None:
        raise Refusal(404 if stub.can_list else 403, "NoSuchKey")
    return Answer(200, headers={**found.headers, "ETag": f'"{found.etag}"', "Content-Length": str(found.size)})


def _delete(stub: S3Stub, request: Request) -> Answer:
    stub.bucket.objects.pop(request.key, None)
    return Answer(204, headers={"x-amz-delete-marker": "true"} if stub.bucket.versioned else {})


def _get(stub: S3Stub, request: Request) -> Answer:
    if request.operation == "PublicGet" and stub.public is not None:
        return stub.public(request)
    found = stub.bucket.objects.get(request.key)
    if found is None:
        raise Refusal(404, "NoSuchKey")
    headers = {"Content-Type": found.headers.get("content-type", ""), "ETag": f'"{found.etag}"'}
    span = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""))
    if span is None:
        return Answer(200, found.content, headers)
    first, last = int(span[1]), min(int(span[2]), found.size - 1)
    if first > last:
        return Answer(416, b"", headers | {"Content-Range": f"bytes */{found.size}"})
    headers["Content-Range"] = f"bytes {first}-{last}/{found.size}"
    return Answer(206, found.content[first : last + 1], headers)


def _not_for_this_key(stub: S3Stub, request: Request) -> Answer:
    raise Refusal(403, "AccessDenied")


def _not_implemented(stub: S3Stub, request: Request) -> Answer:
    raise Refusal(501, "NotImplemented")


def _xml(text: str) -> Answer:
    return Answer(200, f'<?xml version="1.0"?>{text}'.encode(), {"Content-Type": "application/xml"})


OPERATIONS = {
    "PutObject": _put,
    "CreateMultipartUpload": _create,
    "UploadPart": _part,
    "CompleteMultipartUpload": _complete,
    "AbortMultipartUpload": _abort,
    "ListParts": _list_parts,
    "ListObjectsV2": _list_objects,
    "ListMultipartUploads": _list_uploads,
    "DeleteObject": _delete,
    "GetObject": _get,
    "PublicGet": _get,
    "HeadBucket": _not_for_this_key,
    "ListBuckets": _not_for_this_key,
    "ListObjects": _not_implemented,
    "HeadObject": _head,
    "PostForm": _not_implemented,
    "Unknown": _not_implemented,
}
