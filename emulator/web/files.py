"""Files that the emulator serves back: what was uploaded, and what a signed link of an asset leads to.

The bytes are somebody's, so a browser may show them and nothing more: no sniffing, no script. This module knows
neither how a link is signed nor when it ends.
"""

from __future__ import annotations

from emulator.emulator import Service, StoredFile
from emulator.messages import Reply
from emulator.web.request_head import Head, decode_segment
from portrait.reasons import Refusal

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
    "Cache-Control": "private, no-cache",
}


class Files:
    """Serves files.

    Args:
        service: Who keeps them.
    """

    def __init__(self, service: Service) -> None:
        self._service = service

    def stored(self, head: Head) -> Reply:
        """`/r2/{key}`: an uploaded file by its key."""
        file = self._service.file(decode_segment(head.path.removeprefix("/r2/")))
        if file is None:
            return self._service.http_error(404, "not_found_error", "No file was uploaded under this key.")
        return _reply(file)

    def linked(self, head: Head) -> Reply:
        """`/files/{asset}?…`: what a signed link leads to; 403 once it has ended, as object stores answer."""
        asset = decode_segment(head.path.removeprefix("/files/"))
        try:
            found = self._service.link(asset, head.parameters)
        except Refusal:
            why = "This link is not valid or has expired. Read the asset again: each read makes a new link."
            return self._service.http_error(403, "permission_error", why)
        return Reply(status=302, headers={"Location": found}) if isinstance(found, str) else _reply(found)


def _reply(file: StoredFile) -> Reply:
    return Reply(body=file.content, content_type=file.content_type, headers=_HEADERS)
