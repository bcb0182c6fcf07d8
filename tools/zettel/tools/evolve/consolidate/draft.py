"""A note to be composed from others, and how one that stands becomes what a draft says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from zettel.storage.notes import (
    DERIVED_FROM,
    EVOLUTION,
    Kind,
    Link,
    Note,
    Origin,
    State,
)
from zettel.tools.changes.stages import CONSOLIDATED, SCHEDULER, WITHDRAW
from zettel.tools.evolve.steps.base import Task

CONSOLIDATE = "consolidate"

WORDED = "summary"
"""Key of `Note.derived_by` under which a composed note says who worded it, if no rule did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedDraft:
    """What evolution would have stand; of its `key` there is one in a namespace."""

    sort: str
    """`GIST`, `SUMMARY`, `PROFILE` or `CONCEPT`."""
    key: str
    """Id of the first note it is of; empty for the only one of its sort in a namespace."""
    namespace: str
    kind: Kind = Kind.CONCEPT
    session: str = ""
    subject: str = ""
    content: str
    sources: tuple[Note, ...]
    """Every note it is of, at least one."""
    reason: str
    head: str = ""
    """What stands before the text, whoever words it."""
    room: int = 0
    """Bytes of UTF-8 that head and text may have in a writer's words; 0 leaves it to the rule."""
    shown: tuple[Note, ...] = ()
    """The notes that a writer is shown; empty for every source."""
    made_by: str = "rule"
    """Who worded it: `rule` or `llm`."""


def composed(task: Task, draft: DerivedDraft, note_id: str) -> Note:
    """A draft as a new note.

    Args:
        task: The run.
        draft: What to say.
        note_id: Its id.
    """
    last = max(source.happened_at for source in draft.sources)
    return Note(
        note_id=note_id,
        namespace=draft.namespace,
        content=draft.content,
        subject=draft.subject,
        tags=(draft.sort,),
        kind=draft.kind,
        session=draft.session,
        links=_links(task, draft, ()),
        happened_at=last,
        valid_from=min(last, task.now),
        known_from=task.now,
        derived_by=_makers({"tags": "rule"}, draft),
        origin=Origin(client="zettel", transport=EVOLUTION, principal=draft.sort),
        trust=min(source.trust for source in draft.sources),
        changed_by=SCHEDULER,
        change=CONSOLIDATE,
        reason=draft.reason,
        run_id=task.run_id,
        stage=CONSOLIDATED,
    )


def recomposed(task: Task, draft: DerivedDraft, old: Note) -> Note:
    """The note that stands, saying what a draft says; what an agent may have given it stays."""
    last = max(source.happened_at for source in draft.sources)
    return replace(
        old,
        content=draft.content,
        derived_by=_makers(old.derived_by, draft),
        links=_links(task, draft, old.links),
        happened_at=last,
        valid_from=min(last, old.valid_from if old.happened_at == last else task.now),
        trust=min(source.trust for source in draft.sources),
        state=State.ACTIVE,
    )


def _makers(makers: Mapping[str, str], draft: DerivedDraft) -> dict[str, str]:
    others = {name: maker for name, maker in makers.items() if name != WORDED}
    return others | ({WORDED: draft.made_by} if draft.made_by != "rule" else {})


def is_ours(note: Note) -> bool:
    """Whether evolution may still say what a note says, or whether an agent decided about it."""
    return note.derived and (
        note.state is State.ACTIVE
        or (note.state is State.ARCHIVED and note.change in (CONSOLIDATE, WITHDRAW))
    )


def cited(note: Note) -> frozenset[str]:
    """Ids of the notes it is of."""
    return frozenset(k.to for k in note.links if k.relation == DERIVED_FROM and k.stood(None))


def _links(task: Task, draft: DerivedDraft, old: Sequence[Link]) -> tuple[Link, ...]:
    """A link to every source.

    One to what is no source any more ends, but stays: what was once made of a note must be found
    when that is forgotten.
    """
    wanted = {source.note_id: source for source in draft.sources}
    links = list[Link]()
    for link in old:
        ours = link.made_by == "rule" and link.relation == DERIVED_FROM and link.stood(None)
        if ours and link.to not in wanted:
            links.append(replace(link, valid_until=max(task.now, link.made_at)))
        else:
            links.append(link)
            if ours:
                del wanted[link.to]
    new = [
        Link(
            to=source.note_id,
            relation=DERIVED_FROM,
            made_by="rule",
            made_at=task.now,
            valid_from=source.valid_from,
        )
        for source in wanted.values()
    ]
    return (*links, *new)
