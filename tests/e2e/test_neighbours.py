"""A service that is down takes only its own routes down, and what it missed reaches it later."""

import httpx
import pytest

from chassis.testing.eventually import eventually
from deploy.local.testing import RunningSuite
from tests.e2e.conftest import Person, whole


async def test_registration_works_while_users_is_down(suite: RunningSuite, http: httpx.AsyncClient) -> None:
    suite.kill("users")
    try:
        ada = await Person(http).register()
        assert (await ada.create_task())["title"] == "Write the report"
        profile = await ada.call("GET", "/users/me")
        assert (profile.status_code, profile.json()["code"]) == (503, "unavailable")
        assert int(profile.headers["retry-after"]) >= 1

        async def degraded() -> bool:
            ready = await http.get("/readyz")
            return ready.status_code == 200 and ready.json()["degraded"] == ["users"]

        await eventually(degraded, "users named as degraded")
    finally:
        suite.restart("users")

    async def profile_is_there() -> bool:
        answer = await ada.call("GET", "/users/me")
        return answer.status_code == 200 and answer.json()["email"] == ada.email

    await eventually(profile_is_there, "the profile, made from the event", 60)
    await whole(http)


@pytest.mark.parametrize(
    ("name", "call"), [("tasks", ("GET", "/tasks")), ("notify", ("GET", "/notifications")), ("auth", ())]
)
async def test_the_others_go_on(suite: RunningSuite, ada: Person, name: str, call: tuple[str, ...]) -> None:
    suite.kill(name)
    try:
        if call:
            assert (await ada.call(*call)).status_code == 503
        else:
            assert (await ada.login()).status_code == 503
        assert (await ada.call("GET", "/users/me")).status_code == 200
        assert (await ada.http.get("/healthz")).status_code == 200
    finally:
        suite.restart(name)

    await whole(ada.http)

    async def undegraded() -> bool:
        return bool((await ada.http.get("/readyz")).json()["degraded"] == [])

    await eventually(undegraded, "nothing degraded")
