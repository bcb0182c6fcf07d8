"""A coding agent's memory over two sessions; no LLM is needed: python examples/coding_agent.py.

What the agent would decide by reading is written down here as plain code.
"""

import asyncio

from session import Session, say, start


async def first_day(memory: Session) -> str:
    """Decisions and a hard-won fix are remembered, one thing a note."""
    say("First day: the agent works, and remembers what lasts")
    await memory.call(
        "remember",
        content="The flaky login test waited for port 5433: CI's Postgres listens there.",
        kind="procedural",
        tags=["ci", "fix"],
    )
    port = await memory.call(
        "remember",
        content="The API listens on port 8080.",
        tags=["setup"],
        happened_at="2026-03-02",
    )
    await memory.ask("Why did the login test fail in CI?")
    return port["note_id"]


async def second_day(memory: Session, port: str) -> None:
    """A fact has changed: the server names the note it changes, and how to settle that."""
    say("Second day: a fact has changed")
    told = await memory.call(
        "remember",
        content="The API listens on port 9090 now, no longer on 8080.",
        tags=["setup"],
        happened_at="2026-05-11",
    )
    [candidate] = told["candidates"]
    print(f"  candidate: {candidate['content']!r}")
    print(f"  why: {candidate['why']}")
    print(f"  settle: {candidate['settle']}")
    assert candidate["note_id"] == port

    say("The agent settles it: the newer note supersedes the older one")
    link = {"to": port, "relation": "supersedes"}
    await memory.call("update", note_id=told["note_id"], links=[link])
    await memory.ask("Which port does the API listen on?")

    say("What was true in April is still known")
    await memory.ask("Which port does the API listen on?", as_of="2026-04-01")


async def mistake(memory: Session) -> None:
    """A note that was wrong is corrected; one that was a mistake is forgotten, and comes back."""
    say("A typo is corrected, and can be taken back")
    lint = await memory.call("remember", content="Run `make lnit` before each commit.")
    fixed = await memory.call(
        "update",
        note_id=lint["note_id"],
        content="Run `make lint` before each commit.",
        correction=True,
    )
    print(f"  changed: {fixed['changed']['content']}; to take it back: {fixed['undo']}")

    say("A note is forgotten by mistake, and brought back")
    await memory.call("forget", note_ids=[lint["note_id"]])
    await memory.ask("What is to be run before a commit?")
    await memory.call("forget", note_ids=[lint["note_id"]], undo=True)
    await memory.ask("What is to be run before a commit?")


async def unknown(memory: Session) -> None:
    """What memory does not know it says, and the agent must not guess."""
    say("A question that nothing answers")
    await memory.ask("Which license does the Kubernetes operator have?")


async def main() -> None:
    """Play both days."""
    async with start("examples-api") as memory:
        port = await first_day(memory)
        await second_day(memory, port)
        await mistake(memory)
        await unknown(memory)


if __name__ == "__main__":
    asyncio.run(main())
