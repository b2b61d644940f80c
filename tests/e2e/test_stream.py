"""What a person does is told to their other devices as it happens, and to nobody else."""

from gateway.tests.streams import reading
from tests.e2e.conftest import Person


async def test_a_person_s_other_device_sees_what_happens_and_what_it_missed(ada: Person, eve: Person) -> None:
    origin = str(ada.http.base_url).rstrip("/")
    async with reading(origin, ada.access_token) as device, reading(origin, eve.access_token) as eves:
        task = await ada.create_task(title="Write the report")
        created = await device.named("task-created")
        assert created.data["task"] == task
        await ada.call("POST", f"/tasks/{task['id']}/complete")
        completed, entry = await device.unordered(
            ("task-completed", {}), ("notification-created", {"type": "task-completed"})
        )
        assert completed.data["task"]["status"] == "completed"
        assert entry.data["notification"] in await ada.inbox()
        hers = await eve.create_task(title="Listen")
        assert (await eves.named("task-created")).data["task"] == hers
        last_id = device.last_id
    assert (await ada.call("DELETE", f"/tasks/{task['id']}")).status_code == 204
    async with reading(origin, ada.access_token, last_id) as device:
        assert (await device.named("task-deleted")).data["taskId"] == task["id"]
        await ada.http.post("/api/v1/auth/logout", json={"refreshToken": ada.refresh_token})
        assert (await device.named("end")).data == {"reason": "session-ended"}
        assert await device.next() is None
