"""Two notes about one thing that tell one quantity otherwise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zettel.tools.language.quantities import QuantityText, find_other_quantity


@pytest.mark.parametrize(
    ("younger", "older", "before", "now"),
    [
        (
            "settlement: the nightly export is at 01:15 UTC, for a second attempt.",
            "The nightly settlement export starts at 02:30 UTC.",
            "02:30",
            "01:15",
        ),
        (
            "Enrichment: memory limit 4Gi in values.yaml, and files are read in chunks.",
            "Enrichment pods have a memory limit of 2 GiB.",
            "2 gib",
            "4gi",
        ),
        (
            "Sleep current of board 12: 1.8 µA with the pull-ups off.",
            "With the flash powered down, board 12 sleeps at a current of 2.1 µA.",
            "2.1 μa",
            "1.8 μa",
        ),
        (
            "The cells of the soil probe have 2.4 Ah since the new order.",
            "Each soil probe has cells of 2.6 Ah.",
            "2.6 ah",
            "2.4 ah",
        ),
        (
            "The granary attic was measured again: 81 m².",
            "The granary has an attic of 84 m².",
            "84 m2",
            "81 m2",
        ),
        (
            "Grandma's blood sugar in the morning: 95 mg/dl.",
            "Grandma's blood sugar in the morning was 112 mg/dl.",
            "112 mg/dl",
            "95 mg/dl",
        ),
        (
            "Lorenz needs five weeks for an album at the moment.",
            "Wedding albums come from Lorenz, three weeks from order to delivery.",
            "3 weeks",
            "5 weeks",
        ),
        (
            "Probezeit bei der Kranfirma: jetzt drei Monate.",
            "Die Kranfirma gibt eine Probezeit von sechs Monaten.",
            "6 monate",
            "3 monate",
        ),
        (  # one end of two
            "Window for production deploys: Tuesday to Thursday, 08:00 to 14:00.",
            "Production deploys are allowed Monday to Thursday between 08:00 and 14:00.",
            "monday",
            "tuesday",
        ),
        (  # the word that begins a sentence is no name of its own
            "Carrier calls now stop after 2 attempts; with four, dispatchers waited.",
            "Decision: calls to the carrier APIs are retried, at most 4 attempts.",
            "4 attempts",
            "2 attempts",
        ),
        (
            "Dr Weller's practice rang: crown on 2 April.",
            "Dr Weller in Clifton fits the crown on 26 March.",
            "26 march",
            "2 april",
        ),
        (
            "Staging Postgres of payments: connect to 6432, it pools the connections.",
            "The staging Postgres of payments runs on port 5432, with twenty connections.",
            "5432",
            "6432",
        ),
        (
            "Violin: Isla goes to Mr Okafor on Mondays up to the holidays.",
            "Isla has violin with Mr Okafor on Wednesdays, in his house.",
            "wednesday",
            "monday",
        ),
        (
            "After Monday's router swap the plotter's driver answers at 192.168.14.52.",
            "Plotter HP DesignJet T850: IP 192.168.14.31, driver in profile 'matt'.",
            "192.168.14.31",
            "192.168.14.52",
        ),
        (
            "Der Zahnarzt hat den Termin für die Krone auf den 9. Juni gelegt.",
            "Zahnarzt: Termin für die Krone am 19. Mai.",
            "19. mai",
            "9. juni",
        ),
        (
            "Le loyer de la boutique rue Tramassac passe à 1 260 euros.",
            "La boutique rue Tramassac : le loyer est de 940 euros.",
            "940 euros",
            "1 260 euros",
        ),
        (
            "El baño de Ingrid: presupuesto definitivo, 780 libras.",
            "El baño de Ingrid tiene humedad; el presupuesto es de 640 libras.",
            "640 libras",
            "780 libras",
        ),
        (
            "团队周会改在十点，每周四，腾讯会议。",
            "团队周会每周一十点，用腾讯会议。",
            "周一",
            "周四",
        ),
    ],
)
def test_another_quantity_of_the_same_thing_is_found(
    younger: str, older: str, before: str, now: str
) -> None:
    found = find_other_quantity(QuantityText(younger), QuantityText(older), meant=False)
    assert found is not None
    assert (found.old, found.new) == (before, now)


@pytest.mark.parametrize(
    ("younger", "older"),
    [
        # The same quantity, in other words around it.
        ("The nightly export runs at 02:30.", "Nightly export: starts at 02:30 sharp."),
        # In digits and in words, in two cases.
        ("Lorenz needs 3 weeks for an album.", "An album of Lorenz takes three weeks."),
        ("Die Probezeit der Kranfirma: 3 Monate.", "Kranfirma: Probezeit von drei Monaten."),
        # Nothing in common but the quantity's sort.
        ("The dentist is on 3 May.", "The tax return is due on 9 June."),
        # Another one's, by names of their own.
        (
            "Ben's appointment at the dentist's is on 9 May.",
            "Ana's appointment at the dentist's is on 3 May.",
        ),
        # Numbered one after the other.
        (
            "Experiment 15, same batch at the new oven: yield 74 per cent.",
            "Experiment 14, first batch at the old oven: yield 61 per cent.",
        ),
        # Several of a sort: which of them is meant?
        (
            "The gym opens at 06:30 and closes at 22:00 on weekdays.",
            "The gym is closed for repairs until 09:00 on weekdays.",
        ),
        # Both ends of two.
        (
            "The gym opens at 06:30 and closes at 22:00 on weekdays.",
            "The gym opens at 07:00 and closes at 21:00 on weekdays.",
        ),
        # A document.
        (
            "The export of the settlement starts at 01:15. " + "More of it. " * 60,
            "Export of the settlement: 02:30.",
        ),
        # Alike beside the quantities' clauses alone.
        (
            "Survey of the shops: 44% name the returns portal as the most useful extra.",
            "The returns portal of the shops is an extra. Yearly payers get 15%.",
        ),
        # One thing of two lists.
        ("Oak shelf 80 €, pine table 95 €", "Oak shelf 70 €, beech chair 40 €"),
    ],
)
def test_other_things_and_the_same_quantity_are_no_change(younger: str, older: str) -> None:
    assert find_other_quantity(QuantityText(younger), QuantityText(older), meant=False) is None


@pytest.mark.parametrize(
    ("younger", "older", "now"),
    [
        (
            "Rye for the Lindgren order proves at 31 °C.",
            "Prover 2 takes forty trays. Rye proves at 28 °C; brioche rests for 2 hours.",
            "31 °c",
        ),
        ("Biscuit takes 7 mg, in the evening.", "Biscuit: 5 mg of the heart drug.", "7 mg"),
        ("Der Speicher fasst 42 Tonnen.", "Speicher: 38 Tonnen. Bagger bestellt.", "42 tonnen"),
        ("Le relais écoute désormais sur 7443.", "Relais : port 7000.", "7443"),
        ("リリーは1日120グラム。", "リリーの餌は1日150グラム。水も替える。", "120グラム"),
    ],
)
def test_one_clause_is_enough_where_no_other_note_is_meant(
    younger: str, older: str, now: str
) -> None:
    new, old = QuantityText(younger), QuantityText(older)
    found = find_other_quantity(new, old, meant=True)
    assert found is not None
    assert found.new == now


@pytest.mark.parametrize(
    ("younger", "older", "before", "now"),
    [
        (
            "The list for the board: Starter £29, Growth £95, Scale £259 per month.",
            "Draft: Starter £29, Growth £89, Scale £249 per month. New customers only.",
            "£89",
            "£95",
        ),
        (
            "Une heure de Nadine se facture 120 € HT, de chef de projet 92 € et de dessin 64 €.",
            "Taux horaires : Nadine 110 €, chef de projet 85 €, dessinateur 60 €.",
            "110 €",
            "120 €",
        ),
    ],
)
def test_an_amount_of_one_of_several_things_is_found(
    younger: str, older: str, before: str, now: str
) -> None:
    new, old = QuantityText(younger), QuantityText(older)
    found = find_other_quantity(new, old, meant=False)
    assert found is not None
    assert (found.old, found.new) == (before, now)
    again = find_other_quantity(QuantityText(older), new, meant=False)
    assert again is not None
    assert (again.old, again.new) == (now, before)


@pytest.mark.parametrize(
    ("younger", "older"),
    [
        # Two events.
        ("Rehearsal with Perlmutt: 7 April.", "Perlmutt gets a demonstration on 26 March."),
        # A number as a name.
        ("Invoice 1045 was paid by card.", "Invoice 1044 was paid by bank transfer."),
        ("Extruder 2 runs at 240 °C.", "Extruder 1 runs at 215 °C."),
        # Both of a clause's, and both told before.
        ("The kiln rests 2 hours, then 3 hours.", "The kiln rests 4 hours."),
        ("The kiln rests 2 hours.", "The small kiln rests 2 hours. The kiln rests 4 hours."),
    ],
)
def test_clauses_on_two_things_are_no_change(younger: str, older: str) -> None:
    new, old = QuantityText(younger), QuantityText(older)
    assert find_other_quantity(new, old, meant=True) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_texts_are_compared_and_a_text_never_changes_itself(one: str, other: str) -> None:
    assert find_other_quantity(QuantityText(one), QuantityText(one), meant=True) is None
    found = find_other_quantity(QuantityText(one), QuantityText(other), meant=True)
    assert found is None or found.old != found.new
