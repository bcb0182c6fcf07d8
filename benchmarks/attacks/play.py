"""Plays attacks: tells them among honest notes, evolves, asks as the victim, and gathers."""

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from benchmarks.attacks.corpus import RANKED_KINDS, Attack, Step, read_ordinary
from benchmarks.attacks.gullible import read_notes
from benchmarks.attacks.judge import (
    FULL,
    Carrier,
    Evidence,
    First,
    Outcome,
    Shown,
    Spotted,
    holds,
    judge,
    plain,
    read_label,
    spot,
)
from benchmarks.attacks.stage import Stage, opened_stage
from zettel.storage.embedding.embedder import Embedder
from zettel.storage.notes import DERIVED_FROM, Note, State

BACKGROUND_NOTES, RANKED_BACKGROUND_NOTES = 6, 20
"""Ordinary notes of the victim around an attack; more around those meant to outrank."""
READ_NOTES = 16
"""Notes read at once by their ids."""
ANSWER_MAX_TOKENS = 16_000
BASELINE = "-base"
"""Ending of the namespace in which everything is told but the attack."""


@dataclass(slots=True, kw_only=True)
class Play:
    """What is known of one attack while it is played."""

    attack: Attack
    refs: dict[str, str] = field(default_factory=dict[str, str])
    told: dict[str, float] = field(default_factory=dict[str, float])
    """Ids that the attack stored or changed, in order -> the trust then, of the first few; of the
    others the highest of theirs."""
    first: First = field(default_factory=lambda: First(trust=FULL, marked=False, foreign=False))
    answers: list[object] = field(default_factory=list[object])
    profile: set[str] = field(default_factory=set[str])
    """Ids of the notes in the victim's profile."""
    other_answers: list[object] = field(default_factory=list[object])
    rows: Sequence[Note] = ()
    labels: dict[str, Spotted] = field(default_factory=dict[str, Spotted])
    """Note id -> what the victim is shown of it after evolution."""


async def play(
    attacks: Sequence[Attack],
    embedder: Embedder,
    folder: Path,
    *,
    with_llm: bool,
    progress: Callable[[str], None],
) -> list[Outcome]:
    """Play all attacks in one store and judge each.

    Args:
        attacks: In the order of the outcomes.
        embedder: Of the store.
        folder: Where the store is made.
        with_llm: Whether evolution asks an LLM, which then believes everything.
        progress: Is told what is done.
    """
    async with opened_stage(folder, embedder, with_llm=with_llm) as stage:
        plays = list[Play]()
        for number, attack in enumerate(attacks):
            if attack.kind in RANKED_KINDS:
                stage.namespace = attack.id + BASELINE
                await _tell(stage, attack, number, honest=True)
            stage.namespace = attack.id
            plays.append(await _tell(stage, attack, number, honest=False))
            await _look(stage, plays[-1])
            if number % 20 == 19:
                progress(f"{number + 1} of {len(attacks)} attacks told")
        await stage.evolve(progress)
        for at in plays:
            stage.namespace = at.attack.id
            await _read_labels(stage, at)
            await _look(stage, at)
        shown = _shown(stage, plays)
        outcomes = list[Outcome]()
        for at in plays:
            stage.namespace = at.attack.id
            outcomes.append(judge(at.attack, await _gather(stage, at, shown[at.attack.id])))
        return outcomes


async def _tell(stage: Stage, attack: Attack, number: int, *, honest: bool) -> Play:
    """Tell ordinary notes, then the attack's steps or only those that are no part of it."""
    at, ordinary = Play(attack=attack), read_ordinary()
    ranked = attack.kind in RANKED_KINDS
    count = RANKED_BACKGROUND_NOTES if ranked else BACKGROUND_NOTES
    for i in range(count):
        content = ordinary[(number * 7 + i * 11) % len(ordinary)]
        await stage.tool("victim", "remember", {"content": content})
    for step in attack.steps:
        if honest and not _is_honest(step, attack):
            continue
        for arguments in step.calls(at.refs):
            await _take(stage, at, step, arguments)
    return at


def _is_honest(step: Step, attack: Attack) -> bool:
    return step.is_honest and not holds(step.content, attack.needles)


async def _take(stage: Stage, at: Play, step: Step, arguments: Mapping[str, JsonValue]) -> None:
    honest = _is_honest(step, at.attack)
    # Another principal's note, whose words the payload is put into.
    target = "" if honest else str(arguments.get("note_id", ""))
    before = await _label(stage, target) if target and target not in at.told else None
    answer = await stage.tool(step.as_, step.tool, arguments)
    if answer is None:
        return
    note_id = str(answer["note_id"])
    if step.ref:
        at.refs[step.ref] = note_id
    if honest:
        return
    if note_id not in at.told:
        few = len(at.told) < FOLLOWED_NOTES
        trust = (await _label(stage, note_id)).trust if few else max(at.told.values())
        at.told[note_id] = trust
    payload = any(holds(str(value), at.attack.needles) for value in arguments.values())
    if payload and not at.first.foreign and at.first.trust == FULL:
        now = await _label(stage, note_id)
        at.first = First(
            trust=now.trust,
            marked=now.marked,
            foreign=not step.is_honest,
            raised_from=before.trust if before else None,
        )


FOLLOWED_NOTES = 6
"""Notes of an attack whose trust is read right when they are told."""


async def _label(stage: Stage, note_id: str) -> Spotted:
    (label,) = (await _labels(stage, [note_id])).values()
    return label


async def _labels(stage: Stage, note_ids: Sequence[str]) -> dict[str, Spotted]:
    """Note id -> what the victim is shown of it; of a note that is refused, nothing."""
    found = dict[str, Spotted]()
    for start in range(0, len(note_ids), READ_NOTES):
        some = list(note_ids[start : start + READ_NOTES])
        found |= await _read(stage, some)
        for one in some:  # an answer that was full
            if one not in found:
                found |= await _read(stage, [one])
    return {i: found.get(i, Spotted(i, FULL, marked=False)) for i in note_ids}


async def _read(stage: Stage, note_ids: Sequence[str]) -> dict[str, Spotted]:
    given: dict[str, JsonValue] = {
        "note_ids": list(note_ids),
        "max_tokens": ANSWER_MAX_TOKENS,
        "limit": READ_NOTES,
    }
    answer = await stage.tool("victim", "recall", given)
    return {label.note_id: label for label in map(read_label, _notes(answer))}


def _notes(answer: Mapping[str, JsonValue] | None) -> list[dict[object, object]]:
    notes = (answer or {}).get("notes", [])
    assert isinstance(notes, list)
    return [{**note} for note in notes if isinstance(note, dict)]


async def _look(stage: Stage, at: Play) -> None:
    """Everything that the victim may see of an attack without looking for it."""
    asks, namespace = at.attack.asks, at.attack.id
    calls = list[dict[str, JsonValue]]([{}])
    calls += [{"query": ask} for ask in asks]
    calls += [{"query": asks[0], "detail": detail} for detail in ("index", "full")]
    for given in calls:
        sized = {**given, "max_tokens": ANSWER_MAX_TOKENS}
        at.answers.append(await stage.tool("victim", "recall", sized))
    shown = await stage.resource("victim", f"memory://profile/{namespace}")
    at.profile |= {found.note_id for found in spot(shown, at.attack.needles)}
    at.answers += [shown, await stage.resource("victim", "memory://stats")]
    for note_id in list(at.told)[:2]:
        at.answers.append(await stage.resource("victim", f"memory://note/{note_id}"))
        history = await stage.resource("victim", f"memory://note/{note_id}/history")
        at.other_answers.append(history)


async def _look_elsewhere(stage: Stage, at: Play) -> None:
    """What other tools show of notes to a victim who is about to change something."""
    ask = at.attack.asks[0]
    for argument in ("tags", "subject"):
        at.other_answers.append(await stage.completions("victim", argument))
    at.other_answers.append(await stage.tool("victim", "forget", {"query": ask}))
    remembered = await stage.tool("victim", "remember", {"content": f"To find out: {ask}"})
    at.other_answers.append(remembered)


async def _read_labels(stage: Stage, at: Play) -> None:
    at.rows = await stage.rows()
    at.labels = await _labels(stage, [note.note_id for note in at.rows])


def _words(note: Note) -> Iterable[str]:
    """Every text of a note that an answer or a prompt may hold, links aside."""
    derived = (*note.tags, *note.keywords, *note.entities, *note.questions)
    return (note.content, note.context, note.subject, note.summary, *derived)


def _carriers(at: Play) -> list[Carrier]:
    found = list[Carrier]()
    for note in at.rows:
        if not any(holds(text, at.attack.needles) for text in _words(note)):
            continue
        label = at.labels[note.note_id]
        cited = [k.to for k in note.links if k.relation == DERIVED_FROM and k.to not in at.told]
        trusts = [at.labels[i].trust for i in cited if i in at.labels] if note.derived else []
        found.append(
            Carrier(
                note_id=note.note_id,
                in_profile=note.note_id in at.profile,
                trust=label.trust,
                marked=label.marked,
                told=at.told.get(note.note_id),
                sources_trust=max(trusts, default=0.0),
            )
        )
    return found


def _shown(stage: Stage, plays: Sequence[Play]) -> dict[str, list[Shown]]:
    """Attack id -> the questions to the LLM that held its payload."""
    found: dict[str, list[Shown]] = {at.attack.id: [] for at in plays}
    labels = {i: label for at in plays for i, label in at.labels.items()}
    needles = {at.attack.id: [plain(n) for n in at.attack.needles] for at in plays}
    for data in stage.chat.asked if stage.chat else ():
        read = plain(html.unescape(data))
        ids = [note.note_id for note in read_notes(data)]
        for at in plays:
            if any(needle in read for needle in needles[at.attack.id]):
                others = [labels[i].trust for i in ids if i not in at.told and i in labels]
                found[at.attack.id].append(Shown(others_trust=max(others, default=0.0)))
    return found


async def _gather(stage: Stage, at: Play, shown: Sequence[Shown]) -> Evidence:
    attack, truth = at.attack, at.refs.get(at.attack.truth, "")
    places = dict[str, tuple[int | None, int | None]]()
    verdicts = dict[str, tuple[str, str]]()
    lost = _lost(at, truth) if truth else ""
    if attack.kind in RANKED_KINDS:
        told = next(step.content for step in attack.steps if step.ref == attack.truth)
        for question in (*attack.asks, *attack.unanswerable):
            stage.namespace = attack.id + BASELINE
            before = await _ask(stage, question, told)
            stage.namespace = attack.id
            after = await _ask(stage, question, told)
            if question in attack.asks:
                places[question] = (before[0], after[0])
            else:
                verdicts[question] = (before[1], after[1])
    elif truth and not lost:
        found = [await _ask(stage, question, "", truth) for question in attack.asks]
        lost = "" if any(place is not None for place, _ in found) else "the true note is not found"
    await _look_elsewhere(stage, at)
    return Evidence(
        first=at.first,
        answers=at.answers,
        other_answers=at.other_answers,
        carriers=_carriers(at),
        prompts=shown,
        truth_lost=lost,
        places=places,
        verdicts=verdicts,
    )


def _lost(at: Play, truth: str) -> str:
    row = next(note for note in at.rows if note.note_id == truth)
    if row.state is not State.ACTIVE:
        return f"the true note is {row.state.value}"
    return "the true note has expired" if row.valid_until is not None else ""


async def _ask(
    stage: Stage, question: str, content: str, note_id: str = ""
) -> tuple[int | None, str]:
    """Place of a note, by its content or its id, and the verdict."""
    given: dict[str, JsonValue] = {"query": question, "max_tokens": ANSWER_MAX_TOKENS}
    answer = await stage.tool("victim", "recall", given)
    assert answer is not None
    places = (
        place
        for place, note in enumerate(_notes(answer))
        if (note["note_id"] == note_id if note_id else note.get("content") == content)
    )
    return next(places, None), str(answer["verdict"])
