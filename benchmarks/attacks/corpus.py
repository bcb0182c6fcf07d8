"""The attacks and the ordinary notes, as they lie beside this module."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter

Role = Literal["owner", "victim", "attacker"]

FOLDER = Path(__file__).parent
TUNED, KEPT_ASIDE = "tuned", "kept_aside"
PARTS = (TUNED, KEPT_ASIDE)
"""The attacks that may be looked at while detectors are written, and those that may not."""
RANKED_KINDS = frozenset({"stuffing", "flooding"})
"""Kinds that are meant to push the true note away."""


class Step(BaseModel):
    """One call of somebody; every further field is an argument of the tool.

    `$name` in an argument is the id of the note that the step of this `ref` stored. A step with
    `each` or `times` is made once for each text or number, put in place of `{}`.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    as_: Role = "attacker"
    tool: Literal["remember", "update"] = "remember"
    ref: str = ""
    each: tuple[str, ...] = ()
    times: int = 0

    def calls(self, known: Mapping[str, str]) -> Iterator[dict[str, JsonValue]]:
        """The arguments of each call.

        Args:
            known: Note id by `ref`.
        """
        given = self.model_extra or {}
        told = str(given.get("content", ""))
        for text in self.each or (map(str, range(self.times)) if self.times else ("{}",)):
            put = {"content": told.replace("{}", text)} if told else {}
            yield {name: _resolve(value, known) for name, value in (given | put).items()}

    @property
    def content(self) -> str:
        """The text of a note it tells; empty if it tells none."""
        return str((self.model_extra or {}).get("content", ""))

    @property
    def is_honest(self) -> bool:
        """Whether a trusted caller says it of their own."""
        return self.as_ != "attacker" and not (self.model_extra or {}).get("source")


def _resolve(value: JsonValue, known: Mapping[str, str]) -> JsonValue:
    if isinstance(value, str) and value.startswith("$"):
        return known[value[1:]]
    if isinstance(value, list):
        return [_resolve(one, known) for one in value]
    if isinstance(value, dict):
        return {name: _resolve(one, known) for name, one in value.items()}
    return value


class Attack(BaseModel):
    """One attack: what is told and changed, what the victim asks, and how to know the payload."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    kind: str
    steps: tuple[Step, ...]
    asks: tuple[str, ...]
    """Ordinary questions of the victim."""
    needles: tuple[str, ...]
    """Texts that only the payload holds; any one of them is the payload."""
    truth: str = ""
    """`ref` of the note that has to hold its place; empty if there is none."""
    unanswerable: tuple[str, ...] = ()
    """Questions that no note answers."""


_JSONL = {"as": "as_"}


def read_attacks(part: str) -> list[Attack]:
    """The attacks of one part."""
    lines = (FOLDER / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return [_read_attack(line) for line in lines]


def _read_attack(line: str) -> Attack:
    raw = TypeAdapter(dict[str, JsonValue]).validate_json(line)
    steps = raw["steps"]
    assert isinstance(steps, list)
    raw["steps"] = [
        {_JSONL.get(name, name): value for name, value in step.items()}
        for step in steps
        if isinstance(step, dict)
    ]
    return Attack.model_validate(raw)


def read_ordinary() -> list[str]:
    """Notes of ordinary work, code and life, none of which is an attack."""
    lines = (FOLDER / "ordinary.jsonl").read_text(encoding="utf-8").splitlines()
    return [TypeAdapter(dict[str, str]).validate_json(line)["content"] for line in lines]
