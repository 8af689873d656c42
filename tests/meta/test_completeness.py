"""Tables are closed: what is listed in one place is listed, generated, presented and documented in all others."""

import ast
import enum
import importlib.machinery
import importlib.util
import inspect
import re
from pathlib import Path

import attrs
import pytest

import portrait
from emulator.dialects import DIALECTS
from emulator.domain.reasons import Reason, Refusal
from portrait import AsyncPortraitClient, PortraitClient, actions, errors, events, http, models, providers, s3
from portrait.actions import ACTIONS, Idempotency
from portrait.codec import wire_name
from portrait.codes import CODES, MEDIA_CODES, rule_for
from portrait.errors import ApiError, Retry
from portrait.providers import PROVIDERS, Credential

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(path for package in ("portrait", "emulator") for path in (ROOT / package).rglob("*.py"))

# Contract §2: the Actions and what may be done when an answer was lost.
TWELVE = {
    "CreateAssetGroup": Idempotency.UNSAFE,
    "GetAssetGroup": Idempotency.IDEMPOTENT,
    "ListAssetGroups": Idempotency.IDEMPOTENT,
    "UpdateAssetGroup": Idempotency.IDEMPOTENT,
    "DeleteAssetGroup": Idempotency.IDEMPOTENT,
    "CreateAsset": Idempotency.UNSAFE,
    "GetAsset": Idempotency.IDEMPOTENT,
    "ListAssets": Idempotency.IDEMPOTENT,
    "UpdateAsset": Idempotency.IDEMPOTENT,
    "DeleteAsset": Idempotency.IDEMPOTENT,
    "CreateVisualValidateSession": Idempotency.SELF_EXPIRING,
    "GetVisualValidateResult": Idempotency.UNSAFE,
}


def snake(name):
    """`GetAsset` → `get_asset`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def relative(path):
    """A path as the tables below name it."""
    return path.relative_to(ROOT).as_posix()


# --- Actions --------------------------------------------------------------------------------------------------------


def test_there_are_twelve_actions():
    """Name by name with what the contract says of re-sending; only the two deletes delete."""
    assert {name: action.idempotency for name, action in ACTIONS.items()} == TWELVE
    deletes = {name for name, action in ACTIONS.items() if action.not_found_is_success}
    assert deletes == {"DeleteAssetGroup", "DeleteAsset"}
    assert all(name == action.name for name, action in ACTIONS.items())


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_an_action_has_classes_of_its_own(action):
    """A frozen keyword-only request that takes a project, a result that carries its answer, a line of summary."""
    fields = attrs.fields_dict(action.request)
    assert action.request.__name__ == f"{action.name}Request"
    assert "project_name" in fields
    assert all(field.kw_only for field in fields.values())
    assert issubclass(action.result, models.Result)
    assert action.summary.endswith(".")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        object.__new__(action.request).project_name = "x"


@pytest.mark.parametrize("kind", [PortraitClient, AsyncPortraitClient])
@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: action.name)
def test_a_named_method_takes_the_fields_of_its_request(kind, action):
    """Same names, same order, same defaults, all keywords, and `timeout`; in both clients."""
    method = getattr(kind, snake(action.name))
    parameters = dict(inspect.signature(method).parameters)
    del parameters["self"]
    assert parameters.pop("timeout").default is None
    fields = attrs.fields_dict(action.request)
    assert list(parameters) == list(fields)
    for name, parameter in parameters.items():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        default = fields[name].default
        if default is attrs.NOTHING:
            assert parameter.default is inspect.Parameter.empty
        else:
            created = default.factory() if isinstance(default, attrs.Factory) else default
            assert parameter.default == created
    assert inspect.iscoroutinefunction(method) is (kind is AsyncPortraitClient)
    assert method.__annotations__["return"] == f"models.{action.result.__name__}"
    assert action.summary in method.__doc__


def test_both_clients_have_the_same_methods():
    """Name by name, with the same parameters; the closing ones differ as Python wants it."""
    sync, asynchronous = (
        {n: m for n, m in inspect.getmembers(kind, inspect.isfunction) if not n.startswith("_")}
        for kind in (PortraitClient, AsyncPortraitClient)
    )
    assert set(sync) == set(asynchronous)
    for name, method in sync.items():
        assert str(inspect.signature(method).parameters) == str(inspect.signature(asynchronous[name]).parameters), name


def test_the_generated_methods_are_fresh():
    """What `scripts/generate` would write is what is there, formatting aside."""
    loader = importlib.machinery.SourceFileLoader("generate", str(ROOT / "scripts" / "generate"))
    generate = importlib.util.module_from_spec(importlib.util.spec_from_loader("generate", loader))
    loader.exec_module(generate)
    source = generate.HEAD + generate.mixin("Methods", awaited=False) + generate.mixin("AsyncMethods", awaited=True)
    there = (ROOT / "portrait" / "_methods.py").read_text(encoding="utf-8")
    assert ast.dump(ast.parse(source)) == ast.dump(ast.parse(there))


# --- reasons, codes, dialects, providers ----------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_a_dialect_says_every_reason(dialect):
    """Each has a status, a code that a client knows or can place, and a text without a gap."""
    assert set(dialect.errors) == set(Reason)
    for reason in Reason:
        refusal = Refusal(reason, field="Filter", id="asset-1", detail="WidthTooSmall", message="is wrong")
        row, error = dialect.render_error(refusal)
        assert 200 <= row.status < 600
        assert error["Message"].strip()
        assert "{" not in error["Code"] + error["Message"]
        rule, _ = rule_for(error["Code"], row.status)
        assert rule.error is not ApiError, reason
        assert row.http_error_type is None or row.status >= 400


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda dialect: dialect.name)
def test_a_dialect_knows_every_action_and_result(dialect):
    """What is required of each, in wire names that its request has; and how each result is shown."""
    assert set(dialect.required) == set(ACTIONS)
    for name, required in dialect.required.items():
        fields = {wire_name(field.name) for field in attrs.fields(ACTIONS[name].request)}
        for path in required:
            assert {part.partition(".")[0].removesuffix("?") for part in path.split("|")} <= fields, name
    assert {action.result for action in ACTIONS.values()} <= set(dialect.serializers)
    assert set(dialect.ignored_fields) <= set(ACTIONS)
    assert set(dialect.client.codes) <= set(ACTIONS)


def test_a_code_names_an_error_that_says_what_to_do():
    """Every class is an ApiError, and every rule has advice of its own or its class's."""
    for code, rule in CODES.items():
        assert issubclass(rule.error, ApiError), code
        assert rule.advice or rule.error.advice, code
        assert isinstance(rule.retry or rule.error.retry, Retry), code
    assert {f"InvalidParameter.{code}" for code in MEDIA_CODES} <= set(CODES)
    assert len(MEDIA_CODES) == 29  # contract §3, counted there


def test_a_provider_is_whole():
    """A dialect, an address or the promise that there is none, and variables that are its own alone."""
    for name, provider in PROVIDERS.items():
        assert name == provider.name
        assert provider.dialect in {*DIALECTS, "tasks"}
        assert provider.base_url is None or provider.base_url.startswith("https://")
        assert set(provider.rates) <= set(ACTIONS)
        owner = provider.dialect if provider.dialect == "ark" else name
        assert all(variable.startswith(owner.upper()) for variable in provider.key_variables)
        assert (provider.credential is Credential.SIGNED) == (provider.dialect == "ark")


# --- modules --------------------------------------------------------------------------------------------------------

# A file past 400 lines wants a reason.
LONG = {
    "portrait/_methods.py": "generated",
    "portrait/errors.py": "the whole tree and the table of codes, which are read together",
    "portrait/asset_client.py": "what both colours of all clients can do, whose docstrings are the reference",
    "portrait/client.py": "both clients, whose docstrings are the reference",
    "portrait/options.py": "each option with its type, check and variable, which are read together",
}


def test_modules_are_short():
    """None has more than 400 lines without a reason, and no reason outlives its module's length."""
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name for name, lines in lengths.items() if lines > 400} <= set(LONG)
    assert set(LONG) <= set(lengths)


def public(tree):
    """Public classes and functions of a module and the public methods of its public classes."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def test_a_module_says_what_it_is():
    """Its docstring comes first, and every public class, function and method has one (overloads aside)."""
    trees = {relative(path): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    assert [name for name, tree in trees.items() if not ast.get_docstring(tree)] == []
    bare = [
        f"{node.name} ({name}, line {node.lineno})"
        for name, tree in trees.items()
        for node in public(tree)
        if not ast.get_docstring(node) and "overload" not in {ast.unparse(each) for each in node.decorator_list}
    ]
    assert bare == []


# What a module may hold at its top: constants, read-only tables, caches of pure functions.
def test_no_module_keeps_state():
    """Nothing at the top of a module is a plain list, dict or set under a name in lower case, and nothing is global."""
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            assert not isinstance(node, ast.Global), f"{relative(path)}:{node.lineno}"
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict | ast.List | ast.Set):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                assert all(name.isupper() or name.startswith("__") for name in names), f"{relative(path)}: {names}"


def test_the_domain_knows_no_dialect():
    """The rules of the service are the same for every provider: neither word occurs in the emulator's domain."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "emulator" / "domain").glob("*.py")]
    assert sources
    assert not [word for text in sources for word in re.findall(r"(?i)dialect|provider", text)]


PUBLIC = (portrait, actions, errors, events, http, models, providers, s3)
ENUMERATIONS = {
    thing
    for module in PUBLIC
    for name in getattr(module, "__all__", vars(module))
    if inspect.isclass(thing := getattr(module, name)) and issubclass(thing, enum.Enum) and thing is not enum.StrEnum
}


@pytest.mark.parametrize("enumeration", sorted(ENUMERATIONS, key=str))
def test_enumerations_print_alike(enumeration):
    """A member prints as its value and is equal to it, so that what a program logs can be read."""
    assert [f"{member} {member!s}" for member in enumeration] == [f"{each.value} {each.value}" for each in enumeration]
    assert all(member == member.value for member in enumeration)
