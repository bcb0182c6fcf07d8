"""Notes whose text is meant for a terminal: escape sequences, hidden and reordered characters."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import anyio
import pytest
from tests.server.processes import Launcher

from zettel.server.commands.output import Output, printable
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.notes import Origin, Run
from zettel.tools.caller import Caller
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.remember import remember
from zettel.tools.verbs.update import update

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
FORGED = "01ARZ3NDEKTSV4RRFFQ69G5FAV  2026-11-20  forged"
ORDERS = (
    "\x1b[31m",  # colours
    "\x1b]8;;http://example.invalid\x1b\\here\x1b]8;;\x1b\\",  # OSC 8: a link
    "\x9b31m",  # the same in C1
    "\x07\x08\x7f",
    "\u202e\u2066\u2069\u200e\u200f\u061c",  # bidi controls
    "\u200b\u200c\u2060\ufeff",  # zero width
    "\U000e0041\U000e007f",  # tags
)
LINE_ENDS = ("\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")
HOSTILE = "Ana keeps bees " + " ".join(ORDERS) + "".join(f"{end}{FORGED}" for end in LINE_ENDS)


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Launcher, str]]:
    """A store whose one note is hostile in every field, and a run by a hostile name; the id."""
    with ExitStack() as running:
        launcher = Launcher(store=tmp_path_factory.mktemp("farm") / "store", running=running)
        yield launcher, anyio.run(_tell, launcher)


async def _tell(launcher: Launcher) -> str:
    embedder = HashEmbedder()
    store = await open_store(str(launcher.store), model_id=embedder.model_id, dim=embedder.dim)
    memory = Memory(store=store, embedder=embedder)
    caller = Caller(namespace="farm", origin=Origin(client=HOSTILE, principal=HOSTILE))
    short = "Ana " + "".join(ORDERS)
    note = await remember(
        memory,
        caller,
        now=NOW,
        content=HOSTILE,
        context=HOSTILE,
        subject=short,
        tags=[short],
        session=short,
        source=HOSTILE,
    )
    note_id = note["note_id"]
    await update(
        memory, caller, note_id=note_id, now=NOW, content=f"{HOSTILE} again", reason=HOSTILE
    )
    run = Run(
        run_id="run-1",
        kind="evolve",
        who=HOSTILE,
        started_at=NOW,
        ended_at=NOW,
        counts={},
        outcome="done",
    )
    await store.add_run(run)
    await store.close()
    return note_id


@pytest.mark.parametrize(
    "words",
    [
        ("list", "--namespace", "farm"),
        ("list", "--namespace", "farm", "--state", "any"),
        ("show", "ID"),
        ("graph", "ID"),
        ("link", "ID", "\x1b[31m", "ID"),
        ("add", "--namespace", "farm", "--kind", "procedural", HOSTILE),
        ("recall", "--namespace", "farm", "Where does Ana keep bees?"),
        ("recall", "--namespace", "farm", "--explain", "Where does Ana keep bees?"),
        ("history", "ID"),
        ("runs",),
        ("audit", "--text"),
        ("evolve", "--dry-run"),
        ("forget", "--namespace", "farm", "--query", "bees", "--confirm", "not this"),
        ("forget", "--namespace", "farm", "--erase", "ID", "--confirm", "not this"),
        ("show", HOSTILE),
        ("list", "--namespace", HOSTILE),
    ],
    ids=lambda words: words[0],
)
def test_no_command_prints_what_a_terminal_obeys_or_a_line_that_a_note_wrote(
    farm: tuple[Launcher, str], words: tuple[str, ...]
) -> None:
    zettel, note_id = farm
    done = zettel.run(*(note_id if word == "ID" else word for word in words))
    # At line feeds alone: splitlines would hide other line ends.
    lines = (done.stdout + done.stderr).split("\n")

    assert len(lines) > 1
    assert [line for line in lines if not line.isprintable()] == []
    assert [line for line in lines if line.startswith(FORGED)] == []
    assert r"\x1b" in done.stdout + done.stderr


@pytest.mark.parametrize(
    "words", [("list", "--namespace", "farm", "--kind", "episodic"), ("show", "ID")]
)
def test_as_json_the_text_is_whole(farm: tuple[Launcher, str], words: tuple[str, ...]) -> None:
    zettel, note_id = farm
    done = zettel.run(*(note_id if word == "ID" else word for word in words), "--json")

    assert json.loads(done.stdout)["content"] == f"{HOSTILE} again"


def test_text_without_controls_is_printed_as_it_is() -> None:
    honest = "naïve 東京\u3000💥 a\u00a0b עברית العربية C:\\temp"

    assert printable(honest) == honest
    assert Output(None, f"{honest}\n{honest}").render(as_json=False) == f"{honest}\n{honest}"


def test_every_printed_result_is_escaped_even_where_its_command_forgot() -> None:
    assert Output(None, "a\x1b[2J\nb\r\u202ec").render(as_json=False) == "a\\x1b[2J\nb\\r\\u202ec"
