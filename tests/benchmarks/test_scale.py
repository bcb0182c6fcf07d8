"""The benchmark of scale: the same questions in small scopes and in one large one."""

import sys
from pathlib import Path

import pytest
from benchmarks.retrieval.data import Dataset, Document, Question
from benchmarks.scale import costs
from benchmarks.scale.__main__ import write_costs, write_table
from benchmarks.scale.costs import Bulk, Shape, resident_after
from benchmarks.scale.costs import measure as measure_costs
from benchmarks.scale.needles import measure
from benchmarks.scale.turns import ASKED_IN_TURN, filled, take_turns, write_turns

from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.lance.store import open_store
from zettel.storage.store import NoteFilter

TOLD = ["Ana keeps bees", "Ben sold his violin in Lisbon", "Zoe paints ships", "Ana's aunt sings"]
OTHERS = 60
OF_AN_INTERPRETER = 5 * 1024**2
"""Bytes that any process with an interpreter holds resident."""


def small() -> Dataset:
    documents = [
        Document(document_id=f"d{n}", conversation=f"c{n % 2}", session="s", content=text)
        for n, text in enumerate(TOLD)
    ]
    asked = [
        Question(question_id=name, conversation="c1", text=text, category="one", evidence=evidence)
        for name, text, evidence in (
            ("q1", "Where did Ben sell his violin?", ("d1",)),
            ("q2", "Who sings?", ("d3",)),
            ("q3", "Which nobody told", ()),
        )
    ]
    return Dataset(name="small", documents=tuple(documents), questions=tuple(asked))


async def test_each_question_with_evidence_is_asked_apart_and_among_all_others(
    tmp_path: Path,
) -> None:
    said = list[str]()

    found = await measure(
        small(), HashEmbedder(), tmp_path / "store", others=OTHERS, every=1, tell=said.append
    )

    assert found.notes == len(TOLD) + OTHERS
    for side in (found.own, found.among):
        assert len(side.took) == len(side.scores["recall@1"]) == 2
    assert found.own.scores["recall@5"] == [1.0, 1.0]
    assert found.among.scores["recall@1"][0] == 1.0
    assert f"among {OTHERS + len(TOLD)} notes" in write_table(found)


async def test_stores_of_one_and_of_many_namespaces_are_asked_beside_their_floor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "QUESTIONS", 2)
    monkeypatch.setattr(costs, "BLOCK", 1)
    monkeypatch.setattr(costs, "WRITES", 2)
    monkeypatch.setattr(costs, "SAMPLES", 4)
    shapes = [Shape(tenants=1, notes=20), Shape(tenants=3, notes=20)]

    one, many = await measure_costs(tmp_path, shapes, HashEmbedder(), lambda _: None)
    many.resident_empty, many.resident = await resident_after(
        tmp_path / many.shape.name, HashEmbedder()
    )

    for found in (one, many):
        assert len(found.recall) == len(found.recall_floor) == 2
        assert len(found.remember) == len(found.first) == len(found.following) == 2
        assert found.disk > 0
    assert (len(one.after_others), len(many.after_others)) == (0, 2)
    # Not that one is above the other: a process may give pages back between the two readings.
    assert min(many.resident_empty, many.resident) > OF_AN_INTERPRETER
    store = await open_store(str(tmp_path / many.shape.name), model_id="hash@64", dim=64)
    told = await store.facets(NoteFilter())
    assert told.namespaces == {"tenant-0": 22, "tenant-1": 20, "tenant-2": 22}
    await store.close()
    imported = Bulk(notes=9, took_s=4.0, embedding_s=3.0, model_s=2.0)
    assert write_costs([one, many], imported).endswith(
        "the embedder worked for 75.0% of it, the model alone for 50.0%.\n"
    )


SERVING = """
import sys
from pathlib import Path
import anyio
from benchmarks.scale.turns import serve_turns
from zettel.storage.embedding.hashing import HashEmbedder
anyio.run(serve_turns, [Path(store) for store in sys.argv[1:]], HashEmbedder())
"""


async def test_two_codes_ask_by_turns_in_a_store_that_is_filled_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "SAMPLES", 4)
    shape, told = Shape(tenants=1, notes=20), list[str]()
    store = await filled(tmp_path, shape, HashEmbedder(), told.append)
    filling = len(told)
    assert await filled(tmp_path, shape, HashEmbedder(), told.append) == store
    assert len(told) == filling
    serving = (sys.executable, "-c", SERVING)

    found = take_turns(
        [store], [shape], [("this", serving), ("beside", serving)], turns=1, tell=told.append
    )

    assert [side.code for side in found] == ["this", "beside"]
    for side in found:
        for times in (side.recall, side.floor):
            assert len(times.wall) == len(times.processor) == ASKED_IN_TURN
            assert min(times.wall) > 0
    assert [row.split(" | ")[1] for row in write_turns(found).splitlines()[2:]] == [
        *("this", "beside")
    ]
