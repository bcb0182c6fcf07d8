"""`zettel namespaces`: which there are, what else they are called, and merging two."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from zettel.server.commands.forget import Confirm
from zettel.server.commands.moving import (
    BEGUN_KEY,
    MoveResult,
    begun_run,
    check_unnamed,
    move_all,
    move_as_one_run,
)
from zettel.server.commands.output import Output, number_of, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.factories import opened
from zettel.server.runtime.leadership import alone
from zettel.storage.errors import InvalidArgumentError, NotConfirmedError
from zettel.storage.notes import MERGE
from zettel.storage.store import NoteFilter
from zettel.tools.caller import USER_NAMESPACE
from zettel.tools.namespace_names import NamespaceNames
from zettel.tools.state.memory import Memory
from zettel.tools.state.names_cache import read_names
from zettel.tools.state.namespaces import record_names
from zettel.tools.validation import check_namespace, unknown_name


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceLine:
    """One namespace."""

    name: str
    notes: int
    """Written by agents, in any state."""
    also: tuple[str, ...]
    """Other names that lead to it."""


async def namespaces(settings: Settings) -> list[NamespaceLine]:
    """Every namespace with notes or other names, by name.

    Raises:
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        counts, names = await _counts(memory), await read_names(memory.admin)
    known = {*counts, *names.primary_of.values()}
    return [
        NamespaceLine(
            name=name,
            notes=counts.get(name, 0),
            also=names.group(name)[1:] if names.primary(name) == name else (),
        )
        for name in sorted(known)
    ]


async def _counts(memory: Memory) -> Mapping[str, int]:
    return (await memory.admin.facets(NoteFilter(states=()))).namespaces


def namespaces_output(lines: Sequence[NamespaceLine]) -> list[Output]:
    """One printed line each."""
    width = max((len(line.name) for line in lines), default=0)
    if not lines:
        return [Output(None, "Nothing is remembered here yet.")]
    return [
        Output(
            {"namespace": line.name, "notes": line.notes, "also": line.also},
            printable(
                f"{line.name:<{width}}  {line.notes:>6} {'note' if line.notes == 1 else 'notes'}"
                + (f"  also {', '.join(line.also)}" if line.also else "")
            ),
        )
        for line in lines
    ]


async def merge_once(
    settings: Settings, source: str, into: str, confirm: Confirm, waits: Callable[[], None]
) -> MoveResult:
    """Move all notes of a namespace to another one, and have its name lead there.

    `confirm` is called with a preview before anything is changed, `waits` once if another process
    holds the lease.

    Raises:
        InvalidArgumentError: Both are the same, a setting names one of them, or `source` is `user`.
        UnknownNameError: There is no such namespace.
        NotConfirmedError: The word was not typed; nothing was changed.
    """
    source, into = check_namespace(source, "FROM"), check_namespace(into, "INTO")
    async with opened(settings) as memory:
        counts, names = await _counts(memory), await read_names(memory.admin)
        into = into if names.primary(into) == source else names.primary(into)
        known = {*counts, *names.primary_of, *names.primary_of.values()}
        _check(memory, source, into, known)
        is_merged = names.primary(source) == into and not counts.get(source)
        key = BEGUN_KEY.format(work="merge", source=source, into=into)
        if is_merged and not await begun_run(memory, key, into):
            return MoveResult(run_id="", moved=0, source=source, into=into)
        preview = (
            f"{number_of(counts.get(source, 0), 'note')} of {source!r} will be in {into!r}, which"
            f" has {counts.get(into, 0)}. {source!r} will be another name of {into!r} for who works"
            " on this machine; access tokens reach what they name."
        )
        if not confirm(preview, into):
            raise NotConfirmedError(into)
        return await alone(
            memory.admin,
            f"merging {source}",
            lambda: _merge(memory, key, source, into, names),
            waits,
        )


def _check(memory: Memory, source: str, into: str, known: set[str]) -> None:
    if source == into:
        problem = f"{source!r} is named twice"
        raise InvalidArgumentError("INTO", problem, "Name two namespaces.")
    if source == USER_NAMESPACE:
        problem = f"{source!r} is searched along with every other, so its name stays its own"
        remedy = f"Move its notes alone: zettel move --from {source} --to {into}."
        raise InvalidArgumentError("FROM", problem, remedy)
    for argument, name in (("FROM", source), ("INTO", into)):
        if name not in known:
            raise unknown_name(argument, name, known, "zettel namespaces lists them.")
    check_unnamed(memory, {source: "FROM", into: "INTO"})


async def _merge(
    memory: Memory, key: str, source: str, into: str, names: NamespaceNames
) -> MoveResult:
    # First, so that what clients store meanwhile goes to the new one.
    theirs = {name: into for name, to in names.primary_of.items() if to == source}
    await record_names(memory.admin, {**theirs, source: into}, frozenset({into}))
    move, reason = partial(move_all, memory, source), f"{source} became {into}"
    done = await move_as_one_run(memory, key, move, kind=MERGE, into=into, reason=reason)
    return replace(done, source=source)


def merge_output(merged: MoveResult) -> Output:
    """The printed result."""
    notes = number_of(merged.moved, "note is", "notes are")
    text = (
        f"{notes} in {merged.into!r} now, and {merged.source!r} leads there."
        f" To move them back: zettel undo {merged.run_id}; the names stay one namespace."
    )
    if not merged.run_id:
        text = f"{merged.source!r} is merged into {merged.into!r} already."
    return Output(
        {"run_id": merged.run_id, "moved": merged.moved, "into": merged.into}, printable(text)
    )
