"""`zettel graph` and `zettel stats`: what is around a note, and what there is."""

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, cast

from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.output import Line, Output, line, number_of
from zettel.server.commands.short_ids import meant_ids, short_ids
from zettel.storage.errors import InvalidArgumentError, NoteNotFoundError

if TYPE_CHECKING:
    from zettel.tools.recall.resources import Stats
    from zettel.tools.views.graph import GraphFrame, GraphLink, GraphView
    from zettel.tools.views.notes import NamespacesView

EVERY_NAMESPACE = "*"
LEVEL_INDENT = 2
COUNTED_SHOWN = 10
"""Commonest subjects and tags that are printed."""


def graph_output(
    call: MemoryCall,
    around: Literal["note", "subject", "session", "query"],
    name: str,
    namespace: str,
) -> Output:
    """The notes around something as a tree: each below the one that leads to it.

    `name` is a note's id, or the subject, session or question. What is no id is a subject.
    `namespace` is where the latter three are looked for; a note is itself in whichever it is.

    Raises:
        ZettelError: There is no such note, or the name cannot be used.
    """
    view = (
        _around_note(call, name, namespace)
        if around == "note"
        else _around(call, around, name, namespace)
    )
    short = short_ids(call, [note["note_id"] for note in view["shown"]["notes"]])
    lines = _tree(view["shown"], short)
    if not lines:
        lines.append(line(f"Nothing is stored about {name!r}."))
    if view["left_out"]:
        lines.append(line("There are more notes around these than are shown."))
    return Output.of(view["shown"], lines)


def _around(call: MemoryCall, around: str, name: str, namespace: str) -> "GraphView":
    return cast("GraphView", call("graph", around=around, name=name, namespace=namespace))


def _around_note(call: MemoryCall, name: str, namespace: str) -> "GraphView":
    """What is around a note, or around whom the name is of if it is no id.

    Raises:
        ZettelError: It is neither.
    """
    try:
        (note_id,) = meant_ids(call, [name])
    except (NoteNotFoundError, InvalidArgumentError):
        view = _around(call, "subject", name, namespace)
        if view["shown"]["notes"]:
            return view
        raise
    return _around(call, "note", note_id, EVERY_NAMESPACE)


def _tree(frame: "GraphFrame", short: Mapping[str, str]) -> list[Line]:
    notes = {note["note_id"]: note for note in frame["notes"]}
    links = defaultdict[str, list["GraphLink"]](list)
    for link in frame["links"]:
        links[link["source"]].append(link)
        links[link["target"]].append(link)
    lines = list[Line]()
    middle = [note_id for note_id, note in notes.items() if not note["distance"]]
    seen = {*middle}

    def add(note_id: str, depth: int, lead: str) -> None:
        words = (short[note_id], "id"), f"  {notes[note_id]['line']}"
        indent = LEVEL_INDENT * depth
        lines.append(line(" " * indent, (lead, "faint"), *words, indent=indent + 4))
        below = list[tuple[str, str]]()
        for link in links[note_id]:
            forth = link["source"] == note_id
            other = link["target"] if forth else link["source"]
            further = notes[other]["distance"] == notes[note_id]["distance"] + 1
            if further and other not in seen:
                seen.add(other)
                relation = f"{link['relation']} -> " if forth else f"<- {link['relation']} "
                below.append((other, relation))
        for other, relation in below:
            add(other, depth + 1, relation)

    for note_id in middle:
        add(note_id, 0, "")
    return lines


def stats_output(call: MemoryCall) -> Output:
    """Counts: notes by namespace and kind, the commonest subjects and tags, what waits."""
    stats = cast("Stats", call("stats"))
    sizes = cast("NamespacesView", call("namespaces"))
    every = sum(each["notes"] for each in sizes["namespaces"])
    others = sum(each["others"] for each in sizes["namespaces"])
    size = sum(each.get("text_bytes", 0) for each in sizes["namespaces"])
    # The default namespace is among them before it has a note.
    used = [each for each in sizes["namespaces"] if each["notes"] or each["others"]]
    rows = {
        "notes": f"{every:,} in {number_of(len(used), 'namespace')}, and {others:,}"
        " superseded, archived or forgotten",
        "text": f"{size:,} bytes with all revisions",
        "without vectors": f"{sizes['waiting']:,}",
        "to settle": f"{sizes['questions']:,}  (zettel review)" if sizes["questions"] else "none",
        "namespaces": _counted({each["name"]: each["notes"] for each in sizes["namespaces"]}),
        "here": f"{stats['namespace']}, and what is searched along with it:",
        "  kinds": _counted(stats["kinds"]),
        "  subjects": _counted(stats["subjects"]),
        "  tags": _counted(stats["tags"]),
    }
    width = max(map(len, rows))
    lines = [
        line((f"{name:<{width}}  ", "faint"), text, indent=width + 2)
        for name, text in rows.items()
        if text
    ]
    return Output.of({**stats, "store": sizes}, lines)


def _counted(counts: Mapping[str, int]) -> str:
    most = sorted(counts.items(), key=lambda item: -item[1])
    more = f", and {len(most) - COUNTED_SHOWN} more" if len(most) > COUNTED_SHOWN else ""
    return ", ".join(f"{name} {count:,}" for name, count in most[:COUNTED_SHOWN]) + more
