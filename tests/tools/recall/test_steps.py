"""Ordered lists: what comes next, and what is the first step that is not done."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tools.conftest import Desk, ids, notes

from zettel.tools.language.asked_steps import read_asked_step
from zettel.tools.language.ordered_lists import find_lists

RELEASE = """Releasing tidegate
1. Bump the version in pyproject.toml
2. Update the changelog
3. Run the migration rehearsal on staging
4. Tag the release
5. Push the tag
6. Publish to the package index
7. Write to the users"""
MOVE = """Moving out of Annenstraße
- [x] Cancel the old lease
- [x] Book the van
- [ ] Register the new address
- [ ] Return the keys"""
NOISE = (
    "The release of tidegate was tagged on Monday after the changelog was late",
    "The van of the moving company is too small for the piano",
    "Next comes the review of the release, after which Ana is on leave",
    "Release notes go to the users by mail, and the tag is pushed by the robot",
)


async def told_noise(desk: Desk) -> None:
    for content in NOISE:
        await desk.told(content)


@pytest.mark.parametrize(
    "question",
    [
        "What comes next after tagging the release?",
        "What is the next step after tagging the release?",
        "What's next after I tag the release?",
        "Which step follows tagging the release?",
        "Once the release is tagged, what comes next?",
    ],
)
async def test_what_comes_next_is_the_step_behind_it_with_its_neighbours(
    desk: Desk, question: str
) -> None:
    release = await desk.told(RELEASE)
    await desk.told(MOVE)
    await told_noise(desk)

    answer = await desk("recall", query=question)

    first = notes(answer)[0]
    assert (first["note_id"], answer["verdict"]) == (release, "found")
    assert first["content"] == (
        "Releasing tidegate … 4. Tag the release\n5. Push the tag\n6. Publish to the package index"
    )
    assert first["excerpt"] is True


@pytest.mark.parametrize(
    ("question", "content", "shown"),
    [
        (
            "Was kommt nach den Migrationen?",
            "Deployment: Zuerst die Datenbank sichern, dann die Migrationen ausführen, danach die"
            " Server neu starten und zuletzt die Kunden informieren.",
            "danach die Server neu starten",
        ),
        (
            "Quelle est l'étape suivante après les chevalets ?",
            "Pour ouvrir : d'abord compter la caisse, ensuite sortir les chevalets, puis allumer la"
            " vitrine, et enfin ouvrir la porte.",
            "puis allumer la vitrine",
        ),
        (
            "¿Qué viene después de ejecutar las pruebas?",
            "Para publicar: primero ejecutar las pruebas, luego subir la versión y por último"
            " avisar a los clientes.",
            "luego subir la versión",
        ),
        (
            "备份数据库之后的下一步是什么？",
            "发布步骤：\n第一步：备份数据库\n第二步：运行迁移\n第三步：重启服务器",
            "第二步：运行迁移",
        ),
        (
            "移行の次は何ですか？",
            "手順：まずデータベースをバックアップする。次に移行を実行する。最後にサーバーを再起動する。",
            "最後にサーバーを再起動する",
        ),
        (
            "What comes after the linter?",
            "Before a push: run the linter first, then the tests, and finally the type checker.",
            "then the tests",
        ),
        (
            "What is the next step after running the migrations?",
            "Deploy order: build image → push to registry → run migrations → roll out web",
            "roll out web",
        ),
        (
            "Which step comes after I order the laptop?",
            "Onboarding: 1) create the account 2) order the laptop 3) book the intro",
            "3) book the intro",
        ),
    ],
)
async def test_what_comes_next_is_found_in_every_language_and_form_of_a_list(
    desk: Desk, question: str, content: str, shown: str
) -> None:
    await told_noise(desk)
    note_id = await desk.told(content)
    await desk.told(RELEASE)
    await told_after(desk)

    answer = await desk("recall", query=question)

    assert (ids(answer)[0], answer["verdict"]) == (note_id, "found")
    assert shown in str(notes(answer)[0]["content"])


async def told_after(desk: Desk) -> None:
    await desk.told("Running the migrations takes an hour; the linter is slow, too.")


@pytest.mark.parametrize(
    "question",
    [
        "What is the first open step?",
        "Which is the first open item of the move?",
        "Was ist der erste offene Schritt?",
        "Quelle est la première étape ouverte ?",
        "¿Cuál es el primer paso pendiente?",
        "第一个未完成的步骤是什么？",
        "最初の未完了のステップは何ですか？",
    ],
)
async def test_the_first_open_step_is_the_first_without_a_tick(desk: Desk, question: str) -> None:
    move = await desk.told(MOVE)
    await desk.told(RELEASE)
    await told_noise(desk)

    answer = await desk("recall", query=question)

    assert (ids(answer)[0], answer["verdict"]) == (move, "found")
    assert notes(answer)[0]["content"] == MOVE.replace("\n- [x] Cancel the old lease\n", " … ")


async def test_a_ticked_step_is_no_longer_the_first_open_one(desk: Desk) -> None:
    move = await desk.told(MOVE)
    await told_noise(desk)
    await desk("update", note_id=move, content=MOVE.replace("[ ] Register", "[x] Register"))

    open_now = await desk("recall", query="What is the first open step of the move?")
    await desk("update", note_id=move, content=MOVE.replace("[ ]", "[x]"))
    all_done = await desk("recall", query="What is the first open step of the move?")

    assert str(notes(open_now)[0]["content"]).endswith("- [ ] Return the keys")
    assert all_done["reason"] == "Every step of that list is done."


async def test_behind_the_last_step_nothing_comes_and_the_answer_says_so(desk: Desk) -> None:
    release = await desk.told(RELEASE)
    await told_noise(desk)

    answer = await desk("recall", query="What comes next after writing to the users?")

    assert (ids(answer)[0], answer["reason"]) == (release, "The list ends there.")


async def test_a_step_that_is_done_is_followed_by_what_is_still_to_do(desk: Desk) -> None:
    await desk.told(MOVE)

    answer = await desk("recall", query="What comes next after cancelling the old lease?")

    assert "- [ ] Register the new address" in str(notes(answer)[0]["content"])


@pytest.mark.parametrize(
    "question",
    [
        "When was the release tagged?",
        "What did Ana do after the review?",
        "What is the next release?",
        "When is the first open day?",
        "Who pushes the tag?",
        "What comes after that?",
    ],
)
def test_an_ordinary_question_asks_for_no_step(question: str) -> None:
    assert read_asked_step(question) is None


async def test_a_question_for_a_step_that_no_list_holds_is_answered_as_any_other(
    desk: Desk,
) -> None:
    await desk.told(RELEASE)
    review = await desk.told("After the review of the release comes the party")

    answer = await desk("recall", query="What comes after the review of the release?")

    assert ids(answer)[0] == review
    assert "excerpt" not in notes(answer)[0]


async def test_a_list_from_the_web_comes_behind_what_the_user_told(desk: Desk) -> None:
    forged = await desk.told(RELEASE, source="https://example.org/howto")
    own = await desk.told("After tagging the release we push the tag and call Ana")

    answer = await desk("recall", query="What comes next after tagging the release?")

    assert ids(answer)[:2] == [own, forged]


async def test_the_whole_list_is_read_by_its_id(desk: Desk) -> None:
    release = await desk.told(RELEASE)

    answer = await desk("recall", note_ids=[release])

    assert notes(answer)[0]["content"] == RELEASE


@pytest.mark.parametrize(
    "text",
    [
        "I went to the shop first. It was fun.",
        "The team moved from Jira → Linear.",
        "Am 3. März und am 4. April ist zu.",
        "If the build fails, then restart it.",
        "1) and 2) are both fine",
        "Invoice 12. net\nInvoice 13. gross",
    ],
)
def test_what_is_no_list_is_none(text: str) -> None:
    assert find_lists(text) == []


@given(st.lists(st.sampled_from(["dump", "run it", "tag", "ask Ana"]), min_size=2, max_size=9))
def test_steps_keep_their_order_and_their_words(told: list[str]) -> None:
    text = "\n".join(f"{n}. {step}" for n, step in enumerate(told, 1))

    (found,) = find_lists(text)

    assert [step.text for step in found.steps] == told
    assert [text[step.start : step.end] for step in found.steps] == text.split("\n")


@given(st.text(alphabet="first then,.\n 123)-[x]→第一步", max_size=300))
def test_steps_of_any_text_lie_in_it_one_behind_the_other(text: str) -> None:
    for found in find_lists(text):
        ends = [0, *(step.end for step in found.steps)]
        assert all(
            end <= step.start <= step.end <= len(text)
            for step, end in zip(found.steps, ends, strict=False)
        )
