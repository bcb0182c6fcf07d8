"""A `NoteFilter` as an SQL predicate of LanceDB.

LanceDB 0.40's expressions have neither `IS NULL` nor arrays and render some strings wrongly
(`lit("''")`), so every literal is written here; a property test sends hostile ones through a table.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from zettel.storage.ids import EPOCH, largest_id, smallest_id
from zettel.storage.notes import EVOLUTION, NEEDS_REVIEW
from zettel.storage.store import NoteFilter


def text_literal(value: str) -> str:
    """A quoted string; only the quote itself needs an escape."""
    return "'" + value.replace("'", "''") + "'"


def time_literal(instant: datetime) -> str:
    """An instant to the microsecond, year 1 to 9999, in the columns' type."""
    microseconds = (instant - EPOCH) // timedelta(microseconds=1)
    return f"arrow_cast({microseconds}, 'Timestamp(Microsecond, Some(\"UTC\"))')"


def equals(column: str, value: str) -> str:
    """Rows whose column has the value."""
    return f"{column} = {text_literal(value)}"


def one_of(column: str, values: Iterable[str]) -> str:
    """Rows whose column has any of the values, at least one."""
    return f"{column} IN ({', '.join(map(text_literal, values))})"


def holds_any(column: str, values: Iterable[str]) -> str:
    """Rows whose list column contains any of the values, at least one."""
    return f"array_has_any({column}, [{', '.join(map(text_literal, values))}])"


def all_of(*conditions: str) -> str:
    """Rows for which every non-empty condition holds."""
    return " AND ".join(f"({condition})" for condition in conditions if condition)


def known(at: datetime | None) -> str:
    """The rows that were current at a moment; None means now."""
    if at is None:
        return "current"
    moment = time_literal(at)
    return f"known_from <= {moment} AND (known_to IS NULL OR known_to > {moment})"


def is_unembedded(column: str) -> str:
    """Rows without vectors of a set, by its column for the model."""
    return f"{column} IS NULL OR {column} = ''"


def predicate(where: NoteFilter, *, embed_model: str = "embed_model") -> str:
    """The rows that pass a filter.

    Each row id of `where.past` adds 4 microseconds to a read at 25,000 rows.

    `embed_model` is the column's name on the disk.
    """
    meant = all_of(*_meant(where))
    if where.past:
        meant = f"({meant}) OR {one_of('row_id', where.past)}"
    return all_of(meant, *_words(where), *_times(where), *_progress(where, embed_model))


def _meant(where: NoteFilter) -> Iterable[str]:
    """Which revisions: the conditions that rows of `past` are exempt from."""
    if where.namespaces:
        yield one_of("namespace", where.namespaces)
    if where.namespaces_not:
        yield f"NOT ({one_of('namespace', where.namespaces_not)})"
    yield known(where.known_at)
    if where.states:
        yield one_of("state", where.states)
    if where.unexpired_at is not None:
        yield f"valid_until IS NULL OR valid_until > {time_literal(where.unexpired_at)}"
    if where.ended_at is not None:
        yield f"valid_until <= {time_literal(where.ended_at)}"
    if where.valid_at is not None:
        valid = time_literal(where.valid_at)
        yield f"valid_from <= {valid} AND (valid_until IS NULL OR valid_until > {valid})"


def _words(where: NoteFilter) -> Iterable[str]:
    columns = {
        "note_id": where.note_ids,
        "kind": where.kinds,
        "session": where.sessions,
    }
    yield from (one_of(column, values) for column, values in columns.items() if values)
    if where.fold_hash:
        yield equals("fold_hash", where.fold_hash)
    if where.subject:
        yield f"lower(subject) = lower({text_literal(where.subject)})"
    if where.says:
        yield f"contains(lower(content), lower({text_literal(where.says)}))"
    if where.tags:
        tagged = holds_any("tags", where.tags)
        left_open = holds_any("link_ids", (NEEDS_REVIEW,))
        yield f"{tagged} OR {left_open}" if NEEDS_REVIEW in where.tags else tagged
    if where.derived is not None:
        composed = equals("origin.transport", EVOLUTION)
        yield composed if where.derived else f"origin IS NULL OR NOT ({composed})"


def _times(where: NoteFilter) -> Iterable[str]:
    if where.after is not None:
        moment, last = time_literal(where.after.happened_at), text_literal(where.after.note_id)
        yield f"happened_at < {moment} OR (happened_at = {moment} AND note_id < {last})"
    happened: list[str] = []
    told: list[str] = []
    if where.since is not None:
        happened.append(f"happened_at >= {time_literal(where.since)}")
        told.append(f"note_id >= {text_literal(smallest_id(where.since))}")
    if where.until is not None:
        happened.append(f"happened_at <= {time_literal(where.until)}")
        told.append(f"note_id <= {text_literal(largest_id(where.until))}")
    if happened:
        yield f"({' AND '.join(happened)}) OR ({' AND '.join(told)})"


def _progress(where: NoteFilter, embed_model: str) -> Iterable[str]:
    if where.stage_below is not None:
        yield f"stage < {where.stage_below}"
    if where.stage_from is not None:
        yield f"stage >= {where.stage_from}"
    if where.unembedded:
        yield is_unembedded(embed_model)
