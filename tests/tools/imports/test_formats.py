"""What becomes of each system's own files."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.tools.imports.exports import CHATGPT, CLAUDE, zipped

from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.storage.notes import PART_OF, Kind
from zettel.tools.imports.drafts import Draft, DraftLink, Skipped
from zettel.tools.imports.formats import FORMATS, find_format
from zettel.tools.imports.markdown import WHOLE_MAX_CHARACTERS

PEERS = Path(__file__).parent / "peers"


def read(path: Path, name: str) -> tuple[list[Draft], list[Skipped]]:
    """Drafts and skipped parts of a source, which is of this format, known or found out."""
    format = find_format(path)
    assert format.name == name
    found = list(format.read(path))
    assert found == list(find_format(path, name).read(path))
    drafts = [each for each in found if isinstance(each, Draft)]
    assert len({draft.key for draft in drafts}) == len(drafts)
    return drafts, [each for each in found if isinstance(each, Skipped)]


def by_content(drafts: list[Draft], beginning: str) -> Draft:
    (only,) = [draft for draft in drafts if draft.content.startswith(beginning)]
    return only


def test_an_observation_of_server_memory_is_a_note_about_its_entity() -> None:
    drafts, skipped = read(PEERS / "server-memory.jsonl", "server-memory")

    nurse = by_content(drafts, "Works as a nurse")
    assert (nurse.subject, nurse.tags, nurse.kind) == ("Alice Weber", ("person",), Kind.SEMANTIC)
    works = by_content(drafts, "Alice Weber works at Mercy_Hospital")
    graz = by_content(drafts, "Located in Graz")
    assert works.links == (DraftLink("related", nurse.key), DraftLink("related", graz.key))
    assert by_content(drafts, "Empty_Project is a project").tags == ("project",)
    assert (len(drafts), skipped) == (7, [])


def test_a_page_in_an_encoding_that_is_not_said_is_skipped_and_no_letter_of_it_lost(
    tmp_path: Path,
) -> None:
    (tmp_path / "latin.md").write_bytes("Jürgen keeps bees".encode("latin-1"))
    (tmp_path / "notepad.md").write_bytes("Jürgen keeps hens".encode("utf-16"))

    drafts, (left,) = read(tmp_path, "markdown")

    assert [draft.content for draft in drafts] == ["Jürgen keeps hens"]
    assert (left.where, "is not UTF-8" in left.reason) == ("latin.md", True)


def test_a_line_of_server_memory_that_is_no_entity_is_skipped_with_its_number(
    tmp_path: Path,
) -> None:
    good = (PEERS / "server-memory.jsonl").read_text(encoding="utf-8").splitlines()
    file = tmp_path / "memory.json"
    broken = ["{", '{"type":"entity"}', '{"type":"relation","from":"a"}', "7"]
    file.write_text("\n".join([*good, "", *broken]), encoding="utf-8")

    drafts, skipped = read(file, "server-memory")

    assert len(drafts) == 7
    assert [part.where for part in skipped] == ["line 7", "line 8", "line 9", "line 10"]


def test_a_line_of_server_memory_that_is_not_json_or_not_utf_8_is_skipped_in_these_words(
    tmp_path: Path,
) -> None:
    good = (PEERS / "server-memory.jsonl").read_bytes()
    latin = '{"type":"entity","name":"Jürgen","entityType":"p"}'.encode("latin-1")
    file = tmp_path / "memory.jsonl"
    file.write_bytes(b"\n".join([good.strip(), good[:30], latin, b"\0\0", b"null"]))

    _, skipped = read(file, "server-memory")

    assert [part.reason for part in skipped] == [
        "the line is not JSON",
        "the line is not UTF-8",
        "the line is not JSON",
        "no entity and no relation",
    ]


def test_a_memory_of_mem0_is_a_note_about_its_user_at_its_last_change() -> None:
    drafts, skipped = read(PEERS / "mem0-get-all.json", "mem0")

    seats = by_content(drafts, "Alice prefers aisle seats")
    assert (seats.subject, seats.tags, seats.session) == ("alice", ("travel",), "")
    assert seats.happened_at == datetime(2026, 11, 23, 7, 12, 32, 586216, tzinfo=UTC)
    assert by_content(drafts, "My sister").session == "trip-7"
    assert (len(drafts), skipped) == (3, [])


def test_the_history_of_mem0_has_the_last_text_of_each_memory_under_the_same_key() -> None:
    exported, _ = read(PEERS / "mem0-get-all.json", "mem0")
    drafts, skipped = read(PEERS / "mem0-history.db", "mem0")

    texts = {draft.key: draft.content for draft in drafts}
    assert {draft.key: draft.content for draft in exported}.items() < texts.items()
    assert "The deploy password rotates on Mondays" in texts.values()
    assert [part.reason for part in skipped] == ["deleted there"]


def test_an_export_of_mem0s_platform_has_its_memories_in_a_list_of_any_name(
    tmp_path: Path,
) -> None:
    file = tmp_path / "export.json"
    items = [{"id": "1", "memory": "Ana sings", "categories": ["music"], "metadata": {"n": 1}}, {}]
    file.write_text(json.dumps({"count": 1, "memories": items}), encoding="utf-8")

    drafts, skipped = read(file, "mem0")

    assert [(draft.content, draft.tags, draft.context) for draft in drafts] == [
        ("Ana sings", ("music",), "n: 1")
    ]
    assert [part.where for part in skipped] == ["item 2"]


def test_mcp_memory_service_keeps_tags_type_time_and_edges_but_no_replaced_or_deleted_memory() -> (
    None
):
    drafts, skipped = read(PEERS / "mcp-memory-service.db", "mcp-memory-service")

    port, bob = by_content(drafts, "The staging database"), by_content(drafts, "Bob reviews")
    assert (port.kind, port.tags) == (Kind.SEMANTIC, ("infra", "staging", "decision"))
    assert (port.context, port.happened_at) == (
        "project: atlas",
        datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC),
    )
    assert port.links == (DraftLink("supports", bob.key),)
    assert by_content(drafts, "Deploys happen on Wednesdays").kind is Kind.EPISODIC
    assert sorted(part.reason for part in skipped) == [
        "deleted there",
        "replaced there by a newer version",
    ]


def test_a_drawer_of_mempalace_is_a_note_and_a_long_one_several_parts() -> None:
    drafts, skipped = read(PEERS / "mempalace", "mempalace")

    chosen = by_content(drafts, "We chose PostgreSQL")
    assert (chosen.context, chosen.tags) == ("atlas / decisions", ("atlas", "decisions"))
    assert chosen.source == "notes/db.md"
    first = by_content(drafts, "Paragraph 0")
    parts = [draft for draft in drafts if DraftLink(PART_OF, first.key) in draft.links]
    assert len(parts) == 5
    diary = by_content(drafts, "Today the importer")
    assert (diary.subject, diary.kind) == ("ada", Kind.EPISODIC)
    linz = by_content(drafts, "Ada lives in Linz")
    assert linz.valid_until == datetime(2024, 5, 31, tzinfo=UTC)
    assert (len(drafts), skipped) == (11, [])


def test_a_page_of_basic_memory_is_a_note_with_its_relations_and_one_for_each_observation() -> None:
    drafts, skipped = read(PEERS / "basic-memory", "basic-memory")

    coffee = by_content(drafts, "# Coffee Brewing")
    water, kitchen = by_content(drafts, "# Water Filter"), by_content(drafts, "# Office Kitchen")
    assert coffee.links == (
        DraftLink("requires", water.key),
        DraftLink("located_in", kitchen.key),
    )
    assert "## Observations" not in coffee.content
    assert "- requires [[Water Filter]]" in coffee.content
    method = by_content(drafts, "Pour over takes four minutes")
    assert (method.kind, method.subject) == (Kind.PROCEDURAL, "Coffee Brewing")
    assert method.tags == ("method", "brewing", "slow", "coffee", "office")
    assert method.links == (DraftLink("about", coffee.key),)
    black = by_content(drafts, "Ada likes it black")
    assert (black.content, black.context) == ("Ada likes it black", "since the dentist")
    assert kitchen.links == (DraftLink("related", coffee.key),)
    assert (len(drafts), skipped) == (7, [])


@pytest.mark.parametrize("as_downloaded", [True, False])
def test_of_a_conversation_with_chatgpt_the_turns_of_the_shown_branch_are_notes(
    tmp_path: Path, as_downloaded: bool
) -> None:
    source = tmp_path
    if as_downloaded:
        source = zipped(tmp_path / "chatgpt.zip", CHATGPT)
    else:
        (tmp_path / "conversations.json").write_text(json.dumps(CHATGPT), encoding="utf-8")

    drafts, skipped = read(source, "chatgpt")

    said = [(draft.subject, draft.content, draft.happened_at) for draft in drafts]
    begun = datetime.fromtimestamp(1760000000.5, UTC)
    assert said == [
        ("user", "My sister lives in Porto.", datetime.fromtimestamp(1760000001, UTC)),
        ("assistant", "Porto has six bridges.", begun),
    ]
    assert {(draft.session, draft.context) for draft in drafts} == {("c-1", "Trip to Porto")}
    assert [part.where for part in skipped] == ["conversation 1, turn 2"]


def test_of_a_conversation_with_claude_each_turn_with_text_is_a_note(tmp_path: Path) -> None:
    drafts, skipped = read(zipped(tmp_path / "data.zip", CLAUDE), "claude-export")

    assert [(draft.subject, draft.content) for draft in drafts] == [
        ("user", "I play the cello on Thursdays."),
        ("assistant", "Noted."),
    ]
    assert drafts[1].happened_at == datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)
    assert [part.reason for part in skipped] == ["a turn without a text"]


def test_a_tree_of_turns_that_leads_in_a_circle_ends(tmp_path: Path) -> None:
    conversation = json.loads(json.dumps(CHATGPT))
    conversation[0]["mapping"]["n1"]["parent"] = "n4"
    file = tmp_path / "conversations.json"
    file.write_text(json.dumps(conversation), encoding="utf-8")

    drafts, _ = read(file, "chatgpt")

    assert len(drafts) == 2


def test_claude_codes_instructions_are_procedural_and_its_remembered_topics_semantic(
    tmp_path: Path,
) -> None:
    memory = tmp_path / "projects" / "-home-ada-atlas" / "memory"
    memory.mkdir(parents=True)
    (tmp_path / "CLAUDE.md").write_text("# House\n- Tests run with `make test`\n@other.md\n")
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "style.md").write_text("Names are nouns.\n")
    (memory / "MEMORY.md").write_text("- [debugging](debugging.md)\n")
    (memory / "debugging.md").write_text(
        "---\nname: debugging\ndescription: how to debug\n---\nUse the fork server.\n"
    )
    (tmp_path / "notes.md").write_text("Not of its memory.\n")

    drafts, skipped = read(tmp_path, "claude-code")

    assert {(draft.source, draft.kind) for draft in drafts} == {
        ("CLAUDE.md", Kind.PROCEDURAL),
        ("rules/style.md", Kind.PROCEDURAL),
        ("projects/-home-ada-atlas/memory/MEMORY.md", Kind.SEMANTIC),
        ("projects/-home-ada-atlas/memory/debugging.md", Kind.SEMANTIC),
    }
    assert by_content(drafts, "Use the fork server").context.endswith("how to debug")
    assert skipped == []
    assert [draft.content for draft in read(tmp_path / "CLAUDE.md", "claude-code")[0]] == [
        "# House\n- Tests run with `make test`\n@other.md"
    ]


LONG = "x" * (WHOLE_MAX_CHARACTERS // 2)


def test_a_short_page_is_one_note_and_a_long_one_is_cut_at_its_headings(tmp_path: Path) -> None:
    (tmp_path / "a b.md").write_text(
        "---\ntitle: Bees\ntags: [garden, '#food']\ndate: 2026-05-01\n---\n"
        f"# Bees\nIntro {LONG}\n## Hive\n### Frames\nTen frames {LONG} [[short]]\n"
        "## Hive\n```\n# no heading\n```\n"
    )
    (tmp_path / "short.md").write_text("# Short\n## Part\nSee [[A B|the bees]].\n")
    (tmp_path / "empty.md").write_text("  \n")

    drafts, skipped = read(tmp_path, "markdown")

    first = by_content(drafts, "# Bees")
    frames, again = by_content(drafts, "### Frames"), by_content(drafts, "## Hive")
    short = by_content(drafts, "# Short")
    assert len(drafts) == 4
    assert (first.tags, first.happened_at) == (
        ("garden", "food"),
        datetime(2026, 5, 1, tzinfo=UTC),
    )
    assert frames.context == "Bees > Hive"
    assert frames.links == (DraftLink(PART_OF, first.key), DraftLink("related", short.key))
    assert "# no heading" in again.content
    assert short.links == (DraftLink("related", first.key),)
    assert [part.reason for part in skipped] == ["an empty file"]


def test_parts_name_their_whole_and_rows_that_are_over_their_key(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text(f"# Bees\n{LONG}\n## Hive\nTen frames {LONG}\n")
    first, hive = read(tmp_path, "markdown")[0]
    chunks, _ = read(PEERS / "mempalace", "mempalace")
    pages, _ = read(PEERS / "basic-memory", "basic-memory")
    _, rows = read(PEERS / "mcp-memory-service.db", "mcp-memory-service")
    kept, events = read(PEERS / "mem0-history.db", "mem0")

    assert (first.whole, hive.whole) == ("", first.key)
    assert {(d.whole, d.links[0].key) for d in chunks if d.whole} == {
        (d.links[0].key,) * 2 for d in chunks if d.links
    }
    assert {d.whole for d in pages} == {"", *(d.links[0].key for d in pages if d.whole)}
    assert all(row.key.startswith(row.where) and row.over for row in (*rows, *events))
    assert [bool(row.replaced_by) for row in rows].count(True) == 1
    assert all(d.end_unknown for d in kept)


def test_texts_of_a_folder_that_are_no_markdown_are_named(tmp_path: Path) -> None:
    (tmp_path / "garden.md").write_text("The quince needs lime.")
    (tmp_path / "home").mkdir()
    for name in ("home/bins.txt", "home/costs.csv", "home/photo.jpg"):
        (tmp_path / name).write_text("Paper every second Monday.")

    drafts, skipped = read(tmp_path, "markdown")

    assert [draft.content for draft in drafts] == ["The quince needs lime."]
    assert [part.where for part in skipped] == ["home/bins.txt", "home/costs.csv"]
    assert "--from markdown" in skipped[0].reason


def test_a_long_page_is_whole_only_where_zettel_wrote_it(tmp_path: Path) -> None:
    text = f"# Bees\n{LONG}\n## Hive\nTen frames {LONG}\n"
    for name, more in (("ours", "rev: 2\nnamespace: farm\nstate: active\n"), ("theirs", "")):
        (tmp_path / f"{name}.md").write_text(
            f"---\nid: 01M83PGDG462XXS04M8WY7WWET\n{more}kind: procedural\n---\n{text}"
        )

    drafts, _ = read(tmp_path, "markdown")

    assert [draft.kind for draft in drafts if draft.source == "ours.md"] == [Kind.PROCEDURAL]
    assert len([draft for draft in drafts if draft.source == "theirs.md"]) == 2


@pytest.mark.parametrize("value", ["!!timestamp abc", "!!bool abc", "!!int 'x'", "!!set 7"])
def test_front_matter_with_a_value_that_is_none_of_its_type_is_left_in_the_body(
    tmp_path: Path, value: str
) -> None:
    (tmp_path / "a.md").write_text(f"---\nd: {value}\n---\nAna sings\n")
    (tmp_path / "b.md").write_text("Ben hums\n")

    drafts, _ = read(tmp_path, "markdown")

    assert ["Ana sings" in draft.content for draft in drafts] == [True, False]
    assert f"d: {value}" in drafts[0].content


def test_the_same_names_in_two_folders_are_two_sources(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text("words\n")

    (one,), _ = read(tmp_path / "one", "markdown")
    (two,), _ = read(tmp_path / "two", "markdown")

    assert one.key != two.key


def test_a_source_of_no_known_format_is_refused_with_the_formats(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00\x01")

    for path in (tmp_path, tmp_path / "a.bin", tmp_path / "missing"):
        with pytest.raises(InvalidArgumentError, match="SOURCE"):
            find_format(path)
    with pytest.raises(UnknownNameError, match="Did you mean 'mem0'"):
        find_format(tmp_path, "mem")
    assert len({format.name for format in FORMATS}) == len(FORMATS)
