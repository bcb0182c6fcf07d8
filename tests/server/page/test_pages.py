"""What a person sees and does on the page, without scripts."""

import json
import re

import pytest
from tests.server.page.visitors import Document, Server, Visitor

from zettel.server.protocol.schemas import (
    ForgetArguments,
    LinkChange,
    NewLink,
    RecallArguments,
    UpdateArguments,
)
from zettel.storage.notes import OPEN_RELATIONS, State
from zettel.tools.changes.links import LinkArgument


def text_of(document: Document) -> str:
    """All words of a page, each run of white space as one space."""
    return " ".join(document.words.split())


async def state_of(server: Server, note_id: str) -> State:
    """The state of a note in the store."""
    [note] = await server.house.store.get([note_id])
    return note.state


async def test_a_search_shows_verdict_score_reasons_and_the_tokens_an_agent_pays(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("Ana keeps her bees in Lyon", subject="Ana")
    answer = await server.call(RecallArguments(query="Where are the bees of Ana?"))

    page = await visitor.see("/?query=Where+are+the+bees+of+Ana%3F&namespace=proj")

    assert "Ana keeps her bees in Lyon" in page.words
    assert page.all("a", href=f"/note/{note_id}")
    assert "words match" in page.words
    assert page.all("table", **{"class": "signals"})
    [raw] = page.all("pre")
    shown = json.loads(raw.text)
    assert shown["verdict"] == answer["verdict"]
    assert [note["note_id"] for note in shown["notes"]] == [note_id]
    assert "tokens for this answer" in text_of(page)


async def test_looking_counts_no_recall(server: Server, visitor: Visitor) -> None:
    note_id = await server.told("Ana keeps bees", subject="Ana", session="s")
    for path in (
        "/",
        "/?query=bees",
        "/?subject=Ana",
        f"/note/{note_id}",
        "/timeline",
        "/graph?around=query&name=bees",
        "/review",
    ):
        await visitor.see(path)

    memory = await server.runtime.memory()
    assert not memory.usage.dirty
    await server.call(RecallArguments(query="bees"))
    assert memory.usage.dirty


async def test_a_note_is_shown_with_its_past_its_links_both_ways_and_its_origin(
    server: Server, visitor: Visitor
) -> None:
    older = await server.told("The hive is green", subject="hive")
    note_id = await server.told(
        "The hive stands under the apple tree",
        subject="hive",
        source="docs/hive.md",
        session="spring",
        links=[NewLink(to=older, relation="supports")],
    )
    newer = await server.told("The tree was cut", links=[NewLink(to=note_id, relation="causes")])
    words = "The hive stands under the pear tree"
    await server.call(UpdateArguments(note_id=note_id, content=words, reason="looked again"))

    page = await visitor.see(f"/note/{note_id}")
    [removed], [added] = page.all("del")[:1], page.all("ins")[:1]

    assert (removed.text, added.text) == ("apple", "pear")
    assert "looked again" in page.words
    assert page.all("a", href=f"/note/{older}")
    assert page.all("a", href=f"/note/{newer}")
    assert text_of(page).index("From this note") < text_of(page).index("To this note")
    for told in ("docs/hive.md", "spring", "agent", "http", "proj"):
        assert told in page.words


async def test_a_note_whose_premise_is_gone_says_so_on_its_page_and_among_what_is_found(
    server: Server, visitor: Visitor
) -> None:
    premise = await server.told("Clay from Ulm needs 1,300 degrees")
    link: list[LinkArgument] = [{"to": premise, "relation": "derived_from"}]
    conclusion = await server.told("We buy the big kiln", links=link)
    await server.call(ForgetArguments(note_ids=[premise]))

    for path in (f"/note/{conclusion}", "/?q=kiln"):
        page = await visitor.see(path)
        assert f"derived from {premise}, which was forgotten" in page.words


async def test_an_edit_is_shown_before_it_is_saved(server: Server, visitor: Visitor) -> None:
    note_id = await server.told("The API listens on 8000", tags=["net"])
    path = f"/note/{note_id}/edit"
    form = await visitor.see(path)
    fields = {"rev": "1", "content": "The API listens on 9000", "subject": "API", "tags": "net"}

    preview = await visitor.send(path, {**fields, "do": "preview"}, seen=form)
    [kept] = await server.house.store.get([note_id])
    saved = await visitor.send(path, {**fields, "do": "save"}, seen=preview)
    [changed] = await server.house.store.get([note_id])

    assert "8000" in [gone.text for gone in preview.all("del")]
    assert "9000" in [come.text for come in preview.all("ins")]
    assert (kept.rev, kept.content) == (1, "The API listens on 8000")
    assert (changed.content, changed.subject, changed.tags) == (fields["content"], "API", ("net",))
    assert changed.changed_by == "page"
    assert "Saved." in saved.words


async def test_only_what_a_person_changed_is_sent(server: Server, visitor: Visitor) -> None:
    content = "one\r\ntwo\rthree"
    note_id = await server.told(content, context="kept", happened_at="2026-01-02")
    path = f"/note/{note_id}/edit"
    form = await visitor.see(path)
    # As a browser sends the fields of the form back.
    fields = {"content": "one\r\ntwo\r\nthree", "context": "kept", "kind": "episodic"}
    fields |= {"happened_at": "2026-01-02T00:00:00Z", "rev": "1", "do": "save"}

    await visitor.send(path, {**fields, "subject": "count"}, seen=form)
    [note] = await server.house.store.get([note_id])

    assert (note.content, note.subject, note.rev) == (content, "count", 2)


@pytest.mark.parametrize("tag", ["a, b", ",", '"a", b', '5" disk', '"x"', '"', '""'])
async def test_a_tag_stays_one_whatever_is_typed_behind_it(
    server: Server, visitor: Visitor, tag: str
) -> None:
    note_id = await server.told("The API listens on 8000", tags=[tag, "net"])
    path = f"/note/{note_id}/edit"
    form = await visitor.see(path)
    [field] = form.all("input", name="tags")
    fields = {"rev": "1", "tags": f"{field.attributes['value']},new , ", "do": "save"}

    await visitor.send(path, fields, seen=form)
    [note] = await server.house.store.get([note_id])

    assert note.tags == (tag, "net", "new")


async def test_an_edit_that_is_sent_twice_leads_to_the_note_that_says_so_already(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("The API listens on 8000", tags=["net", "api"])
    path = f"/note/{note_id}/edit"
    form = await visitor.see(path)
    fields = {n: form.all("input", name=n)[0].attributes["value"] for n in ("tags", "happened_at")}
    fields |= {"rev": "1", "content": "The API listens\r\non 9000", "subject": "API", "do": "save"}

    await visitor.send(path, fields, seen=form)
    again = await visitor.send(path, fields, seen=form)
    [saved] = await server.house.store.get([note_id])
    other = await visitor.send(path, {**fields, "subject": "Web"}, seen=form, status=409)

    assert "The note says so already" in again.words
    assert (saved.rev, saved.content, saved.subject) == (2, "The API listens\non 9000", "API")
    assert "changed since you opened it" in other.words


async def test_a_form_that_is_too_long_is_refused_on_a_page(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("The API listens on 8000")
    path = f"/note/{note_id}/edit"
    form = await visitor.see(path)
    fields = {"rev": "1", "content": "x" * (1 << 20), "do": "save"}

    refused = await visitor.send(path, fields, seen=form, status=413)

    assert visitor.last.headers["content-type"].startswith("text/html")
    assert "Go back and send less." in refused.words
    assert "jsonrpc" not in refused.words
    assert [link.attributes["href"] for link in refused.all("a", **{"class": "button"})] == ["/"]


async def test_an_edit_of_what_an_agent_has_changed_meanwhile_is_shown_before_it_is_saved(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("first")
    path = f"/note/{note_id}/edit"
    form = await visitor.see(path)
    await server.call(UpdateArguments(note_id=note_id, content="second"))

    fields = {"rev": "1", "content": "third", "do": "save"}
    refused = await visitor.send(path, fields, seen=form, status=409)
    [note] = await server.house.store.get([note_id])

    assert "changed since you opened it" in refused.words
    assert "second" in refused.words
    assert "expected_rev" not in refused.words
    assert note.content == "second"

    fields["rev"] = refused.all("input", name="rev")[0].attributes["value"]
    await visitor.send(path, fields, seen=refused)
    [note] = await server.house.store.get([note_id])

    assert note.content == "third"


async def test_the_preview_says_that_new_words_move_the_date_of_a_note(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("The lead is Ana", happened_at="2024-03-01")
    path = f"/note/{note_id}/edit"
    form = await visitor.see(path)
    fields = {"rev": "1", "content": "The lead is Ben", "do": "preview"}

    changed = await visitor.send(path, fields, seen=form)
    corrected = await visitor.send(path, {**fields, "correction": "on"}, seen=form)
    await visitor.send(path, {**fields, "do": "save"}, seen=changed)
    [note] = await server.house.store.get([note_id])

    assert "happened at" in [term.text for term in changed.all("dt")]
    assert "happened at" not in [term.text for term in corrected.all("dt")]
    assert note.happened_at.year == 2026


async def test_an_edit_that_cannot_be_saved_keeps_what_was_typed(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("The lead is Ana")
    path = f"/note/{note_id}/edit"
    form = await visitor.see(path)

    fields = {"rev": "1", "content": "The lead is Ben", "happened_at": "no day", "do": "save"}
    refused = await visitor.send(path, fields, seen=form, status=400)

    assert "'no day' is not a time" in refused.words
    [typed] = refused.all("textarea", name="content")
    assert typed.text.strip() == "The lead is Ben"


async def test_no_version_comes_back_over_what_an_agent_has_changed_meanwhile(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("first")
    await server.call(UpdateArguments(note_id=note_id, content="second"))
    page = await visitor.see(f"/note/{note_id}")
    fields = {name: page.all("input", name=name)[0].attributes["value"] for name in ("rev", "seen")}
    await server.call(UpdateArguments(note_id=note_id, content="third"))

    refused = await visitor.send(f"/note/{note_id}/revision", fields, seen=page)
    [note] = await server.house.store.get([note_id])

    assert "changed since you opened it" in refused.words
    assert note.content == "third"


async def test_an_earlier_version_comes_back(server: Server, visitor: Visitor) -> None:
    note_id = await server.told("first")
    await server.call(UpdateArguments(note_id=note_id, content="second"))

    page = await visitor.see(f"/note/{note_id}")
    await visitor.send(f"/note/{note_id}/revision", {"rev": "1"}, seen=page)
    [note] = await server.house.store.get([note_id])

    assert (note.content, note.rev) == ("first", 3)


async def test_who_forgets_the_beginning_of_a_long_text_is_told_that_all_of_it_goes(
    server: Server, visitor: Visitor
) -> None:
    text = "\n\n".join(f"Step {number}: {'wait ' * 40}" for number in range(200))
    whole, alone = await server.told(text), await server.told("Ana keeps bees")

    said = "all of them go with it"
    assert said in (await visitor.see(f"/note/{whole}/forget")).words
    assert said not in (await visitor.see(f"/note/{alone}/forget")).words


async def test_forgetting_is_explained_first_and_can_be_taken_back(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("Ana keeps bees")

    asked = await visitor.see(f"/note/{note_id}/forget")
    before = await state_of(server, note_id)
    await visitor.http.post(
        f"/note/{note_id}/forget",
        data={"form_token": asked.form_token},
        headers={"origin": "http://127.0.0.1:8377"},
    )
    gone = await visitor.see(f"/note/{note_id}", status=410)
    after = await state_of(server, note_id)
    back = await visitor.send(f"/note/{note_id}/restore", seen=gone)

    assert "You can bring it back" in asked.words
    assert (before, after) == (State.ACTIVE, State.FORGOTTEN)
    assert "Brought back" in back.words
    assert await state_of(server, note_id) is State.ACTIVE


async def test_erasing_shows_what_goes_and_what_stays_before_it_does_anything(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("The key is under the mat")
    copy = await server.told("The key is under the mat", namespace="other")
    premise: list[LinkArgument] = [{"to": note_id, "relation": "derived_from"}]
    conclusion = await server.told("Guests let themselves in", links=premise)

    page = await visitor.see(f"/note/{note_id}")
    preview = await visitor.send(f"/note/{note_id}/erase", seen=page)
    there = await server.house.store.get([note_id])
    [confirm] = preview.all("input", name="confirm")
    done = await visitor.send("/erase", {"confirm": confirm.attributes["value"]}, seen=preview)

    assert "The key is under the mat" in preview.words
    assert preview.all("a", href=f"/note/{copy}")
    assert preview.all("a", href=f"/note/{conclusion}")
    assert len(there) == 1
    assert "Erased" in done.words
    assert "receipt" in done.words
    assert await server.house.store.get([note_id]) == []
    assert "erased" in (await visitor.see(f"/note/{note_id}", status=404)).words


async def open_pair(server: Server) -> tuple[str, str]:
    """Two notes of which evolution believes that one may have replaced the other; older first."""
    older = await server.told("Ana lives in Paris.", subject="Ana", happened_at="2024-03-01")
    newer = await server.told("Ana lives in Lyon.", subject="Ana", happened_at="2026-05-01")
    await server.evolve()
    return older, newer


async def test_a_change_is_settled_with_yes(server: Server, visitor: Visitor) -> None:
    older, newer = await open_pair(server)

    queue = await visitor.see("/review")
    fields = {"newer": newer, "older": older, "answer": "changed"}
    settled = await visitor.send("/review", fields, seen=queue)

    assert "takes the place of “Ana lives in Paris.”" in text_of(queue)
    assert await state_of(server, older) is State.SUPERSEDED
    assert "Nothing waits for a decision" in settled.words


async def test_a_change_that_lies_ahead_is_settled_for_its_day(
    server: Server, visitor: Visitor
) -> None:
    older = await server.told("Ana's lesson is on Wednesdays.", subject="Ana")
    newer = await server.told("From 1 March 2096 Ana's lesson is on Thursdays.", subject="Ana")
    guess = LinkChange(to=older, relation="may_supersede")
    await server.call(UpdateArguments(note_id=newer, links=[guess]))

    queue = await visitor.see("/review")
    (field,) = queue.all("input", name="begins")
    fields = {
        "newer": newer,
        "older": older,
        "answer": "changed",
        "begins": field.attributes["value"],
    }
    await visitor.send("/review", fields, seen=queue)

    assert "on 2096-03-01, until when that holds" in text_of(queue)
    assert await state_of(server, older) is State.ACTIVE
    (note,) = await server.house.store.get([older])
    assert note.valid_until is not None
    assert note.valid_until.isoformat() == "2096-03-01T00:00:00+00:00"


async def test_a_change_is_settled_with_no(server: Server, visitor: Visitor) -> None:
    older, newer = await open_pair(server)

    queue = await visitor.see("/review")
    fields = {"newer": newer, "older": older, "answer": "both"}
    settled = await visitor.send("/review", fields, seen=queue)
    await server.evolve()

    assert {await state_of(server, one) for one in (older, newer)} == {State.ACTIVE}
    assert "Nothing waits for a decision" in settled.words
    assert "Nothing waits for a decision" in (await visitor.see("/review")).words


async def test_that_both_hold_takes_away_the_guess_and_no_other_link(
    server: Server, visitor: Visitor
) -> None:
    older, newer = await open_pair(server)
    link = LinkChange(to=older, relation="supports")
    await server.call(UpdateArguments(note_id=newer, links=[link]))

    queue = await visitor.see("/review")
    await visitor.send("/review", {"newer": newer, "older": older, "answer": "both"}, seen=queue)
    [note] = await server.house.store.get([newer])

    standing = [link.relation for link in note.links if link.stood(None)]
    assert [name for name in standing if name in ("supports", *OPEN_RELATIONS)] == ["supports"]


@pytest.mark.parametrize("answer", ["both", "same", "keep", "none"])
async def test_an_answer_to_a_pair_that_was_settled_meanwhile_changes_nothing(
    server: Server, visitor: Visitor, answer: str
) -> None:
    older, newer = await open_pair(server)
    queue = await visitor.see("/review")
    link = LinkChange(to=older, relation="supersedes")
    await server.call(UpdateArguments(note_id=newer, links=[link], tags=["home"]))
    before = await server.house.store.get([older, newer])

    fields = {"newer": newer, "older": older, "answer": answer}
    told = await visitor.send("/review", fields, seen=queue)

    assert "settled already" in told.words
    assert await server.house.store.get([older, newer]) == before


async def test_a_pair_that_says_the_same_is_merged_into_the_older_note(
    server: Server, visitor: Visitor
) -> None:
    older, newer = await open_pair(server)

    queue = await visitor.see("/review")
    await visitor.send("/review", {"newer": newer, "older": older, "answer": "same"}, seen=queue)

    assert await state_of(server, older) is State.ACTIVE
    assert await state_of(server, newer) is State.ARCHIVED


async def test_a_run_is_shown_note_by_note_and_undone(server: Server, visitor: Visitor) -> None:
    older, newer = await open_pair(server)
    [before] = await server.house.store.get([newer])

    listed = await visitor.see("/runs")
    run = await visitor.see("/runs/run-1")
    undone = await visitor.send("/runs/run-1/undo", seen=run)
    [after] = await server.house.store.get([newer])

    assert listed.all("a", href="/runs/run-1")
    assert {older, newer} <= {a.attributes["href"][6:] for a in run.all("a")}
    assert "2 notes would be as before" in text_of(run)
    assert "The run was undone" in undone.words
    assert (bool(before.keywords), bool(after.keywords)) == (True, False)
    assert "This run is undone" in (await visitor.see("/runs/run-1")).words


async def test_a_place_past_the_end_of_a_list_leads_to_its_beginning(
    server: Server, visitor: Visitor
) -> None:
    await open_pair(server)

    queue = await visitor.see("/review?offset=20&namespace=proj")
    runs = await visitor.see("/runs?offset=20")

    assert str(visitor.last.url).endswith("/runs")
    assert "Has this changed?" in queue.words
    assert runs.all("a", href="/runs/run-1")


async def test_after_an_answer_the_pairs_of_the_same_namespace_follow(
    server: Server, visitor: Visitor
) -> None:
    older, newer = await open_pair(server)
    queue = await visitor.see("/review?namespace=proj")
    assert queue.all("form", action="/review?namespace=proj")

    fields = {"newer": newer, "older": older, "answer": "both"}
    await visitor.send("/review?namespace=proj", fields, seen=queue)

    assert str(visitor.last.url).endswith("/review?said=settled&namespace=proj")


async def test_a_token_is_not_told_that_there_was_no_run_where_earlier_ones_are_left(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("Ana lives in Paris.")
    await server.evolve()
    for number in range(20):
        await server.call(UpdateArguments(note_id=note_id, context=f"told {number} times"))
        await server.evolve()
    await visitor.log_in(await server.token("ben", "bens"))

    page = await visitor.see("/runs")

    assert "There was no run yet" not in page.words


async def test_a_run_whose_notes_were_changed_since_is_undone_in_part(
    server: Server, visitor: Visitor
) -> None:
    older, newer = await open_pair(server)
    await server.call(UpdateArguments(note_id=older, content="Ana lives in Rome."))

    run = await visitor.see("/runs/run-1")
    asked = await visitor.send("/runs/run-1/undo", seen=run, status=409)
    [still] = await server.house.store.get([newer])
    await visitor.send("/runs/run-1/undo", {"partial": "on"}, seen=asked)
    [after] = await server.house.store.get([newer])

    assert asked.all("a", href=f"/note/{older}")
    assert "--partial" not in asked.words
    assert (bool(still.keywords), bool(after.keywords)) == (True, False)


async def test_the_graph_is_around_a_note_a_person_a_session_and_a_question(
    server: Server, visitor: Visitor
) -> None:
    first = await server.told("Ana keeps bees", subject="Ana", session="spring")
    second = await server.told(
        "The bees fly", session="spring", links=[NewLink(to=first, relation="part_of")]
    )
    for around, name in (("note", first), ("subject", "Ana"), ("session", "spring")):
        page = await visitor.see(f"/graph?around={around}&name={name}")
        nodes = {one.attributes["data-id"] for one in page.all("a") if "data-id" in one.attributes}
        assert nodes == {first, second}
        assert "part of" in {line.text for line in page.all("title")}
    page = await visitor.see("/graph?around=query&name=What+do+the+bees+do%3F&colour=state")
    assert page.all("svg", **{"data-colour": "state"})


async def test_pages_of_one_note_speak_of_one(server: Server, visitor: Visitor) -> None:
    note_id = await server.told("Ana keeps bees")

    graph = await visitor.see(f"/graph?around=note&name={note_id}")
    memory = await visitor.see("/namespaces")

    assert "1 note, 0 links." in graph.words
    assert "1 notes" not in text_of(memory)
    assert "1 note in 1 version," in text_of(memory)


async def test_the_run_of_an_erasure_says_that_what_went_is_not_kept(
    server: Server, visitor: Visitor
) -> None:
    note_id = await server.told("Ana keeps bees")
    note = await visitor.see(f"/note/{note_id}")
    preview = await visitor.send(f"/note/{note_id}/erase", seen=note)
    confirm = {"confirm": preview.all("input", name="confirm")[0].attributes["value"]}
    await visitor.send("/erase", confirm, seen=preview)

    [run] = [
        a for a in (await visitor.see("/runs")).all("a") if "/runs/erase-" in str(a.attributes)
    ]
    shown = await visitor.see(run.attributes["href"])

    assert "It erased notes for good, so what they were is not kept." in shown.words
    assert "changed no note" not in shown.words


async def test_the_slider_shows_what_was_known_at_a_moment(
    server: Server, visitor: Visitor
) -> None:
    first = await server.told("Ana keeps bees", subject="Ana")
    [note] = await server.house.store.get([first])
    later = await server.told(
        "The bees fly", subject="flight", links=[NewLink(to=first, relation="part_of")]
    )

    now = await visitor.see(f"/graph?around=note&name={first}")
    [slider] = now.all("form", **{"class": "moment"})
    moments = slider.attributes["data-moments"].split()
    begun = await visitor.see(f"/graph?around=note&name={first}&step=0")

    assert moments[0] == f"{note.known_from:%Y-%m-%dT%H:%M:%SZ}"
    assert later in {a.attributes.get("data-id") for a in now.all("a")}
    assert [a.attributes["data-id"] for a in begun.all("a") if "data-id" in a.attributes] == [first]
    assert begun.all("output")[0].text == moments[0]


async def test_the_timeline_goes_back_page_by_page(server: Server, visitor: Visitor) -> None:
    for day in range(1, 29):
        for month in ("2026-01", "2026-02"):
            await server.told(f"bees {month} {day}", happened_at=f"{month}-{day:02}")

    first = await visitor.see("/timeline")
    [further] = first.all("a", rel="next")
    second = await visitor.see(further.attributes["href"])

    shown = [time.text for page in (first, second) for time in page.all("time")]
    assert shown == sorted(shown, reverse=True)
    assert len(first.all("article")) + len(second.all("article")) == 56
    assert second.all("a", rel="next") == []


async def test_the_memory_page_tells_sizes_queue_and_health(
    server: Server, visitor: Visitor
) -> None:
    await server.told("Ana keeps bees")
    await server.told("two", namespace="other")
    gone = await server.told("three", namespace="other")
    await server.call(ForgetArguments(note_ids=[gone]))

    page = await visitor.see("/namespaces")

    rows = {row.text.split()[0]: row.text.split() for row in page.all("tr")[1:]}
    assert rows["proj"][1:3] == ["1", "0"]
    assert rows["other"][1:3] == ["1", "1"]
    assert "ready" in page.words


async def test_what_is_not_there_is_said_plainly(visitor: Visitor) -> None:
    assert "No note" in (await visitor.see("/note/01ARZ3NDEKTSV4RRFFQ69G5FAV", status=404)).words
    assert "is not a note id" in (await visitor.see("/note/x", status=400)).words
    await visitor.see("/runs/none", status=404)
    await visitor.see("/assets/none.css", status=404)
    assert "nothing" in (await visitor.see("/?query=whales")).words.lower()


async def test_no_error_on_a_page_tells_a_person_which_tool_to_call(
    server: Server, visitor: Visitor
) -> None:
    note_id, gone = await server.told("Ana keeps bees"), await server.told("Ben keeps goats")
    lines = "\n".join(f"On day {n} the bees were quiet." for n in range(2_000))
    long, note = await server.told(lines), await visitor.see(f"/note/{gone}")
    preview = await visitor.send(f"/note/{gone}/erase", seen=note)
    confirm = {"confirm": preview.all("input", name="confirm")[0].attributes["value"]}
    await visitor.send("/erase", confirm, seen=preview)
    save = {"rev": "1", "do": "save"}

    pages = [
        await visitor.see("/note/01ARZ3NDEKTSV4RRFFQ69G5FAV", status=404),
        await visitor.see("/note/x", status=400),
        await visitor.see("/note/%20", status=400),
        await visitor.send("/review", {"answer": "both"}, seen=note, status=400),
        await visitor.see(f"/note/{gone}", status=404),
        await visitor.send("/erase", {"confirm": "none"}, seen=note, status=409),
        await visitor.send(f"/note/{note_id}/revision", {"rev": "7"}, seen=note, status=400),
        await visitor.send(f"/note/{note_id}/edit", {**save, "content": ""}, seen=note, status=400),
        await visitor.send(
            f"/note/{long}/edit", {**save, "content": lines[:20_000]}, seen=note, status=400
        ),
    ]
    told = [page.all("p", **{"class": name}) for page in pages for name in REASONS]
    told = [reason.text for reasons in told for reason in reasons]

    assert len(told) == len(pages)
    assert [t for t in told if re.search(r"recall|remember|\w\(|the filters|ids as", t)] == []


REASONS = ("reason text", "reason warn")
"""Classes of a paragraph that says what is wrong."""


async def test_an_offered_rule_is_kept_or_refused_on_the_review_page(
    server: Server, visitor: Visitor
) -> None:
    for session in range(3):
        for content in ("Indent with tabs, never with spaces", "Never push commits to main"):
            polite = ("{}", "Please: {}", "Reminder: {}")[session]
            await server.told(polite.format(content), session=str(session))
    await server.evolve()
    page = await visitor.see("/review")
    first, second = (one.attributes["value"] for one in page.all("input", name="newer"))

    await visitor.send("/review", {"newer": first, "answer": "keep"}, seen=page)
    page = await visitor.send("/review", {"newer": second, "answer": "none"}, seen=page)

    assert "Is this a rule?" not in page.words
    kept, refused = await server.house.store.get([first, second])
    assert (kept.state, kept.tags, kept.derived) == (State.ACTIVE, (), False)
    assert refused.state is State.FORGOTTEN
