"""The emulator's OpenAPI document over HTTP: made when it is first asked for, then kept.

Who may read it is the guard's business, what it says that of `emulator.web.openapi`, which no start has to load.
"""

from __future__ import annotations

from functools import cached_property

import orjson

from emulator.emulator import Service
from emulator.messages import Reply
from emulator.web.access import check_access
from emulator.web.request_head import Head


class Description:
    """Serves the document.

    Args:
        service: What is described.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def show(self, head: Head) -> Reply:
        """The document, to whoever may use the control plane."""
        refused = check_access(head, self._service.settings.control_token)
        if refused is not None:
            return self._service.http_error(403, "permission_error", refused)
        return Reply(body=self._document)

    @cached_property
    def _document(self) -> bytes:
        from emulator.web.openapi import document  # noqa: PLC0415 - loaded with the first question

        return orjson.dumps(document(self._service.settings))
