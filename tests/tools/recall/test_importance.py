"""What matters most is set by evolution, and is what a small budget drops last."""

import pytest
from tests.tools.conftest import Desk

ALLERGY = "Maja, the user's daughter, is allergic to peanuts"


async def importance(desk: Desk, note_id: str) -> float:
    [note] = await desk.memory.store.get([note_id])
    return note.importance


@pytest.mark.parametrize(
    ("content", "kind", "least", "most"),
    [
        (ALLERGY, "episodic", 0.9, 1.0),
        ("Never restart the broker at night", "episodic", 0.7, 0.8),
        ("Die Abgabefrist ist spätestens am 3. Mai", "episodic", 0.7, 0.8),
        ("Le délai expire vendredi", "episodic", 0.7, 0.8),
        ("Es alérgica a la penicilina", "episodic", 0.9, 1.0),
        ("她对花生过敏", "episodic", 0.9, 1.0),
        ("締め切りは金曜日です", "episodic", 0.7, 0.8),
        ("Branches are named after their ticket", "procedural", 0.7, 0.8),
        ("Immer zuerst das Backup machen", "episodic", 0.7, 0.8),
        ("Herr Oduya wohnt immer noch in Fürth", "episodic", 0.5, 0.5),
        ("Ana bought a green kettle", "episodic", 0.5, 0.5),
        ("Thanks, the kettle works", "episodic", 0.3, 0.3),
        ("Karim habite toujours à Nantes", "episodic", 0.5, 0.5),
        ("Toujours fermer la vanne avant de partir", "episodic", 0.7, 0.8),
        ("The secret of a good crust is cold butter", "episodic", 0.5, 0.5),
        ("The wording of the will is secret", "episodic", 0.7, 0.8),
        ("An emergency exit sign hangs above the stage", "episodic", 0.5, 0.5),
        ("In an emergency call Ana", "episodic", 0.9, 1.0),
        ("La sortie d'urgence donne sur la cour", "episodic", 0.5, 0.5),
        ("La salida de emergencia da al patio", "episodic", 0.5, 0.5),
    ],
)
async def test_evolution_reads_from_words_and_kind_how_much_a_note_matters(
    desk: Desk, content: str, kind: str, least: float, most: float
) -> None:
    note_id = await desk.told(content, kind=kind)
    await desk.evolve()

    assert least <= await importance(desk, note_id) <= most


async def test_importance_follows_new_words_and_a_new_kind(desk: Desk) -> None:
    note_id = await desk.told("Maja eats peanuts")
    await desk.evolve()
    assert await importance(desk, note_id) == 0.5

    await desk("update", note_id=note_id, kind="core")
    assert await importance(desk, note_id) == 0.7
    await desk("update", note_id=note_id, content=ALLERGY)
    await desk.evolve()
    assert await importance(desk, note_id) == 0.9


async def test_a_small_budget_drops_what_matters_least_of_the_profile(desk: Desk) -> None:
    allergy = await desk.told(ALLERGY, kind="core")
    for number in range(12):
        desk.later(days=1)
        await desk.told(f"The user likes the tea of garden number {number} best", kind="core")
    await desk.evolve()

    found = await desk.found(max_tokens=200)

    assert found[0] == allergy
    assert len(found) < 13
