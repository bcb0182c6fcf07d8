"""Authentication and CSRF protection of the page."""

from functools import partial

import httpx2
import pytest
from tests.server.page.visitors import SITE, Document, Server, Visitor, serving_page

from zettel.server.auth.token_store import revoke_token
from zettel.server.auth.tokens import revoked
from zettel.server.commands.moving import MIGRATE, move_all, move_as_one_run
from zettel.server.config.settings import Settings
from zettel.server.page import entrance
from zettel.server.page.entrance import LOGIN_BODY_BYTES, SECURITY_HEADERS
from zettel.server.protocol.schemas import ForgetArguments, NewLink
from zettel.server.runtime.clock import utc_now
from zettel.storage.notes import State

PATHS = ("/", "/timeline", "/graph", "/review", "/runs", "/namespaces", "/note/x")
FORMS = ("/note/x/edit", "/note/x/forget", "/note/x/erase", "/note/x/restore", "/erase", "/review")


async def test_where_no_token_is_needed_the_page_is_open_as_the_tools_are(
    visitor: Visitor,
) -> None:
    for path in PATHS[:-1]:
        await visitor.see(path)

    assert visitor.cookie == ""


async def test_every_answer_forbids_what_the_page_does_not_need(
    server: Server, visitor: Visitor
) -> None:
    answers = [await visitor.http.get(path) for path in (*PATHS, "/login", "/assets/page.js")]
    answers.append(await visitor.http.post("/review", headers={"origin": "http://127.0.0.1:1"}))
    await server.token("ana", "ana")
    answers.append(await visitor.http.get("/"))

    for answer in answers:
        assert answer.headers.items() >= SECURITY_HEADERS.items()
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] in ("no-store", "max-age=600")


async def test_without_a_login_every_page_leads_to_it_once_there_is_a_token(
    server: Server, visitor: Visitor
) -> None:
    await server.told("Ana keeps bees")
    await server.token("ana", "ana")

    for path in PATHS:
        answer = await visitor.http.get(path)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/login?to=")
        assert "bees" not in answer.text
    for path in FORMS:
        answer = await visitor.http.post(path, headers={"origin": SITE}, data={"a": "b"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/login?to=%2F")


async def test_a_pasted_token_opens_its_namespaces_and_is_not_in_the_cookie(
    server: Server, visitor: Visitor
) -> None:
    await server.told("Ana keeps bees", namespace="ana")
    token = await server.token("ana", "ana")

    page = await visitor.log_in(token, to="/timeline")
    set_by = visitor.last.request.headers
    [cookie] = [one for one in visitor.http.cookies.jar if one.name == entrance.LOGIN_COOKIE]

    assert "Ana keeps bees" in page.words
    assert cookie.has_nonstandard_attr("HttpOnly")
    assert cookie.get_nonstandard_attr("SameSite") == "strict"
    assert not any(token[at : at + 8] in (cookie.value or "") for at in range(len(token) - 7))
    assert token not in str(set_by)


async def test_over_https_the_cookie_is_sent_over_https_alone() -> None:
    encrypted = "https://127.0.0.1:8377"
    async with (
        serving_page(Settings(allowed_origins=(encrypted,))) as server,
        server.visited() as visitor,
    ):
        token = await server.token("ana", "ana")
        cookies = [
            (
                await visitor.http.post("/login", data={"token": token}, headers={"origin": origin})
            ).headers["set-cookie"]
            for origin in (SITE, encrypted)
        ]

    assert ["; Secure" in cookie for cookie in cookies] == [False, True]


async def test_no_other_text_opens_the_page(server: Server, visitor: Visitor) -> None:
    token = await server.token("ana", "ana")
    metrics = await server.token("prometheus", metrics=True)

    for text in ("", "x", token[:-1], f"{token}é", f"{token}\n\nx", metrics, "a" * 9_000):
        page = await visitor.send("/login", {"token": text}, status=401)
        assert page.all("p", role="alert")
    await visitor.send("/login", {"token": "a" * (LOGIN_BODY_BYTES + 1)}, status=401)

    assert visitor.cookie == ""


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "/mcp", "javascript:x", ""]
)
async def test_the_login_leads_nowhere_but_to_the_page(
    server: Server, visitor: Visitor, to: str
) -> None:
    token = await server.token("ana", "ana")

    shown = await visitor.see(f"/login?to={to}")
    answer = await visitor.http.post(
        "/login", data={"token": token, "to": to}, headers={"origin": SITE}
    )

    assert shown.all("input", name="to")[0].attributes["value"] == "/"
    assert answer.headers["location"] == "/"


async def test_a_revoked_token_takes_its_logins_with_it(server: Server, visitor: Visitor) -> None:
    token = await server.token("ana", "ana")
    await visitor.log_in(token)

    await revoke_token(server.house.store, "ana", lambda known: revoked(known, utc_now()))
    answer = await visitor.http.get("/timeline")

    assert answer.headers["location"].startswith("/login")


async def test_a_logout_ends_the_login_for_whoever_has_its_cookie(
    server: Server, visitor: Visitor
) -> None:
    token = await server.token("ana", "ana")
    page = await visitor.log_in(token)
    copied = visitor.cookie
    async with server.visited(cookie=f"{entrance.LOGIN_COOKIE}={copied}") as other:
        await other.see("/timeline")
        await visitor.send("/logout", seen=page)
        answer = await other.http.get("/timeline")

    assert visitor.cookie == ""
    assert answer.status_code == 303


async def test_a_login_ends_after_its_day(
    server: Server, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await server.token("ana", "ana")
    monkeypatch.setattr(entrance, "LOGIN_MAX_AGE_S", -1)

    page = await visitor.log_in(token, to="/timeline")

    assert page.all("input", name="token")  # the login again


async def test_logins_of_one_token_push_out_its_own_alone(
    server: Server, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "LOGINS_MAX_EACH", 2)
    ana, ben = await server.token("ana", "ana"), await server.token("ben", "ben")
    await visitor.log_in(ben)
    numbers = list[str]()
    async with server.visited() as other:
        for _ in range(4):
            await other.log_in(ana)
            numbers.append(other.cookie)
            other.http.cookies.clear()
        statuses = [
            (await other.http.get("/", headers={"cookie": f"{entrance.LOGIN_COOKIE}={number}"}))
            for number in numbers
        ]

    assert [answer.status_code for answer in statuses] == [303, 303, 200, 200]
    await visitor.see("/timeline")
    assert "Log out" in visitor.last.text


async def test_a_form_from_another_site_changes_nothing(server: Server, visitor: Visitor) -> None:
    note_id = await server.told("Ana keeps bees")
    page = await visitor.see(f"/note/{note_id}/forget")
    path, data = f"/note/{note_id}/forget", {"form_token": page.form_token}

    statuses = [
        (await visitor.http.post(path, data=data, headers=headers)).status_code
        for headers in (
            {},
            {"origin": "null"},
            {"origin": "https://evil.example"},
            {"origin": "http://127.0.0.1:9999"},
            {"origin": "http://localhost:8377"},
            {"origin": "http://evil.example:8377", "host": "evil.example:8377"},
        )
    ]
    [note] = await server.house.store.get([note_id])

    assert statuses == [403, 403, 403, 403, 403, 421]
    assert note.state is State.ACTIVE


async def test_a_form_without_the_pages_own_number_changes_nothing(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("Ana keeps bees", namespace="ana")
    ana, ben = await server.token("ana", "ana"), await server.token("ben", "ana")
    await visitor.log_in(ana)
    async with server.visited() as other:
        await other.log_in(ben)
        theirs = (await other.see("/timeline")).form_token

    for fields in ({}, {"form_token": ""}, {"form_token": "é"}, {"form_token": theirs}):
        await visitor.send(f"/note/{note_id}/forget", fields, status=400)
    [note] = await server.house.store.get([note_id])

    assert note.state is State.ACTIVE


async def secret_of_ben(server: Server) -> str:
    """A note in a namespace of Ben's, linked with one in a shared one, and evolved."""
    secret = await server.told("Ben keeps goats", namespace="ben", subject="Ben", session="farm")
    await server.told(
        "They share a farm",
        namespace="shared",
        subject="farm",
        links=[NewLink(to=secret, relation="part_of")],
    )
    await server.evolve()
    return secret


async def test_a_token_shows_its_namespaces_and_nothing_of_others(
    server: Server, visitor: Visitor
) -> None:
    secret = await secret_of_ben(server)
    await server.told("Ben sold two goats", namespace="ben")
    await server.evolve()
    token = await server.token("ana", "ana", "shared:ro")
    await visitor.log_in(token)

    pages = [
        await visitor.see(path)
        for path in (
            "/",
            "/?query=Who+keeps+goats%3F&namespace=*",
            "/timeline?namespace=*",
            "/timeline?subject=Ben",
            "/graph?around=subject&name=Ben",
            "/graph?around=subject&name=farm",
            f"/graph?around=note&name={secret}",
            "/graph?around=session&name=farm",
            "/graph?around=query&name=goats",
            "/review",
            "/runs",
            "/runs/run-1",
            "/namespaces",
        )
    ]
    pages += [
        await visitor.see(f"/note/{secret}{path}", status=404) for path in ("", "/edit", "/forget")
    ]
    pages.append(await visitor.see("/runs/run-2", status=404))
    for path in ("edit", "forget", "restore", "revision", "erase"):
        seen = pages[0]
        pages.append(await visitor.send(f"/note/{secret}/{path}", seen=seen, status=404))
    [note] = await server.house.store.get([secret])

    assert note.state is State.ACTIVE
    for page in pages:
        assert "goats" not in page.words.replace("Who keeps goats?", "").replace("value", "")
        links = {a.attributes["href"] for a in page.all("a")}
        assert not links & {f"/note/{secret}", "/runs/run-2"}
    shown = " ".join(page.words for page in pages)
    assert "They share a farm" in shown


async def test_a_token_that_may_only_read_gets_no_forms_and_changes_nothing(
    server: Server, visitor: Visitor
) -> None:
    older = await server.told("Ana lives in Paris.", subject="Ana", namespace="shared")
    newer = await server.told("Ana lives in Lyon.", subject="Ana", namespace="shared")
    await server.evolve()
    forgotten = await server.told("Ben keeps bees.", namespace="shared")
    await server.call(ForgetArguments(note_ids=[forgotten]))
    token = await server.token("ana", "shared:ro")
    await visitor.log_in(token)
    before = await server.house.store.get([older, newer])

    pages = [
        await visitor.see(f"/note/{forgotten}", status=410),
        *[
            await visitor.see(path)
            for path in (
                f"/note/{newer}",
                f"/note/{newer}/forget",
                f"/note/{newer}/edit",
                "/review",
                "/runs/run-1",
                "/",
            )
        ],
    ]
    seen = pages[0]
    link = {"newer": newer, "older": older}
    for path, fields, status in (
        (f"/note/{newer}/edit", {"content": "x", "do": "save"}, 403),
        (f"/note/{newer}/forget", {}, 403),
        (f"/note/{newer}/erase", {}, 403),
        (f"/note/{newer}/restore", {}, 403),
        (f"/note/{newer}/revision", {"rev": "1"}, 403),
        ("/review", {**link, "answer": "changed"}, 403),
        ("/review", {**link, "answer": "both"}, 403),
        ("/runs/run-1/undo", {}, 404),
    ):
        await visitor.send(path, fields, seen=seen, status=status)
    after = await server.house.store.get([older, newer])

    assert [page.forms for page in pages] == [["/logout"]] * len(pages)
    assert after == before


async def test_a_tenant_undoes_a_run_in_its_own_namespaces_alone(
    server: Server, visitor: Visitor
) -> None:
    mine = await server.told("Ana keeps bees in Lyon", namespace="ana", principal="ana")
    other = await server.told("Ben keeps goats in Bern", namespace="ben", principal="ben")
    await server.evolve()
    before = await server.house.store.get([other])
    await visitor.log_in(await server.token("ana", "ana"))

    run = await visitor.see("/runs/run-1")
    await visitor.send("/runs/run-1/undo", seen=run)
    [note] = await server.house.store.get([mine])

    assert note.change == "undo"
    assert await server.house.store.get([other]) == before
    assert len(run.all("article")) == 1


async def test_a_tenant_undoes_no_run_on_notes_that_are_trusted_more(
    server: Server, visitor: Visitor
) -> None:
    owners = await server.told("Ana keeps bees in Lyon", namespace="ana")
    await server.evolve()
    before = await server.house.store.get([owners])
    await visitor.log_in(await server.token("ana", "ana"))

    run = await visitor.see("/runs/run-1")
    await visitor.send("/runs/run-1/undo", seen=run, status=403)

    assert await server.house.store.get([owners]) == before


async def test_a_tenant_undoes_no_run_that_moved_notes_from_where_it_does_not_read(
    server: Server, visitor: Visitor
) -> None:
    moved = await server.told("Ben keeps goats in Bern", namespace="ben", principal="ana")
    memory = await server.runtime.memory()
    move = partial(move_all, memory, "ben")
    run = await move_as_one_run(memory, "moving", move, kind=MIGRATE, into="ana", reason="moved")
    [before] = await server.house.store.get([moved])
    await visitor.log_in(await server.token("ana", "ana"))

    seen = await visitor.see(f"/runs/{run.run_id}")
    await visitor.send(f"/runs/{run.run_id}/undo", seen=seen, status=403)

    assert before.namespace == "ana"
    assert f"/runs/{run.run_id}/undo" not in seen.forms
    assert "from where this access token does not read" in visitor.last.text
    assert await server.house.store.get([moved]) == [before]


async def test_what_came_through_a_proxy_is_refused_where_there_is_no_token(
    visitor: Visitor,
) -> None:
    answer = await visitor.http.get("/", headers={"x-forwarded-for": "10.0.0.1"})

    assert answer.status_code == 403


async def test_a_login_opens_no_endpoint_of_the_tools(server: Server, visitor: Visitor) -> None:
    await visitor.log_in(await server.token("ana", "ana"))

    statuses = {path: (await visitor.http.get(path)).status_code for path in ("/mcp", "/sse", "/x")}

    assert set(statuses.values()) == {401}


async def test_a_foreign_host_does_not_see_the_page(visitor: Visitor) -> None:
    answer: httpx2.Response = await visitor.http.get("/", headers={"host": "evil.example"})

    assert answer.status_code == 421
    assert Document(answer.text).all("form") == []
