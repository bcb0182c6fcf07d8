"""The ledger of erasures: JSON lines, append-only, so that nothing erased is restored.

One file in the store's directory and a copy outside, for restoring into an empty directory. A store
without a directory keeps its own lines in `meta` instead (`lance/ledger_rows.py`).
"""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from filelock import FileLock

from zettel.storage.erasable import Erasure, Receipt, digest_of, new_salt
from zettel.storage.errors import StoreUnavailableError
from zettel.storage.location import StoreLocation
from zettel.storage.notes import Note
from zettel.storage.store import Change, NewNote

LEDGER_FILE = "erasures.jsonl"
"""In the store's directory, and in the copy's."""
_MOMENTS = ("ordered_at", "invisible_at", "physical_at")


class Ledger:
    """The erasures of every writer of these files.

    Methods raise `StoreUnavailableError` if a file cannot be read or written.

    Args:
        files: All are read and written; the first is the store's own. Empty keeps it in memory.
        is_shared: Whether the store's own lines are in `meta`; then the files are copies.
    """

    def __init__(self, files: Sequence[Path], *, is_shared: bool = False) -> None:
        self.files = tuple(files)
        self.is_shared = is_shared
        self.followed = -1
        """The version of `meta` whose lines are known."""
        self._shared: tuple[str, ...] = ()
        self._stamp: tuple[tuple[int, int], ...] | None = None
        self._receipts: dict[str, Receipt] = {}
        self._by_digest: dict[str, dict[str, str]] = {}
        self._told: dict[str, Receipt] = {}

    @property
    def salt(self) -> str:
        """The store's salt: that of its first erasure, else a new one."""
        own = next(_records(self.own_lines().decode(errors="replace")), None)
        if own:
            return str(own["salt"])
        return next((receipt.salt for receipt in self._told.values()), "") or new_salt()

    def receipts(self) -> list[Receipt]:
        """All receipts, oldest first; a copy includes those of other stores."""
        self._read()
        return sorted(self._receipts.values(), key=lambda r: (r.ordered_at, r.receipt_id))

    def receipt(self, receipt_id: str) -> Receipt | None:
        """The receipt with this id."""
        self._read()
        return self._receipts.get(receipt_id)

    def is_erased(self, note_id: str) -> Erasure | None:
        """The erasure of a note, or None; computes one hash for each known salt."""
        self._read()
        for salt, known in self._by_digest.items():
            digest = digest_of(note_id, salt)
            if digest in known:
                receipt = self._receipts[known[digest]]
                return replace(receipt, digests=(digest,)).erasures()[0]
        return None

    def erased(self, note_ids: Iterable[str]) -> dict[str, Erasure]:
        """Erasures of those notes that were erased, by id."""
        found = {note_id: self.is_erased(note_id) for note_id in note_ids}
        return {note_id: erasure for note_id, erasure in found.items() if erasure}

    def put(self, receipt: Receipt, *, goes_on: bool = False) -> None:
        """Append an erasure or its progress; on disk when the call returns.

        A receipt that goes on has its hashes written already: they are left out.
        """
        self.tell(receipt)
        line = line_of(replace(receipt, digests=()) if goes_on else receipt) + "\n"
        for file in self.files:
            try:
                _append(file, line.encode())
            except OSError as error:
                raise _unusable(file, error) from error

    def tell(self, receipt: Receipt) -> None:
        """Remember an erasure without writing it to the files."""
        self._told[receipt.receipt_id] = receipt
        self._stamp = None

    def own_lines(self) -> bytes:
        """The store's own lines for a backup, whole ones only; empty if there are none."""
        if self.is_shared:
            return "".join(f"{line}\n" for line in self._shared).encode()
        try:
            written = self.files[0].read_bytes() if self.files else b""
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _unusable(self.files[0], error) from error
        return written[: written.rfind(b"\n") + 1]

    def learn(self, lines: Iterable[str], *, version: int) -> None:
        """Take over the store's own lines from that version of `meta`."""
        self._shared, self.followed, self._stamp = tuple(lines), version, None

    def _read(self) -> None:
        stamp = tuple(map(_stamp, self.files))
        if stamp == self._stamp:
            return
        receipts = dict(self._told)
        for source in ("\n".join(self._shared), *map(_text, self.files)):
            for record in _records(source):
                read = _receipt(record)
                receipts[read.receipt_id] = further(receipts.get(read.receipt_id), read)
        by_digest = dict[str, dict[str, str]]()
        for receipt in receipts.values():
            known = by_digest.setdefault(receipt.salt, {})
            known.update(dict.fromkeys(receipt.digests, receipt.receipt_id))
        self._stamp, self._receipts, self._by_digest = stamp, receipts, by_digest


def ledger_of(place: StoreLocation, copy: Path | None) -> Ledger:
    """The ledger of a store.

    `copy` is the directory of the copy outside; None for no copy.
    """
    folders = [folder for folder in (place.directory, copy) if folder is not None]
    return Ledger([folder / LEDGER_FILE for folder in folders], is_shared=place.directory is None)


def line_of(receipt: Receipt) -> str:
    """All that is known of an erasure, as a line without its end."""
    return json.dumps(asdict(receipt), default=_plain, separators=(",", ":"))


def further(known: Receipt | None, read: Receipt) -> Receipt:
    """The one of two records of an erasure that is further, with the hashes of both.

    Hashes are only added: what was erased once stays erased.
    """
    if known is None:
        return read
    digests = tuple(dict.fromkeys((*known.digests, *read.digests)))
    chosen = read if _progress(read) >= _progress(known) else known
    return replace(chosen, digests=digests)


def receipt_of(line: str) -> Receipt | None:
    """The erasure that a line of the ledger records; None if it is none."""
    return next(map(_receipt, _records(line)), None)


def _append(file: Path, line: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(f"{file}.lock"):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "rb+") as ledger:
            # A line cut short by a crash must not swallow this one.
            end = ledger.seek(0, os.SEEK_END)
            ledger.seek(max(0, end - 1))
            ledger.write(line if ledger.read(1) in (b"", b"\n") else b"\n" + line)
            ledger.flush()
            os.fsync(ledger.fileno())


def _text(file: Path) -> str:
    """The lines of a file; none if it is missing."""
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _unusable(file, error) from error


def _records(text: str) -> Iterator[Mapping[str, object]]:
    """The records of whole lines."""
    for line in text.splitlines():
        try:
            record: object = json.loads(line)
        except ValueError:  # cut short by a crash; its writer had not gone on
            continue
        if isinstance(record, dict) and "receipt_id" in record:
            yield record  # pyright: ignore[reportUnknownVariableType]: as `put` wrote it


def _receipt(record: Mapping[str, object]) -> Receipt:
    moments = {name: _moment(record.get(name)) for name in _MOMENTS}
    lists = {n: tuple(v) for n, v in record.items() if isinstance(v, list)}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return Receipt(**{**record, **moments, **lists})  # pyright: ignore[reportArgumentType]


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def _plain(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def _progress(receipt: Receipt) -> int:
    return (receipt.invisible_at is not None) + (receipt.physical_at is not None)


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


def _unusable(file: Path, error: OSError) -> StoreUnavailableError:
    return StoreUnavailableError(
        file,
        f"cannot be read or written: {error.strerror or error}",
        "It is the record of what was erased: repair its permissions or its disk.",
    )


@dataclass(frozen=True, slots=True)
class AdmittedWrite:
    """The part of a write that may be stored."""

    new: tuple[NewNote, ...]
    changes: tuple[Change, ...]
    refused: tuple[str, ...]
    """Note ids whose plan used an erased note; the caller reads and plans again."""


def admit(ledger: Ledger, new: Sequence[NewNote], changes: Sequence[Change]) -> AdmittedWrite:
    """Remove from a write what was erased while it was planned."""
    notes = [item.note for item in (*new, *changes)]
    ids = {i for note in notes for i in (note.note_id, *(link.to for link in note.links))}
    gone = ledger.erased(ids)
    if not gone:
        return AdmittedWrite(tuple(new), tuple(changes), ())
    refused = {note.note_id for note in notes if note.note_id in gone}
    # Composed of it, or a revision with what it had linked and taught.
    refused |= {item.note.note_id for item in new if item.note.derived and _links(item.note, gone)}
    refused |= {change.note.note_id for change in changes if _links(change.note, gone)}
    return AdmittedWrite(
        tuple(_unlinked(item, gone) for item in new if item.note.note_id not in refused),
        tuple(change for change in changes if change.note.note_id not in refused),
        tuple(sorted(refused)),
    )


def _links(note: Note, gone: Mapping[str, Erasure]) -> bool:
    return any(link.to in gone for link in note.links)


def _unlinked(item: NewNote, gone: Mapping[str, Erasure]) -> NewNote:
    links = tuple(link for link in item.note.links if link.to not in gone)
    return replace(item, note=replace(item.note, links=links))
