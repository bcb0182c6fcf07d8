"""`zettel import`: the notes of another system, shown first, then stored."""

import shlex
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from anyio import to_thread

from zettel.server.commands.here import caller_here
from zettel.server.commands.output import Output, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.server.runtime.leadership import alone, new_run_id
from zettel.server.runtime.shutdown import unless_stopped
from zettel.storage.notes import Origin
from zettel.storage.progress import ReportProgress
from zettel.tools.caller import Caller
from zettel.tools.imports.drafts import IMPORT, Draft
from zettel.tools.imports.formats import Format, find_format
from zettel.tools.imports.write import (
    IMPORT_LEASE_KEY,
    ImportReport,
    ImportTask,
    count_found,
    import_notes,
)
from zettel.tools.language.times import iso_day
from zettel.tools.render import shorten
from zettel.tools.state.memory import Memory

IMPORT_WORD = "import"
"""Typed to begin."""
SAMPLE_MAX_CHARACTERS = 100
SKIPPED_SHOWN = 5
FOR_ONE = {
    "links": "link",
    "links to what is not there, left out": "link to what is not there, left out",
    "read like orders to an agent or hide characters, and are marked": (
        "reads like orders to an agent or hides characters, and is marked"
    ),
    "secrets cut": "secret cut",
}
"""Words of a count -> the same where it is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRequest:
    """The options of the command line."""

    source: Path
    format: str | None = None
    """None for the one that the source looks like."""
    trusted: bool = False


class SourceImport:
    """One source and the store that its notes go to.

    `trusted` notes count as the person's own words.
    """

    def __init__(
        self, memory: Memory, caller: Caller, source: Path, format: Format, *, trusted: bool
    ) -> None:
        self._memory, self._caller = memory, caller
        self._source, self._format, self._trusted = source, format, trusted
        self._total = 0
        self._report = self._new_report()

    async def preview(self, tell: ReportProgress) -> ImportReport:
        """Say what `run` would do; reads the whole source and changes nothing.

        Raises:
            InvalidArgumentError: The source cannot be read to its end.
        """
        report = await self._import(tell, dry=True)
        self._total = report.read
        return report

    async def run(self, tell: ReportProgress, waits: Callable[[], None]) -> ImportReport | None:
        """Store the notes that are missing, and update those that the source has changed.

        `waits` is called once if another process imports.

        Returns:
            What was done; None if SIGTERM or SIGINT stopped it, and `stopped` says where.

        Raises:
            InvalidArgumentError: The source cannot be read to its end.
            LeaseLostError: Another process took the import over meanwhile.
            StoreError: The store failed; what came before is stored.
        """

        async def work() -> ImportReport:
            # To its end before anything is stored: a damaged file is refused whole.
            self._total = self._total or await count_found(self._format.read(self._source), tell)
            return await alone(
                self._memory.store,
                "importing",
                lambda: self._import(tell, dry=False),
                waits,
                key=IMPORT_LEASE_KEY,
            )

        return await unless_stopped(work)

    def stopped(self) -> str:
        """Where `run` was stopped, and the command that goes on."""
        report, command = self._report, shlex.join(("zettel", *sys.argv[1:]))
        of = f" of {self._total:,}" if self._total else ""
        before = f", {report.unchanged:,} imported before" if report.unchanged else ""
        lines = [f"Stopped: {report.stored:,}{of} stored{before}. To go on: {command}"]
        if report.run_id:
            lines.append(f"To take them back instead: zettel undo {report.run_id}")
        return "\n".join(lines)

    def _new_report(self) -> ImportReport:
        return ImportReport(format=self._format.name, namespace=self._caller.namespace)

    async def _import(self, tell: ReportProgress, *, dry: bool) -> ImportReport:
        task = ImportTask(
            format=self._format,
            namespace=self._caller.namespace,
            clock=utc_now,
            run_id=new_run_id(utc_now(), kind=IMPORT),
            trusted=self._trusted,
            dry=dry,
        )
        found, self._report = self._format.read(self._source), self._new_report()
        return await import_notes(
            self._memory,
            self._caller,
            task,
            found,
            tell=tell,
            total=self._total,
            report=self._report,
        )


@asynccontextmanager
async def importing(settings: Settings, request: ImportRequest) -> AsyncGenerator[SourceImport]:
    """Open the store for an import; a store that is not there yet is created.

    Raises:
        InvalidArgumentError: The source is not there, or of no known format.
        StoreError: The store cannot be opened.
    """
    # The person named it, so a link there is meant; none within it is followed.
    source = request.source.expanduser().resolve()
    format = await to_thread.run_sync(find_format, source, request.format)
    async with opened(settings, create=True, bulk=True) as memory:
        origin = Origin(client=f"{IMPORT} {format.name}", transport=IMPORT)
        caller = await caller_here(memory, settings, origin)
        yield SourceImport(memory, caller, source, format, trusted=request.trusted)


def has_work(report: ImportReport) -> bool:
    """Whether an import would change anything."""
    ended = report.archived or report.superseded
    return bool(report.stored or report.updated or report.links or ended)


def preview_text(report: ImportReport) -> str:
    """What an import would do, for people."""
    head = f"{report.format}, into namespace {report.namespace!r}:"
    lines = [*_lines(report, "to store", "to update", "to be "), *map(_sample, report.samples)]
    return "\n".join((head, *(f"  {line}" for line in lines)))


def report_output(report: ImportReport, *, dry: bool) -> Output:
    """The printed result of an import, or of its preview."""
    if dry:
        return Output(_data(report, dry=True), preview_text(report))
    lines = [f"  {line}" for line in _lines(report, "stored", "updated", "")]
    text = [f"{report.format}, into namespace {report.namespace!r}:", *lines]
    if report.stored:
        text.append(_pace(report))
    if report.unembedded:
        text.append(
            printable(
                "They are found by their words now, and by meaning when a server has embedded them;"
                f" zettel evolve --once does so at once. {report.unembedded}"
            )
        )
    if report.run_id:
        text.append(f"To take it back before evolution goes on: zettel undo {report.run_id}")
    return Output(_data(report, dry=False), "\n".join(text))


def _pace(report: ImportReport) -> str:
    """How long it took, and how much of that the model, which is the least it can take."""
    took_s, embedding_s = report.took.total_seconds(), report.embedding.total_seconds()
    share = f"; the embedding model worked for {embedding_s / took_s:.0%} of it" if took_s else ""
    return f"It took {took_s:.0f} s{share}."


def _lines(report: ImportReport, stored: str, updated: str, to_be: str) -> list[str]:
    kinds = ", ".join(f"{count} {kind}" for kind, count in report.kinds.most_common())
    lines = [f"{report.stored} {stored}" + (f": {kinds}" if kinds else "")]
    counts = (
        (report.links, "links"),
        (report.unchanged, "imported before"),
        (report.updated, f"imported before and changed there since, {updated}"),
        (report.kept_count, "changed there and here, left as they are here"),
        (report.archived, f"imported before and no longer there, {to_be}archived"),
        (report.superseded, f"imported before and replaced there since, {to_be}superseded"),
        (report.over_kept_count, "no longer there but changed here, left as they are here"),
        (report.repeated, "with the words of another note, not stored again"),
        (report.unresolved, "links to what is not there, left out"),
        (report.marked, "read like orders to an agent or hide characters, and are marked"),
        (report.skipped.total(), "skipped"),
        (report.cut.total(), "secrets cut"),
    )
    for count, words in counts:
        if count:
            said = FOR_ONE.get(words, words) if count == 1 else words
            lines.append(f"{count} {said}{_detail(report, words)}")
    if not report.stored and len(lines) == 1:
        lines.append("nothing in it is of this format; --from names another")
    lines += [f"  left: {note_id}" for note_id in (*report.kept, *report.over_kept)]
    lines += [
        printable(f"  skipped: {part.where}: {part.reason}")
        for part in report.skipped_named[:SKIPPED_SHOWN]
    ]
    return lines


def _detail(report: ImportReport, words: str) -> str:
    counts: Mapping[str, Counter[str]] = {"skipped": report.skipped, "secrets cut": report.cut}
    if words not in counts:
        return ""
    named = (f"{count} {name}" for name, count in counts[words].most_common(SKIPPED_SHOWN))
    return printable(f": {', '.join(named)}")


def _sample(draft: Draft) -> str:
    about = f"{draft.subject}: " if draft.subject else ""
    day = f"{iso_day(draft.happened_at)}  " if draft.happened_at else ""
    words = shorten(" ".join(draft.content.split()), SAMPLE_MAX_CHARACTERS)
    return printable(f"e.g. {draft.kind}  {day}{about}{words}")


def _data(report: ImportReport, *, dry: bool) -> Mapping[str, object]:
    return {
        "format": report.format,
        "namespace": report.namespace,
        "dry_run": dry,
        "run_id": report.run_id,
        "read": report.read,
        "stored": report.stored,
        "unchanged": report.unchanged,
        "updated": report.updated,
        "repeated": report.repeated,
        "left": report.kept_count,
        "left_ids": report.kept,
        "archived": report.archived,
        "superseded": report.superseded,
        "left_though_over": report.over_kept_count,
        "left_though_over_ids": report.over_kept,
        "links": report.links,
        "links_unresolved": report.unresolved,
        "marked": report.marked,
        "kinds": {kind.value: count for kind, count in report.kinds.items()},
        "skipped": dict(report.skipped),
        "skipped_named": [[part.where, part.reason] for part in report.skipped_named],
        "cut": dict(report.cut),
        "seconds": report.took.total_seconds(),
        "embedding_seconds": report.embedding.total_seconds(),
        "unembedded": report.unembedded,
        "samples": [
            {
                "content": shorten(draft.content, SAMPLE_MAX_CHARACTERS),
                "subject": draft.subject,
                "kind": draft.kind.value,
                "happened_at": draft.happened_at,
            }
            for draft in report.samples
        ],
    }
