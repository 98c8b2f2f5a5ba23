"""The OpenAPI 3.1 description, made from the same table as the routes."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from telemed.web.api.credential_inputs import PasskeyCredential
from telemed.web.api.inputs import Login
from telemed.web.api.operation import Operation, Operations
from telemed.web.api.shapes import Shape, TokenShape

REFERENCE = "#/components/schemas/{name}"
MEANING = {
    200: "Done", 201: "Made", 202: "Taken", 204: "Done", 206: "A part", 400: "Cannot be read", 401: "Not signed in, or the wrong password",
    403: "Not allowed", 404: "Not there, or not yours to see", 409: "Not possible in this state", 410: "Gone",
    412: "Changed in between", 413: "Too large", 415: "Not a kind of content that is taken", 422: "Some fields are at fault",
    428: "If-Match is needed", 429: "Too many", 460: "Damaged on the way",
}  # fmt: skip

PROBLEM = {
    "type": "object",
    "description": "RFC 9457 problem document",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}, "code": {"type": "string"}},
            },
        },
    },
}


def describe(operations: Operations, version: str) -> dict[str, Any]:
    """The whole description as a JSON-able dictionary."""
    public: list[type[BaseModel]] = [Login, PasskeyCredential]
    inputs = [*public, *dict.fromkeys(m for op in operations.rows for m in (op.body, op.query) if m)]
    _, definitions = models_json_schema([(m, "validation") for m in inputs], ref_template=REFERENCE.replace("{name}", "{model}"))
    shapes = [shape for op in operations.rows for shape in _shapes(op.returns)]
    _, components = msgspec.json.schema_components(list(dict.fromkeys([TokenShape, *shapes])), ref_template=REFERENCE)
    paths: dict[str, dict[str, Any]] = {path: {"post": described} for path, described in _sign_in().items()}
    for op in operations.rows:
        paths.setdefault("/api/v1" + op.path, {})[op.method.lower()] = _operation(op, definitions["$defs"])
    return {
        "openapi": "3.1.0",
        "info": {"title": "Telemed", "version": version, "description": "Cases, reports and evidence of the remote diagnosis network."},
        "security": [{"bearer": []}, {"cookie": []}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"] | components | {"Problem": PROBLEM},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": "telemed_session"},
            },
        },
    }


def _problem(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": MEANING[status], "content": content}


def _group(module: str) -> str:
    """Return the group of a module's operations: its own name, or that of the centre whose `web.api` it is."""
    return module.removesuffix(".web.api").rsplit(".", 1)[-1]


def _sign_in() -> dict[str, dict[str, Any]]:
    """The calls that nobody need be signed in for."""
    token = {"description": "Signed in", "content": _content("application/json", TokenShape)}
    options = {"description": "What the browser is to ask of a passkey", "content": {"application/json": {}}}
    return {
        "/api/v1/login": _public("login", "Sign in", "Login", token, 429),
        "/api/v1/login/passkey/options": _public("login_passkey_options", "Begin with a passkey", "", options, 409),
        "/api/v1/login/passkey": _public("login_passkey", "Complete signing in by a passkey", "PasskeyCredential", token, 409),
    }


def _public(name: str, summary: str, body: str, good: dict[str, Any], *errors: int) -> dict[str, Any]:
    described: dict[str, Any] = {"operationId": name, "summary": summary, "security": [], "responses": {"200": good}}
    described["responses"] |= {str(s): _problem(s) for s in (400, 401, 403, 413, 415, 422, *errors)}
    return described | ({"requestBody": _body(body)} if body else {})


def _body(name: str, media_type: str = "application/json") -> dict[str, Any]:
    return {"required": name != "Nothing", "content": {media_type: {"schema": {"$ref": REFERENCE.format(name=name)}}}}


def _content(media_type: str, returns: Any) -> dict[str, Any]:
    if shapes := [{"$ref": REFERENCE.format(name=shape.__name__)} for shape in _shapes(returns)]:
        return {media_type: {"schema": shapes[0] if len(shapes) == 1 else {"anyOf": shapes}}}
    return {media_type: {"schema": {"type": "string"}}} if returns is str else {media_type: {}}


def _shapes(returns: Any) -> list[type[Shape]]:
    """Return the shape that an operation returns, or those of which it returns one."""
    return [shape for shape in (get_args(returns) or (returns,)) if isinstance(shape, type) and issubclass(shape, Shape)]


def _operation(op: Operation, definitions: dict[str, Any]) -> dict[str, Any]:
    errors = {401, *op.errors} | ({400, 413, 415, 422} if op.body else set()) | ({400, 422} if op.query else set())
    good: dict[str, Any] = {"description": MEANING[op.status]}
    if op.returns is not None:
        good["content"] = _content(op.media_type, op.returns) | {media_type: {} for media_type in op.files}
    if op.headers:
        good["headers"] = {name: {"schema": {"type": "string"}} for name in op.headers}
    handler = op.handler
    described: dict[str, Any] = {
        "operationId": f"{_group(handler.__module__)}_{handler.__name__}",
        "summary": op.summary,
        "tags": [_group(handler.__module__)],
        "parameters": _path_parameters(op.path) + (_query_parameters(definitions[op.query.__name__]) if op.query else []),
        "responses": {str(op.status): good} | {str(s): _problem(s) for s in sorted(errors)},
    }
    if op.body is not None:
        described["requestBody"] = _body(op.body.__name__, op.request_media_type)
    if 428 in op.errors:
        described["parameters"].append({"name": "If-Match", "in": "header", "required": False, "schema": {"type": "string"}})
    described["parameters"] += [{"name": h, "in": "header", "required": True, "schema": {"type": "string"}} for h in op.request_headers]
    return described


def _path_parameters(path: str) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)", path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}} for name in names]


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = []
    for name, part in schema.get("properties", {}).items():
        options = [option for option in part.get("anyOf", [part]) if option.get("type") != "null"]
        found.append({"name": name, "in": "query", "required": False, "schema": options[0] if len(options) == 1 else {"anyOf": options}})
    return found
