"""The library that consolidation needs beside Zettel's own."""

from importlib.util import find_spec

from zettel.storage.errors import ExtraMissingError

CLUSTERING_LIBRARY = "sklearn"
"""scikit-learn, which clusters notes into concepts: the extra `consolidate`."""


def check_clustering() -> None:
    """Check that it is installed.

    Raises:
        ExtraMissingError: It is not.
    """
    if find_spec(CLUSTERING_LIBRARY) is None:
        raise ExtraMissingError("consolidate", "the consolidation of notes (ZETTEL_CONSOLIDATE)")
