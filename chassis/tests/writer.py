"""A process that writes notes and says which saves were acknowledged, until it is killed."""

import asyncio
import itertools

from chassis.settings import ServiceSettings
from chassis.tests.notes import Note, NoteProcess


async def main() -> None:
    async with NoteProcess(ServiceSettings()).running() as process:

        async def write() -> None:
            note = Note.new()
            await process.store.insert(note)
            for sequence in itertools.count(1):
                print(note.id, sequence, flush=True)
                note.write(f"{sequence}")
                await process.store.save(note)

        await asyncio.gather(*(write() for _ in range(8)))


if __name__ == "__main__":
    asyncio.run(main())
