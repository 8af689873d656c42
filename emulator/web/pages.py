"""The page behind an H5Link: where a phone would scan a face, it says what it is and how to finish the check.

It shows the validation by its handle. Token and link are secrets, so neither stands in the page: the button that
leads on posts to the page's own address. Templates and their engine are loaded with the first page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from emulator.emulator import Service
from emulator.messages import Reply
from emulator.web.request_head import Head, is_loopback

if TYPE_CHECKING:
    from jinja2 import Environment

_HEADERS = {
    # The callback may be anywhere, and a form's redirect counts as its action.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action http: https:; base-uri 'none';"
        " frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}

# Contract §3: `lng` is zh (default), en or zh-Hant.
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "Liveness check",
        "note": "This page belongs to portrait-emulator. It stands in for the service's own page; no camera is used.",
        "how": "Finish it from a terminal",
        "results": "Other results: fail, cancel, wrong-person. Then load this page again.",
        "seconds": "seconds left",
        "complete": "Complete",
        "open": "Open",
        "scanning": "Waiting for the scan",
        "passed": "Passed",
        "spent": "Passed",
        "failed": "Failed",
        "cancelled": "Cancelled",
        "wrong-person": "Wrong person",
        "expired": "Expired: start a new check",
        "unknown": "There is no such check",
    },
    "zh": {
        "title": "真人核验",
        "note": "本页面由 portrait-emulator 提供，用于代替服务方的页面，不会使用摄像头。",
        "how": "在终端中完成核验",
        "results": "其他结果：fail、cancel、wrong-person。完成后请刷新本页。",
        "seconds": "秒后失效",
        "complete": "完成",
        "open": "待核验",
        "scanning": "等待扫描",
        "passed": "核验通过",
        "spent": "核验通过",
        "failed": "核验失败",
        "cancelled": "已取消",
        "wrong-person": "非本人",
        "expired": "已过期，请重新发起核验",
        "unknown": "核验不存在",
    },
    "zh-Hant": {
        "title": "真人核驗",
        "note": "本頁面由 portrait-emulator 提供，用於代替服務方的頁面，不會使用攝影機。",
        "how": "在終端機中完成核驗",
        "results": "其他結果：fail、cancel、wrong-person。完成後請重新整理本頁。",
        "seconds": "秒後失效",
        "complete": "完成",
        "open": "待核驗",
        "scanning": "等待掃描",
        "passed": "核驗通過",
        "spent": "核驗通過",
        "failed": "核驗失敗",
        "cancelled": "已取消",
        "wrong-person": "非本人",
        "expired": "已過期，請重新發起核驗",
        "unknown": "核驗不存在",
    },
}


class Pages:
    """Serves the H5 page.

    Args:
        service: Whose validations are shown.
        base: Where the control plane is, by the request's head.
    """

    def __init__(self, service: Service, base: Callable[[Head], str]) -> None:
        self._service = service
        self._base = base

    def show(self, head: Head) -> Reply:
        """The page; opening it begins the scan."""
        language = head.parameters.get("lng", "zh")
        language = language if language in _WORDS else "zh"
        page = self._service.validation_page(head.parameters.get("bytedToken", ""))
        if page is None:
            return self._render(404, language, state="unknown")
        return self._render(
            200,
            language,
            state=page.state,
            handle=page.handle,
            seconds=max(0, int(page.expires - self._service.clock.now())),
            address=f"{self._base(head)}/_emulator/validations/{page.handle}",
            with_token=not is_loopback(head.host),
        )

    def complete(self, head: Head) -> Reply:
        """The button: on to the CallbackURL once the scan has ended, else back to the page."""
        address = self._service.callback(head.parameters.get("bytedToken", ""))
        if address is None:
            return self.show(head)
        return Reply(status=303, headers={**_HEADERS, "Location": address})

    def _render(self, status: int, language: str, *, state: str, **facts: object) -> Reply:
        template = self._environment.get_template("validation.html")
        words = _WORDS[language]
        html = template.render(words=words, language=language, state=state, shown=words.get(state, state), **facts)
        return Reply(status=status, body=html.encode(), headers=_HEADERS, content_type="text/html; charset=utf-8")

    @cached_property
    def _environment(self) -> Environment:
        try:
            from jinja2 import Environment, FileSystemLoader  # noqa: PLC0415 - loaded with the first page
        except ImportError as error:
            raise ModuleNotFoundError("pages need Jinja2: pip install 'portrait-actions[emulator]'") from error
        return Environment(loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)
