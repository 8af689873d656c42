"""A strict S3 storage on loopback, with the rules of Cloudflare R2, for tests and as the other end of a benchmark."""

from tests.s3_stub.bucket import Bucket
from tests.s3_stub.faults import Fault
from tests.s3_stub.server import ACCESS_KEY, SECRET_KEY, S3Stub

__all__ = ["ACCESS_KEY", "SECRET_KEY", "Bucket", "Fault", "S3Stub"]
