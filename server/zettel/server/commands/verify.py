"""`zettel verify-erased`: look for erased notes in the files of a store."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from anyio import to_thread

from zettel.server.commands.output import Output, printable
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.store_path import one_spelling
from zettel.server.runtime.factories import installed_factories
from zettel.storage.errors import InvalidArgumentError, OtherModelError, StoreUnavailableError
from zettel.storage.ids import is_id
from zettel.storage.location import StoreLocation, nothing_there, read_place
from zettel.storage.progress import ReportProgress
from zettel.storage.store import Vectors
from zettel.storage.verify.report import (
    ErasureQuery,
    VerifyFinding,
    VerifyReport,
    load_scan,
    load_stored_model,
    require_extra,
)


def read_question(ids: Sequence[str], files: Sequence[str], spared: Sequence[str]) -> ErasureQuery:
    """Parse the command's arguments.

    Raises:
        InvalidArgumentError: An id is malformed, or a file cannot be read or is empty.
    """
    return ErasureQuery(
        ids=[_note_id("--id", note_id) for note_id in ids],
        texts=[_text(file) for file in files],
        spared=frozenset(_note_id("--spare", note_id) for note_id in spared),
    )


async def verify(
    settings: Settings, wanted: ErasureQuery, progress: ReportProgress
) -> VerifyReport:
    """Search the store's files for ids and texts, and for the vectors of the texts.

    Raises:
        ExtraMissingError: pylance is not installed.
        StoreUnavailableError: The store is no directory, or does not exist.
        OtherModelError: The model of the store's vectors is not on this machine.
        ModelUnavailableError: It cannot be used.
    """
    require_extra()
    directory = await to_thread.run_sync(_directory, read_place(settings.store))
    if wanted.texts:
        wanted = replace(
            wanted, vectors=await _vectors(settings, directory, wanted.texts, progress)
        )
    scan = await to_thread.run_sync(load_scan)
    beside = [Path(Rendezvous(one_spelling(settings.store)).folder_elsewhere())]
    return await to_thread.run_sync(lambda: scan(directory, wanted, beside=beside, tell=progress))


async def _vectors(
    settings: Settings, directory: Path, texts: Sequence[str], progress: ReportProgress
) -> Sequence[Vectors]:
    factories = installed_factories(settings, create=False)
    embedder = await factories.make_embedder()
    stored = await to_thread.run_sync(load_stored_model, directory)
    if stored and stored != embedder.model_id:
        other = OtherModelError(directory, stored, embedder.model_id)
        embedder = await factories.find_embedder(other)
    progress("embedding", 0, len(texts))
    return await embedder.embed_notes(texts)


def verify_output(report: VerifyReport) -> Output:
    """The printed report."""
    data = {
        "gone": report.gone and not report.elsewhere,
        "files": report.files,
        "bytes": report.size,
        "findings": [asdict(finding) for finding in report.findings],
        "elsewhere": report.elsewhere,
        "unread": [asdict(unread) for unread in report.unread],
    }
    lines = [_line(finding) for finding in report.findings]
    if report.elsewhere:
        lines += [
            f"Other notes hold the same words: {', '.join(report.elsewhere)}.",
            "Erase them as well, or pass --spare for each one that may.",
        ]
    lines += [f"{unread.path}: not decoded, {unread.problem}" for unread in report.unread]
    if report.unread:
        lines.append("Nothing is proven of files that could not be decoded.")
    verdict = "Still there." if report.findings else "Nothing found."
    if report.elsewhere and not report.findings:
        verdict = "Nothing found but in other notes."
    lines.append(f"{verdict} Looked at {report.files} files, {report.size:,} bytes.")
    return Output(data, "\n".join(map(printable, lines)))


def _line(finding: VerifyFinding) -> str:
    of = f" of {finding.note_id}" if finding.note_id else ""
    where = f" in {finding.column}{of}" if finding.column else ""
    use = ", in use" if finding.live else ""
    return f"{finding.path} ({finding.kind}): {finding.what}{where}{use}"


def _note_id(name: str, text: str) -> str:
    note_id = text.strip().upper()
    if not is_id(note_id):
        raise InvalidArgumentError(name, f"{text!r} is no note id", "Pass its 26 characters.")
    return note_id


def _text(file: str) -> str:
    try:
        text = Path(file).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"{file!r} cannot be read ({error})"
        raise InvalidArgumentError("--text", problem, "Pass a file of UTF-8 text.") from None
    if not text.strip():
        raise InvalidArgumentError("--text", f"{file!r} is empty", "Pass a file with the text.")
    return text


def _directory(place: StoreLocation) -> Path:
    if place.directory is not None:
        # Nothing is found in an empty directory either, and that would prove nothing.
        if next(place.directory.glob("*.lance"), None) is None:
            raise nothing_there(place)
        return place.directory
    remedy = (
        "Only its provider can say what it keeps."
        if place.uri.startswith("db://")
        else "Copy all of the bucket's objects, older versions included, into a directory and pass"
        " that with --store."
    )
    problem = "is no directory on this machine, and only files of such can be decoded"
    raise StoreUnavailableError(place.uri, problem, remedy)
