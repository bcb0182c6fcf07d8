"""Writes notes into a folder, a Markdown file each, and leaves what a person changed there."""

from collections.abc import Container, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
from anyio import to_thread

from zettel.storage.notes import Note, Outline, State
from zettel.storage.progress import ReportProgress
from zettel.storage.read_view import in_one_view
from zettel.storage.store import NoteFilter, NoteStore
from zettel.tools.vault.manifest import KnownFile, Vault, VaultManifest, digest_of_file, paths_by_id
from zettel.tools.vault.note_file import FileName, file_name, render, stem_of, title_of
from zettel.tools.vault.renames import find_renamed, follow_renames
from zettel.tools.vault.whole import digest_of_text, joined, rest_of

SHOWN_STATES = (State.ACTIVE, State.SUPERSEDED, State.ARCHIVED)
FILE_BATCH_NOTES = 500
"""Notes read and written at once."""
ID_END_CHARACTERS = 8
"""Of a note's id in its file's name, the last ones: 40 random bits."""
_ALL = 10_000_000


@dataclass(slots=True, kw_only=True)
class WriteReport:
    """What became of the files."""

    written: list[str] = field(default_factory=list[str])
    """Paths."""
    unchanged: int = 0
    removed: int = 0
    """Of notes that are not shown any more."""
    edited: list[str] = field(default_factory=list[str])
    """Paths left as a person changed them."""
    deleted: list[str] = field(default_factory=list[str])
    """Paths that a person removed; they are not written again."""


@in_one_view
async def write_vault(
    store: NoteStore, vault: Vault, manifest: VaultManifest, *, force: bool, tell: ReportProgress
) -> WriteReport:
    """Make the folder's files those of the notes as they are now.

    A file that a person renamed stays its note's, so that it goes when the note does.
    The manifest is renewed, and written at the end. With `force`, files that a person changed or
    removed are written as well.

    Raises:
        VaultError: A file cannot be written.
    """
    paths = await to_thread.run_sync(lambda: [path for path, _ in vault.scan()])
    follow_renames(manifest, await to_thread.run_sync(find_renamed, vault, manifest, paths))
    where = NoteFilter(namespaces=manifest.namespaces, states=SHOWN_STATES, derived=None)
    tell("listing", 0, 0)
    outlines = await store.outlines(where, limit=_ALL)
    names = await to_thread.run_sync(_names, outlines, manifest)
    del outlines
    wholes = await _wholes(store, manifest, names)
    inside = {part.note_id for rest in wholes.values() for part in rest}
    ids = [note_id for note_id in names if note_id not in inside]
    writer = _Writer(vault, manifest, names, inside, force=force)
    try:
        for first in range(0, len(ids), FILE_BATCH_NOTES):
            tell("writing", first, len(ids))
            batch = ids[first : first + FILE_BATCH_NOTES]
            notes = [joined(n, wholes.get(n.note_id, ())) for n in await store.get(batch)]
            await to_thread.run_sync(writer.write, notes)
        await to_thread.run_sync(writer.remove_others)
        tell("writing", len(ids), len(ids))
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(vault.write_manifest, manifest)
    return writer.report


def _names(outlines: Iterable[Outline], manifest: VaultManifest) -> dict[str, FileName]:
    """Note id -> its file: the one it has, else a new one."""
    known = paths_by_id(manifest.files)
    # Case is folded: some file systems do so.
    taken = {path.casefold() for path in manifest.files}
    names = dict[str, FileName]()
    for note in outlines:
        path = known.get(note.note_id, "")
        if not path:
            start = f"{note.namespace}/{file_name(note.content)}"
            path = f"{start}-{note.note_id[-ID_END_CHARACTERS:].lower()}.md"
            if path.casefold() in taken:
                path = f"{start}-{note.note_id.lower()}.md"
            taken.add(path.casefold())
        names[note.note_id] = FileName(path, title_of(note.content))
    return names


async def _wholes(
    store: NoteStore, manifest: VaultManifest, names: dict[str, FileName]
) -> dict[str, list[Note]]:
    """By the first one's id the other notes that stand in its file, whose name they get."""
    wholes = dict[str, list[Note]]()
    for known in manifest.files.values():
        if known.whole and known.id in names:
            wholes[known.id] = rest = await rest_of(store, known.id)
            names |= {n.note_id: names[known.id] for n in rest if n.note_id in names}
    return wholes


class _Writer:
    def __init__(
        self,
        vault: Vault,
        manifest: VaultManifest,
        names: Mapping[str, FileName],
        inside: Container[str],
        *,
        force: bool,
    ) -> None:
        self._vault, self._files, self._names = vault, manifest.files, names
        self._inside, self._force = inside, force
        self.report = WriteReport()
        self._stems = {stem_of(path) for path in manifest.files} | {n.stem for n in names.values()}

    def write(self, notes: Iterable[Note]) -> None:
        """Write the files of some notes."""
        for note in notes:
            path = self._names[note.note_id].path
            there, known = self._vault.read(path), self._files.get(path)
            rendered = self._rendered(note, there)
            if there == rendered:
                self.report.unchanged += 1
            elif known is not None and there is None and not self._force:
                self.report.deleted.append(path)
                continue
            elif there is not None and not self._force and not _is_as_known(there, known):
                self.report.edited.append(path)
                continue
            else:
                self._vault.write(path, rendered)
                self.report.written.append(path)
            self._files[path] = KnownFile(
                id=note.note_id,
                rev=note.rev,
                sha256=digest_of_file(rendered),
                whole=digest_of_text(note.content) if known is not None and known.whole else "",
            )

    def _rendered(self, note: Note, there: bytes | None) -> bytes:
        """A note's file, with what a person added to the front matter that is there."""
        rendered = render(note, self._names).encode()
        if there is not None and there != rendered:
            with suppress(ValueError):  # no text, or front matter that is none
                kept = render(note, self._names, there=there.decode(), stems=self._stems)
                return kept.encode()
        return rendered

    def remove_others(self) -> None:
        """Remove the files of notes that are not shown any more: their text is not to stay."""
        for path, known in list(self._files.items()):
            if known.id in self._names and known.id not in self._inside:
                continue
            there = self._vault.read(path)
            if there is not None and not self._force and not _is_as_known(there, known):
                self.report.edited.append(path)
                continue
            if there is not None:
                self._vault.remove(path)
                self.report.removed += 1
            del self._files[path]


def _is_as_known(content: bytes, known: KnownFile | None) -> bool:
    return known is not None and digest_of_file(content) == known.sha256
