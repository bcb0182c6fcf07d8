"""Finds what a person changed in a folder of notes, and does it to the notes by the verbs.

An edit is made of the revision that the file was written from. Where an agent has changed the note
since, it is a conflict: the file and the note are left as they are. Changes that evolution made
since are none, nor is a note that says by now what the file says.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

import anyio
from anyio import to_thread

from zettel.storage.errors import (
    InvalidArgumentError,
    OtherRevisionError,
    ZettelError,
    first_line,
)
from zettel.storage.ids import is_id
from zettel.storage.notes import Note, State
from zettel.storage.progress import ReportProgress
from zettel.tools.answers import RememberAnswer
from zettel.tools.caller import Caller
from zettel.tools.changes.links import LinkArgument
from zettel.tools.changes.preconditions import only_evolved
from zettel.tools.imports.drafts import IMPORT, as_moment
from zettel.tools.language.dates import read_happened_at, read_time
from zettel.tools.language.times import iso
from zettel.tools.state.memory import Memory
from zettel.tools.validation import NAMESPACE
from zettel.tools.vault.manifest import (
    KnownFile,
    Vault,
    VaultError,
    VaultManifest,
    digest_of_file,
    paths_by_id,
)
from zettel.tools.vault.note_file import (
    DATE_KEYS,
    NoteFile,
    editable,
    parse,
    render,
    same_text,
    standing_links,
    stem_of,
    tag_of,
)
from zettel.tools.vault.renames import find_renamed, follow_renames
from zettel.tools.vault.whole import digest_of_text, joined, rest_of
from zettel.tools.verbs.forget import forget, forget_alone
from zettel.tools.verbs.remember import (
    NewNoteFields,
    NoteFields,
    draft_note,
    remember_whole,
)
from zettel.tools.verbs.update import check_edit, read_edit, update

FILE_REASON = "edited in a folder of notes"
"""`Note.reason` of such a revision."""
NOTE_GONE = (
    "its note is not there any more: remove the file, or keep its text in a new one without the id"
)
"""The problem of a file whose note was forgotten or erased."""
TOLD_FILES = 200
"""Files between two reports of progress."""
_TEXTS = ("kind", "subject", "context", "happened_at", "valid_until")
_MAY_BE_EMPTIED = ("subject", "context", "valid_until")


class EditKind(StrEnum):
    """What a person did to a file, or why it cannot be taken."""

    UPDATE = "update"
    NEW = "new"
    DELETED = "deleted"
    CONFLICT = "conflict"
    PROBLEM = "problem"


class FileFields(NoteFields, total=False):
    """Arguments of `remember` and `update` that a file gives."""

    content: str


class NewFileFields(NewNoteFields, FileFields, total=False):
    """Arguments of `remember` that a file gives."""


@dataclass(slots=True, kw_only=True)
class NoteFileEdit:
    """One file that differs from its note."""

    kind: EditKind
    path: str
    note_id: str = ""
    rev: int = 0
    """The revision that the file was written from."""
    fields: FileFields = field(default_factory=FileFields)
    """What changed; of a new file all that it gives."""
    namespace: str | None = None
    """Of a new note; None for the caller's."""
    session: str | None = None
    """Of a new note, as is `source`."""
    source: str | None = None
    to_new: frozenset[tuple[str, str]] = frozenset()
    """Name and relation of links to files that are no notes yet."""
    sha256: str = ""
    anew: "NoteFileEdit | None" = None
    """Of new words in a file of several notes: the new notes that take their place."""
    problem: str = ""
    done: bool = False


@dataclass(slots=True, kw_only=True)
class VaultChanges:
    """All that a person changed in a folder."""

    edits: list[NoteFileEdit] = field(default_factory=list[NoteFileEdit])
    unchanged: int = 0
    moved: dict[str, str] = field(default_factory=dict[str, str])
    """New path -> path under which the manifest knows the file."""
    touched: dict[str, KnownFile] = field(default_factory=dict[str, KnownFile])
    """Files whose bytes differ and which say the same."""


async def find_changes(
    memory: Memory,
    caller: Caller,
    vault: Vault,
    manifest: VaultManifest,
    *,
    now: datetime,
    tell: ReportProgress,
) -> VaultChanges:
    """Compare every file with the revision that it was written from; changes nothing.

    What the verbs would refuse of a file is a problem already here.
    """
    paths = [path for path, _ in await to_thread.run_sync(lambda: list(vault.scan()))]
    renamed = await to_thread.run_sync(find_renamed, vault, manifest, paths)
    finder = _Finder(memory, manifest, paths, renamed)
    for number, path in enumerate(paths):
        if number % TOLD_FILES == 0:
            tell("reading files", number, len(paths))
        try:
            content = await to_thread.run_sync(vault.read, path)
        except VaultError as error:
            finder.add_problem(path, str(error))
            continue
        if content is not None:
            await finder.add(path, content)
    tell("reading files", len(paths), len(paths))
    finder.add_deleted()
    for edit in finder.found.edits:
        await _check(memory, caller, edit, now)
    return finder.found


async def _check(memory: Memory, caller: Caller, edit: NoteFileEdit, now: datetime) -> None:
    """Makes an edit a problem whose values the verbs would refuse."""
    try:
        if new := edit if edit.kind is EditKind.NEW else edit.anew:
            draft_note(caller, now=now, **_of_new(new))
        elif edit.kind is EditKind.UPDATE:
            changed = read_edit(now=now, correction=_was_mistaken(edit.fields), **edit.fields)
            for note in await memory.store.get([edit.note_id]):
                await check_edit(memory, note, changed, now)
    except ZettelError as error:
        edit.kind, edit.problem = EditKind.PROBLEM, str(error)


def _of_new(edit: NoteFileEdit) -> NewFileFields:
    """The arguments of `remember`."""
    return NewFileFields(
        **edit.fields, namespace=edit.namespace, session=edit.session, source=edit.source
    )


def _was_replaced(first: Note) -> bool:
    """Whether an import has forgotten a long text, killed before it wrote what took its place."""
    return first.state is State.FORGOTTEN and first.run_id.startswith(f"{IMPORT}-")


def _pair(link: LinkArgument) -> tuple[str, str]:
    return link["to"], link.get("relation", "")


def _was_mistaken(fields: FileFields) -> bool:
    """Whether the file still says when it was so: then its old words were no past state."""
    return "content" in fields and "happened_at" not in fields


class _Finder:
    def __init__(
        self,
        memory: Memory,
        manifest: VaultManifest,
        paths: Sequence[str],
        renamed: Mapping[str, str],
    ) -> None:
        self._memory, self._files, self._renamed = memory, manifest.files, renamed
        self._path_of = paths_by_id(manifest.files)
        # By its new name as well: Obsidian writes that into all links to a renamed file.
        new_names = {stem_of(path): manifest.files[old].id for path, old in renamed.items()}
        self._id_of = new_names | _ids_by_name(manifest)
        self._new = {stem_of(path) for path in paths if path not in manifest.files}
        self._seen = set[str]()
        self.found = VaultChanges()

    def add_problem(self, path: str, problem: str, *, note_id: str = "") -> None:
        """Report a file that cannot be taken."""
        self._seen.add(path)
        self.found.edits.append(
            NoteFileEdit(kind=EditKind.PROBLEM, path=path, note_id=note_id, problem=problem)
        )

    async def add(self, path: str, content: bytes) -> None:
        """Compare one file."""
        digest, known = digest_of_file(content), self._files.get(path)
        if known is not None and known.sha256 == digest:
            self._seen.add(path)
            self.found.unchanged += 1
            return
        try:
            read = await to_thread.run_sync(lambda: parse(content.decode()))
        except UnicodeDecodeError:
            self.add_problem(path, "it is not UTF-8")
            return
        except ValueError as error:
            self.add_problem(path, first_line(error))
            return
        if old := self._renamed.get(path):
            self.found.moved[path] = old
            self._seen.add(old)
            known = self._files[old]
        self._seen.add(path)
        if known is not None:
            await self._add_edit(path, known, read, digest)
        elif await self._is_gone(said := read.fields.get("id", "")):
            self.add_problem(path, NOTE_GONE, note_id=said)
        else:
            self.found.edits.append(self._new_edit(path, read, digest))

    def add_deleted(self) -> None:
        """Report the files that are gone."""
        self.found.edits += [
            NoteFileEdit(kind=EditKind.DELETED, path=path, note_id=known.id, rev=known.rev)
            for path, known in self._files.items()
            if path not in self._seen
        ]

    async def _is_gone(self, note_id: str) -> bool:
        """Whether a note was erased or forgotten; what is no id, or of another store, was not."""
        if not is_id(note_id):
            return False
        erased = await self._memory.admin.erased([note_id])
        notes = await self._memory.store.get([note_id])
        return bool(erased) or any(note.state is State.FORGOTTEN for note in notes)

    def _new_edit(self, path: str, read: NoteFile, digest: str) -> NoteFileEdit:
        fields = FileFields(content=read.body)
        for name in _TEXTS:
            if value := read.fields.get(name):
                fields[name] = value
        if day := read.fields.get("happened_at") or _day_of(read):
            fields["happened_at"] = day
        if read.tags:
            fields["tags"] = list(read.tags)
        if links := self._targets(read):
            fields["links"] = [LinkArgument(to=to, relation=r) for to, r in sorted(links)]
        folder = path.partition("/")[0] if "/" in path else ""
        named = read.fields.get("namespace", "")
        edit = NoteFileEdit(kind=EditKind.NEW, path=path, fields=fields, sha256=digest)
        edit.to_new = self._to_new(read)
        edit.session, edit.source = read.fields.get("session"), read.fields.get("source")
        # A folder may have any name, such as one for attachments.
        edit.namespace = named or (folder if NAMESPACE.fullmatch(folder) else None)
        if not read.body:
            edit.kind, edit.problem = EditKind.PROBLEM, "it has no text"
        return edit

    async def _add_edit(self, path: str, known: KnownFile, read: NoteFile, digest: str) -> None:
        revisions = await self._memory.store.revisions(known.id)
        if known.whole:
            rest = await rest_of(self._memory.store, known.id)
            revisions = [joined(note, rest) for note in revisions]
        base = next((note for note in revisions if note.rev == known.rev), None)
        replaced = known.whole and bool(revisions) and _was_replaced(revisions[-1])
        if base is None or (revisions[-1].state is State.FORGOTTEN and not replaced):
            self.add_problem(path, NOTE_GONE, note_id=known.id)
            return
        base = await self._taken(revisions, known.rev, read) or base
        fields, to_new = self._changed(base, read), self._to_new(read)
        if known.whole and digest_of_text(read.body) == known.whole:
            fields.pop("content", None)
        if not (fields or to_new):
            self.found.unchanged += 1
            self.found.touched[path] = replace(known, rev=base.rev, sha256=digest)
            return
        edit = NoteFileEdit(
            kind=EditKind.UPDATE,
            path=path,
            note_id=known.id,
            rev=base.rev,
            fields=fields,
            to_new=to_new,
            sha256=digest,
        )
        if known.whole and "content" in fields:
            edit.anew = self._anew(path, base, read, digest)
        if not replaced and not await _stands(self._memory, revisions[-1], known, base.rev):
            edit.kind = EditKind.CONFLICT
            edit.problem = _changed_since(revisions[-1].rev, base.rev)
        self.found.edits.append(edit)

    def _anew(self, path: str, base: Note, read: NoteFile, digest: str) -> NoteFileEdit:
        """The new notes of a file whose words take the place of several notes."""
        if not read.has_front:
            read = replace(parse(render(base, {})), body=read.body)
        found = {(link.to, link.relation) for link in base.links if link.made_by != "agent"}
        new = self._new_edit(path, read, digest)
        links = [one for one in new.fields.get("links") or () if _pair(one) not in found]
        new.fields["links"], new.namespace = links, new.namespace or base.namespace
        return new

    async def _taken(self, revisions: Sequence[Note], rev: int, read: NoteFile) -> Note | None:
        """The newest revision after `rev` that says what the file says, as the note still does.

        An import that was killed before it wrote the manifest has made one.
        """
        for note in reversed(revisions):
            if note.rev <= rev or not await only_evolved(
                self._memory.store, revisions[-1], note.rev
            ):
                return None
            if not self._changed(note, read):
                return note
        return None

    def _changed(self, base: Note, read: NoteFile) -> FileFields:
        """The fields in which a file differs from the revision that it was written from."""
        fields = FileFields()
        if not same_text(read.body, base.content):
            fields["content"] = read.body
        if not read.has_front:  # taken away as a whole, perhaps by an editor: says nothing
            return fields
        was = editable(base)
        for name in _TEXTS:
            value = read.fields.get(name, "")
            if value == was[name] or _reads_as(name, value, base) == was[name]:
                continue
            if value or name in _MAY_BE_EMPTIED:
                fields[name] = value
        if list(read.tags) != was["tags"]:
            as_told = {tag_of(tag): tag for tag in base.tags}
            fields["tags"] = [as_told.get(tag, tag) for tag in read.tags]
        before = {link for link in standing_links(base) if link[0] in self._path_of}
        after = self._targets(read)
        links = [LinkArgument(to=to, relation=r) for to, r in sorted(after - before)]
        links += [LinkArgument(to=to, relation=r, remove=True) for to, r in sorted(before - after)]
        if links:
            fields["links"] = links
        return fields

    def _targets(self, read: NoteFile) -> set[tuple[str, str]]:
        """Note ids and relations; links to pages that are no notes are left out."""
        ids = self._id_of
        return {(ids[stem], relation) for stem, relation in read.links if stem in ids}

    def _to_new(self, read: NoteFile) -> frozenset[tuple[str, str]]:
        return frozenset(link for link in read.links if link[0] in self._new - self._id_of.keys())


def _ids_by_name(manifest: VaultManifest) -> dict[str, str]:
    return {stem_of(path): known.id for path, known in manifest.files.items()}


def _day_of(read: NoteFile) -> str:
    """When a new note happened, of the keys in which other programs tell it; empty if of none."""
    moments = (as_moment(read.fields.get(key)) for key in DATE_KEYS)
    return next((moment.isoformat() for moment in moments if moment), "")


def _reads_as(name: str, value: str, base: Note) -> str:
    """A time as the file has it, of what a person wrote for it when `base` was stored; else ""."""
    with suppress(InvalidArgumentError):
        if name == "happened_at" and (period := read_happened_at(value, base.known_from)):
            return iso(period.start)
        if name == "valid_until" and (
            period := read_time(name, value, base.known_from, prefer="future")
        ):
            return iso(period.last)
    return ""


async def apply_changes(
    memory: Memory,
    caller: Caller,
    vault: Vault,
    manifest: VaultManifest,
    changes: VaultChanges,
    *,
    forget_deleted: bool,
    now: datetime,
    tell: ReportProgress,
) -> None:
    """Do what was found; each edit is marked as done, or has its problem.

    New files first, so that what links to them finds them; their own such links last. The manifest
    is renewed, and written at the end. With `forget_deleted`, the notes of removed files are
    forgotten.
    """
    follow_renames(manifest, changes.moved)
    manifest.files.update(changes.touched)
    new = [edit for edit in changes.edits if edit.kind is EditKind.NEW]
    others = [edit for edit in changes.edits if edit.kind is not EditKind.NEW]
    gone = {edit.path for edit in others if edit.kind is EditKind.DELETED}
    turns = [*new, *others, *(edit for edit in new if edit.to_new)]
    try:
        for number, edit in enumerate(turns):
            tell("changing notes", number, len(turns))
            try:
                await _apply(memory, caller, manifest, edit, now, gone=gone, forgets=forget_deleted)
            except OtherRevisionError as error:
                edit.kind, edit.problem = EditKind.CONFLICT, _changed_since(error.rev, edit.rev)
            except ZettelError as error:
                edit.kind, edit.problem = EditKind.PROBLEM, str(error)
        tell("changing notes", len(turns), len(turns))
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(vault.write_manifest, manifest)


async def _apply(
    memory: Memory,
    caller: Caller,
    manifest: VaultManifest,
    edit: NoteFileEdit,
    now: datetime,
    *,
    gone: Collection[str],
    forgets: bool,
) -> None:
    fields = edit.fields if edit.kind is not EditKind.NEW or not edit.done else FileFields()
    links = _links_to_new(edit, manifest)
    # Without its digest a file is looked at again.
    sha256 = edit.sha256 if len(links) == len(edit.to_new) else ""
    if links:
        fields = fields.copy()
        fields["links"] = [*(fields.get("links") or ()), *links]
    known = manifest.files.get(edit.path)
    if edit.kind is EditKind.NEW and not edit.done:
        edit.fields = fields
        known = await _remember(memory, caller, manifest, edit, now, gone=gone)
        if known is None:
            return
        manifest.files[edit.path] = replace(known, sha256=sha256)
    elif edit.kind is EditKind.UPDATE and edit.anew is not None:
        known = await _replace(memory, caller, manifest, edit, edit.anew, now, gone=gone)
        if known is None:
            return
        manifest.files[edit.path] = replace(known, sha256=sha256)
    elif edit.kind in (EditKind.NEW, EditKind.UPDATE) and fields and known is not None:
        rev = await _update(memory, caller, edit, known, fields, now)
        manifest.files[edit.path] = replace(known, rev=rev, sha256=sha256)
    elif edit.kind is EditKind.DELETED and forgets and known is not None:
        if not await _forget(memory, caller, edit, known, now):
            return
        del manifest.files[edit.path]
    else:
        if edit.kind is EditKind.UPDATE:
            edit.kind, edit.problem = EditKind.PROBLEM, "it links to a file that is no note"
        return
    edit.done = True


async def _update(
    memory: Memory,
    caller: Caller,
    edit: NoteFileEdit,
    known: KnownFile,
    fields: FileFields,
    now: datetime,
) -> int:
    """Revise the note of a file; of several all, the first one last, as it has the revision."""
    change = partial(
        update,
        memory,
        caller,
        now=now,
        correction=_was_mistaken(fields),
        reason=FILE_REASON,
    )
    alike = fields.copy()
    alike.pop("links", None)
    for part in await rest_of(memory.store, edit.note_id) if known.whole and alike else ():
        await change(note_id=part.note_id, **alike)
    answer = await change(note_id=edit.note_id, expected_rev=edit.rev, **fields)
    return answer["rev"]


async def _replace(
    memory: Memory,
    caller: Caller,
    manifest: VaultManifest,
    edit: NoteFileEdit,
    new: NoteFileEdit,
    now: datetime,
    *,
    gone: Collection[str],
) -> KnownFile | None:
    """Put new notes in the place of those of a long text; None if another file has its words."""
    new.fields["links"] = [*(new.fields.get("links") or ()), *_links_to_new(edit, manifest)]
    known = await _remember(memory, caller, manifest, new, now, gone=gone)
    if known is None:
        edit.kind, edit.problem = new.kind, new.problem
    elif known.id != edit.note_id:
        await forget(memory, caller, now=now, note_ids=[edit.note_id])
        edit.note_id, edit.rev = known.id, known.rev
    return known


async def _remember(
    memory: Memory,
    caller: Caller,
    manifest: VaultManifest,
    edit: NoteFileEdit,
    now: datetime,
    *,
    gone: Collection[str],
) -> KnownFile | None:
    """Make a note of a new file, or it the file of a note that has its words and no file.

    Returns:
        The file, or None if it repeats another one, which the edit then says.
    """
    told = await remember_whole(memory, caller, now=now, **_of_new(edit))
    edit.note_id = told["note_id"]
    (standing,) = await memory.store.get([edit.note_id])
    edit.rev = standing.rev
    path = paths_by_id(manifest.files).get(edit.note_id, edit.path)
    if path != edit.path and path not in gone:
        edit.kind = EditKind.PROBLEM
        edit.problem = f"it repeats {path}, which is the note's file: change that, remove this"
        return None
    whole = ""
    if told.get("parts"):
        standing = joined(standing, await rest_of(memory.store, edit.note_id))
        whole = digest_of_text(standing.content)
    known = KnownFile(id=edit.note_id, rev=edit.rev, sha256=edit.sha256, whole=whole)
    if told["status"] == "already_known" and (news := _news(edit.fields, standing, told)):
        edit.rev = await _update(memory, caller, edit, known, news, now)
    if path != edit.path:
        del manifest.files[path]
    return replace(known, rev=edit.rev)


def _news(fields: FileFields, known: Note, told: RememberAnswer) -> FileFields:
    """What a file says that the note with its words does not."""
    news, differs = FileFields(), told.get("differs", ())
    if "context" in differs:
        news["context"] = fields.get("context")
    if "valid_until" in differs:
        news["valid_until"] = fields.get("valid_until")
    if "links" in differs:
        news["links"] = fields.get("links")
    if "tags" in differs:
        news["tags"] = [*known.tags, *(t for t in fields.get("tags") or () if t not in known.tags)]
    if not same_text(fields.get("content", ""), known.content):
        news["content"] = fields.get("content", "")
    return news


async def _forget(
    memory: Memory, caller: Caller, edit: NoteFileEdit, known: KnownFile, now: datetime
) -> bool:
    """Forget the note of a removed file, or all of its text, unless it was changed since."""
    (note,) = await memory.store.get([edit.note_id]) or [None]
    # Forgotten perhaps by an import that was killed before it wrote the manifest.
    if note is None or note.state is State.FORGOTTEN:
        return True
    if known.whole:
        note = joined(note, await rest_of(memory.store, edit.note_id))
    if not await _stands(memory, note, known, edit.rev):
        edit.kind, edit.problem = EditKind.CONFLICT, _changed_since(note.rev, edit.rev)
        return False
    if known.whole:
        await forget(memory, caller, now=now, note_ids=[edit.note_id])
    else:
        await forget_alone(memory, caller, edit.note_id, now=now)
    return True


async def _stands(memory: Memory, note: Note, known: KnownFile, rev: int) -> bool:
    """Whether a note, or all of a text, is as its file was written from it, but for evolution."""
    if known.whole and digest_of_text(note.content) != known.whole:
        return False
    return await only_evolved(memory.store, note, rev)


def _links_to_new(edit: NoteFileEdit, manifest: VaultManifest) -> list[LinkArgument]:
    """Links to files that are notes by now."""
    ids = _ids_by_name(manifest)
    return [
        LinkArgument(to=ids[name], relation=r) for name, r in sorted(edit.to_new) if name in ids
    ]


def _changed_since(rev: int, base: int) -> str:
    return (
        f"the note has been changed since: it is at revision {rev}, the file is of {base}. Keep"
        " your words elsewhere, take the note's with zettel export DIR --force, and edit again"
    )


def counted(edits: Sequence[NoteFileEdit]) -> Mapping[EditKind, int]:
    """How many edits of each kind there are."""
    return {kind: n for kind in EditKind if (n := sum(edit.kind is kind for edit in edits))}
