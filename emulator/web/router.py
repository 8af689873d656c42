"""All routes of the emulator: one table from path and method to a handler.

A handler gets the request's head. It returns a reply, or a `BodyReader` if it needs the body. Nothing here does I/O, so
that requests from a socket and from an in-process client are answered alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import partial

from emulator.domain.reasons import Reason, Refusal
from emulator.domain.uploads import UPLOADED_FILES
from emulator.domain.validations import PAGES
from emulator.messages import Call, Reply, ReplyFlow
from emulator.mounts import RestMount
from emulator.pipeline import Pipeline
from emulator.service import Service
from emulator.signed_urls import SIGNED_FILES, VIDEOS
from emulator.web import html
from emulator.web.access import CONTROL, OPENAPI
from emulator.web.body_reader import BodyReader
from emulator.web.control import ControlPlane
from emulator.web.dashboard import Dashboard
from emulator.web.files import Files
from emulator.web.form import FILE_LIMIT
from emulator.web.known_heads import AnswerBody
from emulator.web.pages import Pages
from emulator.web.request_head import Head, text
from emulator.web.rest_routes import Handler, RestRoutes, read_form, read_json
from emulator.web.runner import Workers

_HINTS: Mapping[str, str] = {
    "/v1/portrait": "The slash belongs there: POST /v1/portrait/?Action=…",
    "/portrait/": "The base URL ends in /v1: POST /v1/portrait/?Action=…",
    "/v1/portrait/upload/": "No slash belongs at the end: POST /v1/portrait/upload",
    "/_emulator": "The dashboard is at /_emulator/, the control plane below it, for example GET /_emulator/health",
}
_ABOUT = """\
This is portrait-emulator: an offline stand-in for the portrait service, for development and tests.

  POST /v1/portrait/?Action=GetAsset    the 12 Actions, with any Bearer key unless keys were configured
  POST /?Action=GetAsset                the same as Volcengine and BytePlus answer them, signed by a pair of keys
  POST /v1/portrait/upload              a file as multipart/form-data
  POST /v1/videos/generations           videos; also /api/v3/contents/generations/tasks, as Ark has them
  POST /v1/seedance2/private-avatar     assets by the task gateways; also real-avatar, and GET /v1/tasks/{id}
  POST /v1/uploads/images               a picture for them as multipart/form-data
  GET  /_emulator/                      the dashboard, for a browser
  GET  /_emulator/health                the control plane: state, calls, clock, validations, assets, customers, rules
"""


class Router:
    """Routes requests to the emulator.

    Args:
        service: The emulator.

    Attributes:
        service: As given.
        actions: What answers Actions, by path.
        workers: Do what blocks, where replies are run in an event loop.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self.workers = Workers()
        self._control = ControlPlane(service)
        dashboard, pages, files = Dashboard(service), Pages(service, self.base_url), Files(service)
        self._exact: Mapping[str, Mapping[str, Handler]] = {
            "/": {"GET": self._about},
            CONTROL: {"GET": dashboard.show, "POST": dashboard.submit},
            OPENAPI: {"GET": self._control.openapi},
            **{html.STATIC + name: {"GET": partial(_constant, file)} for name, file in html.static_files().items()},
            **self._mounted(),
        }
        self.actions = {
            mount.path: pipeline for pipeline in service.pipelines if not isinstance(mount := pipeline.mount, RestMount)
        }
        self._rest = RestRoutes(service.pipelines, self._call, service.settings.key_providers)
        self._prefixes: tuple[tuple[str, Mapping[str, Handler]], ...] = (
            (UPLOADED_FILES, {"GET": files.uploaded}),
            (SIGNED_FILES, {"GET": files.signed}),
            (VIDEOS, {"GET": files.video}),
            (PAGES, {"GET": pages.show, "POST": pages.submit}),
        )

    def route(self, head: Head) -> Reply | BodyReader:
        """Reply to a request, or return the reader for its body."""
        methods = self._exact.get(head.path) or self._rest.methods(head.path) or self._methods_by_prefix(head.path)
        if methods is None:
            return self._unknown(head)
        handler = methods.get(head.method) or (methods.get("GET") if head.method == "HEAD" else None)
        return handler(head) if handler is not None else self._wrong_method(head, methods)

    def action(self, head: Head) -> AnswerBody:
        """Starts replies to bodies, of at most `JSON_LIMIT` bytes, that are posted to a path of `actions`.

        Headers that are given in place of the head's may differ in what a signature is made of, and in nothing else.
        """
        pipeline, call = self.actions[head.path], self._call(head, head.parameters.get("Action", ""))

        def answer(body: bytes, headers: Mapping[str, str] | None = None) -> ReplyFlow:
            return pipeline.answer(call.with_body(body) if headers is None else call.signed(headers, body))

        return answer

    def base_url(self, head: Head) -> str:
        """The base of links in replies: the public URL, or the host of the request. Without a slash at the end."""
        public = self.service.settings.public_url
        return public.rstrip("/") if public else f"http://{head.host}"

    def damaged_body(self) -> Reply:
        """The reply to a body whose chunks or compression are malformed."""
        why = "The request body is damaged: its chunks or its compression cannot be read."
        return self.service.http_error(400, "invalid_request_error", why)

    def internal_error(self) -> Reply:
        """The reply to a request that failed by an error of the emulator."""
        return self.service.pipelines[0].refuse(Refusal(Reason.INTERNAL))

    def _mounted(self) -> dict[str, dict[str, Handler]]:
        routes: dict[str, dict[str, Handler]] = {}
        for pipeline in self.service.pipelines:
            mount = pipeline.mount
            if isinstance(mount, RestMount):
                continue
            about = {"GET": self._about} if mount.path == "/" else {}
            routes[mount.path] = {**about, "POST": partial(self._action, pipeline)}
            if mount.upload_path is not None:
                routes[mount.upload_path] = {"POST": partial(self._upload, pipeline)}
        return routes

    def _action(self, pipeline: Pipeline, head: Head) -> Reply | BodyReader:
        return read_json(self._call(head, head.parameters.get("Action", "")), head, lambda _: pipeline)

    def _upload(self, pipeline: Pipeline, head: Head) -> Reply | BodyReader:
        """Contract §2: the upload replies with `Action` = `CreateAsset`."""
        return read_form(self._call(head, "CreateAsset"), head, pipeline, FILE_LIMIT)

    def _call(self, head: Head, action: str) -> Call:
        """The call of a request, whose body is not read yet."""
        return Call(
            method=head.method,
            path=head.path,
            query=head.query,
            headers=head.headers,
            action=action,
            parameters=head.parameters,
            version=head.parameters.get("Version"),
            key=head.key,
            body=None,
            base=self.base_url(head),
            rule=head.header("x-emulator-rule"),
        )

    def _about(self, head: Head) -> Reply:
        if "Action" in head.parameters:
            return self._wrong_method(head, ("POST",))
        return Reply(body=_ABOUT.encode(), content_type="text/plain; charset=utf-8")

    def _methods_by_prefix(self, path: str) -> Mapping[str, Handler] | None:
        if path.startswith(CONTROL):
            return dict.fromkeys(self._control.methods(path), self._control.route)
        return next((methods for prefix, methods in self._prefixes if path.startswith(prefix)), None)

    def _unknown(self, head: Head) -> Reply:
        hint = _HINTS.get(head.path, "The Actions are at POST /v1/portrait/?Action=…")
        return self.service.http_error(404, "not_found_error", f"There is nothing at {text(head.path)[:200]}. {hint}")

    def _wrong_method(self, head: Head, methods: Collection[str]) -> Reply:
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
        if head.method == "OPTIONS":
            return Reply(status=204, headers={"Allow": allowed})
        why = f"{head.path} does not take {text(head.method)[:20]}, only {', '.join(methods)}."
        refused = self.service.http_error(405, "invalid_request_error", why)
        return Reply(status=405, body=refused.body, headers={**refused.headers, "Allow": allowed})


def _constant(reply: Reply, _: Head) -> Reply:
    return reply
