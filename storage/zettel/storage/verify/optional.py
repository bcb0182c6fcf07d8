"""The scan, once pylance is there, which only those need who want to verify an erasure."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from zettel.storage.errors import ExtraMissingError
from zettel.storage.verify.report import ErasureQuery, Tell, VerifyReport, silent


class Scan(Protocol):
    """`zettel.storage.verify.scan.scan`."""

    def __call__(
        self,
        directory: Path,
        wanted: ErasureQuery,
        *,
        beside: Sequence[Path] = (),
        tell: Tell = silent,
    ) -> VerifyReport:
        """Look for something in every file of a store's directory."""
        ...


def load_scan() -> Scan:
    """Import the scan, which takes a second.

    Raises:
        ExtraMissingError: pylance is not installed.
    """
    require_extra()
    from zettel.storage.verify.scan import scan  # noqa: PLC0415  needs the extra

    return scan


def load_stored_model(directory: Path) -> str:
    """The embedding model that a store's vectors are of; empty if that cannot be read.

    Raises:
        ExtraMissingError: pylance is not installed.
    """
    require_extra()
    from zettel.storage.verify.lance_reader import stored_model  # noqa: PLC0415  needs the extra

    return stored_model(directory)


def require_extra() -> None:
    """Make sure that pylance is installed.

    Raises:
        ExtraMissingError: It is not.
    """
    if find_spec("lance") is None:
        raise ExtraMissingError("verify", "decoding a store's files")
