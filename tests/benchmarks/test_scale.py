"""The benchmark of scale: the same questions in small scopes and in one large one."""

from pathlib import Path

from benchmarks.retrieval.data import Dataset, Document, Question
from benchmarks.scale.__main__ import write_table
from benchmarks.scale.needles import measure

from zettel.storage.embedding.hashing import HashEmbedder

TOLD = ["Ana keeps bees", "Ben sold his violin in Lisbon", "Zoe paints ships", "Ana's aunt sings"]
OTHERS = 60


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
