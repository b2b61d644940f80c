"""What HTTP itself demands: methods, paths, HEAD, request ids, traces, headers, measures, logs."""

import asyncio
import re

import httpx
import pytest
import structlog

from gateway.tests.conftest import TESTED
from gateway.tests.raw import answered
from gateway.tests.upstream import NOTIFICATION_ID, TASK_ID, Upstream

TASK_PATH = f"/api/v1/tasks/{TASK_ID}"


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/v1", "/api/v1/users", "/redoc", f"{TASK_PATH}/archive", "/api/v2/tasks", "//api/v1/tasks",
     "/API/v1/tasks", "/docs/x", "/docs/..%2fapp.py"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
async def test_there_is_nothing_elsewhere_and_no_redirect(method: str, path: str, client: httpx.AsyncClient) -> None:
    response = await client.request(method, path)
    if not path.startswith("/docs/") or method == "GET":
        assert response.status_code == 404
    assert not response.is_redirect


@pytest.mark.parametrize(
    "path",
    ["/api/v1/tasks", "/api/v1/users/me", TASK_PATH, "/docs", "/docs/start.js", "/healthz", "/.well-known/jwks.json"],
)
async def test_a_read_with_a_slash_too_many_is_shown_where_to_go(path: str, client: httpx.AsyncClient) -> None:
    for method in ("GET", "HEAD"):
        for query in ("", "?limit=5&sort=-title", "?x=%2F%2Fevil.example%0d%0a", "?//evil.example/"):
            response = await client.request(method, f"{path}/{query}")
            assert (response.status_code, response.headers["location"]) == (308, path + query)
            assert response.content == b""


@pytest.mark.parametrize("path", ["/api/v1/tasks/", "/api/v1/users/me/", f"{TASK_PATH}/", f"{TASK_PATH}/complete/",
                                  "/api/v1/auth/login/", "/docs/", "/healthz/"])  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"])
async def test_a_write_with_a_slash_too_many_is_404(
    method: str, path: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    response = await client.request(method, path)
    assert (response.status_code, response.is_redirect) == (404, False)
    assert not upstream.received


@pytest.mark.parametrize(
    "path",
    ["//", "///", "//evil.example/", "//evil.example/api/v1/tasks/", "/api/v1/tasks//", "//api/v1/tasks/",
     "/\\evil.example/", "/%5cevil.example/", "/%2fevil.example/", "/%2f%2fevil.example/", "/%09/evil.example/",
     "/api/v1/tasks/%2f/", "/api/v1/tasks/..//", "/.//evil.example/", "/api/v1/tasks%0d%0aLocation:%20x/",
     "/api/v1/auth/login/", "/nowhere/"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_nobody_is_shown_elsewhere(method: str, path: str, origin: str, upstream: Upstream) -> None:
    came = await answered(origin, f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert came.split()[1] == b"404"
    assert b"\r\nlocation:" not in came.lower()


@pytest.mark.parametrize(
    "tail", ["/docs/\\evil.example/", "/docs/@evil.example/", "/docs/%0d%0aa:b/", f"{TASK_PATH}%3f/"]
)
async def test_a_location_keeps_what_was_sent_as_it_was(tail: str, origin: str) -> None:
    came = await answered(origin, f"GET {tail} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert came.split()[1] == b"308"
    assert f"\r\nlocation: {tail[:-1]}\r\n" in came.decode()


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/api/v1/tasks", "GET, HEAD, OPTIONS, POST"),
        (TASK_PATH, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/api/v1/tasks/none", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        (f"{TASK_PATH}/complete", "OPTIONS, POST"),
        ("/api/v1/users/me", "GET, HEAD, OPTIONS, PATCH"),
        ("/api/v1/auth/login", "OPTIONS, POST"),
        ("/healthz?x=1", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_path_says_what_it_allows(path: str, allow: str, anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.options(path)
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["allow"] == allow
    assert "content-length" not in response.headers


async def test_the_whole_server_says_what_it_allows(origin: str) -> None:
    came = await answered(origin, b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert came.split()[1] == b"204"
    assert b"\r\nallow: DELETE, GET, HEAD, OPTIONS, PATCH, POST\r\n" in came


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/api/v1/tasks", "GET, HEAD, OPTIONS, POST"),
        ("DELETE", "/api/v1/tasks", "GET, HEAD, OPTIONS, POST"),
        ("PUT", TASK_PATH, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("TRACE", TASK_PATH, "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("GET", f"{TASK_PATH}/complete", "OPTIONS, POST"),
        ("HEAD", f"{TASK_PATH}/complete", "OPTIONS, POST"),
        ("GET", f"/api/v1/notifications/{NOTIFICATION_ID}", "OPTIONS, PATCH"),
        ("GET", "/api/v1/auth/login", "OPTIONS, POST"),
        ("POST", "/readyz", "GET, HEAD, OPTIONS"),
    ],
)
async def test_a_method_that_a_path_has_not_is_405(
    method: str, path: str, allow: str, client: httpx.AsyncClient
) -> None:
    response = await client.request(method, path)
    assert (response.status_code, response.headers["allow"]) == (405, allow)


@pytest.mark.parametrize("path", [TASK_PATH, "/api/v1/tasks", "/api/v1/users/me", "/readyz", "/docs", "/openapi.json"])
async def test_head_is_get_without_the_body(path: str, client: httpx.AsyncClient, upstream: Upstream) -> None:
    plain = {"accept-encoding": "identity"}
    got, headed = await client.get(path, headers=plain), await client.head(path, headers=plain)
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == str(len(got.content))
    assert headed.headers.get("etag") == got.headers.get("etag")


async def test_head_of_what_is_not_there_is_404(client: httpx.AsyncClient) -> None:
    assert (await client.head("/api/v1/tasks/none")).status_code == 404


async def test_a_request_id_comes_back(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz", headers={"x-request-id": "my-request.1"})
    assert response.headers["x-request-id"] == "my-request.1"
    for bad in ("x" * 65, "a b", 'a"b', ""):
        response = await client.get("/healthz", headers={"x-request-id": bad})
        assert len(response.headers["x-request-id"]) == 32


async def test_a_trace_goes_on_to_the_service(client: httpx.AsyncClient, upstream: Upstream) -> None:
    await client.get(TASK_PATH, headers={"traceparent": f"00-{'12' * 16}-{'34' * 8}-00"})
    version, trace_id, span_id, _ = upstream.last("GetTask").metadata["traceparent"].split("-")
    assert (version, trace_id) == ("00", "12" * 16)
    assert span_id != "34" * 8
    await client.get(TASK_PATH, headers={"traceparent": "nonsense"})
    assert upstream.last("GetTask").metadata["traceparent"].split("-")[1] != "12" * 16


PARENT = f"00-{'12' * 16}-{'34' * 8}-00"


@pytest.mark.parametrize(
    ("given", "onward"),
    [
        (["vendor=1"], "vendor=1"),
        (["vendor=1, tenant@other=a b"], "vendor=1,tenant@other=a b"),
        (["vendor=1", "other=2"], "vendor=1,other=2"),
        ([",".join(f"k{n}=v" for n in range(32))], ",".join(f"k{n}=v" for n in range(32))),
    ],
)
async def test_what_others_noted_about_a_trace_goes_on_with_it(
    given: list[str], onward: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    await client.get(TASK_PATH, headers=[("traceparent", PARENT), *(("tracestate", state) for state in given)])
    assert upstream.last("GetTask").metadata["tracestate"] == onward


@pytest.mark.parametrize(
    ("parent", "state"),
    [
        (PARENT, ""), (PARENT, "vendor"), (PARENT, "Vendor=1"), (PARENT, "vendor=1,vendor=2"), (PARENT, "=1"),
        (PARENT, "vendor=a=b"), (PARENT, "ven dor=1"), (PARENT, "vendor=\xe9"), (PARENT, "vendor=" + "x" * 257),
        (PARENT, ",".join(f"k{n}=v" for n in range(33))), (PARENT, ",".join(f"k{n}={'v' * 30}" for n in range(32))),
        ("nonsense", "vendor=1"), ("", "vendor=1"),
    ],
)  # fmt: skip
async def test_what_is_no_note_is_dropped(
    parent: str, state: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    headers = [(b"traceparent", parent.encode()), (b"tracestate", state.encode("latin-1"))]
    assert (await client.get(TASK_PATH, headers=headers)).status_code == 200
    metadata = upstream.last("GetTask").metadata
    assert "tracestate" not in metadata
    assert (metadata["traceparent"].split("-")[1] == "12" * 16) == (parent == PARENT)


async def test_browsers_are_told_to_be_careful(client: httpx.AsyncClient) -> None:
    response = await client.get("/healthz")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["strict-transport-security"] == "max-age=31536000"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cross-origin-opener-policy"] == "same-origin"
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-security-policy"].startswith("default-src 'none'")


async def test_requests_are_measured_by_template(client: httpx.AsyncClient, upstream: Upstream) -> None:
    await client.get(TASK_PATH)
    await client.head(TASK_PATH)
    await client.get(f"/nowhere/{TASK_ID}")
    await client.request("PURGE", "/api/v1/tasks")
    text = (await client.get("/metrics")).text
    count = "primetrade_http_request_duration_seconds_count"
    assert f'{count}{{method="GET",route="/api/v1/tasks/{{task_id}}",status="200"}}' in text
    assert f'{count}{{method="HEAD",route="/api/v1/tasks/{{task_id}}",status="200"}}' in text
    assert f'{count}{{method="GET",route="unmatched",status="404"}}' in text
    assert f'{count}{{method="other",route="/api/v1/tasks",status="405"}}' in text
    assert TASK_ID not in text
    assert 'primetrade_build_info{service="' in text  # of whichever process was made last in this one


async def test_requests_are_logged_without_what_nobody_should_read(
    client: httpx.AsyncClient, token: str, upstream: Upstream
) -> None:
    with structlog.testing.capture_logs() as lines:
        await client.post("/api/v1/auth/refresh", json={"refreshToken": "a-secret-token"})
        await client.get("/api/v1/tasks?pageToken=a-secret-page")
    requests = [line for line in lines if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in requests] == [
        ("POST", "/api/v1/auth/refresh", 200),
        ("GET", "/api/v1/tasks", 200),
    ]
    assert "a-secret" not in str(lines)
    assert token not in str(lines)


async def test_the_deadline_goes_along(client: httpx.AsyncClient, upstream: Upstream) -> None:
    await client.get(TASK_PATH)
    assert 0 < upstream.last("GetTask").seconds_left < TESTED["upstream_timeout"] + 1  # gRPC rounds up


async def test_requests_in_one_packet_are_answered_in_order_and_share_nothing(
    origin: str, token: str, upstream: Upstream
) -> None:
    host, port = origin.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    first = f"GET {TASK_PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    second = f"GET {TASK_PATH} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    writer.write(f"{first}{second}".encode())
    answers = (await reader.read()).decode()
    writer.close()
    assert re.findall(r"HTTP/1\.1 (\d+) ", answers) == ["200", "401"]
    assert len(set(re.findall(r"x-request-id: (\w+)", answers))) == 2


@pytest.mark.parametrize(
    "path",
    ["/api%2fv1/tasks", "/api%2Fv1/tasks", "/api/v1%5ctasks", f"{TASK_PATH}%2fcomplete", f"{TASK_PATH}%5Ccomplete",
     "/%2fhealthz", "/docs%2fstart.js"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_encoded_slash_is_no_separator(
    method: str, path: str, client: httpx.AsyncClient, upstream: Upstream
) -> None:
    assert (await client.request(method, path)).status_code == 404
    assert not upstream.received
