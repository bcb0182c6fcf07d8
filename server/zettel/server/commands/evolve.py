"""`zettel evolve`, `zettel undo`, `zettel runs`: a run now, a dry run, its undo, the last runs."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from zettel.server.commands.diffs import notes_as_json, notes_as_lines
from zettel.server.commands.output import CLI_PRINCIPAL, Output, Say, number_of, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.server.runtime.leadership import alone, new_run_id
from zettel.server.runtime.llm import build_llm
from zettel.storage.errors import InvalidArgumentError, ZettelError
from zettel.storage.lance.snapshot import snapshot
from zettel.storage.notes import BEGUN, Outline
from zettel.storage.progress import ReportProgress
from zettel.tools.changes.run_changes import TouchedNote, touched_notes
from zettel.tools.changes.undo import UndoReport, undo_run
from zettel.tools.doctor.heal import UNEMBEDDED, heal
from zettel.tools.evolve.run import Budget, RunReport, evolve
from zettel.tools.evolve.steps.construct import EMBED
from zettel.tools.language.times import iso, read_iso
from zettel.tools.render import one_line
from zettel.tools.state.memory import Memory
from zettel.tools.state.retention_policy import expired

logger = logging.getLogger(__name__)

LISTED_MAX_RUNS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """The planned changes of a run."""

    report: RunReport
    touched: tuple[TouchedNote, ...]
    mended: Mapping[str, int]
    """Damage that the run would repair first, by kind."""
    expired: tuple[Outline, ...] = ()
    """Notes that the run would erase under `retain_days`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoResult:
    """The result of an undo, with each note as it is now."""

    report: UndoReport
    touched: tuple[TouchedNote, ...]


def read_now(text: str | None) -> datetime | None:
    """Parse `--now`; a time without a zone is UTC.

    Raises:
        InvalidArgumentError: The text is no ISO 8601 time.
    """
    if text is None:
        return None
    try:
        return read_iso(text)
    except (ValueError, OverflowError):
        problem, remedy = f"{text!r} is no ISO 8601 time", "Pass one as in 2026-11-20T09:00:00Z."
        raise InvalidArgumentError("--now", problem, remedy) from None


async def evolve_once(
    settings: Settings, now: datetime | None, progress: ReportProgress, waits: Callable[[], None]
) -> RunReport:
    """Run every step to the end, alone on the store.

    The run works at `now`, None for the real time; `waits` is called once if another process holds
    the lease.

    Raises:
        ZettelError: Store, model or LLM cannot be used.
    """
    llm = build_llm(settings)
    async with opened(settings) as found:
        memory = replace(found, mind=llm)
        await memory.embedder.load()
        await mend(memory)
        return await alone(
            memory.store,
            "evolving the notes",
            lambda: run_all(memory, now or utc_now(), progress),
            waits,
        )


async def dry_run(settings: Settings, now: datetime | None, progress: ReportProgress) -> DryRun:
    """Run every step, without an LLM, on a copy of the store that is deleted afterwards.

    The run works at `now`, None for the real time.

    Raises:
        ZettelError: Store or model cannot be used, or the store is no directory.
    """
    async with snapshot(settings.store, now=utc_now()) as copy:
        # The copy need not survive a power failure, and its erasures must not be recorded.
        copied = settings.model_copy(
            update={"store": str(copy), "durability": "fast", "erasures": str(copy)}
        )
        async with opened(copied) as memory:
            await memory.embedder.load()
            mended = await mend(memory)
            outlines = await expired(memory.store, memory.retention, now or utc_now())
            report = await run_all(memory, now or utc_now(), progress)
            touched = await touched_notes(memory.store, report.run_id)
    return DryRun(report=report, touched=tuple(touched), mended=mended, expired=tuple(outlines))


async def undo_once(
    settings: Settings, run_id: str, partial: bool, waits: Callable[[], None]
) -> UndoResult:
    """Undo a run, alone on the store.

    With `partial`, notes that were changed since are left instead of refusing; `waits` is called
    once if another process holds the lease.

    Raises:
        UnknownNameError: No run has this id.
        NotUndoableError: It is of a kind that changes no revisions.
        ChangedSinceError: Notes were changed since, and not `partial`.
        ZettelError: The store cannot be used.
    """
    async with opened(settings) as memory:

        async def undo() -> UndoResult:
            now = utc_now()
            undo_id = new_run_id(now, kind="undo")
            report = await undo_run(
                memory, run_id, now=now, undo_id=undo_id, who=CLI_PRINCIPAL, partial=partial
            )
            touched = await touched_notes(memory.store, report.undo_id)
            return UndoResult(report=report, touched=tuple(touched))

        return await alone(memory.store, f"undoing {run_id}", undo, waits)


async def print_runs(settings: Settings, say: Say) -> None:
    """Print the newest runs, the last one first.

    Raises:
        StoreError: The store cannot be read.
    """
    async with opened(settings) as memory:
        runs = await memory.admin.runs(limit=LISTED_MAX_RUNS)
    for run in runs:
        counts = ", ".join(f"{name} {count}" for name, count in run.counts.items() if count)
        head = f"{run.run_id}  {iso(run.started_at)}  {run.who:<9}  {run.kind:<6}  {run.outcome}"
        idle = "killed, or not at its end" if run.outcome == BEGUN else "nothing changed"
        say(Output(asdict(run), printable(f"{head}  {counts or idle}")))


async def mend(memory: Memory) -> Mapping[str, int]:
    """Heal the store before a run: kind of damage -> how often it was repaired.

    A failure is logged only: it must not keep the notes from evolving.
    """
    try:
        counts = await heal(memory, now=utc_now())
    except ZettelError as error:
        logger.warning("the store was not healed: %s", error)
        return {}
    return {name: count for name, count in counts.items() if name != UNEMBEDDED}


async def run_all(memory: Memory, now: datetime, progress: ReportProgress) -> RunReport:
    """Run every step to the end; the caller holds the lease."""
    return await evolve(
        memory,
        now=now,
        run_id=new_run_id(now),
        who=CLI_PRINCIPAL,
        budget=Budget(seconds=None, notes=None),
        progress=progress,
    )


def evolve_output(report: RunReport) -> Output:
    """The printed report of a run."""
    steps = ", ".join(f"{step} {count}" for step, count in report.steps.items())
    head = f"{report.run_id}: {report.changed} changed, {report.created} created ({steps})"
    llm = ", ".join(f"{name.removeprefix('llm_')} {n}" for name, n in report.llm.items())
    data = {
        "run_id": report.run_id,
        "changed": report.changed,
        "created": report.created,
        "steps": report.steps,
        "llm": report.llm,
        "evolve_off": report.evolve_off,
        "llm_off": report.llm_off,
        "retain_elsewhere": dict(report.retain_elsewhere),
    }
    return Output(data, "; ".join((head, *([f"LLM: {llm}"] if llm else []), *_excluded(report))))


def _excluded(report: RunReport) -> list[str]:
    """What a run left out for a setting, and rules that do not count where their name leads."""
    off = {"not evolved": report.evolve_off, "not shown to the LLM": report.llm_off}
    led = (
        f"retain_days: {name} leads to {to}, where its rule does not count; name {to}"
        for name, to in report.retain_elsewhere.items()
    )
    return [*(f"{what}: {', '.join(names)}" for what, names in off.items() if names), *led]


def dry_run_output(trial: DryRun) -> Output:
    """The printed result of a dry run."""
    report = trial.report
    steps = ", ".join(f"{step} {count}" for step, count in report.steps.items())
    changes = number_of(report.changed, "change")
    head = f"zettel evolve --once would make {changes} ({steps}). Nothing was done."
    vectors = report.steps.get(EMBED, 0)
    get = number_of(vectors, "note would get its vectors", "notes would get their vectors")
    more = [get] if vectors else []
    more += _excluded(replace(report, llm_off=()))  # a dry run asks no LLM anyway
    more += [f"would mend {name}: {count}" for name, count in trial.mended.items()]
    more += [
        f"would erase {o.note_id} ({o.namespace}/{o.kind}): {printable(one_line(o))}"
        for o in trial.expired
    ]
    return Output(
        {
            "changed": report.changed,
            "created": report.created,
            "steps": report.steps,
            "mended": dict(trial.mended),
            "evolve_off": report.evolve_off,
            "retain_elsewhere": dict(report.retain_elsewhere),
            "would_erase": [
                {"note_id": o.note_id, "of": f"{o.namespace}/{o.kind}", "line": one_line(o)}
                for o in trial.expired
            ],
            "notes": notes_as_json(trial.touched),
        },
        "\n".join((head, *more, *notes_as_lines(trial.touched))),
    )


def undo_output(undone: UndoResult) -> Output:
    """The printed result of an undo."""
    report = undone.report
    head = f"Nothing of {report.run_id} was left to undo; nothing was changed."
    if undone.touched:
        back = number_of(len(report.restored), "note is", "notes are")
        gone = number_of(len(report.forgotten), "that it made is", "that it made are")
        head = (
            f"{report.undo_id}: {back} as before {report.run_id}, {gone} forgotten."
            f" zettel undo {report.undo_id} takes this back."
        )
    left = [
        printable(f"left as it is: {note_id}, changed by {who}")
        for note_id, who in report.left.items()
    ]
    return Output(
        {
            "run_id": report.run_id,
            "undo_id": report.undo_id if undone.touched else None,
            "restored": report.restored,
            "forgotten": report.forgotten,
            "left": dict(report.left),
            "notes": notes_as_json(undone.touched),
        },
        "\n".join((head, *left, *notes_as_lines(undone.touched))),
    )
