"""What a run did to the notes, note by note, for people's eyes and other programs' pipes."""

from collections.abc import Iterable

from zettel.server.commands.diffs import differences, printable
from zettel.tools.changes.run_changes import Touched
from zettel.tools.render import one_line


def notes_as_json(touched: Iterable[Touched]) -> list[dict[str, object]]:
    """One object a note: which steps, and field name -> what changed."""
    return [
        {
            "note_id": entry.after.note_id,
            "line": one_line(entry.after),
            "steps": list(entry.steps),
            "created": entry.before is None,
            "changed": {
                difference.name: difference.as_json()
                for difference in differences(entry.before, entry.after)
            },
        }
        for entry in touched
    ]


def notes_as_lines(touched: Iterable[Touched]) -> list[str]:
    """A heading a note, below it a line a changed field."""
    lines = list[str]()
    for entry in touched:
        steps = ", ".join(dict.fromkeys(entry.steps))
        lines += [f"{entry.after.note_id}  {printable(one_line(entry.after))}  ({steps})"]
        lines += [
            f"  {difference.as_line()}" for difference in differences(entry.before, entry.after)
        ]
    return lines
