"""The store's side of the state machine: the four tools behind a real client, with a clock."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from anyio.from_thread import BlockingPortal
from pydantic import TypeAdapter
from tests.model.answers import Entry, Shown, View
from tests.model.words import Look, Words
from tests.tools.conftest import Desk, Refused

from zettel.tools.answers import RecallAnswer, RecalledNote, Revision
from zettel.tools.changes.undo import undo_run

T = TypeVar("T")
RULES = ("answers", "shares_name", "similar")
"""Relations that evolution states, not agents."""
_recalled = TypeAdapter(RecallAnswer)


class Door:
    """Calls tools at a given time and reads their answers into what is compared."""

    def __init__(self, portal: BlockingPortal, desk: Desk) -> None:
        self._portal = portal
        self._desk = desk
        self._runs = 0

    def remember(self, now: datetime, namespace: str, words: Words) -> tuple[str, bool] | None:
        """The note's id and whether it is new; None when refused."""
        given = {"namespace": namespace, **_arguments(words)}
        answer = self._call(now, "remember", given)
        if answer is None:
            return None
        return str(answer["note_id"]), answer["status"] == "stored"

    def update(self, now: datetime, note_id: str, words: Words, expected: int | None) -> bool:
        """Whether it was accepted."""
        given = {"note_id": note_id, "expected_rev": expected, **_arguments(words)}
        return self._call(now, "update", given) is not None

    def restore(self, now: datetime, note_id: str, rev: int, expected: int | None) -> bool:
        """Whether it was accepted."""
        given = {"note_id": note_id, "restore_rev": rev, "expected_rev": expected}
        return self._call(now, "update", given) is not None

    def forget(self, now: datetime, note_id: str, *, undo: bool) -> bool:
        """Whether it was accepted."""
        return self._call(now, "forget", {"note_ids": [note_id], "undo": undo}) is not None

    def evolve(self, now: datetime) -> str:
        """The run's id."""
        run_id = self._next_run("evolve")
        self._desk.now = now
        self._run(lambda: self._desk.evolve(run_id))
        return run_id

    def undo(self, now: datetime, run_id: str, *, partial: bool) -> str:
        """The undo's id.

        Raises:
            ChangedSinceError: Notes were changed since, and not `partial`.
        """
        undo_id = self._next_run("undo")
        memory = self._desk.memory
        self._run(
            lambda: undo_run(memory, run_id, now=now, undo_id=undo_id, who="test", partial=partial)
        )
        return undo_id

    def listing(self, look: Look, namespace: str, tag: str | None) -> list[Shown]:
        """Everything of a namespace, or everything with a tag."""
        which = {"since": "1970"} if tag is None else {"tags": [tag]}
        return self._recall(look, namespace=namespace, **which)

    def read(self, look: Look, note_ids: Sequence[str]) -> list[Shown]:
        """Notes by their ids; those that cannot be read are left out."""
        return self._recall(look, note_ids=list(note_ids)) if note_ids else []

    def ask(self, look: Look, query: str) -> list[Shown]:
        """What a question finds."""
        return self._recall(look, query=query)

    def _recall(self, look: Look, **asked: object) -> list[Shown]:
        given = {
            "as_of": look.as_of and look.as_of.isoformat(),
            "known_at": look.known_at and look.known_at.isoformat(),
            "limit": 100,
            "max_tokens": 32_000,
            "detail": "full",
            **asked,
        }
        answer = self._call(look.now, "recall", given)
        if answer is None:
            return []
        read = _recalled.validate_python(answer)
        assert "omitted" not in read
        default = str(asked.get("namespace", "proj"))
        return [_shown(note, default) for note in read["notes"]]

    def _call(
        self, now: datetime, tool: str, given: Mapping[str, object]
    ) -> dict[str, object] | None:
        self._desk.now = now - timedelta(seconds=1)  # the desk takes a second for a call
        arguments = {name: value for name, value in given.items() if value is not None}
        try:
            return self._run(lambda: self._desk(tool, **arguments))
        except Refused:
            return None

    def _next_run(self, kind: str) -> str:
        self._runs += 1
        return f"{kind}-{self._runs}"

    def _run(self, do: Callable[[], Awaitable[T]]) -> T:
        return self._portal.call(do)


def _arguments(words: Words) -> dict[str, object]:
    links = list[dict[str, object]]()
    if words.unlink:
        links.append({"to": words.unlink[0], "relation": words.unlink[1], "remove": True})
    if words.link:
        links.append({"to": words.link[0], "relation": words.link[1]})
    return {
        "content": words.content,
        "subject": words.subject,
        "tags": None if words.tags is None else list(words.tags),
        "happened_at": words.happened and words.happened.isoformat(),
        "valid_until": "" if words.endless else words.ends and words.ends.isoformat(),
        "links": links or None,
        "correction": words.correction or None,
    }


def _shown(note: RecalledNote, namespace: str) -> Shown:
    assert "excerpt" not in note
    return Shown(
        view=View(
            note_id=note["note_id"],
            rev=note.get("rev", 1),
            namespace=note.get("namespace", namespace),
            content=note.get("content", ""),
            subject=note.get("subject", ""),
            tags=tuple(note.get("tags", ())),
            happened_at=note.get("happened_at", ""),
            valid_until=note.get("valid_until", ""),
            state=note.get("state", ""),
        ),
        links=frozenset(
            (line["note_id"], line["relation"])
            for line in note.get("links", ())
            if line["relation"].removesuffix(" (from)") not in RULES
        ),
        history=tuple(map(_entry, note.get("history", ()))),
    )


def _entry(revision: Revision) -> Entry:
    return Entry(
        rev=revision["rev"],
        known_from=datetime.fromisoformat(revision["known_from"]),
        change=revision["change"],
        run=revision.get("run", ""),
        ended_at=revision.get("ended_at", ""),
        corrected=revision.get("corrected", False),
    )
