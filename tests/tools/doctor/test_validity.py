"""Whatever the tools and evolution store is a note that a backup brings back."""

from mcp import Client
from mcp.types import Implementation
from tests.tools.conftest import Desk, ids

from zettel.server.protocol.server import ClientDefaults, create_server
from zettel.storage.store import NoteFilter
from zettel.tools.doctor.validity import problem_of
from zettel.tools.validation import MAX_LIST


async def problems(desk: Desk) -> set[str]:
    """What is wrong with the notes that are stored."""
    every = NoteFilter(states=(), derived=None)
    return {*map(problem_of, await desk.memory.store.find(every, limit=99))} - {""}


async def test_a_word_of_thousands_of_letters_is_no_keyword(desk: Desk) -> None:
    words = ("f0" + "a3" * 2_000, "Foo_" * 900 + "Foo", "Zebulon" * 400, "kit-" * 900 + "kit")
    told = [
        await desk.told(text)
        for word in words
        for text in (f"The packet dump: {word}", f"The {word} engine stops", f'Call "{word}" first')
    ]

    await desk.evolve()

    stored = await desk.memory.store.get(told)
    assert max(len(one) for note in stored for one in (*note.keywords, *note.entities, "")) <= 128
    assert await problems(desk) == set()


async def test_a_client_whose_name_holds_control_characters_is_written_visibly(desk: Desk) -> None:
    door = ClientDefaults(transport="test", namespace="proj", session="")
    name = Implementation(name="my\x00clie\x1b[31mnt", version="1")
    async with Client(create_server(desk, door), client_info=name) as client:
        await client.call_tool("remember", {"content": "Ana keeps bees"})

    [note] = await desk.memory.store.find(NoteFilter(), limit=9)
    assert note.origin.client == "my\\x00clie\\x1b[31mnt"
    assert await problems(desk) == set()


async def test_a_note_that_many_are_merged_into_has_no_more_tags_than_one_may_have(
    desk: Desk,
) -> None:
    first = await desk.told("Ana keeps bees behind the old mill", tags=["bees"])
    for number in range(3):
        desk.later(days=1)
        tags = [f"tag-{number}-{one}" for one in range(40)]
        again = await desk.told("Behind the old mill Ana keeps bees", tags=tags)
        await desk("update", note_id=again, links=[{"to": first, "relation": "same_as"}])

    [note] = await desk.memory.store.get([first])
    assert len(note.tags) == MAX_LIST
    assert note.tags[:2] == ("bees", "tag-0-0")
    assert await problems(desk) == set()
    assert ids(await desk("recall", query="Where does Ana keep bees?")) == [first]
