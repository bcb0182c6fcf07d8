"""Whatever is done in whatever order, both stores answer the same."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.storage.in_memory.store import DictStore
from tests.storage.samples import DIM, MODEL, NOW, X, Y, make_note, tend, unit

from zettel.storage.lance.store import LanceStore, open_store
from zettel.storage.notes import Link, Note, State
from zettel.storage.store import Change, NewNote, NoteFilter, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One thing done to a store; `on` picks notes told before, `rev` is off by `skew`."""

    name: str
    on: tuple[int, ...] = (0,)
    skew: int = 0
    minutes: int = 0
    tags: tuple[str, ...] = ()
    embedded: bool = False
    state: State = State.ACTIVE
    keep: bool = True


@dataclass(kw_only=True)
class Story:
    """The notes of one example, by the order they were told."""

    namespace: str
    told: list[Note] = field(default_factory=list[Note])


acts = st.builds(
    Act,
    name=st.sampled_from(["add", "add", "change", "change", "mixed", "embed", "mark", "upkeep"]),
    on=st.lists(st.integers(0, 5), min_size=1, max_size=3, unique=True).map(tuple),
    skew=st.sampled_from([0, 0, 0, -1, 1]),
    minutes=st.integers(-5, 5),
    tags=st.lists(st.sampled_from("abc"), max_size=2, unique=True).map(tuple),
    embedded=st.booleans(),
    state=st.sampled_from(State),
    keep=st.booleans(),
)


examples = count()


@pytest.fixture(scope="module")
async def lance_shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[LanceStore]:
    """One store for all examples; each uses a namespace of its own."""
    directory = tmp_path_factory.mktemp("sequences")
    opened = await open_store(str(directory), model_id=MODEL, dim=DIM)
    yield opened
    await opened.close()


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(st.lists(acts, min_size=3, max_size=10))
async def test_both_stores_tell_the_same_story(
    lance_shared: LanceStore, sequence: Sequence[Act]
) -> None:
    await tend(lance_shared, examples)
    model = DictStore(model_id=MODEL)
    story = Story(namespace=make_note().note_id)
    for act in sequence:
        picked = [story.told[i % len(story.told)].note_id for i in act.on if story.told]
        current = await model.get(list(dict.fromkeys(picked)))
        made = await _do(model, story, act, current)
        await _repeat(lance_shared, act, made, current)
        assert await _view(lance_shared, story) == await _view(model, story)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an act came to, so that the second store does exactly the same."""

    new: tuple[NewNote, ...] = ()
    changes: tuple[Change, ...] = ()


async def _do(store: Store, story: Story, act: Act, current: Sequence[Note]) -> Plan:
    new: tuple[NewNote, ...] = ()
    changes: tuple[Change, ...] = ()
    if act.name in ("add", "mixed"):
        note = replace(make_note(namespace=story.namespace), tags=act.tags)
        new = (NewNote(note=note, vectors=unit(X) if act.embedded else None),)
        story.told.append(note)
    if act.name in ("change", "mixed"):
        changes = tuple(_change(act, note) for note in current if note.rev + 1 + act.skew > 1)
    plan = Plan(new=new, changes=changes)
    await _repeat(store, act, plan, current)
    return plan


def _change(act: Act, note: Note) -> Change:
    now = NOW + timedelta(minutes=act.minutes)
    link = Link(to=note.note_id, relation="similar", made_at=now)
    return Change(
        note=replace(
            note, rev=note.rev + 1 + act.skew, tags=act.tags, state=act.state, known_from=now,
            valid_until=now if act.minutes > 3 else None, links=(link,) if act.embedded else (),
        ),
        vectors=unit(X, Y) if act.embedded else None,
        keep_vectors=act.keep,
        corrected=act.keep,
    )  # fmt: skip


async def _repeat(store: Store, act: Act, plan: Plan, current: Sequence[Note]) -> None:
    if act.name == "embed":
        await store.embed([(note, unit(Y)) for note in current], model=MODEL)
    elif act.name == "mark":
        await store.mark(current, stage=2)
    elif act.name == "upkeep":
        await store.upkeep()
    else:
        await store.write(new=plan.new, changes=plan.changes)


async def _view(store: Store, story: Story) -> Sequence[object]:
    """Everything the protocol shows of the example's notes."""
    here = NoteFilter(namespaces=(story.namespace,), states=())
    active = replace(here, states=(State.ACTIVE,))
    told = [note.note_id for note in story.told]
    passages = await store.passages_of(told)
    known = [NOW + timedelta(minutes=minutes) for minutes in (-1, 0, 2, 6)]
    return [
        [await store.revisions(note_id) for note_id in told],
        await store.find(here, limit=99),
        await store.outlines(replace(here, tags=("a", "b")), limit=2),
        await store.facets(here),
        await store.linking_to(told),
        [await store.linking_to(told, known_at=at) for at in known],
        await store.get(told),
        await store.find(replace(here, note_ids=tuple(told)), limit=9) if told else [],
        await store.outlines(active, limit=9),
        await store.nearest(unit(Y)[0], active, limit=2, least=0.5),
        {note_id: vectors.tolist() for note_id, vectors in passages.items()},
        await store.match_vectors(unit(Y)[0], here, limit=99),
        [
            await store.match_vectors(unit(X)[0], replace(here, known_at=at), limit=2)
            for at in known
        ],
        [await store.find(replace(active, known_at=at), limit=9) for at in known],
        await store.count(replace(here, unembedded=True)),
        await store.count(replace(here, valid_at=NOW + timedelta(minutes=6))),
        await store.count(replace(here, stage_below=2)),
    ]
