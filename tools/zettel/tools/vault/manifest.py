"""What a folder of notes knows of its files, and safe access to them.

Nothing that a note or a file says names a place outside the folder, and no link of the file system
is followed inside it.
"""

import os
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from zettel.storage.errors import ZettelError
from zettel.storage.ids import is_id

VAULT_FILE = ".zettel-vault.json"
VAULT_VERSION = 1
FILE_MAX_BYTES = 1 << 20
"""Of a file that is read: the longest document has 131,072 characters."""
_SUFFIX = ".md"
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
"""How a file is opened: a link is not followed, and a pipe is not waited for."""


class VaultError(ZettelError, ValueError):
    """A folder cannot be used as a folder of notes; the person can act."""

    def __init__(self, folder: Path, problem: str, remedy: str) -> None:
        self.folder = folder
        super().__init__(f"{str(folder)!r} {problem}. {remedy}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFile:
    """A file as it was when store and folder agreed on it."""

    id: str
    rev: int
    sha256: str
    """Hex, of its bytes; empty if it has to be read again."""
    whole: str = ""
    """SHA-256 in hex of a text that is too long for one note, of which `id` is the first."""


@dataclass(slots=True, kw_only=True)
class VaultManifest:
    """The hidden file of a folder of notes."""

    format: Literal["zettel-vault"] = "zettel-vault"
    version: int = VAULT_VERSION
    store: str
    """Directory or URI."""
    namespaces: tuple[str, ...] = ()
    """Those it shows; empty for all."""
    files: dict[str, KnownFile] = field(default_factory=dict[str, KnownFile])
    """By path in the folder, with `/`."""


_MANIFESTS = TypeAdapter(VaultManifest)


class Vault:
    """The files of a folder of notes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def exists(self) -> bool:
        """Whether it is a folder of notes."""
        return (self.folder / VAULT_FILE).is_file()

    def read_manifest(self) -> VaultManifest:
        """What the folder knows of its files.

        Raises:
            VaultError: There is no manifest, or it is unusable.
        """
        remedy = "Export into a new folder: zettel export DIR --format markdown."
        try:
            found = _MANIFESTS.validate_json((self.folder / VAULT_FILE).read_bytes())
        except FileNotFoundError:
            raise VaultError(self.folder, f"has no {VAULT_FILE}", remedy) from None
        except (OSError, ValidationError) as error:
            problem = f"has a {VAULT_FILE} that cannot be read ({type(error).__name__})"
            raise VaultError(self.folder, problem, remedy) from None
        if found.version > VAULT_VERSION:
            raise VaultError(self.folder, "was written by a newer Zettel", "Upgrade zettel-mcp.")
        if not all(is_safe(path) and is_id(known.id) for path, known in found.files.items()):
            raise VaultError(self.folder, f"has a {VAULT_FILE} that names other places", remedy)
        return found

    def write_manifest(self, manifest: VaultManifest) -> None:
        """Replace the manifest.

        Raises:
            VaultError: It cannot be written.
        """
        self._replace(self.folder / VAULT_FILE, _MANIFESTS.dump_json(manifest, indent=0))

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None if there is none.

        Raises:
            VaultError: It is too large, or no plain file.
        """
        file = self._file(path)
        try:
            descriptor = os.open(file, _READ)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise VaultError(file, f"cannot be read: {error.strerror}", "Move it away.") from None
        with open(descriptor, "rb") as raw:
            found = raw.read(FILE_MAX_BYTES + 1)
        if len(found) > FILE_MAX_BYTES:
            problem = f"has more than {FILE_MAX_BYTES:,} bytes"
            raise VaultError(file, problem, "Split it into several files.")
        return found

    def write(self, path: str, content: bytes) -> None:
        """Create or replace a file, readable by its owner alone.

        Raises:
            VaultError: It cannot be written.
        """
        self._replace(self._file(path), content)

    def remove(self, path: str) -> None:
        """Remove a file, and its folder if nothing else is there."""
        file = self._file(path)
        with suppress(FileNotFoundError):
            file.unlink()
        if file.parent != self.folder:
            with suppress(OSError):
                file.parent.rmdir()

    def scan(self) -> Iterator[tuple[str, os.stat_result]]:
        """Paths of all Markdown files, in order; hidden folders and links are left out."""
        for place, folders, names in os.walk(self.folder):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in sorted(names):
                file = Path(place, name)
                if not name.endswith(_SUFFIX) or name.startswith("."):
                    continue
                with suppress(FileNotFoundError):
                    found = file.lstat()
                    if stat.S_ISREG(found.st_mode):
                        yield file.relative_to(self.folder).as_posix(), found

    def _file(self, path: str) -> Path:
        file = self.folder / path
        if not is_safe(path) or any(
            folder.is_symlink()
            for folder in file.parents
            if folder.is_relative_to(self.folder) and folder != self.folder
        ):
            remedy = "Take the link of the file system away."
            raise VaultError(self.folder, f"has no place {path[:200]!r} of its own", remedy)
        return file

    def _replace(self, file: Path, content: bytes) -> None:
        draft = file.with_name(f".{secrets.token_hex(8)}.part")
        try:
            file.parent.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as raw:
                raw.write(content)
            os.replace(draft, file)
        except OSError as error:
            problem = f"cannot be written: {error.strerror}"
            raise VaultError(file, problem, "Make it writable, with space on its disk.") from None
        finally:
            with suppress(FileNotFoundError):
                draft.unlink()


def is_safe(path: str) -> bool:
    """Whether a path names a Markdown file inside the folder."""
    parts = PurePosixPath(path).parts
    return (
        path.endswith(_SUFFIX)
        and "\0" not in path
        and "\\" not in path
        and not path.startswith("/")
        and all(part not in ("..", ".") for part in parts)
        and PurePosixPath(path).as_posix() == path
    )


def digest_of_file(content: bytes) -> str:
    """The SHA-256 of a file, in hex."""
    return sha256(content).hexdigest()


def paths_by_id(files: Mapping[str, KnownFile]) -> dict[str, str]:
    """Note id -> path."""
    return {known.id: path for path, known in files.items()}
