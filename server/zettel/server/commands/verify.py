"""`zettel verify-erased`: look for erased notes in the files of a store."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio import to_thread

from zettel.server.commands.output import Output, number_of, printable
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.rendezvous import Rendezvous
from zettel.server.engine.ipc.store_path import one_spelling
from zettel.server.runtime.factories import installed_factories
from zettel.storage.errors import (
    InvalidArgumentError,
    MissingStoreError,
    OtherModelError,
    StoreUnavailableError,
)
from zettel.storage.ids import is_id
from zettel.storage.lance.store_files import copy_out, files_of
from zettel.storage.location import StoreLocation, read_place
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
        StoreUnavailableError: The store is in LanceDB Cloud, or does not exist.
        OtherModelError: The model of the store's vectors is not on this machine.
        ModelUnavailableError: It cannot be used.
    """
    require_extra()
    async with _directory(read_place(settings.store), progress) as directory:
        if wanted.texts:
            wanted = replace(
                wanted, vectors=await _vectors(settings, directory, wanted.texts, progress)
            )
        scan = await to_thread.run_sync(load_scan)
        beside = [Path(Rendezvous(one_spelling(settings.store)).folder_elsewhere())]
        return await to_thread.run_sync(
            lambda: scan(directory, wanted, beside=beside, tell=progress)
        )


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


def verify_output(report: VerifyReport, store: str = ".") -> Output:
    """The printed report of a store at this address."""
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
    lines.append(f"{verdict} Looked at {number_of(report.files, 'file')}, {report.size:,} bytes.")
    if read_place(store).is_object_store:
        lines.append("Older versions of objects, where the bucket keeps any, were not looked at.")
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


@asynccontextmanager
async def _directory(place: StoreLocation, progress: ReportProgress) -> AsyncGenerator[Path]:
    """The store's directory; of an object store a copy that is removed again."""
    if place.is_cloud:
        problem = "is in LanceDB Cloud, whose files nobody sees"
        remedy = "Only its provider can say what it keeps."
        raise StoreUnavailableError(place.uri, problem, remedy)
    if place.directory is not None:
        yield _holding_tables(place, place.directory)
        return
    with TemporaryDirectory(prefix="zettel-verify-") as made:
        copy = Path(made)
        await to_thread.run_sync(partial(copy_out, files_of(place), copy, tell=progress))
        yield _holding_tables(place, copy)


def _holding_tables(place: StoreLocation, directory: Path) -> Path:
    # Nothing is found in an empty directory either, and that would prove nothing.
    if next(directory.glob("*.lance"), None) is None:
        raise MissingStoreError(place.uri)
    return directory
