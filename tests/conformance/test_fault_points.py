"""Every single fault point of `put`, `forget` and an upload; the suite tries some of them."""

import pytest

from tests.portrait.s3.conftest import _make_clients_quickly  # noqa: F401  (a fixture: botocore is slow)
from tests.system.test_fault_points import (  # noqa: F401  (tests, and their fixtures)
    kind,
    stub,
    test_forget,
    test_put,
    test_upload_in_parts,
    worlds,
)


@pytest.fixture
def step():
    """All of them."""
    return 1
