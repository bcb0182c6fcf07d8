"""A text that tells of a change is known by its words, in any language that has a file."""

from importlib.resources import files

import pytest

from zettel.tools.language.change_cues import (
    CHANGE_CUE_MAX_CHARACTERS,
    find_change_cue,
    tells_of_now,
    value_words,
)

TOLD = {
    "de": ("Statt Slack benutzen wir Matrix", "Statt", {"slack"}),
    "en": ("The app moved from MySQL to Postgres", "moved from", {"mysql"}),
    "es": ("Ahora usamos Postgres en vez de MySQL", "Ahora", {"mysql"}),
    "fr": ("On utilise Postgres au lieu de MySQL", "au lieu de", {"mysql"}),
    "it": ("Il laboratorio passa dalla cantina alla soffitta", "passa dalla", {"cantina"}),
    "ja": ("例会は月曜日ではなく火曜日に行う", "ではなく", {"月曜"}),
    "nl": ("Het feest is verhuisd van de loods naar de kelder", "verhuisd", {"loods"}),
    "pt": ("O ateliê mudou da cave para o sótão", "mudou", {"cave"}),
    "zh": ("我们不再使用旧数据库", "不再", {"数据"}),
}
"""Language -> a text, the words found, and some of what was before."""


@pytest.mark.parametrize("language", TOLD)
def test_words_of_a_change_are_found_with_what_was_before(language: str) -> None:
    text, phrase, former = TOLD[language]

    cue = find_change_cue(text)

    assert cue
    assert cue.phrase == phrase
    assert former <= cue.former


OVER = {
    "de": ("Die Reise nach Schweden fällt aus", {"schweden"}),
    "en": ("The trip to Lisbon is cancelled", {"trip", "lisbon"}),
    "es": ("El concierto de Rosalía se ha cancelado", {"rosalía"}),
    "fr": ("Le voyage au Japon est annulé", {"japon"}),
    "it": ("Il viaggio in Norvegia è stato annullato", {"norvegia"}),
    "ja": ("五月の北海道旅行は中止になった", {"旅行"}),
    "nl": ("De reis naar Noorwegen gaat niet door", {"noorwe"}),
    "pt": ("A viagem à Noruega foi cancelada", {"noruega"}),
    "zh": ("五月去日本的旅游取消了", {"日本"}),
}
"""Language -> a text, and some of what is over by it."""


@pytest.mark.parametrize("language", TOLD)
def test_what_is_over_is_found(language: str) -> None:
    text, over = OVER[language]

    cue = find_change_cue(text)

    assert cue
    assert any(over <= words for words in cue.over)


@pytest.mark.parametrize(
    ("text", "former"),
    [
        ("Já não compro no Horta Viva, agora compro na praça", "horta"),
        ("A mensalidade passou de 40 para 44 euros", "40"),
        ("Trocámos o azulejo verde por mosaico", "azulejo"),
        ("Non compro più da Orto Vivo, adesso vado in piazza", "orto"),
        ("La retta è passata da 40 a 44 euro", "40"),
        ("Al posto delle piastrelle verdi mettiamo il cotto", ""),
        ("Beviamo orzo invece del caffè", "caffè"),
    ],
)
def test_a_change_in_portuguese_or_italian_names_what_was_before(text: str, former: str) -> None:
    cue = find_change_cue(text)

    assert cue
    assert not former or former in cue.former


def test_what_stands_behind_a_comma_is_not_over() -> None:
    cue = find_change_cue("The trip is cancelled, Carla is ill")

    assert cue
    assert cue.over == (frozenset({"trip"}),)


def test_what_stands_behind_a_comma_is_not_what_was_before() -> None:
    cue = find_change_cue("The curtains moved from Tissus Rey, delivered on 5 October")

    assert cue
    assert cue.former == {"tissus"}


@pytest.mark.parametrize(
    "text",
    [
        "The hour shift in the forecasts is fixed: Cleo sends UTC from the API and converts it",
        "Decided against panels: curtains from Tissus Rey",
        "The key is now read from the keychain",
    ],
)
def test_what_only_comes_from_somewhere_is_not_what_was_before(text: str) -> None:
    cue = find_change_cue(text)

    assert cue
    assert not cue.former & {"api", "tissus", "keychain"}


def test_a_change_is_seen_though_long_words_stand_between_its_own() -> None:
    cue = find_change_cue("Changed the port of the old check-in tablet from 8080 to 8443")

    assert cue
    assert "8080" in cue.former


def test_every_language_with_a_file_is_tried() -> None:
    folder = files("zettel.tools.language") / "change_words"

    assert {entry.name for entry in folder.iterdir()} == {f"{name}.toml" for name in TOLD}


@pytest.mark.parametrize(
    "text",
    [
        "A release needs two approvals. The remaining steps stay as documented.",
        "Invoices are payable within 15 days. The rest of the habits stays.",
        "They want him on 3 and 4 November, everything else in the quote stands.",
        "Die Abnahme ist am Freitag, sonst bleibt alles so.",
        "La livraison est jeudi, le reste ne change pas.",
        "La entrega es el jueves, lo demás queda igual.",
    ],
)
def test_what_says_that_the_rest_stays_tells_of_a_change(text: str) -> None:
    assert find_change_cue(text)


@pytest.mark.parametrize(
    "text",
    [
        "Ana likes tea",
        "The unstopped clock",  # a phrase stands as whole words
        "Wir treffen uns am Montag",
        f"Ana has moved to Paris{' and likes tea' * 99}",  # a document
    ],
)
def test_other_texts_tell_of_none(text: str) -> None:
    assert find_change_cue(text) is None


def test_words_may_stand_between_the_two_of_a_phrase() -> None:
    cue = find_change_cue("Il n’habite vraiment plus à Lyon")

    assert cue
    assert cue.phrase == "n'habite vraiment plus"


@pytest.mark.parametrize(
    "text",
    [
        "Julia has taken the trade fair over from Bernhard.",
        "Julia takes the whole trade fair over from Bernhard in May.",
        "Julia took over the trade fair from Bernhard.",
    ],
)
def test_whom_somebody_takes_over_from_is_what_was_before(text: str) -> None:
    cue = find_change_cue(text)
    assert cue is not None
    assert "bernhard" in cue.former
    assert find_change_cue("Julia took the dog over the bridge.") is None


def test_a_text_of_the_greatest_length_is_read() -> None:
    text = "no longer".rjust(CHANGE_CUE_MAX_CHARACTERS)

    assert find_change_cue(text)
    assert not find_change_cue(f" {text}")


def test_a_number_with_a_colon_or_comma_is_one_value() -> None:
    cue = find_change_cue("S beginnt um 13:00 statt 13:30, der Preis bleibt bei 1,50")

    assert cue
    assert "13:30" in cue.former
    assert "30" not in cue.former
    assert {"13:30", "1,50"} <= value_words("von 13:30 an 1,50")


@pytest.mark.parametrize("apostrophe", ["'", "’"])
def test_whose_a_thing_is_may_stand_within_a_phrase(apostrophe: str) -> None:
    cue = find_change_cue(f"Moved the lantern{apostrophe}s unit tests from Jest to Vitest.")

    assert cue
    assert "jest" in cue.former


def test_a_phrase_ends_with_its_sentence() -> None:
    assert find_change_cue("It was Matt. The song is good") is None


LASTS_OR_BEGINS = (
    "Kristof keeps the cradle two weeks longer",
    "The lesson was shifted: it is Wednesday from this week",
    "The choir meets in the crypt instead",
    "Die Sperre der Brücke dauert eine Woche länger",
    "Ab nächster Woche liefert die Mühle am Freitag",
    "Les travaux durent deux semaines de plus",
    "Dès demain, la salle ferme à six heures",
    "La obra dura dos semanas más",
    "展览延长到十一月",
    "来週から受付は二階になる",
)
"""What lasts longer than it was to, or begins."""


@pytest.mark.parametrize("text", LASTS_OR_BEGINS)
def test_what_lasts_longer_or_begins_is_a_change(text: str) -> None:
    assert find_change_cue(text)


NEW_VALUES = (
    "Dr. Amann has a new number: 0664 7788",
    "Regulars keep the old price until New Year",
    "Neuer Beitrag: 55 €",
    "Unser neuer Vermieter heißt Kay",
    "Nouvelle adresse de Mme Colas : 18 quai Vert",
    "Nuevo precio de la cuota: 38 euros",
    "供应商的新电话是 555 9876",
    "新しい住所は北通り四番",
)
"""A new one of what there is one of at a time."""


@pytest.mark.parametrize("text", NEW_VALUES)
def test_a_new_one_of_what_there_is_one_of_at_a_time_is_a_change(text: str) -> None:
    assert find_change_cue(text)


NEW_NAMES = (
    "New wifi password: daisy-03",
    "The lift is mended. Our new cleaning lady is Ana, she comes on Mondays",
    "Der neue Hausmeister heißt Peer",
    "House:\n- New door code: 4471",
    "Nouveau mot de passe wifi : daisy-03",
    "La nueva encargada es Marta",
    "Il nuovo portiere si chiama Ugo",
    "A nova porteira é Rita",
    "De nieuwe conciërge is Joost",
    "We set a new gate code: 9917",
    "There's a new code for the hut: 20-14",
    "Wir haben einen neuen Türcode: 4711",
    "Nous avons une nouvelle gardienne : Odile",
    "Tenemos una nueva clave: lirio-8",
    "Abbiamo un nuovo codice: 5512",
    "Temos uma nova senha: cravo-3",
    "We hebben een nieuwe code: 6630",
)
"""A new one, with its name."""


@pytest.mark.parametrize("text", NEW_NAMES)
def test_a_new_one_that_is_named_is_a_change_whatever_it_is(text: str) -> None:
    assert find_change_cue(text)


@pytest.mark.parametrize(
    "text",
    [
        "The new office is bright",
        "A meeting with the new colleagues: Ana, Tom",
        "New chairs came",
        "We have a new dog, Rex",
    ],
)
def test_what_is_only_told_of_a_new_one_is_no_change(text: str) -> None:
    assert find_change_cue(text) is None


ALLOWED_AGAIN = (
    "Committee says bonfires are fine again on weekday evenings",
    "The ramp is in use again",
    "Next year's rent was voted up to £52",
    "Dr. Quill put the dose up to 75",
)


@pytest.mark.parametrize("text", ALLOWED_AGAIN)
def test_what_is_so_again_or_was_put_up_is_a_change(text: str) -> None:
    assert find_change_cue(text)


ENDED = (
    "Tom sold his boat",
    "Ana was promoted to ward sister",
    "Der Vertrag ist ausgelaufen",
    "Jonas hat seine Vespa verkauft",
    "Luc a été licencié",
    "Bruno murió en mayo",
    "她升职了",
    "車を売った",
)
"""What somebody had or was, and no longer has or is."""


@pytest.mark.parametrize("text", ENDED)
def test_what_ends_what_somebody_had_or_was_is_a_change(text: str) -> None:
    assert find_change_cue(text)
    assert find_change_cue("Tom sold forty tickets") is None


@pytest.mark.parametrize(
    "text",
    [
        "The farrier bought a new van",
        "Herr Lenz hat neue Noten",
        "Un nouveau robinet",
        "买了新椅子",
    ],
)
def test_a_new_one_of_what_there_may_be_many_of_is_no_change(text: str) -> None:
    assert find_change_cue(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Lent Kristof the saw; he brings it back on 2 November",
        "Mum flies to Oslo and comes back on Sunday",
        "Send the forms back on paper",
    ],
)
def test_what_comes_back_on_a_day_is_no_change(text: str) -> None:
    assert find_change_cue(text) is None
    assert find_change_cue("Ada is back on tea")


def test_who_is_picked_up_and_what_is_closed_down_to_a_size_are_no_change() -> None:
    assert find_change_cue("Reme picks Pau up from school at 16:30") is None
    assert find_change_cue("Both entrances closed down to 2 cm") is None
    assert find_change_cue("The rent is up from 900")
    assert find_change_cue("The shop closed down")


def test_what_is_so_as_of_this_morning_is_a_change() -> None:
    assert find_change_cue("Gwen is paying £89 as of this morning")


def test_what_is_lifted_by_hand_or_crane_is_no_change() -> None:
    assert find_change_cue("The chipper has to be lifted off the lorry") is None
    assert find_change_cue("The ban on open fires is lifted")


def test_a_text_tells_of_the_time_it_is_told_at() -> None:
    assert all(map(tells_of_now, ("Node 22 now", "desde el lunes", "seit Mai", "目前用的是")))
    assert not any(map(tells_of_now, ("I know it", "un desdentado", "Seite 3")))


@pytest.mark.parametrize(
    ("text", "former"),
    [
        ("Reverted the Celery decision: jobs run on Dramatiq.", "celery"),
        ("We dropped the Rome plan and spend Easter in Lisbon.", "rome"),
        ("I left Intel and joined ARM.", "intel"),
        ("Die Celery-Entscheidung haben wir rückgängig gemacht.", ""),
        ("Nina hat bei Bosch gekündigt und bei Siemens angefangen.", "bosch"),
        ("Nous sommes revenus sur la décision de mars.", ""),
        ("Hemos anulado la decisión sobre Celery.", ""),
    ],
)
def test_a_decision_that_is_reverted_is_a_change(text: str, former: str) -> None:
    cue = find_change_cue(text)

    assert cue
    assert not former or former in cue.former


GOES_ON = [
    "The review moves to Friday.",
    "The handover slides to 11 December.",
    "The rent is going up to 900 in May.",
    "Ana is stepping down as chair.",
    "We are dropping Redis.",
    "Jan steps in for Ana.",
    "They gave us until Friday.",
    "On second thoughts: tea.",
    "The fair will not take place.",
    "New password: buissonniere-26.",
    "Der Termin rutscht auf den 11. Dezember.",
    "Nadja löst Beat ab.",
    "Doch lieber Vue.",
    "Jean prend sa retraite.",
    "On laisse tomber Redis.",
    "Nouveau mot de passe : abc.",
    "El viernes en vez del lunes.",
    "Nueva contraseña: abc.",
    "会议提前到三号。",
    "最后决定用Vue。",
    "家賃が9万円に上がる。",
    "コーヒーはもう飲まない。",
]


@pytest.mark.parametrize("text", GOES_ON)
def test_a_change_is_told_while_it_goes_on_and_of_what_comes(text: str) -> None:
    assert find_change_cue(text)


def test_headphones_that_cancel_noise_and_a_place_that_is_taken_change_nothing() -> None:
    assert find_change_cue("Gustavo lent his noise-cancelling headphones.") is None
    assert find_change_cue("The meeting takes place in the hall.") is None


@pytest.mark.parametrize(
    "text",
    [
        "Der Server ist ausgefallen",
        "Die Staging-Datenbank ist heute Nacht um drei Uhr ausgefallen",
        "Am Montag ist im ganzen Haus der Strom ausgefallen",
        "prod-db ist am 3. Mai ausgefallen",
        "Der Drucker im Büro fällt ständig aus",
        "Die Heizung fällt aus",
        "Die Rechnung ist höher als im Mai ausgefallen",
        "Die Lampe ist sehr ausgefallen",
    ],
)
def test_an_outage_in_german_ends_nothing(text: str) -> None:
    assert find_change_cue(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Der Termin ist ausgefallen",
        "Wegen des Servers ist der Termin ausgefallen",
        "Der Server läuft, das Training ist ausgefallen",
        "Der Strom ist weg und der Kurs ist ausgefallen",
        "Die Schulung zum neuen System ist ausgefallen",
        "Das Treffen am Aufzug ist ausgefallen",
        "Im Netz steht, dass die Probe ausgefallen ist",
        "Der Gottesdienst ist ausgefallen",
        "Der Kurs fällt aus",
    ],
)
def test_a_cancelled_appointment_in_german_is_a_change_whatever_stands_beside_it(text: str) -> None:
    assert find_change_cue(text)


def test_what_replaces_a_failed_server_is_a_change_that_says_of_nothing_that_it_is_over() -> None:
    cue = find_change_cue("Der Server ist ausgefallen, jetzt läuft der Ersatz")

    assert cue
    assert (cue.phrase, cue.over) == ("jetzt", ())


@pytest.mark.parametrize(
    "text",
    [
        'The phrase "no longer works at" ends a relation in every language',
        'First "I live in Quorn", then "I moved to Shepshed" was answered wrongly',
        "Die Regel für „ist ausgefallen“ gilt auch im Nebensatz",
        "La règle « n'habite plus » est lue en entier",
        "`moved to` is a field of the log line",
        "Take 'moved out' for a phrase, not for Ana's words",
        "The test gets `erasing instead of erased` from the mock",
    ],
)
def test_words_that_are_only_mentioned_tell_of_no_change(text: str) -> None:
    assert find_change_cue(text) is None


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ('Ana wrote: "I no longer work at Siemens"', "no longer"),
        ('"We moved to pnpm", said Ben', "moved to"),
        ("林先生より：「打ち合わせは火曜日に変更になりました」", "変更"),
        ('The line is going to be "Vazante" instead', 'is going to be "Vazante" instead'),
        ("`tariff-loader` was renamed to `rate-loader`", "renamed to"),
    ],
)
def test_what_somebody_says_and_what_stands_around_a_quoted_name_is_a_change(
    text: str, phrase: str
) -> None:
    cue = find_change_cue(text)

    assert cue
    assert phrase in cue.phrase


def test_a_change_is_told_by_its_sentence_and_the_one_before() -> None:
    cue = find_change_cue("Ben likes tea. The wiki is old. It has moved to Outline. Ana is ill.")

    assert cue
    assert cue.told == "The wiki is old. It has moved to Outline."


@pytest.mark.parametrize(
    ("text", "former", "new"),
    [
        ("Redis was replaced by Valkey in production.", "redis", "valkey"),
        ("Our Redis has been replaced with Valkey.", "redis", "valkey"),
        ("pombo has been renamed to correio; the repo follows.", "pombo", "correio"),
        ("The service pombo is now called correio.", "pombo", "correio"),
        ("Der Dienst pombo heißt jetzt correio.", "pombo", "correio"),
        ("Der Dienst pombo wurde in correio umbenannt.", "pombo", "correio"),
        ("Redis wurde durch Valkey ersetzt.", "redis", "valkey"),
        ("Le service pombo s'appelle désormais correio.", "pombo", "correio"),
        ("Redis a été remplacé par Valkey.", "redis", "valkey"),
        ("El servicio pombo pasa a llamarse correio.", "pombo", "correio"),
        ("Redis ha sido sustituido por Valkey.", "redis", "valkey"),
        ("O serviço pombo passou a chamar-se correio.", "pombo", "correio"),
        ("Redis foi substituído pelo Valkey.", "redis", "valkey"),
        ("Cegonha foi trocado por Grou.", "cegonha", "grou"),
        ("Redis will be replaced by Valkey in May.", "redis", "valkey"),
        ("Il servizio pombo ora si chiama correio.", "pombo", "correio"),
        ("Redis è stato sostituito da Valkey.", "redis", "valkey"),
        ("De dienst pombo heet nu correio.", "pombo", "correio"),
        ("pombo 服务改名为 correio。", "pombo", "correio"),
        ("Redis 已被 Valkey 取代。", "redis", "valkey"),
        ("pombo サービスは correio に改名された。", "pombo", "correio"),
        ("RedisはValkeyに置き換えられた。", "redis", "valkey"),
    ],
)
def test_what_is_renamed_or_replaced_was_before_and_what_comes_instead_was_not(
    text: str, former: str, new: str
) -> None:
    cue = find_change_cue(text)
    assert cue is not None
    assert former in cue.former
    assert new not in cue.former


def test_where_something_was_done_it_is_not_renamed() -> None:
    cue = find_change_cue("Die Besprechung wurde in den zweiten Stock verlegt.")
    assert cue is not None
    assert "besprechung" not in cue.former


def test_what_was_not_replaced_is_as_it_was() -> None:
    assert find_change_cue("Redis was not replaced by Valkey.") is None
    assert find_change_cue("The service has not been renamed.") is None


def test_words_of_the_change_are_no_part_of_what_was_before() -> None:
    cue = find_change_cue("El turno de noche empieza ahora a las 22")

    assert cue
    assert not cue.former
    assert find_change_cue("La cita cambia ahora de lunes a martes")
