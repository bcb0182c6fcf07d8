"""A personal assistant's memory of people, without an LLM: python examples/personal_assistant.py.

What the assistant would decide by reading is written down here as plain code.
"""

import asyncio
from datetime import UTC, datetime

from session import Session, say, start


async def learn(memory: Session) -> str:
    """Facts about people name the person as `subject`."""
    say("The user tells of people")
    await memory.call("remember", content="Mara is allergic to peanuts.", subject="Mara")
    await memory.call("remember", content="Tom is allergic to cats.", subject="Tom")
    home = await memory.call(
        "remember", content="Mara lives in Lyon.", subject="Mara", happened_at="2024-09"
    )
    return home["note_id"]


async def ask_for_one_person(memory: Session) -> None:
    """A verdict tells whose affairs the notes are about."""
    say("A dinner is planned: what must Mara not eat?")
    await memory.ask("What is Mara allergic to?", subject="Mara")
    say("Nobody has told of Nora")
    await memory.ask("What is Nora allergic to?", subject="Nora")


async def move(memory: Session, home: str) -> None:
    """The world changed: `update` says since when; what was believed before stays known."""
    say("Mara moves: the note is updated, and what it said is kept")
    before = datetime.now(UTC)
    # So that the moment before the update is before it on any clock.
    await asyncio.sleep(0.01)
    await memory.call(
        "update", note_id=home, content="Mara lives in Porto.", happened_at="2026-06-01"
    )
    await memory.ask("Where does Mara live?")

    say("as_of: what was true then; known_at: what memory believed then")
    await memory.ask("Where does Mara live?", as_of="2025-01-01")
    await memory.ask("Where does Mara live?", known_at=before.isoformat())


async def withdraw(memory: Session) -> None:
    """Filters first show what they would take; the confirmation is a second call."""
    say("Tom asks to be left out: a preview first, then the confirmation")
    preview = await memory.call("forget", subject="Tom")
    for note in preview["notes"]:
        print(f"  would go: {note['line']}")
    done = await memory.call("forget", confirm=preview["confirm"])
    print(f"  {done['status']}")
    await memory.ask("Who is allergic to cats?", subject="Tom")

    say("He changes his mind: forgotten is not erased")
    await memory.call("forget", note_ids=[note["note_id"] for note in preview["notes"]], undo=True)
    await memory.ask("Who is allergic to cats?", subject="Tom")


async def main() -> None:
    """Play the session."""
    async with start("user") as memory:
        home = await learn(memory)
        await ask_for_one_person(memory)
        await move(memory, home)
        await withdraw(memory)


if __name__ == "__main__":
    asyncio.run(main())
