"""An export as GraphML (graphml.graphdrawing.org): notes are nodes, links are edges.

Written as it is read, since a document tree of 100,000 notes would take gigabytes.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownParameterType=false
# pyright: reportUnknownArgumentType=false
# (pyarrow ships no types)

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar
from xml.sax.saxutils import escape

import pyarrow as pa

from zettel.storage.backup.manifest import NOTES
from zettel.storage.lance.rows import read_notes
from zettel.storage.notes import Link, Note

LABEL_MAX_CHARACTERS = 80
"""Of a node's label: the beginning of the note's first line."""
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write (section 2.2)."""
_REPLACEMENT = "\ufffd"

_T = TypeVar("_T")
_Attribute = tuple[str, str, Callable[[_T], object]]
"""Name, type in GraphML, and the value of a note or a link; None is left out."""


def label_of(note: Note) -> str:
    """The beginning of a note's first line."""
    first = next((line for line in note.content.splitlines() if line.strip()), "")
    return " ".join(first.split())[:LABEL_MAX_CHARACTERS]


def _joined(values: Sequence[str]) -> str:
    return ", ".join(values)


NODE_ATTRIBUTES: tuple[_Attribute[Note], ...] = (
    ("label", "string", label_of),
    ("content", "string", lambda note: note.content),
    ("namespace", "string", lambda note: note.namespace),
    ("kind", "string", lambda note: note.kind.value),
    ("state", "string", lambda note: note.state.value),
    ("subject", "string", lambda note: note.subject),
    ("tags", "string", lambda note: _joined(note.tags)),
    ("keywords", "string", lambda note: _joined(note.keywords)),
    ("entities", "string", lambda note: _joined(note.entities)),
    ("context", "string", lambda note: note.context),
    ("summary", "string", lambda note: note.summary),
    ("session", "string", lambda note: note.session),
    ("source", "string", lambda note: note.source),
    ("rev", "int", lambda note: note.rev),
    ("importance", "double", lambda note: note.importance),
    ("trust", "double", lambda note: note.trust),
    ("happened_at", "string", lambda note: note.happened_at),
    ("valid_from", "string", lambda note: note.valid_from),
    ("valid_until", "string", lambda note: note.valid_until),
    ("known_from", "string", lambda note: note.known_from),
)
EDGE_ATTRIBUTES: tuple[_Attribute[Link], ...] = (
    ("relation", "string", lambda link: link.relation),
    # Gephi shows an edge's `label`.
    ("label", "string", lambda link: link.relation),
    ("weight", "double", lambda link: link.weight),
    ("reason", "string", lambda link: link.reason),
    ("made_by", "string", lambda link: link.made_by),
    ("made_at", "string", lambda link: link.made_at),
)


class GraphMlSink:
    """Writes notes as nodes, and the links that stand between them as edges."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self._edges = TemporaryFile()
        self._nodes = set[str]()
        self._links = 0
        self._write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._write('<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n')
        for owner, attributes in (("node", NODE_ATTRIBUTES), ("edge", EDGE_ATTRIBUTES)):
            for name, kind, _ in attributes:
                self._write(
                    f'<key id="{owner}.{name}" for="{owner}" attr.name="{name}"'
                    f' attr.type="{kind}"/>\n'
                )
        self._write('<graph id="zettel" edgedefault="directed">\n')

    def add_rows(self, table: str, rows: pa.Table) -> None:
        """Write the nodes, and keep the edges for later."""
        for note in read_notes(rows) if table == NOTES else ():
            self._nodes.add(note.note_id)
            data = _data("node", NODE_ATTRIBUTES, note)
            self._write(f'<node id="{note.note_id}">{data}</node>\n')
            for link in note.links:
                if link.stood(None):
                    data = _data("edge", EDGE_ATTRIBUTES, link).replace("\n", "&#10;")
                    edge = f'<edge source="{note.note_id}" target="{link.to}">{data}</edge>\n'
                    self._edges.write(f"{link.to}\t{edge}".encode())

    def add_erasures(self, lines: bytes) -> None:
        """Leave the ledger out: it is for restoring alone."""

    def finish(self) -> Mapping[str, int]:
        """Write the edges between written nodes; returns the numbers of nodes and edges."""
        self._edges.seek(0)
        for line in self._edges:
            target, _, edge = line.partition(b"\t")
            if target.decode() in self._nodes:
                self._raw.write(edge)
                self._links += 1
        self._write("</graph>\n</graphml>\n")
        return {"node": len(self._nodes), "edge": self._links}

    def close(self) -> None:
        """Remove the edges that were kept."""
        self._edges.close()

    def _write(self, text: str) -> None:
        self._raw.write(text.encode())


def _data(owner: str, attributes: Iterable[_Attribute[_T]], value: _T) -> str:
    found = ((name, read(value)) for name, _, read in attributes)
    return "".join(
        f'<data key="{owner}.{name}">{_xml(each)}</data>'
        for name, each in found
        if each is not None and each != ""
    )


def _xml(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return escape(_NOT_IN_XML.sub(_REPLACEMENT, text), {"\r": "&#13;"})
