"""The settings of an emulator and their defaults: keys, times, limits, and the points that the contract leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from attrs import Attribute, field, frozen

from emulator.json_checks import integer, one_of, seconds
from portrait.urls import parse_http_url


@frozen
class KeyPair:
    """The secret key and the customer of an access key.

    Attributes:
        secret_key: Its secret.
        customer: Whose it is.
        session_token: The token that requests must carry; None takes any.
    """

    secret_key: str = field(repr=False)
    customer: str
    session_token: str | None = field(default=None, repr=False)


@frozen(kw_only=True)
class Settings:
    """One emulator's settings.

    Attributes:
        assets_per: What the asset quota counts in. Contract §10.4.
        name_required: Whether CreateAssetGroup has to be given a Name. Contract §10.6.
        auth_error: Errors of keys: HTTP 401 with `{"error"}`, or `Unauthorized` in the envelope. Contract §10.8.
        second_result: What GetVisualValidateResult answers once its token is used up. Contract §10.10.
        token_owner: Who may read a BytedToken: the key that made it, or its whole customer. Contract §3, token table.
        api_keys: Bearer key → customer; empty means that every key is a customer of its own.
        access_keys: Access key → its pair; empty means the published pair.
        key_providers: Bearer key or access key → the provider that it stands for.
        pending: How Ark says that nobody has passed a liveness check yet. Contract §10.9.
        task_form: Whether `GET /v1/tasks/{id}` answers `{"code", "data": task}`, or at xcompute the task alone, as its
            newer page shows it. Contract §8.
        person_callback: Whether the end of a gateway's liveness check is brought to `callback_url` by the browser
            alone, or is posted there, too. Contract §8.
        projects: The projects that exist; empty means any does. Contract §2.
        image_review: Seconds from CreateAsset to Active for an image.
        clip_review: The same for video and audio.
        generation_seconds: From the creation of a video to its end; a fifth of it in the queue.
        fetch: Whose addresses are fetched and measured.
        public_url: Where links lead; None means where the request came in.
        control_token: What opens the control plane to others than loopback; None means nothing does.
        store: Where records are kept: `memory`, `sqlite:///PATH` or `postgresql://user:password@host/database`.
        seed: Of ids, tokens, links' secret, and rules with a probability; None as 0, with a random secret.
        token_life: Seconds that a BytedToken is valid; None takes the provider's. Contract §10.3.
        link_life: Seconds that a signed link is valid. Contract §2.
        groups: Groups that a new customer may have. Contract §6.
        assets: Assets that a new customer may have, counted by `assets_per`. Contract §6.

    Raises:
        ValueError: A word or a number is none that its field has; the public URL is no address that links can begin
            with; the control token, or the name of a project, is empty.
    """

    assets_per: Literal["group", "customer"] = "group"
    name_required: bool = True
    auth_error: Literal["http", "envelope"] = "http"
    second_result: Literal["InvalidToken", "same"] = "InvalidToken"
    token_owner: Literal["key", "customer"] = "key"  # noqa: S105
    api_keys: Mapping[str, str] = field(factory=dict, repr=False)
    access_keys: Mapping[str, KeyPair] = field(factory=dict, repr=False)
    key_providers: Mapping[str, str] = field(factory=dict, repr=False)
    pending: Literal["not-found", "empty-404", "empty-group", "empty-result"] = "not-found"
    task_form: Literal["wrapped", "bare"] = "wrapped"
    person_callback: Literal["browser", "post"] = "browser"
    projects: frozenset[str] = field(default=frozenset())
    image_review: float = 4.0
    clip_review: float = 20.0
    generation_seconds: float = 60.0
    fetch: Literal["never", "loopback", "always"] = "loopback"
    public_url: str | None = field(default=None)
    control_token: str | None = field(default=None, repr=False)
    store: str = field(default="memory", repr=False)  # it may hold a password
    seed: int | None = None
    token_life: float | None = None
    link_life: int = 43_200
    groups: int = 50
    assets: int = 50

    def __attrs_post_init__(self) -> None:
        for name, hint in _hints().items():
            _check(name, hint, getattr(self, name))

    @projects.validator
    def _check_projects(self, _: Attribute[frozenset[str]], projects: frozenset[str]) -> None:
        if "" in projects:
            raise ValueError("a project has an empty name, which no request can ask for")

    @public_url.validator
    def _check_public_url(self, _: Attribute[str | None], url: str | None) -> None:
        if url is None:
            return
        try:
            parts = parse_http_url(url)
        except ValueError as error:
            raise ValueError(f"the public URL {url!r} {error}; it looks like http://emulator.test:8787") from None
        if parts.query is not None or parts.fragment is not None:
            raise ValueError(f"the public URL {url!r} has a query or a fragment, which links have themselves")

    @control_token.validator
    def _check_control_token(self, _: Attribute[str | None], token: str | None) -> None:
        if token == "":  # it would open the control plane to everybody who sends the header empty
            raise ValueError("the control token is empty: leave it out, or name a secret")

    @classmethod
    def guide(cls, **changes: Any) -> Settings:
        """The guide's reading of contract §10, which is the default."""
        return cls(**changes)

    @classmethod
    def schema(cls, **changes: Any) -> Settings:
        """The newer schema's reading of contract §10: quota per customer, Name optional, errors in the envelope."""
        schema_fields: dict[str, Any] = {
            "assets_per": "customer",
            "name_required": False,
            "auth_error": "envelope",
            "second_result": "same",
            "token_owner": "customer",
            "task_form": "bare",
        }
        return cls(**schema_fields | changes)


@cache
def _hints() -> Mapping[str, Any]:
    return get_type_hints(Settings)


def _check(name: str, hint: Any, value: Any) -> None:
    """A wrong word or number would show itself late or never: a test's settings are seen by no type checker."""
    if get_origin(hint) is UnionType:
        if value is None:
            return
        hint = get_args(hint)[0]
    if get_origin(hint) is Literal:
        one_of(name, value, get_args(hint))
    elif hint is float:
        seconds(name, value)
    elif hint is int and name != "seed":
        integer(name, value)
