"""The OpenAPI description, made from the route table and the models."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from server.contract.models import ErrorBody
from server.http.route import Route
from server.routes import ROUTES

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)(?::[^{}]*(?:\{[^{}]*\}[^{}]*)*)?\}")


def document(version: str) -> dict[str, Any]:
    """The description as JSON."""
    models = [(model, "serialization") for model in _models()]
    _, definitions = models_json_schema(models, ref_template=_REF)  # type: ignore[arg-type]
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        if route.path.startswith("/{"):
            continue  # the editor's own files
        path = _PARAMETER.sub(r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kinograph",
            "version": version,
            "description": "Jobs, events, workflows and files of a Kinograph server.",
        },
        "paths": paths,
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _models() -> list[type[BaseModel]]:
    found: dict[str, type[BaseModel]] = {ErrorBody.__name__: ErrorBody}
    for route in ROUTES:
        for model in (route.request, route.response):
            if model is not None:
                found[model.__name__] = model
    return list(found.values())


def _operation(route: Route) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(route.path)
    ]
    parameters += [
        {"name": name, "in": "query", "description": about, "schema": {"type": "string"}}
        for name, about in route.query.items()
    ]
    operation: dict[str, Any] = {"operationId": route.handler.__name__, "summary": route.summary}
    if route.handler.__doc__:
        operation["description"] = route.handler.__doc__
    if parameters:
        operation["parameters"] = parameters
    if route.request is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _schema(route.request)}},
        }
    answer: dict[str, Any] = {"description": route.summary}
    if route.response is not None:
        answer["content"] = {"application/json": {"schema": _schema(route.response)}}
    elif route.status == 200:
        answer["content"] = {route.media: {}}
    problem = {"description": "An error", "content": {"application/json": {"schema": _schema(ErrorBody)}}}
    operation["responses"] = {str(route.status): answer, "default": problem}
    return operation


def _schema(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
