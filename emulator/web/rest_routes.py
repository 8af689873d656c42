"""The routes of the mounts whose calls are told apart by method and path, some of which hold an id.

Where two mounts have the same path, the one of the provider answers that the key stands for. Contract §7: failing that
the body decides, and failing that the model's name (I).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

import orjson
from attrs import evolve

from emulator.domain.reasons import Reason, Refusal
from emulator.messages import Call, Reply, ReplyFlow
from emulator.mounts import RestMount
from emulator.pipeline import Pipeline
from emulator.rest.operations import Route
from emulator.web.body_reader import BodyReader, BufferedBody, FormBody, malformed
from emulator.web.form import FormReader, InvalidForm, body_limit
from emulator.web.request_head import Head, decode_segment
from portrait.media import MB
from portrait.providers import PROVIDERS

JSON_LIMIT = MB
"""The largest JSON body in bytes. Contract §1."""

# Dialect → the fields of a body that only it has, those that are looked for first above. Contract §7 (I).
_FIELDS = {
    "alltoken": frozenset({"content", "ratio"}),
    "tasks": frozenset(
        {"image_urls", "image_with_roles", "video_urls", "audio_urls", "size", "aspect_ratio", "webhook"}
    ),
}
# Beginning of a model's name → the dialect; the last one is for all others.
_MODELS = {"doubao-": "tasks", "": "alltoken"}

Handler = Callable[[Head], Reply | BodyReader]
MakeCall = Callable[[Head, str], Call]


class RestRoutes:
    """Routes by path and method.

    Args:
        pipelines: All of the emulator's.
        make_call: Makes the call of a request for an action.
        key_providers: Key → the provider that it stands for, where two mounts have the same path.
    """

    def __init__(self, pipelines: Sequence[Pipeline], make_call: MakeCall, key_providers: Mapping[str, str]) -> None:
        self._make_call = make_call
        self._key_providers = key_providers
        mounted: dict[Route, list[Pipeline]] = {}
        for pipeline in pipelines:
            for route in pipeline.mount.routes if isinstance(pipeline.mount, RestMount) else ():
                mounted.setdefault(route, []).append(pipeline)
        self._by_path: dict[str, dict[str, Handler]] = {}
        for route, candidates in mounted.items():
            self._by_path.setdefault(route.path, {})[route.method] = partial(self._answer, candidates, route)

    def methods(self, path: str) -> Mapping[str, Handler] | None:
        """The handlers of a path by method; None for one that leads nowhere."""
        return self._by_path.get(path) or self._by_path.get(self._pattern(path)[0])

    def _pattern(self, path: str) -> tuple[str, str]:
        """The path of a route with an id in it, and the id; "" for a path that leads to no such route."""
        head, _, last = path.rpartition("/")
        if last and f"{head}/*" in self._by_path:
            return f"{head}/*", decode_segment(last)
        head, _, middle = head.rpartition("/")
        pattern = f"{head}/*/{last}"
        return (pattern, decode_segment(middle)) if middle and pattern in self._by_path else ("", "")

    def _answer(self, candidates: Sequence[Pipeline], route: Route, head: Head) -> Reply | BodyReader:
        resource = "" if head.path in self._by_path else self._pattern(head.path)[1]
        call = evolve(self._make_call(head, route.action), resource=resource)
        if route.file_limit is not None:
            return read_form(call, head, candidates[0], route.file_limit)

        def choose(body: bytes) -> Pipeline:
            if len(candidates) == 1:
                return candidates[0]
            by_dialect = {each.mount.dialect_name: each for each in candidates}
            return by_dialect[_dialect_of(call.key, self._key_providers, body, by_dialect)]

        return read_json(call, head, choose)


def read_json(call: Call, head: Head, choose: Callable[[bytes], Pipeline]) -> Reply | BodyReader:
    """Read a JSON body up to its limit, and answer.

    Args:
        call: Without its body.
        head: Of the request.
        choose: Finds the pipeline that answers a body.
    """

    def too_large() -> Reply:
        return choose(b"").refuse(Refusal(Reason.BODY_TOO_LARGE), call)

    def answer(body: bytes) -> ReplyFlow:
        return choose(body).answer(call.with_body(body))

    return too_large() if head.content_length > JSON_LIMIT else BufferedBody(JSON_LIMIT, too_large, answer)


def read_form(call: Call, head: Head, pipeline: Pipeline, file_limit: int) -> Reply | BodyReader:
    """Read a form with a file up to its limit, and answer. The key is checked before the body (I).

    Args:
        call: Without its body.
        head: Of the request.
        pipeline: Who answers.
        file_limit: The largest file in bytes.
    """

    def refuse(refusal: Refusal) -> Reply:
        return pipeline.refuse(refusal, call)

    def answer(form: FormReader) -> ReplyFlow:
        fields, file = form.finish()
        return pipeline.answer(call.with_body(fields, file, form.file_name))

    try:
        pipeline.mount.auth.authenticate(call)
        if head.content_length > body_limit(file_limit):
            return refuse(Refusal(Reason.FILE_TOO_LARGE))
        return FormBody(FormReader(head.header("content-type") or "", file_limit), refuse, answer)
    except Refusal as refusal:
        return refuse(refusal)
    except InvalidForm as error:
        return refuse(malformed(error))


def _dialect_of(key: str | None, key_providers: Mapping[str, str], body: bytes, served: Collection[str]) -> str:
    """The dialect of a call whose path several mounts have.

    Args:
        key: The Bearer key of the call.
        key_providers: Key → the provider that it stands for.
        body: Its body; it need not be JSON.
        served: The dialects that have the path.
    """
    provider = PROVIDERS.get(key_providers.get(key or "", ""))
    if provider is not None and provider.dialect in served:
        return provider.dialect
    fields = _fields(body)
    by_fields = (dialect for dialect, names in _FIELDS.items() if not fields.keys().isdisjoint(names))
    by_model = (dialect for start, dialect in _MODELS.items() if str(fields.get("model", "")).startswith(start))
    return next(chain(by_fields, by_model))


def _fields(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
