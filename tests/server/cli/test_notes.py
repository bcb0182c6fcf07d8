"""The commands for what one does to notes: add, edit, link, review, graph, stats, list, show."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from tests.server.calls import with_calls
from tests.server.processes import Launcher, environment

from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.listing import note_output
from zettel.server.commands.output import Line, Output
from zettel.server.commands.recall import recall_output
from zettel.server.commands.review import (
    read_queue,
    settle,
    settle_rules,
    shown_pair,
    shown_shaken,
)
from zettel.server.commands.writing import add_output, edit_note, form_of, link_output, read_form
from zettel.server.config.settings import Settings
from zettel.server.engine.ipc.handshake import Json
from zettel.storage.embedding.hashing import HashEmbedder
from zettel.storage.errors import InvalidArgumentError, NotConfirmedError, OtherRevisionError
from zettel.storage.lance.store import open_store
from zettel.tools.answers import RecallAnswer
from zettel.tools.evolve.run import Budget, evolve
from zettel.tools.state.memory import Memory
from zettel.tools.typed_tags import read_tags, typed_tags
from zettel.tools.views.listing import StoredNote

NAMESPACE = "farm"


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """A store with two notes that are not changed; its module's tests only read."""
    with ExitStack() as running:
        zettel = Launcher(store=tmp_path_factory.mktemp("told") / "store", running=running)
        for words in (("Ana keeps bees in Ulm", "--subject", "Ana", "--tag", "bees"), ("A tram",)):
            done = zettel.run("--namespace", NAMESPACE, "add", *words)
            assert done.returncode == 0, done.stderr
        yield zettel


def listed(zettel: Launcher, *options: str) -> list[dict[str, JsonValue]]:
    """The notes that `zettel list --json` prints."""
    done = zettel.run("--namespace", NAMESPACE, "list", "--json", *options)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
async def farm(tmp_path: Path) -> Settings:
    """The settings of an empty store."""
    embedder, place = HashEmbedder(), str(tmp_path / "store")
    store = await open_store(place, model_id=embedder.model_id, dim=embedder.dim)
    await store.close()
    return Settings(store=place, model="hash", namespace=NAMESPACE)


def stored(call: MemoryCall, content: str, **fields: Json) -> str:
    """Add a note; its id."""
    output = add_output(call, content, **fields)
    return str(json.loads(output.render(as_json=True))["note_id"])


def text(output: Output) -> str:
    """What is printed without `--json`."""
    return output.render(as_json=False)


def test_what_is_added_is_listed_whole_by_its_filters(told: Launcher) -> None:
    every, tagged = listed(told), listed(told, "--tag", "bees", "--subject", "ana")

    assert [note["content"] for note in every] == ["A tram", "Ana keeps bees in Ulm"]
    assert [note["content"] for note in tagged] == ["Ana keeps bees in Ulm"]
    assert every[0]["origin"] == {"client": "cli", "transport": "cli", "principal": "local"}
    assert listed(told, "--state", "forgotten") == []
    assert listed(told, "--until", "2020") == []


def test_a_list_that_was_cut_says_so_beside_its_notes(told: Launcher) -> None:
    done = told.run("--namespace", NAMESPACE, "list", "--limit", "1")

    assert len(done.stdout.splitlines()) == 1
    assert "1 of 2 notes; --limit or --all shows more" in done.stderr


@pytest.mark.parametrize("cut", [slice(None), slice(-7, None), slice(-7, -3), slice(-12, None)])
def test_an_id_is_understood_whole_by_its_end_and_as_it_is_shown(
    told: Launcher, cut: slice
) -> None:
    whole = str(listed(told)[0]["note_id"])

    done = told.run("show", whole[cut].lower())

    assert done.stdout.startswith("A tram\n")
    assert f"{whole[-7:]}  ({whole})" in done.stdout


def test_a_beginning_that_fits_several_notes_names_them(told: Launcher) -> None:
    first, second = (str(note["note_id"]) for note in listed(told))

    done = told.run("show", first[:6])

    assert done.returncode == 2
    assert f"'{first[:6]}' fits 2 notes" in done.stderr
    assert first in done.stderr
    assert second in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "ZZZZZZZ"), "No note with id 'ZZZZZZZ'. zettel list and zettel search print"),
        (("show", "ab"), "'AB' is too short for the id of a note"),
        (("list", "--kind", "bogus"), "--kind: 'bogus' is not known."),
        (("list", "--state", "gone"), "--state: 'gone' is not known."),
        (("move", "--from", "nowhere", "--to", "barn"), "--from: 'nowhere' is not known."),
        (("move", "ZZZZZZZ", "--to", "The Barn"), "--to: 'The Barn' is not a namespace."),
        (("namespaces", "merge", "nowhere", "barn"), "FROM: 'nowhere' is not known."),
        (("namespaces", "merge", "farm", "nowhere"), "INTO: 'nowhere' is not known."),
        (("namespaces", "merge", "user", "farm"), "zettel move --from user --to farm"),
        (("add", " "), "text: it is empty"),
        (("add", "-"), "text: it is empty"),  # as standard input is
        (("forget",), "ID: nothing says which notes to forget. Name notes by id"),
        (("link", "A", "", "B"), "RELATION: it is empty. Name one"),
        (("recall", "--since", "soonish"), "--since: 'soonish'"),
    ],
)
def test_errors_speak_to_a_person(told: Launcher, words: tuple[str, ...], said: str) -> None:
    done = told.run(*words)

    assert done.returncode in (1, 2)
    assert said in done.stderr
    assert not {"recall(", "note_ids", "remember", "call again"} & set(done.stderr.split())


def test_a_backup_and_an_export_are_sent_to_the_command_that_takes_them(
    told: Launcher, tmp_path: Path
) -> None:
    kept, sent = str(tmp_path / "kept.zettel"), str(tmp_path / "sent.jsonl")
    assert told.run("backup", kept).returncode == 0
    assert told.run("export", sent).returncode == 0

    restored, imported = told.run("restore", sent), told.run("import", kept)
    missing = told.run("restore", str(tmp_path / "none.zettel"))
    (tmp_path / "empty.zettel").touch()
    os.mkfifo(tmp_path / "pipe")
    empty, pipe = (told.run("restore", str(tmp_path / n)) for n in ("empty.zettel", "pipe"))

    done = (restored, imported, missing, empty, pipe)
    assert [each.returncode for each in done] == [2, 2, 2, 2, 2]
    assert ("is empty" in empty.stderr, "is no file" in pipe.stderr) == (True, True)
    assert "Pass it to zettel import." in restored.stderr
    assert "Pass it to zettel restore." in imported.stderr
    assert "is not there" in missing.stderr


@pytest.mark.parametrize("name", ["sent.parquet", "sent.graphml", "folder"])
def test_an_export_that_does_not_come_back_says_which_one_does(
    told: Launcher, tmp_path: Path, name: str
) -> None:
    sent = str(tmp_path / name)
    options = ("--format", "parquet") if name == "folder" else ()
    assert told.run("export", sent, *options).returncode == 0

    imported = told.run("import", sent, "--yes")

    assert imported.returncode == 2
    assert "zettel export notes.jsonl" in imported.stderr


def test_an_option_that_does_nothing_for_a_source_or_a_target_is_refused(
    told: Launcher, tmp_path: Path
) -> None:
    folder, lines = str(tmp_path / "vault"), str(tmp_path / "notes.jsonl")
    assert told.run("export", folder, "--format", "markdown").returncode == 0
    assert told.run("export", lines).returncode == 0
    for words, said in (
        (("import", folder, "--into-namespace", "barn"), "--into-namespace: "),
        (("import", lines, "--watch"), "--watch: "),
        (("import", lines, "--trusted"), "--trusted: "),
        (("import", lines, "--namespace", "barn"), "Pass --into-namespace"),
        (("export", "-", "--format", "markdown"), "FILE|DIR: a folder does not go to standard"),
        (("export", folder, "--vectors"), "--vectors: "),
    ):
        done = told.run(*words)
        assert (done.returncode, said in done.stderr) == (2, True), words

    forced = told.run("export", lines, "--format", "parquet", "--force")

    assert forced.returncode == 4
    assert forced.stderr.endswith("Name another file.\n")


def test_stats_count_and_a_graph_begins_with_its_note(told: Launcher) -> None:
    stats = told.run("--namespace", NAMESPACE, "stats")
    note_id = str(listed(told, "--subject", "Ana")[0]["note_id"])
    graph = told.run("graph", note_id)

    assert "notes            2 in 1 namespace" in stats.stdout
    assert "subjects       Ana 1" in stats.stdout
    assert graph.stdout.startswith(f"{note_id[-7:]}  ")


def test_the_namespace_of_the_caller_counts_when_it_has_a_note(told: Launcher) -> None:
    stats = told.run("--namespace", "nothing-here", "stats")

    assert "notes            2 in 1 namespace," in stats.stdout


def test_a_stream_that_is_closed_or_full_is_no_traceback(told: Launcher) -> None:
    def shell(line: str) -> tuple[int, str]:
        command = shlex.join([sys.executable, "-m", "zettel", "--in-process", "stats"]) + line
        env = environment(told.store)
        done = subprocess.run(
            command, shell=True, capture_output=True, text=True, check=False, env=env
        )
        return done.returncode, done.stderr

    assert shell(" >&-") == (0, "")
    assert shell(" <&-") == (0, "")
    if Path("/dev/full").exists():
        code, text = shell(" >/dev/full")
        assert (code, text.count("\n")) == (1, 1)
        assert "standard output cannot be used" in text


def test_a_graph_around_a_name_begins_with_the_notes_that_name_it(told: Launcher) -> None:
    note_id = str(listed(told, "--subject", "Ana")[0]["note_id"])

    by_name, by_subject = told.run("graph", "Ana"), told.run("graph", "Ana", "--around", "subject")
    unknown = told.run("graph", "Zacharias")

    assert note_id[-7:] in by_name.stdout
    assert by_name.stdout == by_subject.stdout
    assert unknown.returncode == 1
    assert "No note with id 'Zacharias'" in unknown.stderr


def test_a_graph_of_one_namespace_has_no_note_of_another(told: Launcher) -> None:
    note_id = str(listed(told, "--subject", "Ana")[0]["note_id"])
    other = told.run("--namespace", "elsewhere", "add", "Ana sold the farm", "--subject", "Ana")

    here = told.run("--namespace", NAMESPACE, "graph", "Ana")
    elsewhere = told.run("--namespace", "elsewhere", "graph", "Ana", "--around", "subject")
    everywhere = told.run("graph", "Ana")

    assert other.returncode == 0, other.stderr
    assert note_id[-7:] in here.stdout
    assert "sold" not in here.stdout
    assert "sold" in elsewhere.stdout
    assert note_id[-7:] not in elsewhere.stdout
    assert "sold" in everywhere.stdout
    assert note_id[-7:] in everywhere.stdout


async def test_an_edited_note_gets_a_new_revision_of_what_was_changed(farm: Settings) -> None:
    def work(call: MemoryCall) -> tuple[Output, Mapping[str, object]]:
        when = "2024-03-01"
        tags: Json = ["old", "a, b"]
        note_id = stored(call, "Ana keeps bees", tags=tags, subject="Ana", happened_at=when)
        shown = list[str]()

        def edit(form: str) -> str:
            assert form.endswith("---\nAna keeps bees\n")
            return form.replace('tags: old, "a, b"', 'tags: "a, b", new').replace(
                "bees\n", "hens\n"
            )

        def agree(lines: Sequence[Line]) -> bool:
            shown.extend(line.plain for line in lines)
            return True

        done = edit_note(call, note_id[-7:], edit, agree, correction=False, reason="moved")
        assert shown == [
            *("happened_at:", f"  - {when}T00:00:00+00:00", "  + now"),
            *("tags:", '  - old, "a, b"', '  + "a, b", new'),
            *("text:", "  - Ana keeps bees", "  + Ana keeps hens"),
        ]
        return done, cast("StoredNote", call("note", note_id=note_id))["note"]

    done, note = await with_calls(farm, work)

    assert text(done).endswith("as revision 2.")
    assert (note["content"], note["tags"], note["rev"]) == ("Ana keeps hens", ["a, b", "new"], 2)
    assert note["reason"] == "moved"


async def test_nothing_is_overwritten_that_changed_in_the_meantime(farm: Settings) -> None:
    def work(call: MemoryCall) -> str:
        note_id = stored(call, "Ana keeps bees")

        def edit(form: str) -> str:
            call("update", note_id=note_id, content="Ana keeps geese")
            return form.replace("bees", "hens")

        with pytest.raises(OtherRevisionError) as caught:
            edit_note(call, note_id, edit, lambda _: True, correction=False, reason=None)
        kept = Path(caught.value.__notes__[0].rpartition(" ")[2])
        assert "Ana keeps hens" in kept.read_text(encoding="utf-8")
        kept.unlink()
        return str(call("note", note_id=note_id)["note"])

    assert "Ana keeps geese" in await with_calls(farm, work)


async def test_a_person_who_does_not_agree_changes_nothing(farm: Settings) -> None:
    def work(call: MemoryCall) -> str:
        note_id = stored(call, "Ana keeps bees")
        with pytest.raises(NotConfirmedError) as caught:
            edit_note(
                call,
                note_id,
                lambda form: form + "and hens",
                lambda _: False,
                correction=False,
                reason=None,
            )
        Path(caught.value.__notes__[0].rpartition(" ")[2]).unlink()
        same = edit_note(
            call, note_id, lambda form: form, lambda _: True, correction=False, reason=None
        )
        assert "nothing was changed" in text(same)
        return str(call("note", note_id=note_id)["note"])

    assert "'rev': 1" in await with_calls(farm, work)


@pytest.mark.parametrize(
    "written", ["Ana keeps bees", "---\nsubject: Ana\nno fence", "---\nbogus: 1\n---\nAna"]
)
def test_a_form_without_its_fields_is_refused(written: str) -> None:
    with pytest.raises(InvalidArgumentError, match="fields"):
        read_form({"content": "Ana"}, written)


@given(st.lists(st.text(max_size=12).map(str.strip).filter(bool), max_size=5))
def test_tags_are_read_as_they_are_shown(tags: list[str]) -> None:
    shown = [tag for tag in tags if tag == " ".join(tag.split())]
    assert read_tags(typed_tags(shown)) == shown


@pytest.mark.parametrize(
    ("typed", "tags"),
    [
        ("a, b", ["a", "b"]),
        ("[a, b]", ["a", "b"]),
        ("""['a b', "c,d", e]""", ["a b", "c,d", "e"]),
        ("[]", []),
        ("see [3]", ["see [3]"]),
    ],
)
def test_tags_are_typed_with_commas_or_as_a_list_of_yaml(typed: str, tags: list[str]) -> None:
    assert read_tags(typed) == tags


def test_a_text_that_looks_like_the_fields_is_kept_as_it_is() -> None:
    note = {"content": "---\nsubject: Eve\n---\nend", "subject": "Ana", "tags": ["a", "b"]}

    assert read_form(note, form_of(note)) == {}
    assert read_form(note, form_of(note) + "more\n") == {
        "content": "---\nsubject: Eve\n---\nend\nmore"
    }


async def test_a_review_settles_each_pair_as_it_says(farm: Settings) -> None:
    def work(call: MemoryCall) -> None:
        pairs = [
            (stored(call, f"{who} lives in {old}"), stored(call, f"{who} lives in {new} now"))
            for who, old, new in (
                ("Ana", "Ulm", "Rome"),
                ("Ben", "Bern", "Basel"),
                ("Cleo", "Kiel", "Kiel"),
            )
        ]
        for old, new in pairs:
            link: Json = {"to": old, "relation": "may_supersede"}
            call("update", note_id=new, links=[link])
        keys = iter("ynd")
        given = settle(call, read_queue(call, None)["pairs"], lambda _: next(keys))
        assert given == {"y": 1, "n": 1, "d": 1, "s": 0, "q": 0}
        assert read_queue(call, None)["pairs"] == []
        states = {
            str(call("note", note_id=note_id)["note"]).partition("'state': '")[2].partition("'")[0]
            for pair in pairs
            for note_id in pair
        }
        assert states == {"active", "superseded", "archived"}

    await with_calls(farm, work)


async def test_what_was_so_before_is_offered_as_a_command(farm: Settings) -> None:
    def work(call: MemoryCall) -> None:
        rent = stored(call, "The rent of the barn is 900 euros", happened_at="2025-03-01")
        call("update", note_id=rent, content="The rent of the barn is 950 euros")

        said = text(recall_output(call, explain=False, query="How high was the rent before?"))

        assert "the same command with --as-of 20" in said
        assert "recall(" not in said

    await with_calls(farm, work)


async def test_a_change_that_lies_ahead_is_settled_for_its_day(farm: Settings) -> None:
    def work(call: MemoryCall) -> None:
        now = stored(call, "Mia's swimming lesson is on Wednesdays")
        added = add_output(call, "From 1 March 2096 Mia's swimming lesson is on Thursdays")
        then = str(json.loads(added.render(as_json=True))["note_id"])
        guess: Json = {"to": now, "relation": "may_supersede"}
        call("update", note_id=then, links=[guess])
        by_hand = stored(call, "Leo plays chess on Mondays")
        later = stored(call, "Leo's chess is on Fridays from 1 March 2096")
        link_output(call, later, "supersedes", by_hand, remove=False, happened_at="2096-03-01")
        pair = next(p for p in read_queue(call, None)["pairs"] if p["older"]["note_id"] == now)

        shown = "\n".join(map(str, shown_pair(call, pair, "1 of 1")))
        settle(call, [pair], lambda _: "y")

        assert re.search(r"supersedes \w+ --happened-at 2096-03-01", text(added))
        assert "on 2096-03-01" in shown
        for note_id in (now, by_hand):
            note = cast("StoredNote", call("note", note_id=note_id))["note"]
            assert note.get("state", "active") == "active"
            assert str(note.get("valid_until", ""))[:10] == "2096-03-01"

    await with_calls(farm, work)


async def test_that_both_hold_takes_away_the_guess_and_no_other_link(farm: Settings) -> None:
    def work(call: MemoryCall) -> None:
        older, newer = stored(call, "Ana lives in Ulm"), stored(call, "Ana lives in Rome now")
        links: list[Json] = [
            {"to": older, "relation": name}
            for name in ("supports", "may_contradict", "may_supersede")
        ]
        call("update", note_id=newer, links=links)

        settle(call, read_queue(call, None)["pairs"], lambda _: "n")

        links_left = cast("StoredNote", call("note", note_id=newer))["links"]
        assert [link["relation"] for link in links_left] == ["supports"]

    await with_calls(farm, work)


async def test_a_review_lists_notes_whose_premises_are_gone(farm: Settings) -> None:
    def work(call: MemoryCall) -> None:
        premise = stored(call, "Clay from Ulm needs 1,300 degrees")
        conclusion = stored(call, "We buy the big kiln")
        link: Json = {"to": premise, "relation": "derived_from"}
        call("update", note_id=conclusion, links=[link])
        assert read_queue(call, None)["shaken"] == []
        call("forget", note_ids=[premise])

        shaken = read_queue(call, None)["shaken"]
        shown = "\n".join(one.plain for one in shown_shaken(call, shaken))

        assert [one["note"]["note_id"] for one in shaken] == [conclusion]
        assert "We buy the big kiln" in shown
        assert f"derived from {premise}, which was forgotten" in shown

    await with_calls(farm, work)


async def test_a_note_whose_premise_is_gone_says_so_where_it_is_shown_and_recalled(
    farm: Settings,
) -> None:
    def work(call: MemoryCall) -> None:
        premise = stored(call, "Clay from Ulm needs 1,300 degrees")
        conclusion = stored(call, "We buy the big kiln")
        call("update", note_id=conclusion, links=[{"to": premise, "relation": "derived_from"}])
        standing = note_output(call, conclusion)
        call("forget", note_ids=[premise])

        shown = note_output(call, conclusion)
        recalled = recall_output(call, explain=False, query="kiln")

        lost = f"derived from {premise}, which was forgotten"
        assert "premise" not in text(standing)
        assert f"premise         {lost}" in text(shown).splitlines()
        assert json.loads(shown.render(as_json=True))["premise"] == lost
        assert lost in text(recalled)

    await with_calls(farm, work)


FEEDBACK = (
    "Indent with tabs, never with spaces",
    "User wants tabs, never spaces, to indent",
    "Please indent with tabs, never with spaces",
    "Never push commits to main",
    "Please never push commits to main",
    "User never wants commits pushed to main",
)


async def test_a_review_keeps_and_refuses_the_rules_that_evolution_offers(farm: Settings) -> None:
    def tell(call: MemoryCall) -> None:
        for number, content in enumerate(FEEDBACK):
            call("remember", content=content, session=f"session {number}")

    def answer(call: MemoryCall) -> None:
        rules = read_queue(call, None)["rules"]
        shown, keys = list[str](), iter("yn")

        def ask(lines: Sequence[Line]) -> str:
            shown.extend(line.plain for line in lines)
            return next(keys)

        given = settle_rules(call, rules, ask)

        assert given == {"y": 1, "n": 1, "s": 0, "q": 0}
        assert sum("Asked for 3 times" in line for line in shown) == 2
        assert read_queue(call, None)["rules"] == []
        listed = cast("RecallAnswer", call("recall", kind="procedural"))["notes"]
        assert [note["note_id"] for note in listed] == [rules[0]["note"]["note_id"]]

    await with_calls(farm, tell)
    embedder = HashEmbedder()
    store = await open_store(farm.store, model_id=embedder.model_id, dim=embedder.dim)
    memory, now = Memory(store=store, embedder=embedder), datetime.now(UTC)
    await evolve(memory, now=now, run_id="run-1", who="test", budget=Budget())
    await store.close()
    await with_calls(farm, answer)


async def test_a_review_that_nobody_answers_changes_nothing(farm: Settings) -> None:
    def work(call: MemoryCall) -> None:
        old, new = stored(call, "Ana lives in Ulm"), stored(call, "Ana lives in Rome now")
        link: Json = {"to": old, "relation": "may_supersede"}
        call("update", note_id=new, links=[link])
        shown = list[str]()

        def ask(lines: Sequence[Line]) -> str:
            shown.extend(line.plain for line in lines)
            return ""

        settle(call, read_queue(call, NAMESPACE)["pairs"], ask)
        assert len(read_queue(call, None)["pairs"]) == 1
        assert f"  y  yes: {new[-7:]} takes the place of {old[-7:]}, which stays" in "\n".join(
            shown
        )

    await with_calls(farm, work)
