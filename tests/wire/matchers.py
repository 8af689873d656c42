"""Compares an answer with a golden body: keys exactly, values literally or by a `<matcher>`; it knows no Action.

A key that ends in `?` may be absent. A string of the form `<name>` or `<text:part>` stands for every value that the
matcher of that name accepts; anything else has to be equal, type included.
"""

import re

REQUEST_ID = r"\d{14}[0-9A-F]{20}"

MATCHERS = {
    # §1, identifiers
    "group-id": r"group-\d{14}-[a-z0-9]{5}",
    "asset-id": r"asset-\d{14}-[a-z0-9]{5}",
    "asset-uri": r"asset://asset-\d{14}-[a-z0-9]{5}",
    "vgen-id": r"vgen_[0-9a-hjkmnp-tv-z]{26}",
    "cgt-id": r"cgt-\d{14}-[a-z0-9]{5}",
    # §7: an address that lives 24 h
    "video-url": r"https?://[^\s/]+/\S*[?&]X-Tos-Expires=86400(&\S*)?",
    "task-id": r"task_[0-9A-HJKMNP-TV-Z]{26}",
    "request-id": REQUEST_ID,
    "token": REQUEST_ID,
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
    # §2, asset item: LastInferenceTime
    "offset-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+08:00",
    "text": r"(?s:.*\S.*)",
    "url": r"https?://[^\s/]+/\S*",
    # §2, asset item: a signed link that lives 12 h
    "signed-url": r"https?://[^\s/]+/\S*[?&]X-Tos-Expires=43200(&\S*)?",
    # §2, samples; §3, validation session
    "h5-link": rf"https?://[^\s/]+/\S*[?&]bytedToken={REQUEST_ID}&lng=zh",
    "tokenless-h5-link": rf"https?://[^\s/]+/(?!\S*{REQUEST_ID})\S*",
    # §5, upload
    "r2-key": r"portrait-uploads/[A-Za-z0-9_-]+/[A-Za-z0-9_-]+\.(jpe?g|png|webp)",
    "uploaded-name": r"uploaded-\d+",
}

_MATCHER = re.compile(r"<([a-z0-9-]+)(?::(.*))?>")


def differences(expected, actual, where=""):
    """Every difference between a golden value and an actual one, as readable lines; none means they match."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return _object_differences(expected, actual, where)
    if isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            return [f"{where}: {len(actual)} items instead of {len(expected)}: {actual!r}"]
        pairs = enumerate(zip(expected, actual, strict=True))
        return [line for index, (e, a) in pairs for line in differences(e, a, f"{where}/{index}")]
    matcher = _MATCHER.fullmatch(expected) if isinstance(expected, str) else None
    same = _accepts(matcher, actual) if matcher else type(expected) is type(actual) and expected == actual
    return [] if same else [f"{where}: {actual!r} is not {expected!r}"]


def _object_differences(expected, actual, where):
    names = {key.removesuffix("?"): value for key, value in expected.items()}
    optional = {key.removesuffix("?") for key in expected if key.endswith("?")}
    lines = [f"{where}/{key}: missing" for key in names if key not in actual and key not in optional]
    lines += [f"{where}/{key}: not expected ({actual[key]!r})" for key in actual if key not in names]
    for key in names.keys() & actual.keys():
        lines += differences(names[key], actual[key], f"{where}/{key}")
    return sorted(lines)


def _accepts(matcher, actual):
    name, part = matcher.groups()
    if name == "any":
        return True
    if name == "number":
        return type(actual) in {int, float}
    if not isinstance(actual, str) or not re.fullmatch(MATCHERS[name], actual):
        return False
    return part is None or part in actual
