"""How well rules read cause, support and contradiction: pairs of sentences, labelled by hand.

Half of each relation's pairs are look-alikes that do not stand in it. The sentences are ours; the
rules were mended with the pairs at even places in view, those at odd places were not looked at.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from zettel.storage.notes import CAUSED_BY, SUPPORTS, Note
from zettel.tools.changes.conflicts import find_conflict
from zettel.tools.language.facts import find_statements
from zettel.tools.language.link_cues import find_cue

FILE = Path(__file__).parent / "cues.json"
TOLD = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)

Pair = tuple[str, str, bool]
"""The earlier note, the later one, and whether the later one stands so to the earlier."""
_pairs = TypeAdapter(dict[str, list[Pair]])


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """How a rule read some pairs."""

    relation: str
    pairs: int
    true: int
    """Pairs that stand in the relation."""
    found: int
    """Of those, the ones the rule found."""
    wrong: tuple[Pair, ...]
    """Pairs it found that do not."""
    missed: tuple[Pair, ...]

    @property
    def precision(self) -> float:
        """Share of the pairs it found that are right; 1 if it found none."""
        return self.found / max(self.found + len(self.wrong), 1) if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of the right pairs that it found."""
        return self.found / max(self.true, 1)


def read_pairs() -> dict[str, list[Pair]]:
    """Relation -> its labelled pairs."""
    return _pairs.validate_python(json.loads(FILE.read_text(encoding="utf-8")))


def measure_cues(relation: str, pairs: Sequence[Pair]) -> Read:
    """Have the rule of a relation read pairs: each two notes told one after the other."""
    found = [pair for pair in pairs if _stands(relation, pair[0], pair[1])]
    right = [pair for pair in found if pair[2]]
    return Read(
        relation=relation,
        pairs=len(pairs),
        true=sum(pair[2] for pair in pairs),
        found=len(right),
        wrong=tuple(pair for pair in found if not pair[2]),
        missed=tuple(pair for pair in pairs if pair[2] and pair not in found),
    )


def _stands(relation: str, earlier: str, later: str) -> bool:
    if relation == "contradiction":
        older, younger = _note(earlier, 0), _note(later, 1)
        return (
            find_conflict(younger, older, find_statements(younger), find_statements(older))
            is not None
        )
    read = find_cue(later, earlier, follows=True)
    return read is not None and read.relation == {"cause": CAUSED_BY, "support": SUPPORTS}[relation]


def _note(content: str, day: int) -> Note:
    at = TOLD + timedelta(days=day)
    return Note(
        note_id=f"{day}",
        namespace="cues",
        content=content,
        happened_at=at,
        valid_from=at,
        known_from=at,
    )


def write_cues() -> str:
    """A table of precision and recall, all pairs and those nobody looked at."""
    lines = ["| relation | pairs | precision | recall | odd places: precision | recall |"]
    lines += ["|---|---:|---:|---:|---:|---:|"]
    for relation, pairs in read_pairs().items():
        whole, unseen = measure_cues(relation, pairs), measure_cues(relation, pairs[1::2])
        cells = (whole.precision, whole.recall, unseen.precision, unseen.recall)
        shown = " | ".join(f"{100 * cell:.0f} %" for cell in cells)
        lines.append(f"| {relation} | {whole.pairs} | {shown} |")
    return "\n".join([*lines, ""])
