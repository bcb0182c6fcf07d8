"""Places the notes of a graph in the plane; the template draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import hypot
from typing import TYPE_CHECKING

from zettel.tools.render import shorten

if TYPE_CHECKING:
    from zettel.tools.views.graph import GraphFrame, GraphLink, GraphNote, GraphView

WIDTH, HEIGHT = 1000, 700
MARGIN_ACROSS, MARGIN_DOWN = 105, 45
"""Of the drawing, in its own units; a note's name is some 190 wide, below its middle."""
LAYOUT_ROUNDS = 80
"""Of Fruchterman and Reingold's algorithm; networkx's default is 50, at which lines still cross."""
LAYOUT_SEED = 7
"""Any: the same notes are always at the same places."""
NODE_NAME_CHARACTERS = 26
NODE_RADIUS, MIDDLE_RADIUS = 9.0, 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnNote:
    """A note with its place."""

    note: "GraphNote"
    x: float
    y: float
    radius: float
    name: str
    """Its first words."""
    level: int
    """Of its strength, 0 to 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnLink:
    """A link with its ends, at the rims of the notes."""

    link: "GraphLink"
    x1: float
    y1: float
    x2: float
    y2: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A graph to draw."""

    notes: Sequence[DrawnNote]
    links: Sequence[DrawnLink]
    width: int = WIDTH
    height: int = HEIGHT


def draw(view: "GraphView") -> Drawing:
    """Place the notes that are shown; those that are there now have the places they have now."""
    places = _places(view["current"], {})
    if view["shown"] != view["current"]:
        kept = {n["note_id"] for n in view["shown"]["notes"]} & places.keys()
        places = _places(view["shown"], {note_id: places[note_id] for note_id in kept})
    notes = [_drawn(note, places[note["note_id"]]) for note in view["shown"]["notes"]]
    by_id = {drawn.note["note_id"]: drawn for drawn in notes}
    links = [
        _line(link, by_id[link["source"]], by_id[link["target"]])
        for link in view["shown"]["links"]
        if link["source"] in by_id and link["target"] in by_id
    ]
    return Drawing(notes=notes, links=links)


def _places(
    frame: "GraphFrame", fixed: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Note id -> place in the drawing."""
    # Imported with the first graph: it takes a third of a second.
    import networkx as nx  # noqa: PLC0415

    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(note["note_id"] for note in frame["notes"])
    for link in frame["links"]:
        graph.add_edge(link["source"], link["target"], weight=0.2 + link["weight"])
    if len(fixed) == len(frame["notes"]):
        return dict(fixed)
    # Far enough apart for their names.
    apart = 2.2 / max(len(frame["notes"]), 1) ** 0.5
    found = nx.spring_layout(
        graph,
        k=apart,
        seed=LAYOUT_SEED,
        iterations=LAYOUT_ROUNDS,
        pos={name: _to_unit(place) for name, place in fixed.items()} or None,
        fixed=list(fixed) or None,
    )
    if fixed:
        return {str(name): _within(_from_unit(*place)) for name, place in found.items()}
    return _filling({str(name): (float(x), float(y)) for name, (x, y) in found.items()})


def _filling(found: Mapping[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
    """Stretch the places over the whole drawing."""
    if not found:
        return {}
    xs, ys = [x for x, _ in found.values()], [y for _, y in found.values()]
    left, top = min(xs), min(ys)
    wide, high = (max(xs) - left) or 1.0, (max(ys) - top) or 1.0
    if len(found) == 1:
        return dict.fromkeys(found, (WIDTH / 2, HEIGHT / 2))
    return {
        name: (
            MARGIN_ACROSS + (x - left) / wide * (WIDTH - 2 * MARGIN_ACROSS),
            MARGIN_DOWN + (y - top) / high * (HEIGHT - 2 * MARGIN_DOWN),
        )
        for name, (x, y) in found.items()
    }


def _to_unit(place: tuple[float, float]) -> tuple[float, float]:
    return (2 * place[0] / WIDTH - 1, 2 * place[1] / HEIGHT - 1)


def _from_unit(x: float, y: float) -> tuple[float, float]:
    return ((x + 1) / 2 * WIDTH, (y + 1) / 2 * HEIGHT)


def _within(place: tuple[float, float]) -> tuple[float, float]:
    return (
        min(max(place[0], MARGIN_ACROSS), WIDTH - MARGIN_ACROSS),
        min(max(place[1], MARGIN_DOWN), HEIGHT - MARGIN_DOWN),
    )


def _drawn(note: "GraphNote", place: tuple[float, float]) -> DrawnNote:
    words = note["line"].partition(" ")[2].removeprefix(f"{note['subject']}: ")
    return DrawnNote(
        note=note,
        x=round(place[0], 1),
        y=round(place[1], 1),
        radius=NODE_RADIUS if note["distance"] else MIDDLE_RADIUS,
        name=shorten(words, NODE_NAME_CHARACTERS),
        level=min(int(note["strength"] * 5), 4),
    )


def _line(link: "GraphLink", start: DrawnNote, end: DrawnNote) -> DrawnLink:
    wide, high = end.x - start.x, end.y - start.y
    length = hypot(wide, high) or 1.0
    across, down = wide / length, high / length
    return DrawnLink(
        link=link,
        x1=round(start.x + across * start.radius, 1),
        y1=round(start.y + down * start.radius, 1),
        x2=round(end.x - across * (end.radius + 3), 1),
        y2=round(end.y - down * (end.radius + 3), 1),
        width=round(0.8 + 2.2 * link["weight"], 2),
    )
