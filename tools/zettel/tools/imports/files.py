"""Files of others, read within bounds: no links followed, no bombs unpacked, nothing run."""

import codecs
import json
import lzma
import os
import re
import sqlite3
import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from zettel.storage.errors import InvalidArgumentError

SOURCE = "SOURCE"
"""The argument's name in errors."""
TEXT_MAX_BYTES = 8 * 2**20
"""Of one text file; the King James Bible has 4.4 MB."""
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
LINE_MAX_BYTES = 16 * 2**20
"""Of one line of JSON."""
ITEM_MAX_CHARACTERS = 128 * 2**20
"""Of one item of a JSON list: one conversation with its attachments' texts."""
JSON_CHUNK_BYTES = 2**18
ZIP_MAX_RATIO = 200
"""Of the unpacked members to the archive. Exports of conversations have 3 to 20; zeros have
1,032, the most that deflate can."""
ZIP_MAX_BYTES = 8 * 2**30
"""Of all unpacked members that are read."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError)
WALK_MAX_FILES = 200_000
"""Of one folder, those that are not read included."""
CELL_MAX_BYTES = LINE_MAX_BYTES
"""Of a value in a database."""
DATABASE_MAGIC = b"SQLite format 3\x00"
"""First bytes of a database (sqlite.org/fileformat.html, section 1.3)."""


def unreadable(path: Path, problem: str, remedy: str) -> InvalidArgumentError:
    """The error for a source that cannot be read."""
    return InvalidArgumentError(SOURCE, f"{str(path)!r} {problem}", remedy)


@contextmanager
def opened_file(path: Path) -> Generator[BinaryIO]:
    """A regular file, opened for reading; a link to one is not followed.

    Raises:
        InvalidArgumentError: It is not there, is no regular file, or must not be read.
    """
    try:
        # Not blocking: opening a pipe would wait for a writer.
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        raise unreadable(path, problem, "Name a file that you may read.") from None
    with open(number, "rb") as stream:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise unreadable(path, "is not a file", "Name a file, or a folder of files.")
        yield stream


def read_text(path: Path) -> str:
    """The whole of a text file in UTF-8, or in UTF-16 if it begins with a byte order mark.

    Raises:
        InvalidArgumentError: It cannot be read, is in another encoding, or is longer than
            `TEXT_MAX_BYTES`.
    """
    with opened_file(path) as stream:
        raw = stream.read(TEXT_MAX_BYTES + 1)
    if len(raw) > TEXT_MAX_BYTES:
        problem = f"has more than {TEXT_MAX_BYTES:,} bytes"
        raise unreadable(path, problem, "Split it into several files.")
    try:
        return raw.decode("utf-16" if raw.startswith(_UTF16_MARKS) else "utf-8-sig")
    except UnicodeDecodeError:
        raise unreadable(path, "is not UTF-8", "Save it as UTF-8, then import it again.") from None


def walk(folder: Path, suffixes: Sequence[str]) -> Iterator[Path]:
    """The files below a folder with one of these suffixes, sorted, without hidden ones and links.

    Raises:
        InvalidArgumentError: There are more than `WALK_MAX_FILES`.
    """
    seen = 0
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        seen += len(files)
        if seen > WALK_MAX_FILES:
            problem = f"holds more than {WALK_MAX_FILES:,} files"
            raise unreadable(folder, problem, "Name the folder with the notes.")
        for name in sorted(files):
            if name.lower().endswith(tuple(suffixes)) and not name.startswith("."):
                yield Path(place, name)


@dataclass(frozen=True, slots=True)
class BrokenLine:
    """A line that has no value."""

    problem: str
    """Why, as the reason of a skipped part."""


def json_lines(path: Path) -> Iterator[tuple[int, object]]:
    """Number and value of each line of a file of JSON lines, or a `BrokenLine`.

    Raises:
        InvalidArgumentError: A line is longer than `LINE_MAX_BYTES`.
    """
    with opened_file(path) as stream:
        number = 0
        while line := stream.readline(LINE_MAX_BYTES + 1):
            number += 1
            if len(line) > LINE_MAX_BYTES:
                problem = f"has more than {LINE_MAX_BYTES:,} bytes in line {number}"
                raise unreadable(path, problem, "Check that it is the right file.")
            if line.strip():
                yield number, _json(line)


def _json(line: bytes) -> object:
    try:
        return json.loads(line)
    except UnicodeDecodeError:
        return BrokenLine("the line is not UTF-8")
    except (ValueError, RecursionError):
        return BrokenLine("the line is not JSON")


def json_items(stream: BinaryIO, path: Path) -> Iterator[tuple[str, object]]:
    """The items of a JSON list, or of the lists in a JSON object, one after the other.

    Yields:
        The name of the list in the object, empty for an outermost list, and the item.

    Raises:
        InvalidArgumentError: It is not JSON, or an item is longer than `ITEM_MAX_CHARACTERS`.
    """
    text = _JsonWindow(stream, path)
    if text.next() == "[":
        yield from (("", item) for item in text.items())
        return
    text.skip("{")
    while text.next() != "}":
        name = text.value()
        text.skip(":")
        if text.next() == "[":
            yield from ((str(name), item) for item in text.items())
        else:
            text.value()
        if text.next() != "}":
            text.skip(",")


class _JsonWindow:
    """Part of a JSON text, moved along: no more of it is in memory than its longest item."""

    _spaces = re.compile(r"[ \t\r\n]*")
    _ends = frozenset(" \t\r\n,:]}")
    """What follows a value within a list or an object."""
    _decoder = json.JSONDecoder()

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at = "", 0

    def next(self) -> str:
        """The next character that is no white space; empty at the end."""
        while True:
            found = self._spaces.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_more():
                return ""

    def skip(self, character: str) -> None:
        """Go on behind a character, which must be the next."""
        if self.next() != character:
            raise self._broken()
        self._at += 1

    def items(self) -> Iterator[object]:
        """The values of the list that comes next."""
        self.skip("[")
        while self.next() != "]":
            yield self.value()
            if self.next() != "]":
                self.skip(",")
        self.skip("]")

    def value(self) -> object:
        """The value that comes next."""
        self.next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._read_more():
                    raise self._broken() from None
                continue
            except (ValueError, RecursionError):  # a number of 5,000 digits; 1,000 lists in lists
                raise self._broken() from None
            # A number may go on behind what was read of it.
            if self._text[end : end + 1] in self._ends:
                self._at = end
                return value
            if not self._read_more():
                raise self._broken()

    def _read_more(self) -> bool:
        """Read as much again as there is, so that an item is parsed a few times at most."""
        self._text, self._at = self._text[self._at :], 0
        if len(self._text) > ITEM_MAX_CHARACTERS:
            problem = f"has an item of more than {ITEM_MAX_CHARACTERS:,} characters"
            raise unreadable(self._path, problem, "Check that it is the right file.")
        try:
            raw = self._stream.read(max(JSON_CHUNK_BYTES, len(self._text)))
            more = self._utf8.decode(raw, final=not raw)
        except (UnicodeDecodeError, EOFError, OSError, *_DAMAGE) as error:
            raise unreadable(self._path, f"is damaged ({error})", "Export it again.") from None
        self._text += more
        return bool(raw)

    def _broken(self) -> InvalidArgumentError:
        return unreadable(self._path, "is not whole JSON", "Export it again.")


@contextmanager
def opened_member(path: Path, names: re.Pattern[str]) -> Generator[Iterator[BinaryIO]]:
    """The files of a folder, or members of a zip, with such a name, or the file itself.

    Only the last part of the files' names counts.

    Raises:
        InvalidArgumentError: It cannot be read, or unpacks to far more than it is.
    """
    if path.is_dir():
        yield _files(each for each in sorted(path.iterdir()) if names.fullmatch(each.name))
        return
    with opened_file(path) as stream:
        if not zipfile.is_zipfile(stream):
            stream.seek(0)
            yield iter([stream])
            return
        try:
            archive = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise unreadable(path, f"is damaged ({error})", "Download it again.") from None
        with archive:
            yield _members(archive, path, names)


def _files(paths: Iterator[Path]) -> Iterator[BinaryIO]:
    for path in paths:
        with opened_file(path) as stream:
            yield stream


def _members(archive: zipfile.ZipFile, path: Path, names: re.Pattern[str]) -> Iterator[BinaryIO]:
    """The members meant, unpacked while they are read; nothing is written anywhere."""
    infos = [each for each in archive.infolist() if names.fullmatch(each.filename.split("/")[-1])]
    # Of the archive's own size: members may overlap, and state any size.
    packed, unpacked = path.stat().st_size, sum(info.file_size for info in infos)
    if unpacked > min(ZIP_MAX_BYTES, ZIP_MAX_RATIO * packed):
        problem = f"would unpack {unpacked:,} bytes from {packed:,}"
        raise unreadable(path, problem, "Unpack it yourself if you trust it, and name that.")
    for info in sorted(infos, key=lambda each: each.filename):
        try:
            # No member gives more than its stated size.
            with archive.open(info) as stream:
                yield stream  # pyright: ignore[reportReturnType]: IO[bytes], of which it has all
        except (NotImplementedError, RuntimeError, *_DAMAGE) as error:
            raise unreadable(path, f"cannot be unpacked ({error})", "Download it again.") from None


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database."""
    if not path.is_file():
        return False
    try:
        with opened_file(path) as stream:
            return stream.read(len(DATABASE_MAGIC)) == DATABASE_MAGIC
    except InvalidArgumentError:
        return False


@contextmanager
def opened_database(path: Path) -> Generator[sqlite3.Connection]:
    """An SQLite database, for reading alone; nothing that it defines is run.

    Raises:
        InvalidArgumentError: It cannot be read, also while its rows are.
    """
    with opened_file(path):
        pass
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        # Its rows are read in batches, each in a thread of the pool, one after the other.
        connect = partial(sqlite3.connect, check_same_thread=False)
        with closing(connect(uri, uri=True, timeout=10)) as base:
            base.text_factory = _decoded
            base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, CELL_MAX_BYTES)
            base.execute("PRAGMA trusted_schema = OFF")
            base.execute("PRAGMA query_only = ON")
            _check_whole(base, path)
            yield base
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter in a damaged schema
        problem = f"cannot be read ({error})"
        raise unreadable(path, problem, "Stop what uses it, or copy it with that.") from None


def _check_whole(base: sqlite3.Connection, path: Path) -> None:
    """Check that the file has all its pages; SQLite reads the rest of one that was cut as zeros.

    Raises:
        sqlite3.DatabaseError: It has fewer, and no log holds the others.
    """
    [(pages,)], [(size,)] = (base.execute(f"PRAGMA page_{name}") for name in ("count", "size"))
    if path.stat().st_size < pages * size and not path.with_name(f"{path.name}-wal").exists():
        message = "it was cut short"
        raise sqlite3.DatabaseError(message)


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def columns(base: sqlite3.Connection, table: str) -> frozenset[str]:
    """The columns of a table; none if there is no plain table of this name.

    A view or a virtual table of it would run what the file's author wrote.
    """
    where = "type = 'table' AND name = ? AND rootpage > 0"
    if not base.execute(f"SELECT 1 FROM sqlite_master WHERE {where}", (table,)).fetchone():
        return frozenset()
    # `hidden` is 2 or 3 for a generated column.
    rows = base.execute("SELECT name, hidden FROM pragma_table_xinfo(?)", (table,))
    return frozenset(name for name, hidden in rows if not hidden)


def table_has(path: Path, table: str, *names: str) -> bool:
    """Whether a file is a database with a plain table that has these columns."""
    if not is_database(path):
        return False
    try:
        with opened_database(path) as base:
            return columns(base, table) >= set(names)
    except InvalidArgumentError:
        return False
