"""Checks of a store: one table of what can be wrong, in words for the store's owner."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Generic, TypeVar

from zettel.storage.doctor.facts import FileFacts, RowFacts, StoreFacts
from zettel.storage.ids import is_id
from zettel.storage.meta import REEMBEDDING_KEY
from zettel.storage.notes import NEEDS_REVIEW, State
from zettel.tools.evolve.lease import LEASE_KEY
from zettel.tools.render import shorten

FINDING_MAX_EXAMPLES = 5
MAX_UNINDEXED_ROWS = 1_000
MAX_SMALL_FRAGMENTS = 200
"""Single-row commits above which search and opening are slow: measured at 190, 20 ms per id
instead of 2; upkeep runs every 50 to 100 commits."""
MAX_OLD_VERSIONS = 2_000
"""Manifests listed in some 40 ms; each keeps unused files."""

TORN_TIMES, SELF_LINKS, ONE_SIDED_LINKS = "torn_times", "self_links", "one_sided_links"
FOREIGN_VECTORS, LOST_VECTORS = "foreign_vectors", "lost_vectors"
DOUBLED_KEYS, HALF_SUPERSEDED = "doubled_keys", "half_superseded"
MISSING_INDICES, PENDING_ERASURES = "missing_indices", "pending_erasures"
STALE_LEASE = "stale_lease"
"""Findings that repairs ask for."""

WAITING_FOR_VECTORS = "waiting_for_vectors"

BY_REWRITING = (TORN_TIMES, SELF_LINKS, ONE_SIDED_LINKS, FOREIGN_VECTORS, LOST_VECTORS)
"""Findings that `storage.doctor.repair.rewrite` repairs."""

Facts = TypeVar("Facts")
Damaged = Sequence[str] | int
"""Ids or names of what is damaged, or only their number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem found; contains no note's text."""

    name: str
    """Stable id, for programs."""
    count: int
    means: str
    """Consequence for the notes or their users."""
    fix: str = ""
    """Effect of `--fix`; empty if it can do nothing."""
    advice: str = ""
    """Advice where `--fix` cannot do it, or not alone."""
    examples: tuple[str, ...] = ()
    """Ids or names."""
    is_damage: bool = True
    """False for information."""


def found(
    name: str,
    what: Damaged,
    means: str,
    *,
    fix: str = "",
    advice: str = "",
    is_damage: bool = True,
) -> list[Finding]:
    """A finding about these ids, names or number of things; none if there are none."""
    count = what if isinstance(what, int) else len(what)
    names = () if isinstance(what, int) else tuple(dict.fromkeys(what))
    finding = Finding(
        name=name,
        count=count,
        means=means,
        fix=fix,
        advice=advice,
        examples=names[:FINDING_MAX_EXAMPLES],
        is_damage=is_damage,
    )
    return [finding] if count else []


def without_model(finding: Finding) -> Finding:
    """The finding as it is where no embedding model can be used: evolution embeds nothing then."""
    if finding.name != WAITING_FOR_VECTORS:
        return finding
    advice = "The engine embeds them once the embedding model can be used, which it cannot now."
    return replace(finding, advice=advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check(Generic[Facts]):
    """How to find one kind of damage; the other fields are those of its `Finding`."""

    name: str
    find: Callable[[Facts], Damaged]
    means: str
    fix: str = ""
    advice: str = ""
    is_damage: bool = True

    def run(self, facts: Facts) -> list[Finding]:
        """The finding, if there is any damage."""
        return found(
            self.name,
            self.find(facts),
            self.means,
            fix=self.fix,
            advice=self.advice,
            is_damage=self.is_damage,
        )


def _doubled_rows(seen: StoreFacts) -> list[str]:
    times = Counter(row.row_id for row in seen.rows)
    return [row_id for row_id, n in times.items() if n > 1]


def _current_revisions(seen: StoreFacts) -> dict[str, int]:
    """Note id -> number of its current revisions."""
    current = dict.fromkeys((row.note_id for row in seen.rows), 0)
    for row in _single_rows(seen):
        current[row.note_id] += row.current
    return current


def _single_rows(seen: StoreFacts) -> Iterable[RowFacts]:
    return {row.row_id: row for row in seen.rows}.values()


def _doubled_keys(seen: StoreFacts) -> list[str]:
    """A table's name for each of its duplicate keys."""
    beside = [table for table in seen.tables if table.name != "notes"]
    return [table.name for table in beside for _ in range(table.doubled_keys)]


def _chains(seen: StoreFacts) -> dict[str, list[RowFacts]]:
    """Note id -> its revisions in order, each once."""
    chains = defaultdict[str, list[RowFacts]](list)
    for row in sorted(_single_rows(seen), key=lambda row: row.rev):
        chains[row.note_id].append(row)
    return chains


def _gaps(seen: StoreFacts) -> list[str]:
    return [
        note_id
        for note_id, rows in _chains(seen).items()
        if [row.rev for row in rows] != list(range(1, len(rows) + 1))
    ]


def _torn(seen: StoreFacts) -> list[str]:
    """Ids of notes with a gap or an overlap between two revisions."""
    return [
        note_id
        for note_id, rows in _chains(seen).items()
        if any(
            not before.current and before.known_to != after.known_from
            for before, after in pairwise(rows)
        )
    ]


def _dangling(seen: StoreFacts) -> list[str]:
    there = {row.note_id for row in seen.rows}
    return [row.note_id for row in seen.rows if row.current and not there.issuperset(row.links)]


def _lost(seen: StoreFacts) -> list[str]:
    return [
        row.note_id
        for row in seen.rows
        if row.embed_model in ("", seen.model_id) and bool(row.embed_model) != row.has_vectors
    ]


def _resting_on_gone(seen: StoreFacts) -> list[str]:
    """Ids of active notes derived from notes that were forgotten or superseded."""
    current = {row.note_id: row for row in seen.rows if row.current}
    gone = {note_id for note_id, row in current.items() if row.state in _GONE}
    return [
        note_id
        for note_id, row in current.items()
        if row.state == State.ACTIVE and not gone.isdisjoint(row.premises)
    ]


_GONE = (State.FORGOTTEN, State.SUPERSEDED)
_UPKEEP = "Compacts the tables, indexes new rows and drops old versions."
_EMBED = "Drops them; evolution embeds the notes again (zettel evolve --once: now)."

_FOREIGN = (
    "Find out where they came from before you trust the other notes. zettel restore refuses such"
    " rows: restore an earlier backup into another --store."
)


def _shown(row: RowFacts) -> str:
    return shorten(row.row_id, 80)


CHECKS: tuple[Check[StoreFacts], ...] = (
    Check(
        name="doubled_rows",
        find=_doubled_rows,
        means="A revision is stored more than once, so it is found and counted twice.",
        fix="Keeps the copy that was written first.",
    ),
    Check(
        name="two_current",
        find=lambda seen: [i for i, n in _current_revisions(seen).items() if n > 1],
        means="Several revisions of a note are marked as current; changes to it fail.",
        fix="Lets the highest revision be the only current one.",
    ),
    Check(
        name="no_current",
        find=lambda seen: [i for i, n in _current_revisions(seen).items() if not n],
        means="No revision of a note is marked as current, so recall does not find it.",
        fix="Opens its highest revision again.",
    ),
    Check(
        name=DOUBLED_KEYS,
        find=_doubled_keys,
        means="A table beside the notes (usage, runs or meta) has one key twice; either row may be"
        " read.",
        fix="Keeps the row that was written first.",
    ),
    Check(
        name="misnamed_rows",
        find=lambda seen: [
            row.row_id for row in _single_rows(seen) if row.row_id != f"{row.note_id}@{row.rev}"
        ],
        means="A row's key does not match its note and revision: another program wrote it.",
        advice="Restore an earlier backup, or find out where these rows came from.",
    ),
    Check(
        name="unaddressable_ids",
        find=lambda seen: [_shown(row) for row in seen.rows if not is_id(row.note_id)],
        means="Notes have ids that no tool takes: recall shows them, and nobody can change or"
        " forget them. Another program, or a backup that was tampered with, brought them.",
        advice=_FOREIGN,
    ),
    Check(
        name="invalid_rows",
        find=lambda seen: seen.invalid,
        means="Notes hold what no tool could have stored: a text that is too long, a trust above 1,"
        " a name that is none. Another program, or a backup that was tampered with, brought them.",
        advice=_FOREIGN,
    ),
    Check(
        name="revision_gaps",
        find=_gaps,
        means="Revisions of a note are missing: its content in between is lost, its current content"
        " is not.",
        advice="An earlier backup may contain them: zettel restore FILE --into-namespace NAME puts"
        " them beside this store's notes.",
    ),
    Check(
        name=TORN_TIMES,
        find=_torn,
        means="A revision does not end when the next one begins: a query about a moment in between"
        " finds the note twice, or not at all.",
        fix="Lets each revision end where the next one begins.",
    ),
    Check(
        name="dangling_links",
        find=_dangling,
        means="A note links to a note that is not there.",
        fix="Removes the link, by a revision.",
    ),
    Check(
        name=SELF_LINKS,
        find=lambda seen: [r.note_id for r in seen.rows if r.current and r.note_id in r.links],
        means="A note links to itself, which carries no information and makes cycles.",
        fix="Removes the link, by a revision.",
    ),
    Check(
        name=ONE_SIDED_LINKS,
        find=lambda seen: [
            row.note_id for row in seen.rows if {*row.links} != {*row.link_ids} - {NEEDS_REVIEW}
        ],
        means="A link is stored in the note it starts from and not found from the one it leads to,"
        " or the other way round.",
        fix="Writes again under which ids the note's links are found.",
    ),
    Check(
        name=HALF_SUPERSEDED,
        find=lambda seen: seen.half_superseded,
        means="A note is superseded by no standing note, or active though one supersedes it: a"
        " process was killed between two commits. Recall leaves it out, or shows an old value.",
        fix="Opens or closes it, by a revision.",
    ),
    Check(
        name=FOREIGN_VECTORS,
        find=lambda seen: [
            row.note_id for row in seen.rows if row.embed_model not in ("", seen.model_id)
        ],
        means="Vectors of another model are in this store: comparing them gives random results.",
        fix=_EMBED,
    ),
    Check(
        name=LOST_VECTORS,
        find=_lost,
        means="A row is marked as embedded and has no vectors, or the other way round: search by"
        " meaning does not find it, and evolution does not repair it.",
        fix=_EMBED,
    ),
    Check(
        name=WAITING_FOR_VECTORS,
        find=lambda seen: sum(
            row.current and row.state == State.ACTIVE and not row.embed_model for row in seen.rows
        ),
        means="Notes wait for their vectors; until then they are found by their words.",
        advice="The engine embeds them in the background; zettel evolve --once does it now.",
        is_damage=False,
    ),
    Check(
        name="unfinished_reembedding",
        find=lambda seen: int(REEMBEDDING_KEY in seen.meta),
        means="Vectors are being made with another model, or the old ones have not been removed"
        " yet: the store takes up to twice its size, and serves meanwhile.",
        advice="A server whose settings name that model does it in the background; zettel reembed"
        " --model NAME does it now, and with the model in use takes back what was begun.",
        is_damage=False,
    ),
    Check(
        name=MISSING_INDICES,
        find=lambda seen: [f"{i.table}.{i.column}" for i in seen.indices if not i.there],
        means="An index is missing: search reads every row instead, or full text finds nothing.",
        fix="Builds the table's indices again.",
    ),
    Check(
        name="unindexed_rows",
        find=lambda seen: [
            f"{index.table}.{index.column}: {index.unindexed}"
            for index in seen.indices
            if index.unindexed > MAX_UNINDEXED_ROWS
        ],
        means="Rows are not indexed yet: they are found, slowly, until the engine has indexed them"
        " in the background.",
        fix=_UPKEEP,
        is_damage=False,
    ),
    Check(
        name="fragments",
        find=lambda seen: [
            f"{table.name}: {table.small_fragments}"
            for table in seen.tables
            if table.small_fragments > MAX_SMALL_FRAGMENTS
        ],
        means="A table has very many fragments: every read and write of it is slow.",
        fix=_UPKEEP,
    ),
    Check(
        name="old_versions",
        find=lambda seen: seen.old_versions if seen.old_versions > MAX_OLD_VERSIONS else 0,
        means="Versions of tables that no reader can need any more use disk space.",
        fix=_UPKEEP,
    ),
    Check(
        name="erased_again",
        find=lambda seen: seen.relapsed,
        means="Erased notes are present again, for example from an older copy of a file.",
        fix="Erases them again.",
    ),
    Check(
        name="lost_premises",
        find=_resting_on_gone,
        means="Notes are derived from notes that were forgotten or superseded since: what they say"
        " may hold no more. Recall shows that with each, as its premise.",
        advice="zettel review lists them. Forget or change what does not hold; where it holds, take"
        " out the derived_from link.",
        is_damage=False,
    ),
    Check(
        name=PENDING_ERASURES,
        find=lambda seen: seen.erasures_due,
        means="Erasures are not finished: bytes of erased notes may still be in the store's files."
        " An engine finishes them by itself.",
        fix="Finishes them.",
    ),
)

FILE_CHECKS: tuple[Check[FileFacts], ...] = (
    Check(
        name="damaged_manifests",
        find=lambda seen: seen.damaged_manifests,
        means="Versions of tables lost their content, as in a power loss. Until that is repaired"
        " the store does not open; what was written last may be lost.",
        fix="Goes back to the newest complete version.",
        advice="ZETTEL_DURABILITY=power-loss prevents this.",
    ),
    Check(
        name="empty_data_files",
        find=lambda seen: seen.empty_data,
        means="Tables have data files without content, as after a power loss.",
        fix="Goes back to the newest readable version, where the current one is not.",
        advice="What was written after it is lost here; a backup may contain it.",
    ),
    Check(
        name="empty_index_files",
        find=lambda seen: seen.empty_index_files,
        means="Files of indices have no content: a search that needs them fails.",
        fix="Builds the indices again.",
    ),
    Check(
        name="leftovers",
        find=lambda seen: seen.leftovers,
        means="Files of writes that were killed are left over; nothing reads them.",
        fix="Removes them.",
    ),
)
"""`--fix` repairs all of these by opening the store."""


def notes_to_rewrite(seen: StoreFacts) -> list[str]:
    """Ids of the notes whose rows contradict themselves, for `rewrite`."""
    chosen = (check.find(seen) for check in CHECKS if check.name in BY_REWRITING)
    return sorted({note_id for ids in chosen if not isinstance(ids, int) for note_id in ids})


def cloud_limits() -> list[Finding]:
    """What cannot be promised of a store in LanceDB Cloud."""
    return [
        Finding(
            name="cloud_limits",
            count=1,
            means="LanceDB Cloud compacts by itself and removes the bytes of erased notes when it"
            " likes; Zettel can neither do it nor see it. It declares no keys: of two processes"
            " that write a row at once, both may store it.",
            advice="zettel doctor --fix removes doubled rows; what is kept of erased notes, and for"
            " how long, only the provider can say.",
            is_damage=False,
        )
    ]


def check_commits(lost: int) -> list[Finding]:
    """Lost commits of a probe."""
    return found(
        "lost_commits",
        lost,
        "The object store ignores the condition of a put: of two processes that write at once, one"
        " loses acknowledged writes. No server opens a store there.",
        advice="Keep it where puts can be conditional (AWS S3, Google Cloud Storage, Azure, MinIO):"
        " zettel backup still reads it, zettel restore writes it there.",
    )


def check_lease(
    seen: StoreFacts, *, now: datetime, is_gone: Callable[[str], bool]
) -> list[Finding]:
    """A lease that has expired or whose holder has died."""
    claim = seen.meta.get(LEASE_KEY)
    if claim is None:
        return []
    try:
        said: dict[str, str] = json.loads(claim)
        stale = datetime.fromisoformat(said["until"]) <= now or is_gone(said["holder"])
    except (ValueError, KeyError, TypeError):
        stale = True
    return found(
        STALE_LEASE,
        int(stale),
        "A process that evolved the notes has died or could not release its lease, which expires"
        " within a minute.",
        fix="Removes the lease.",
    )
