"""Every address of the emulator, and who answers there: one table from path and method to a handler.

`route` looks at a request's head and gives back a reply, where the head is enough for one, or an intake that takes the
body. No I/O happens here, so a socket's request and an in-process one find the same answers. The site knows what is
asked of the service, never how the service decides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from emulator.emulator import Service
from emulator.messages import Call, Reply, ReplyFlow
from emulator.web.body_reader import BodyReader, BufferedBody, FormBody, malformed
from emulator.web.control import ControlPlane
from emulator.web.description import Description
from emulator.web.files import Files
from emulator.web.form import BODY_LIMIT, FormReader, InvalidForm
from emulator.web.pages import Pages
from emulator.web.request_head import Head, text
from portrait.media import MB
from portrait.reasons import Reason, Refusal

ACTIONS = "/v1/portrait/"
UPLOAD = "/v1/portrait/upload"

JSON_LIMIT = MB
"""Contract §1: a JSON body may have 1 MB."""

_Handler = Callable[[Head], Reply | BodyReader]

_HINTS: Mapping[str, str] = {
    "/v1/portrait": "The slash belongs there: POST /v1/portrait/?Action=…",
    "/portrait/": "The base URL ends in /v1: POST /v1/portrait/?Action=…",
    "/v1/portrait/upload/": "No slash belongs at the end: POST /v1/portrait/upload",
    "/_emulator": "The control plane begins at /_emulator/, for example GET /_emulator/health",
}
_ABOUT = """\
This is portrait-emulator: an offline stand-in for the portrait service, for development and tests.

  POST /v1/portrait/?Action=GetAsset    the 12 Actions, with any Bearer key unless keys were configured
  POST /v1/portrait/upload              a file as multipart/form-data
  GET  /_emulator/health                the control plane: state, calls, clock, validations, assets, customers, rules
"""


class Router:
    """The emulator's addresses.

    Args:
        service: Who answers.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        files, pages = Files(service), Pages(service, self.base)
        self._control = ControlPlane(service)
        self._exact: Mapping[str, Mapping[str, _Handler]] = {
            ACTIONS: {"POST": self._action},
            UPLOAD: {"POST": self._upload},
            "/": {"GET": self._about, "POST": self._ark},
            "/_emulator/openapi.json": {"GET": Description(service).show},
        }
        self._below: tuple[tuple[str, Mapping[str, _Handler]], ...] = (
            ("/r2/", {"GET": files.stored}),
            ("/files/", {"GET": files.linked}),
            ("/h5/", {"GET": pages.show, "POST": pages.complete}),
        )

    def route(self, head: Head) -> Reply | BodyReader:
        """What becomes of a request."""
        methods = self._exact.get(head.path) or self._methods_below(head.path)
        if methods is None:
            return self._unknown(head)
        handler = methods.get(head.method) or (methods.get("GET") if head.method == "HEAD" else None)
        return handler(head) if handler is not None else self._wrong_method(head, methods)

    def base(self, head: Head) -> str:
        """Where links lead: the public URL, or where the request came in."""
        public = self.service.settings.public_url
        return public.rstrip("/") if public else f"http://{head.host}"

    def damaged_body(self) -> Reply:
        """For a body that cannot be read off the wire."""
        why = "The request body is damaged: its chunks or its compression cannot be read."
        return self.service.http_error(400, "invalid_request_error", why)

    def internal_error(self) -> Reply:
        """For a fault of the emulator's own."""
        return self.service.refuse(Refusal(Reason.INTERNAL))

    def _action(self, head: Head) -> Reply | BodyReader:
        asked = head.parameters
        action, version = asked.get("Action", ""), asked.get("Version")

        def too_large() -> Reply:
            return self._refuse_caller(head, Refusal(Reason.BODY_TOO_LARGE), action, version)

        def answer(body: bytes) -> ReplyFlow:
            base, rule = self.base(head), head.header("x-emulator-rule")
            return self.service.answer(
                Call(action=action, version=version, key=head.key, body=body, base=base, rule=rule)
            )

        return too_large() if head.content_length > JSON_LIMIT else BufferedBody(JSON_LIMIT, too_large, answer)

    def _upload(self, head: Head) -> Reply | BodyReader:
        """Contract §2: the upload answers with `Action` = `CreateAsset`. The key is looked at before the body (I)."""
        version = head.parameters.get("Version")

        def refuse(refusal: Refusal) -> Reply:
            return self._refuse_caller(head, refusal, "CreateAsset", version)

        def answer(form: FormReader) -> ReplyFlow:
            fields, file = form.finish()
            base, rule = self.base(head), head.header("x-emulator-rule")
            return self.service.answer(
                Call(action="CreateAsset", version=version, key=head.key, body=fields, base=base, rule=rule, file=file)
            )

        try:
            self.service.authorize(head.key)
            if head.content_length > BODY_LIMIT:
                return refuse(Refusal(Reason.FILE_TOO_LARGE))
            return FormBody(FormReader(head.header("content-type") or ""), refuse, answer)
        except Refusal as refusal:
            return refuse(refusal)
        except InvalidForm as error:
            return refuse(malformed(error))

    def _refuse_caller(self, head: Head, refusal: Refusal, action: str, version: str | None) -> Reply:
        """Refuse before the service was asked; a wrong key goes first. Contract §10.12."""
        try:
            customer = self.service.authorize(head.key)
        except Refusal as unauthorized:
            return self.service.refuse(unauthorized, action=action, version=version)
        return self.service.refuse(refusal, action=action, version=version, customer=customer)

    def _about(self, _: Head) -> Reply:
        return Reply(body=_ABOUT.encode(), content_type="text/plain; charset=utf-8")

    def _ark(self, _: Head) -> Reply:
        why = (
            "This version does not serve Ark's Actions (POST /?Action=…); AllToken's are at POST /v1/portrait/?Action=…"
        )
        return self.service.http_error(404, "not_found_error", why)

    def _methods_below(self, path: str) -> Mapping[str, _Handler] | None:
        if path.startswith("/_emulator/"):
            return dict.fromkeys(self._control.methods(path), self._control.route)
        return next((methods for prefix, methods in self._below if path.startswith(prefix)), None)

    def _unknown(self, head: Head) -> Reply:
        hint = _HINTS.get(head.path, "The Actions are at POST /v1/portrait/?Action=…")
        return self.service.http_error(404, "not_found_error", f"There is nothing at {text(head.path)[:200]}. {hint}")

    def _wrong_method(self, head: Head, methods: Mapping[str, _Handler]) -> Reply:
        allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"])
        if head.method == "OPTIONS":
            return Reply(status=204, headers={"Allow": allowed})
        why = f"{head.path} does not take {text(head.method)[:20]}, only {', '.join(methods)}."
        refused = self.service.http_error(405, "invalid_request_error", why)
        return Reply(status=405, body=refused.body, headers={**refused.headers, "Allow": allowed})
