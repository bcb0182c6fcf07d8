"""Which notes of earlier imports their source no longer has: deleted, replaced, or cut out."""

import json
from collections.abc import Collection, Iterable, Mapping
from hashlib import blake2b


def digest(text: str) -> str:
    """64 bits of a text's hash: what is recorded tells no key and holds no id."""
    return blake2b(text.encode(), digest_size=8).hexdigest()


class Ended:
    """What one reading of a source has of what earlier ones had.

    Args:
        recorded: What `merged` made of earlier readings; None for none. By the key of a text that
            was cut into several notes: the notes that are parts of it. All of them are digests.
    """

    def __init__(self, recorded: str | None) -> None:
        self._before: Mapping[str, list[str]] = json.loads(recorded or "{}")
        self._parts = dict[str, set[str]]()
        self._over = dict[str, str]()

    def see(self, whole: str, part: str = "") -> None:
        """Note that the source has a text, and a note that is a part of it."""
        name = digest(whole)
        if part or name in self._before:
            found = self._parts.setdefault(name, set())
            found |= {digest(part)} if part else set()

    def end(self, note_id: str, replaced_by: str) -> None:
        """Note that a note was deleted there, or replaced by what has this key."""
        self._over[note_id] = replaced_by

    def gone(self, ids: Iterable[str], still: Collection[str]) -> dict[str, str]:
        """Of some notes those that are over there, with the key of what replaced them, if any.

        `still` are ids of notes that the source has all the same.
        """
        recorded = ((self._before.get(name, ()), found) for name, found in self._parts.items())
        lost = {part for before, found in recorded for part in before if part not in found}
        parts = {note_id: "" for note_id in ids if digest(note_id) in lost} if lost else {}
        return {i: newer for i, newer in (parts | self._over).items() if i not in still}

    def merged(self, recorded: str | None, still: Collection[str]) -> str | None:
        """The record with what this reading has."""
        left = set(map(digest, still)) if self._parts else set[str]()
        entries: dict[str, list[str]] = json.loads(recorded or "{}")
        for name, found in self._parts.items():
            entries[name] = sorted(found | (left & set(self._before.get(name, ()))))
        entries = {name: parts for name, parts in entries.items() if parts}
        return json.dumps(entries) if entries or recorded else None
