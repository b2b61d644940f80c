"""Holds every response of every test against the OpenAPI document."""

import json
import re
from collections.abc import Mapping
from typing import Any

import httpx
from jsonschema import Draft202012Validator, FormatChecker

from gateway.middleware.security_headers import HEADERS


class Contract:
    """Asserts that responses are as documented; `seen` has each documented (operation, status) that came."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.seen: set[tuple[str, int]] = set()
        self._paths = [
            (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", re.escape(path).replace(r"\{", "{").replace(r"\}", "}"))), item)
            for path, item in document["paths"].items()
        ]

    async def check(self, response: httpx.Response) -> None:
        """An event hook of httpx. A stream is left once it has begun: it has no end to read."""
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            await response.aclose()
            response._content = b""
        await response.aread()
        _require_headers(response)
        if response.status_code >= 400 and response.request.method != "HEAD":
            self._require_problem(response)
        operation = self._operation(response.request)
        if operation is not None:
            self._require_documented(operation, response)

    def validate(self, schema: Mapping[str, Any], value: object) -> None:
        """Raise ValidationError unless the value is as the schema, which may refer to the document's components."""
        whole = {**schema, "components": self.document["components"]}
        Draft202012Validator(whole, format_checker=FormatChecker()).validate(value)

    def _operation(self, request: httpx.Request) -> dict[str, Any] | None:
        for pattern, item in self._paths:
            if pattern.fullmatch(request.url.raw_path.decode().partition("?")[0]):
                found: dict[str, Any] | None = item.get(request.method.lower())
                return found
        return None

    def _require_documented(self, operation: Mapping[str, Any], response: httpx.Response) -> None:
        name, status = operation["operationId"], response.status_code
        assert str(status) in operation["responses"], f"{name} does not document {status}: {response.text}"
        documented = operation["responses"][str(status)]
        for header in documented.get("headers", {}):
            assert header in response.headers, f"{name} {status} has no {header}"
        content = documented.get("content", {})
        if not content:
            assert response.content == b"", f"{name} {status} documents no body"
        else:
            media_type = response.headers["content-type"].partition(";")[0]
            assert media_type in content, f"{name} {status} is {media_type}"
            if "json" in media_type:
                self.validate(content[media_type]["schema"], response.json())
        self.seen.add((name, status))

    def _require_problem(self, response: httpx.Response) -> None:
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        required = ("type", "title", "status", "detail", "instance", "code", "traceId")
        assert [name for name in required if name not in problem] == []
        assert problem["status"] == response.status_code
        assert problem["instance"] == response.request.url.raw_path.decode().partition("?")[0]
        assert re.fullmatch("[0-9a-f]{32}", problem["traceId"])
        assert "Traceback" not in json.dumps(problem)


def _require_headers(response: httpx.Response) -> None:
    for name, _ in HEADERS:
        values = response.headers.get_list(name.decode())
        assert len(values) == 1, f"{name.decode()} is there {len(values)} times"
    assert response.headers["x-request-id"]
    assert "server" not in response.headers
    assert not [name for name in response.headers if name.startswith("x-ratelimit")]
