"""Reading and writing configuration files."""

import os
import shutil
import tempfile
from pathlib import Path


def replace_file(file: Path, text: str, *, keep_mode: bool = False) -> None:
    """Write a file whole or not at all.

    A link stays one. A file is readable by its owner alone then, and so are the folders that are
    made for it.

    With `keep_mode`, a file that is there keeps its permissions.

    Raises:
        OSError: It cannot be written.
        UnicodeEncodeError: The text has half a surrogate pair.
    """
    target = file.resolve()
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, written = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as opened:
            opened.write(text)
        if keep_mode and target.exists():
            shutil.copymode(target, written)
        os.replace(written, target)
    except BaseException:
        os.unlink(written)
        raise


def read_toml(file: Path) -> bytes:
    """Read a TOML file, which `TOML_ENCODING` decodes.

    Raises:
        OSError: It cannot be read, or is a pipe, a directory, or a device but the empty one.
    """
    if file.exists() and not (file.is_file() or file.resolve() == Path(os.devnull)):
        raise OSError("it is no file")
    return file.read_bytes()


TOML_ENCODING = "utf-8-sig"
"""With the byte order mark that some editors write first."""
