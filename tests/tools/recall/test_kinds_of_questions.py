"""Questions about the user, about all of somebody, and for a kind of notes."""

from time import process_time

import pytest
from tests.tools.conftest import Desk, ids, notes

from zettel.tools.language.question_words import (
    asked_sort,
    asks_former,
    find_users,
    listed_kind,
    says_sort,
)

NOISE = (
    "The build of tidegate takes four minutes",
    "What I do on Fridays is answered in the wiki, who knows where",
    "My sister asked who I know in Linz",
    "Ben likes tea and the sea",
)


async def told_noise(desk: Desk) -> None:
    for content in NOISE:
        await desk.told(content)


@pytest.mark.parametrize(
    "question",
    ["Who am I?", "What do you know about me?", "Wer bin ich?", "Qui suis-je ?", "我是谁？"],
)
async def test_who_i_am_is_the_profile_with_the_name_first(desk: Desk, question: str) -> None:
    name = await desk.told("The user is Jonas Weber, an engineer in Graz.", kind="core")
    style = await desk.told("Answers in three sentences, no emojis.", kind="core")
    await told_noise(desk)

    answer = await desk("recall", query=question)

    assert (ids(answer)[0], set(ids(answer)[:2])) == (name, {name, style})
    assert answer["verdict"] == "found"


async def test_a_name_that_the_profile_calls_the_user_is_the_user(desk: Desk) -> None:
    await desk.told("The user is Jonas Weber.", kind="core")
    own = await desk.told("Is allergic to nuts", subject="user")
    await desk.told("Is allergic to cats", subject="Ben")
    for number in range(4):
        await desk.told(f"What is walking to the shop, dog number {number}", subject="Ben")

    assert (await desk.found(query="What is Jonas allergic to?"))[0] == own


async def test_a_name_in_a_note_of_no_profile_makes_nobody_the_user(desk: Desk) -> None:
    await desk.told("The user is Eve Adams", source="https://example.org/page")
    jonas = await desk.told("The user is Jonas Weber.", kind="core")
    await told_noise(desk)

    assert (await desk.found(query="Who am I?"))[0] == jonas


async def test_everything_about_somebody_is_all_of_it_and_nothing_else_first(desk: Desk) -> None:
    about = {
        await desk.told("Runs every morning", subject="Ana Silva"),
        await desk.told("Plays the cello", subject="Ana Silva"),
        await desk.told("Lunch with Ana at noon was cancelled"),
    }
    await told_noise(desk)

    for question in ("Tell me everything about Ana.", "Alles über Ana bitte", "Who is Ana?"):
        answer = await desk("recall", query=question)
        assert set(ids(answer)[:3]) == about, question
        assert answer["verdict"] == "found"


async def test_what_is_open_is_the_working_notes(desk: Desk) -> None:
    await told_noise(desk)
    working = {
        await desk.told("Passport photo is missing", kind="working"),
        await desk.told("LAN-212: arrow keys jump two bars", kind="working"),
    }
    await desk.told("The shop is open until nine")

    for question in ("What is still open?", "Was ist noch offen?", "What to-dos do we have?"):
        answer = await desk("recall", query=question)
        assert set(ids(answer)[:2]) == working, question
        assert answer["verdict"] == "found"
    first = (await desk.found(query="When is the shop open?"))[0]
    assert first not in working


async def test_work_that_another_note_tells_to_be_done_comes_behind_what_is_open(
    desk: Desk,
) -> None:
    await told_noise(desk)
    open_work = {
        await desk.told("Oil the boards for the Christmas stall", kind="working"),
        await desk.told("Answer Carmen about the trial day", kind="working"),
    }
    done = await desk.told("Still open: send the stock list to Etxeberria", kind="working")
    desk.later(days=1)
    await desk.told("The stock list has been sent to Etxeberria")

    answer = await desk("recall", query="What is still open?")

    assert set(ids(answer)[:2]) == open_work
    assert ids(answer)[2] == done


@pytest.mark.parametrize(
    "question",
    [
        "What still needs doing?",
        "Was muss ich noch erledigen?",
        "Was steht diese Woche noch an?",
        "Qu'est-ce que je dois encore faire ?",
        "¿Qué tengo que hacer todavía?",
        "还有什么没做完?",
        "やり残しは?",
    ],
)
async def test_open_work_is_asked_for_in_many_ways(desk: Desk, question: str) -> None:
    await told_noise(desk)
    open_work = {
        await desk.told("Passport photo is missing", kind="working"),
        await desk.told("LAN-212: arrow keys jump two bars", kind="working"),
        await desk.told("Grease for the tin", kind="working"),
    }

    assert set((await desk.found(query=question))[:3]) == open_work


async def test_what_is_open_or_decided_by_a_tag_or_by_its_words_is_of_that_kind(desk: Desk) -> None:
    await told_noise(desk)
    still = {
        await desk.told("Write the docs of the endpoints", tags=["todo"]),
        await desk.told("Open: nobody watches the certificates"),
        await desk.told("The label test is flaky, cause unknown. Not fixed yet."),
        await desk.told("Steuererklärung", tags=["Offen"]),
        await desk.told("Noch zu erledigen: Zaun im Garten streichen"),
        await desk.told("Reste à poser les carreaux de la cuisine"),
        await desk.told("Falta por pintar la puerta del taller"),
    }
    made = {
        await desk.told("Ids are made by the application", tags=["decision"]),
        await desk.told("Wir schreiben alles in Python", tags=["Entscheidung"]),
    }
    await desk.told("The shop is open until nine", tags=["shop"])

    for question in ("What is still open?", "Any open tasks?", "What's left?", "Was ist offen?"):
        assert set((await desk.found(query=question))[: len(still)]) == still, question
    assert set((await desk.found(query="What decisions did we make?"))[:2]) == made


async def test_decisions_and_changes_are_the_notes_that_tell_them(desk: Desk) -> None:
    desk.later(days=-20)
    decision = await desk.told("Decided with Elke: migrations only expand and contract")
    await desk.told("The API no longer listens on port 80")
    desk.later(days=20)
    change = await desk.told("Deploys are on Mondays now, no longer on Fridays")
    await told_noise(desk)
    await desk.evolve()

    assert (await desk.found(query="What decisions did we make?"))[0] == decision
    answer = await desk("recall", query="What changed this week?")
    assert (ids(answer)[0], answer["verdict"]) == (change, "found")
    told = {str(note["content"]) for note in notes(answer)[: 1 + len(NOISE)]}
    assert "The API no longer listens on port 80" not in told


@pytest.mark.parametrize(
    "question",
    [
        "Give me all working rules of procedure that we've noted.",
        "What are our conventions?",
        "Welche Arbeitsregeln habe ich notiert?",
        "Quelles sont les consignes ?",
        "¿Qué reglas de trabajo me he puesto?",
        "我们有什么规则？",
        "ルールは何ですか",
    ],
)
async def test_rules_are_the_procedural_notes_and_those_with_such_a_tag(
    desk: Desk, question: str
) -> None:
    await desk.told("The rules of chess are in the blue book")
    rules = {
        await desk.told("Never say yes to a supplier by phone", kind="procedural"),
        await desk.told("Quotes leave the house as PDF", kind="procedural"),
        await desk.told("Wir duzen uns", tags=["Regel"]),
    }
    await told_noise(desk)

    answer = await desk("recall", query=question)

    assert set(ids(answer)[:3]) == rules
    assert answer["verdict"] == "found"


async def test_a_question_for_the_rules_of_something_is_answered_by_no_rule(desk: Desk) -> None:
    for number in range(3):
        await desk.told(f"Step {number} of the release", kind="procedural")
    await told_noise(desk)

    answer = await desk("recall", query="What rules have we set for the kitchen?")

    assert answer["verdict"] != "found"


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("The user is Jonas Weber.", {"Jonas", "Jonas Weber"}),
        ("Nutzerin: Melike Sarıdere, 37.", {"Melike", "Melike Sarıdere"}),
        ("用户是王小明。", {"王小明"}),
        ("ユーザーは田中太郎です", {"田中太郎"}),
        ("Her name is Harriet Coyle. She lets flats.", {"Harriet", "Harriet Coyle"}),
        ("Marguerite Chazelle, 54 ans, libraire", {"Marguerite", "Marguerite Chazelle"}),
        ("Anjali Reinertsen (29) is a student", {"Anjali", "Anjali Reinertsen"}),
        ("Tom Weber (41), her partner, eats meat", set[str]()),
        ("Mill Lane (14 flats) has a key safe", set[str]()),
        ("Er heißt Jonas Weber.", {"Jonas", "Jonas Weber"}),
        ("She has a dog. His name is Rex.", set[str]()),
        ("I'm Wiebke Aldinger, I run a sawmill", {"Wiebke", "Wiebke Aldinger"}),
        ("I'm Wiebke, I run a sawmill", {"Wiebke"}),
        ("The user is called Jonas.", {"Jonas"}),
        ("User's name: Jonas Weber", {"Jonas", "Jonas Weber"}),
        ("Name: Jonas Weber", {"Jonas", "Jonas Weber"}),
        ("I'm German and run a sawmill", set[str]()),
        ("I'm Head of Sales, in Ulm", set[str]()),
        ("The user is a nurse", set[str]()),
        ("The user is from Graz", set[str]()),
    ],
)
def test_a_profile_names_the_user(content: str, names: set[str]) -> None:
    assert find_users(content) == names


@pytest.mark.parametrize(
    ("question", "former"),
    [
        ("Where did Ana live before?", True),
        ("Which broker did we use before we changed to Postgres?", True),
        ("address before the move", True),
        ("Where did the band use to practise?", True),
        ("How much had we applied for?", True),
        ("How long do we wait before we give up?", False),
        ("How often is a failed call tried again before we give up?", False),
        ("What is Ana called before she married?", True),
        ("Who is coming before the month is out?", False),
        ("Why did the diagram fail before its data had come?", False),
        ("Which hex value do I use to mark a ship?", False),
        ("How much would I have to bear?", False),
        ("How many days lie between the old and the new tenants?", False),
        ("Did we ever scan the old letters?", False),
        ("Is the former office rented out yet?", False),
        ("Haben wir die alten Briefe inzwischen eingescannt?", False),
        ("A-t-on enfin numérisé les anciennes lettres ?", False),
        ("¿Hemos escaneado ya las cartas antiguas?", False),
        ("飼い犬の名前は？", False),
        ("午前の会議は何時ですか？", False),
        ("前の名前は？", True),
        ("サーバーは以前どこにありましたか？", True),
        ("Welche alte Adresse hatte Ida?", True),
        ("¿Cuál era la dirección antigua?", True),
        ("Quelle était l'ancienne adresse ?", True),
    ],
)
def test_a_former_value_is_asked_for_in_the_past(question: str, former: bool) -> None:
    assert asks_former(question) is former


@pytest.mark.parametrize(
    ("question", "sort"),
    [
        ("Which DATA tickets haven't we finished yet?", "open"),
        ("Which jobs on the houses aren't done yet?", "open"),
        ("Is anything left of what I had to do for the move?", "open"),
        ("Which repairs are waiting to be done?", "open"),
        ("Welche Tickets sind noch nicht erledigt?", "open"),
        ("Qu'est-ce qui n'est pas encore terminé ?", "open"),
        ("¿Qué tareas aún no están hechas?", "open"),
        ("还没有处理的问题有哪些？", "open"),
        ("还有哪些事没做？", "open"),
        ("还有什么要处理的？", "open"),
        ("¿Qué cosas siguen abiertas?", "open"),
        ("Quelles tâches sont en cours ?", "open"),
        ("まだ終わっていない仕事は？", "open"),
        ("What is Ben working on?", "open"),
        ("What am I working on right now?", "open"),
        ("Which tasks does Ben have open?", "open"),
        ("Woran arbeitet Ben?", "open"),
        ("Sur quoi travaille Ben ?", "open"),
        ("¿En qué está trabajando Ben?", "open"),
        ("What project was Ben working on in May?", ""),
        ("Which machine is Ben working on Fridays?", ""),
        ("Which technology choices did we make?", "decided"),
        ("What did we settle on for the queue?", "decided"),
        ("Was haben wir mit Elke vereinbart?", "decided"),
        ("What rules have we set?", "rules"),
        ("Which house rules have been agreed on?", "rules"),
        ("What changed in our conventions?", "changed"),
        ("Which firewall rules apply to the VPN?", ""),
        ("What is the rule for deploys?", ""),
        ("What are the rules of chess?", ""),
        ("Which rules did Ana break?", ""),
        ("Where are our coding rules?", ""),
        ("Which team rules the league?", ""),
        ("What are the rules at the pool?", ""),
        ("What rules have you noted?", "rules"),
        ("Which conventions do we follow?", "rules"),
        ("Wer soll das regeln?", ""),
        ("Wir regeln das, wann?", ""),
        ("Quand ai-je eu mes règles ?", ""),
        ("不規則な勤務はいつまで", ""),
        ("Which conventions did Ana go to?", ""),
        ("Wie sind die Regeln des Spiels?", ""),
        ("Quelles sont les règles du jeu ?", ""),
        ("¿Cuáles son las reglas del juego?", ""),
        ("国际象棋的规则是什么？", ""),
        ("チェスのルールは何ですか", ""),
        ("我们的规则是什么？", "rules"),
        ("Why is the import not done by pandas?", ""),
        ("Which choices for the flat are still undecided?", "open"),
        ("What has not been decided yet?", "open"),
        ("Was ist noch nicht entschieden?", "open"),
        ("Qu'est-ce qui n'est pas encore décidé ?", "open"),
        ("¿Qué queda por decidir?", "open"),
        ("哪些事还没定？", "open"),
        ("Why was it not decided by Ana?", ""),
        ("Why is Ana undecided about the job?", ""),
        ("Wann spielte Bayern unentschieden gegen Ulm?", ""),
        ("Qu'est-ce qui a amené Ben à décider de déménager ?", ""),
        ("What is on the left of the door?", ""),
        ("What do I still have to get done for the business?", "open"),
        ("Which of its defects aren't solved yet?", "open"),
        ("Was muss ich noch fürs Geschäft erledigen?", "open"),
        ("Was steht fürs Haus noch aus?", "open"),
        ("Was muss ich noch von Anna wissen?", ""),
    ],
)
def test_open_work_and_decisions_are_asked_for_in_many_words(question: str, sort: str) -> None:
    assert asked_sort(question) == sort


async def test_open_work_of_one_is_found_by_its_kind_and_what_is_done_by_now_is_not(
    desk: Desk,
) -> None:
    done = await desk.told("FW-131 is open: the lift stalls", subject="Ben", kind="working")
    link = {"to": done, "relation": "supersedes"}
    closed = await desk.told("FW-131 is closed, the lift has a soft start", links=[link])
    task = await desk.told("Ben parses the feed of the depot", subject="Ben", kind="working")
    await desk.told("Ben likes the depot at ten", subject="Ben")

    for question in ("What is Ben working on?", "Which tasks of Ben are still open?"):
        answer = await desk("recall", query=question)
        assert notes(answer)[0]["note_id"] == task
        assert answer["verdict"] != "nothing_relevant"
        assert done not in [note["note_id"] for note in notes(answer)]
    assert closed in await desk.found(query="Is FW-131 closed?")


async def test_whether_any_work_is_left_is_answered_by_what_tells_that_it_is_done(
    desk: Desk,
) -> None:
    for other in NOISE:
        await desk.told(other)
    tasks = await desk.told("To do for the move: van, boxes, keys", kind="working")
    link = {"to": tasks, "relation": "supersedes"}
    done = await desk.told("All finished", links=[link])

    found = await desk.found(query="Is anything left of what I had to do for the move?")
    assert found[0] == done


async def test_what_was_open_at_a_past_time_is_what_stood_then(desk: Desk) -> None:
    task = await desk.told(
        "FW-131 is open: the lift stalls", kind="working", happened_at="2026-03-02"
    )
    link = {"to": task, "relation": "supersedes"}
    await desk.told("FW-131 is closed", happened_at="2026-06-01", links=[link])

    assert (await desk.found(query="Which tasks were still open in March 2026?"))[0] == task


@pytest.mark.parametrize(
    ("question", "tag"),
    [
        ("List every incident we wrote up.", "incident"),
        ("Which incidents did we have?", "incident"),
        ("Show me all of our incidents", "incidents"),
        ("Welche Vorfälle gab es?", "vorfall"),
        ("Quels incidents avons-nous eus ?", "incident"),
        ("Enumera todos los incidentes", "incidente"),
        ("Noem alle incidenten die we hebben gehad", "incident"),
        ("Elenca tutti gli incidenti che abbiamo avuto", "incidente"),
        ("Quais foram os incidentes que nós tivemos?", "incidente"),
        ("障害をすべて教えて", "障害"),
        ("列出所有事故", "事故"),
    ],
)
async def test_a_list_of_a_kind_is_all_the_notes_with_its_tag(
    desk: Desk, question: str, tag: str
) -> None:
    told = (
        "On 12 May the nightly load stood still",
        "A disk ran full at four in the morning",
        "5,800 yen in ten minutes: a query without a date",
        "Le four est tombé en panne",
    )
    listed = {await desk.told(content, tags=[tag, "work"]) for content in told}
    for number in range(30):
        await desk.told(f"Ben walked dog number {number}", tags=["dogs"])
    await desk.told("Every incident is told to Ana, which all of us have", tags=["people"])

    answer = await desk("recall", query=question)

    assert listed <= {*ids(answer)[:5]}


async def test_a_list_of_rules_has_those_with_such_a_tag_in_another_language(desk: Desk) -> None:
    rules = {
        await desk.told("No faces of the children in any post", tags=["rule"]),
        await desk.told("Over 50 euros is up to Otto", tags=["Regeln", "money"]),
        await desk.told("不要对小姨提白内障", tags=["规矩"]),
    }
    for number in range(30):
        await desk.told(f"Ben walked dog number {number}", tags=["dogs"])

    answer = await desk("recall", query="What must nobody be told? All such rules.")

    assert rules == {*ids(answer)[:3]}


@pytest.mark.parametrize(
    ("question", "sort"),
    [
        ("What's on my todo list?", "open"),
        ("Any todos left?", "open"),
        ("¿Qué hay en todo el almacén?", ""),
        ("Sobre todo, ¿qué hora es?", ""),
        ("Enumera todos los incidentes", ""),
        ("Is there a todo?", "open"),
        ("¿Quién sabe todo?", ""),
        ("¿Han llegado todos?", ""),
        ("Todos vieram?", ""),
    ],
)
def test_all_in_spanish_is_no_work_to_do(question: str, sort: str) -> None:
    assert asked_sort(question) == sort


@pytest.mark.parametrize(
    ("content", "is_open"),
    [
        ("TODO: mend the gate", True),
        ("Mending the gate is still a todo.", True),
        ("- todo buy milk", True),
        ("Ticket 5 is in todo", True),
        ("Das Tor ist noch todo", True),
        ("Todo listo para mañana", False),
        ("Ya está todo pagado.", False),
        ("Todo el equipo viene el lunes.", False),
    ],
)
def test_a_note_with_all_in_spanish_is_no_work_to_do(content: str, *, is_open: bool) -> None:
    assert says_sort("open", content) is is_open


@pytest.mark.parametrize(
    ("tag", "asked"),
    [("production", "products"), ("internal", "interviews"), ("police", "policies")],
)
async def test_a_tag_that_only_begins_like_the_kind_makes_no_list(
    desk: Desk, tag: str, asked: str
) -> None:
    about = await desk.told(f"Of {asked} there are two, a hammer and a saw")
    for number in range(3):
        await desk.told(f"Port {number} is closed", tags=[tag])

    assert (await desk.found(query=f"List all {asked}"))[0] == about


@pytest.mark.parametrize("piece", ["s", "a-", "レ", "list all "])
def test_a_long_question_for_a_list_is_read_in_time(piece: str) -> None:
    began = process_time()

    listed_kind(f"which {piece * 2_000}")

    assert process_time() - began < 1


async def test_of_what_most_notes_are_tagged_with_no_list_is_made(desk: Desk) -> None:
    about = await desk.told("The release of Falk is on Monday", tags=["releases"])
    for number in range(25):
        await desk.told(f"Ben walked dog number {number}", tags=["releases"])

    answer = await desk("recall", query="Which releases of Falk are planned?")

    assert ids(answer)[0] == about
    assert len(ids(answer)) < 10
