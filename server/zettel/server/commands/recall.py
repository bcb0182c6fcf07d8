"""`zettel recall`: the answer an agent would get, for a person, with the reasons."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.output import Line, Output, block, line
from zettel.server.commands.short_ids import short_ids
from zettel.server.engine.ipc.handshake import Json

if TYPE_CHECKING:
    from zettel.tools.answers import RecalledNote
    from zettel.tools.views.listing import StoredNote
    from zettel.tools.views.notes import SearchView

RECALL_MAX_TOKENS = 32_000
"""Size of the answer: the tool's most, since a person reads only as far as need be."""
RANK_INDENT = 5
"""Characters of a rank with what is behind it."""


_CALL_OF_THEN = re.compile(r'recall\(.*as_of="(?P<then>[^"]+)"\)')
"""The call that a reason names to an agent for what was so before."""


def recall_output(call: MemoryCall, *, explain: bool, **asked: Json) -> Output:
    """Ask, and print: the verdict, then each note whole, then each signal's part if asked for.

    With `explain`, each signal's part is shown; `asked` is as recall takes it, None for absent.

    Raises:
        ZettelError: An argument cannot be used, or the store cannot be read.
    """
    detail = "full" if explain else "notes"
    view = call("search", **asked, detail=detail, max_tokens=RECALL_MAX_TOKENS)
    answer = cast("SearchView", view)["answer"]
    notes, short = answer["notes"], short_ids(call, _named(answer["notes"]))
    verdict = answer["verdict"].replace("_", " ")
    reason = _CALL_OF_THEN.sub(r"the same command with --as-of \g<then>", answer.get("reason", ""))
    head = (verdict, reason, answer.get("degraded", ""))
    lines = [line((": ".join(filter(None, head)), "strong"))]
    for rank, note in enumerate(notes, 1):
        lines += _note(rank, note, _whole(call, note), short)
    if table := _table(notes):
        lines += [line(), *table]
    if "omitted" in answer:
        lines += [line(), line(f"{answer['omitted']['count']} more: raise --limit.")]
    return Output.of(answer, lines)


def _named(notes: Sequence["RecalledNote"]) -> list[str]:
    """The ids that are printed with these notes."""
    return [
        note_id
        for note in notes
        for note_id in (
            note["note_id"],
            *note.get("contradicts", ()),
            *(copy["note_id"] for copy in note.get("also", ())),
        )
    ]


def _whole(call: MemoryCall, note: "RecalledNote") -> str:
    """The content, of which an answer quotes a part where it is long."""
    if not note.get("excerpt"):
        return note.get("content", "")
    stored = cast("StoredNote", call("note", note_id=note["note_id"]))
    return str(stored["note"].get("content", ""))


def _note(rank: int, note: "RecalledNote", content: str, short: Mapping[str, str]) -> list[Line]:
    who = f"{note['subject']}: " if "subject" in note else ""
    day = note.get("happened_at", "")[:10]
    lead = line(
        f"{rank:>3}  ",
        (short[note["note_id"]], "id"),
        (f"  {day}  ", "faint"),
        (f"({note['state']}) " if "state" in note else "", "removed"),
        (who, "strong"),
        indent=RANK_INDENT,
    )
    marks = [f"contradicts {short[i]}" for i in note.get("contradicts", ())]
    marks += [f"also told as {short[copy['note_id']]}" for copy in note.get("also", ())]
    marks += note.get("marks", ())
    tail = [line(" " * RANK_INDENT, (f"[{', '.join(marks)}]", "faint"), indent=RANK_INDENT)]
    lines = [*block(content, lead), *(tail if marks else ())]
    if premise := note.get("premise"):
        indented = (" " * RANK_INDENT + premise, "faint")
        lines.append(line(indented, indent=RANK_INDENT))
    return lines


def _table(notes: Sequence["RecalledNote"]) -> list[Line]:
    """One row per note and one column per signal, the signal with the largest share first."""
    parts: list[Mapping[str, float]] = [note.get("signals", {}) for note in notes]
    sums = dict[str, float]()
    for shares in parts:
        for name, share in shares.items():
            sums[name] = sums.get(name, 0.0) + abs(share)
    names = sorted(sums, key=lambda name: (-sums[name], name))
    if not names:
        return []
    widths = [max(len(name), 6) for name in names]
    headed = zip(names, widths, strict=True)
    table = [line("     score  " + "  ".join(f"{name:>{width}}" for name, width in headed))]
    for rank, (note, shares) in enumerate(zip(notes, parts, strict=True), 1):
        cells = (
            f"{shares[name]:>{width}.3f}" if name in shares else " " * width
            for name, width in zip(names, widths, strict=True)
        )
        row = f"{rank:>3}  {note.get('score', 0.0):>5.3f}  {'  '.join(cells)}".rstrip()
        table.append(line(row))
    return table
