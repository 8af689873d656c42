"""What the vendor's generated models say of the portrait part, reduced to what can be stored and compared.

A fingerprint holds, for each model, its fields with their JSON schema, the values of an enumeration, and two hashes: of
the schema and of the documentation. It is read from a module's source and its classes; must not know the emulator.
"""

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "fixtures" / "vendor" / "alltoken.json"
PACKAGE = "alltoken"
MODULE = Path("alltoken") / "generated" / "chat.py"

# The two forms of an answer, the form of an upload's request, and what is nested in none of them by name.
ENTRIES = (
    "PortraitEnvelope",
    "PortraitUploadEnvelope",
    "PortraitActionRequest",
    "PortraitUploadRequest",
    "ErrorResponse",
)


def installed():
    """The path of the installed package's module, and its version."""
    distribution = importlib.metadata.distribution(PACKAGE)
    return Path(str(distribution.locate_file(MODULE))), distribution.version


def load(path):
    """The module at a path, whatever version is installed; None in the result stands for a model that is gone."""
    name = "portrait_vendor_models"
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fingerprint(path):
    """The models that `ENTRIES` lead to, by name."""
    module = load(path)
    texts = _texts(path)
    schemas = {}
    for entry in ENTRIES:
        model = getattr(module, entry, None)
        if model is not None:
            schema = model.model_json_schema(by_alias=True)
            schemas |= schema.pop("$defs", {}) | {entry: schema}
    lasting = _lasting_names(schemas)
    schemas = {name: json.loads(_renamed(json.dumps(schema), lasting)) for name, schema in schemas.items()}
    created = {lasting.get(name, name): _model(schema, texts.get(name, "")) for name, schema in schemas.items()}
    return dict(sorted(created.items()))


def differences(recorded, found):
    """What has changed, one line for each model and field; none means that nothing has."""
    lines = [f"{name}: gone" for name in recorded.keys() - found.keys()]
    lines += [
        f"{name}: new, with {', '.join(found[name]['fields']) or 'no fields'}"
        for name in found.keys() - recorded.keys()
    ]
    for name in recorded.keys() & found.keys():
        lines += [f"{name}: {change}" for change in _changes(recorded[name], found[name])]
    return sorted(lines)


def record():
    """What was recorded: `package`, `version`, `date` and `models`."""
    return json.loads(RECORD.read_text(encoding="utf-8"))


def _lasting_names(schemas):
    """The generator counts its `Error1`, `Error2` across the whole module: they are called by the field they are in."""
    names = {}
    for parent in sorted(schemas):
        for field, part in schemas[parent].get("properties", {}).items():
            for name in re.findall(r'"#/\$defs/((?:Error|Filter|SortOrder)\d*)"', json.dumps(part)):
                names.setdefault(name, f"{parent}.{field}")
    return names


def _renamed(text, names):
    return re.sub(r"#/\$defs/(\w+)", lambda match: f"#/$defs/{names.get(match[1], match[1])}", text)


def _model(schema, text):
    required = set(schema.get("required", ()))
    fields = {name: _values(part, required=name in required) for name, part in schema.get("properties", {}).items()}
    return {
        "fields": fields,
        "values": schema.get("enum", []),
        "schema": _hash({key: value for key, value in schema.items() if key not in {"description", "title", "$defs"}}),
        "text": _hash(text),
    }


def _values(part, *, required):
    """One field's schema in one line."""
    schema = {key: part[key] for key in sorted(part) if key not in {"title", "examples"}}
    return ("required " if required else "optional ") + json.dumps(schema, ensure_ascii=False)


def _changes(old, new):
    before, after = old["fields"], new["fields"]
    yield from (f"{name} is gone" for name in before.keys() - after.keys())
    yield from (f"{name} is new: {after[name]}" for name in after.keys() - before.keys())
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            yield f"{name} was {before[name]} and is {after[name]}"
    if old["values"] != new["values"]:
        yield f"the values were {old['values']} and are {new['values']}"
    if old["schema"] != new["schema"] and before == after and old["values"] == new["values"]:
        yield "the schema as such changed (titles, examples, nesting)"
    if old["text"] != new["text"]:
        yield "its documentation changed: read it again"


def _texts(path):
    """Every class's documentation: its own and, below each field, the field's, which no schema carries."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {node.name: "\n".join(_strings(node)) for node in tree.body if isinstance(node, ast.ClassDef)}


def _strings(node):
    for each in node.body:
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str):
            yield each.value.value


def _hash(value):
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
