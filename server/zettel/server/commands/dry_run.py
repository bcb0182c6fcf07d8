"""`zettel evolve --dry-run`: the real run, on a copy of the store that is thrown away."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from zettel.server.commands.diffs import notes_as_json, notes_as_lines, printable
from zettel.server.commands.evolve import Progress, left_alone, mend, run_all
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.lance.snapshot import snapshot
from zettel.storage.notes import Outline
from zettel.tools.changes.run_changes import TouchedNote, touched_notes
from zettel.tools.evolve.run import RunReport
from zettel.tools.evolve.steps.construct import EMBED_STEP
from zettel.tools.render import one_line
from zettel.tools.state.retention_policy import expired


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a run would do."""

    report: RunReport
    touched: tuple[TouchedNote, ...]
    mended: Mapping[str, int]
    """Damage that the run would mend first."""
    expired: tuple[Outline, ...] = ()
    """Notes that it would erase, for they were kept as long as `retain_days` says."""


async def preview(settings: Settings, now: datetime | None, progress: Progress) -> DryRun:
    """Run every step to the end on a copy of the store, by rule, and tell the difference.

    Args:
        settings: Which store and model.
        now: The moment the run takes for now; None for the real one.
        progress: Told before every batch: step, notes done, notes in all (0 if not known).

    Raises:
        ZettelError: Store or model cannot be used, or the store is no directory.
    """
    async with snapshot(settings.store, now=utc_now()) as copy:
        # A copy that is thrown away need not survive a power failure.
        # What is erased in it is no erasure, and of none is to be kept a record.
        there = settings.model_copy(
            update={"store": str(copy), "durability": "fast", "erasures": str(copy)}
        )
        async with opened(there) as memory:
            await memory.embedder.load()
            mended = await mend(memory)
            kept_enough = await expired(memory.store, memory.retention, now or utc_now())
            report = await run_all(memory, now or utc_now(), progress)
            touched = await touched_notes(memory.store, report.run_id)
    return DryRun(report=report, touched=tuple(touched), mended=mended, expired=tuple(kept_enough))


def as_json(preview: DryRun) -> str:
    """The difference as one JSON object."""
    return json.dumps(
        {
            "changed": preview.report.changed,
            "created": preview.report.created,
            "steps": preview.report.steps,
            "mended": dict(preview.mended),
            "evolve_off": list(preview.report.evolve_off),
            "would_erase": [
                {"note_id": o.note_id, "of": f"{o.namespace}/{o.kind}", "line": one_line(o)}
                for o in preview.expired
            ],
            "notes": notes_as_json(preview.touched),
        },
        ensure_ascii=False,
    )


def as_text(preview: DryRun) -> str:
    """The difference for a person."""
    report = preview.report
    steps = ", ".join(f"{step} {count}" for step, count in report.steps.items())
    head = f"zettel evolve --once would make {report.changed} changes ({steps}). Nothing was done."
    vectors = report.steps.get(EMBED_STEP.name, 0)
    more = [f"{vectors} notes would get their vectors"] if vectors else []
    more += left_alone(replace(report, llm_off=()))  # a preview asks no LLM anyway
    more += [f"would mend {name}: {count}" for name, count in preview.mended.items()]
    more += [
        f"would erase {o.note_id} ({o.namespace}/{o.kind}): {printable(one_line(o))}"
        for o in preview.expired
    ]
    return "\n".join((head, *more, *notes_as_lines(preview.touched)))
