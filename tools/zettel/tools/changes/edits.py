"""What an edit makes of a note: the arguments of `update`, checked, and the next revision."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.notes import Kind, Link, Note, State, fold
from zettel.storage.revisions import without_derived
from zettel.storage.store import Change, Vectors
from zettel.tools import validation
from zettel.tools.changes.differences import differences
from zettel.tools.changes.links import (
    LinkArgument,
    as_old_as,
    check_links,
    with_links,
    without_agents,
)
from zettel.tools.changes.parts import first_part
from zettel.tools.changes.stages import LINKED, next_note
from zettel.tools.changes.undo import evolution_inputs
from zettel.tools.language.dates import read_end, read_happened_at
from zettel.tools.language.importance import read_importance
from zettel.tools.language.slots import find_other_value, read_sentences
from zettel.tools.language.times import Period, iso


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteEdit:
    """A checked edit; None is absent, an empty value empties the field."""

    content: str | None = None
    context: str | None = None
    subject: str | None = None
    tags: tuple[str, ...] | None = None
    kind: Kind | None = None
    happened: Period | None = None
    valid_until: Period | None = None
    endless: bool = False
    """An empty end was given: remove it."""
    links: tuple[LinkArgument, ...] = ()
    unlinked: bool = False
    """An empty list was given: remove every link the agent stated."""
    correction: bool = False
    """The previous values were never true."""
    reason: str = ""


def read_edit(
    *,
    now: datetime,
    content: str | None = None,
    context: str | None = None,
    subject: str | None = None,
    tags: Sequence[str] | None = None,
    kind: str | None = None,
    happened_at: str | None = None,
    valid_until: str | None = None,
    links: Sequence[LinkArgument] | None = None,
    correction: bool = False,
    reason: str | None = None,
) -> NoteEdit:
    """Reads the arguments of `update` that change fields.

    Raises:
        InvalidArgumentError: A value cannot be used.
    """
    most = validation.MAX_FIELD
    return NoteEdit(
        content=None if content is None else validation.check_content(content),
        context=None
        if context is None
        else validation.check_text("context", context.strip(), most=most),
        subject=None if subject is None else validation.check_subject(subject),
        tags=None if tags is None else validation.check_list("tags", tags),
        kind=validation.check_kind(kind, writable=True),
        happened=read_happened_at(happened_at, now),
        valid_until=read_end(valid_until, now),
        endless=valid_until is not None and not valid_until.strip(),
        links=check_links(links),
        unlinked=links is not None and not links,
        correction=correction,
        reason=validation.check_text("reason", (reason or "").strip(), most=most),
    )


def revise(
    old: Note,
    edit: NoteEdit,
    vectors: Vectors | None,
    *,
    model: str,
    by: str,
    now: datetime,
) -> Change | None:
    """The note's next revision; None when nothing would change.

    `vectors` are of the new content, made by `model`; None if there are none yet, or the content is
    the same.

    Raises:
        InvalidArgumentError: It would end before it begins, or has too many links.
    """
    if edit.content is not None:
        edit = replace(edit, content=_with_space_around(old, edit.content))
    new_words = edit.content is not None and edit.content != old.content
    tells_else = new_words and _words_alone(edit.content or "") != _words_alone(old.content)
    happened = _happened(old, edit, now, new_words=tells_else)
    moved = happened != old.happened_at
    respelled = new_words and not tells_else
    never = respelled or _was_never_true(old, edit, new_words=new_words, moved=moved)
    until = edit.valid_until.last if edit.valid_until else old.valid_until
    new = replace(
        old,
        content=old.content if edit.content is None else edit.content,
        context=old.context if edit.context is None else edit.context,
        subject=_subject_now(old, edit.content) if edit.subject is None else edit.subject,
        tags=old.tags if edit.tags is None else edit.tags,
        kind=edit.kind or old.kind,
        happened_at=happened,
        valid_from=_valid_from(old, happened, now, never=never)
        if moved or (new_words and not never)
        else old.valid_from,
        valid_until=None if edit.endless else until,
    )
    new = replace(new, links=_links(old, new, edit, now, never=never))
    if new.kind is not old.kind:  # new content is read by evolution
        new = replace(new, importance=read_importance(new.content, new.kind))
    if not differences(old, new):
        return None
    if (new.valid_from, new.valid_until) != (old.valid_from, old.valid_until):
        _check_end(old, new, edit)  # a note superseded from its start on has an empty validity
    new = _rederived(replace(new, derived_by=_makers(old, edit)), old, new_words=new_words)
    if new_words:
        new = replace(new, embed_model=model if vectors is not None else "")
    return Change(
        note=next_note(
            new, by=by, now=now, change="correct" if never else "update", reason=edit.reason
        ),
        vectors=vectors,
        keep_vectors=not new_words,
        ended_at=new.valid_from if new_words and not never else None,
        corrected=never,
    )


def _with_space_around(old: Note, new: str) -> str:
    """The new text with the white space around the old one, which parts it from its neighbours.

    In front these are the empty lines before the first part that was added to a text.
    """
    told = old.content
    before, line_break, _ = told[: len(told) - len(told.lstrip())].rpartition("\n")
    if first_part(old) and not new[:1].isspace():
        new = f"{before}{line_break}{new}"
    return new if new[-1:].isspace() else new + told[len(told.rstrip()) :]


def _words_alone(text: str) -> list[str]:
    """The words of a text: white space and its last full stop tell nothing."""
    return text.rstrip().removesuffix(".").split()


def _subject_now(old: Note, content: str | None) -> str:
    """The subject, or what the new content says in its place: "The lead is Petra", "… is Jonas"."""
    if not (content and old.subject):
        return old.subject
    other = find_other_value(read_sentences(content), read_sentences(old.content))
    if other is None or other.old != fold(old.subject):
        return old.subject
    spelled = re.search(re.escape(other.new), content, re.IGNORECASE)
    return spelled.group() if spelled else old.subject


def check_moved(old: Note, new: Note, edit: NoteEdit) -> None:
    """Refuses a day for an event behind the end that it keeps: nothing would find it then."""
    kept = old.valid_until if edit.happened and not (edit.valid_until or edit.endless) else None
    if kept and old.state is State.ACTIVE and old.happened_at < kept <= new.happened_at:
        raise InvalidArgumentError(
            "happened_at",
            f"{iso(new.happened_at)} is not before the note's end, {iso(kept)}",
            'Pass an earlier time, or valid_until as well ("" for no end).',
        )


def _check_end(old: Note, new: Note, edit: NoteEdit) -> None:
    if not new.valid_until or new.valid_until > new.valid_from:
        return
    ends, begins = iso(new.valid_until), iso(new.valid_from)
    if edit.happened and not edit.valid_until:
        superseded = old.state is State.SUPERSEDED
        when = ", when another one superseded it" if superseded else ""
        raise InvalidArgumentError(
            "happened_at",
            f"{iso(edit.happened.start)} is not before the note's end, {ends}{when}",
            'Update that one instead: recall with note_ids and detail="full" shows it.'
            if superseded
            else 'Pass an earlier time, or valid_until as well ("" for no end).',
        )
    if edit.happened and new.happened_at > new.valid_from:  # to come, and told already
        raise InvalidArgumentError(
            "valid_until",
            f"{ends} is not after {iso(new.happened_at)}, when it happens",
            'Pass a later time, or "" for no end.',
        )
    raise InvalidArgumentError(
        "valid_until",
        f"{ends} is not after {begins}, when the note became true",
        'Pass a later time, or "" for no end; for what was over by then pass happened_at as well,'
        " when it became true.",
    )


def _was_never_true(old: Note, edit: NoteEdit, *, new_words: bool, moved: bool) -> bool:
    """Whether the edit corrects the record rather than reporting a change in the world.

    True also for another date alone, and for new content about an ended time.
    """
    over = old.state is not State.ACTIVE and edit.happened is None
    return edit.correction or (over if new_words else moved)


def _happened(old: Note, edit: NoteEdit, now: datetime, *, new_words: bool) -> datetime:
    if edit.happened is None:
        over = old.state is not State.ACTIVE  # new content is about its ended time
        return now if new_words and not over and not edit.correction else old.happened_at
    resent = edit.happened.means(old.happened_at) and not new_words
    return old.happened_at if resent else edit.happened.start


def _valid_from(old: Note, happened: datetime, now: datetime, *, never: bool) -> datetime:
    """A future event is valid from its storage on, so that recall can answer when it will be."""
    return old.valid_from if never and happened > now else min(happened, now)


def _links(old: Note, new: Note, edit: NoteEdit, now: datetime, *, never: bool) -> tuple[Link, ...]:
    ended = min(new.happened_at, now) if edit.happened and edit.content is not None else now
    if edit.unlinked:
        return without_agents(old.links, at=ended, never=edit.correction)
    kept = tuple(_along(link, old, new) for link in old.links) if never else old.links
    return with_links(
        replace(new, links=kept), edit.links, now=now, at=ended, never=edit.correction
    )


def _along(link: Link, old: Note, new: Note) -> Link:
    """A link that began with its note still does when the note's date is corrected."""
    was, becomes = as_old_as(old, link.relation), as_old_as(new, link.relation)
    # What was told for today ahead of UTC began when it was told (`with_links`).
    at_once = link.valid_from == link.made_at < was
    return replace(link, valid_from=becomes) if at_once or link.valid_from == was else link


def _makers(old: Note, edit: NoteEdit) -> dict[str, str]:
    makers = dict(old.derived_by)
    for name, value in (("context", edit.context), ("tags", edit.tags)):
        if value is not None:
            makers[name] = "agent"
    return makers


def _rederived(new: Note, old: Note, *, new_words: bool) -> Note:
    """Drops fields derived from replaced content, and resets the stage."""
    if not new_words:
        moved = evolution_inputs(new) != evolution_inputs(old)
        # Links and ends may settle conflicts that `compare` left open.
        same = (new.links, new.valid_until) == (old.links, old.valid_until)
        return replace(new, stage=0 if moved else old.stage if same else min(old.stage, LINKED))
    return without_derived(new)
