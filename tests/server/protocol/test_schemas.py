"""Arguments: lenient in form, strict in meaning."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue
from tests.tools.conftest import pick

from zettel.server.protocol.schemas import (
    ForgetArguments,
    RecallArguments,
    RememberArguments,
    UpdateArguments,
    read_arguments,
)
from zettel.server.protocol.server import TOOLS
from zettel.storage.errors import InvalidArgumentError, UnknownNameError
from zettel.tools.validation import MAX_DOCUMENT, MAX_LIMIT

ID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"


def remember(**given: JsonValue) -> RememberArguments:
    """Read arguments of `remember`; content is there already."""
    return read_arguments(RememberArguments, {"content": "tea", **given}, owner="remember")


def recall(**given: JsonValue) -> RecallArguments:
    """Read arguments of `recall`."""
    return read_arguments(RecallArguments, given, owner="recall")


@pytest.mark.parametrize("text", ['["a"]', '{"x": 1}', "null", "12", "true", '"quoted"', " a "])
def test_text_that_looks_like_json_stays_text(text: str) -> None:
    assert remember(content=text).content == text


@given(st.text())
def test_any_text_is_handed_on_unchanged(text: str) -> None:
    assert remember(content=text, context=text).context == text


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (["a", "b"], ["a", "b"]),
        ('["a", "b"]', ["a", "b"]),
        ("a", ["a"]),
        ("a b", ["a b"]),
        ("a, b c,,d", ["a", "b c", "d"]),
        ('"a,b"', ["a", "b"]),
        (["a,b"], ["a,b"]),
        ("12", ["12"]),
        ("true", ["true"]),
        ('"a"', ["a"]),
        ("[broken", ["[broken"]),
        ("", []),
        ([], []),
        (None, None),
        ("null", None),
    ],
)
def test_a_list_comes_from_a_list_or_json_or_one_string(
    sent: JsonValue, read: list[str] | None
) -> None:
    assert remember(tags=sent).tags == read


@given(st.lists(st.text()))
def test_a_list_and_its_json_text_mean_the_same(tags: list[str]) -> None:
    assert remember(tags=json.dumps(tags)) == remember(tags=list(tags))


@pytest.mark.parametrize(("sent", "read"), [(5, 5), ("5", 5), (5.0, 5), ("5.0", 5), (None, None)])
def test_a_number_comes_from_a_number_or_its_text(sent: JsonValue, read: int | None) -> None:
    assert recall(limit=sent).limit == read


@pytest.mark.parametrize(
    ("sent", "read"), [(True, True), ("true", True), ("False", False), (None, False)]
)
def test_a_flag_comes_from_a_flag_or_its_text(sent: JsonValue, read: bool) -> None:
    arguments = read_arguments(ForgetArguments, {"undo": sent}, owner="forget")

    assert arguments.undo is read


@pytest.mark.parametrize(
    "sent",
    [
        [{"to": ID, "relation": "supports"}],
        {"to": ID, "relation": "supports"},
        json.dumps([{"to": ID, "relation": "supports"}]),
        json.dumps({"to": ID, "relation": "supports"}),
        [json.dumps({"to": ID, "relation": "supports"})],
    ],
)
def test_links_come_from_a_list_or_one_object_or_json(sent: JsonValue) -> None:
    links = remember(links=sent).links

    assert links is not None
    assert [(link.to, link.relation) for link in links] == [(ID, "supports")]


def test_a_link_can_be_removed_by_update_only() -> None:
    link: JsonValue = [{"to": ID, "remove": "true"}]
    update = read_arguments(UpdateArguments, {"note_id": ID, "links": link}, owner="update")

    assert update.links is not None
    assert update.links[0].remove is True
    with pytest.raises(UnknownNameError, match="'remove' is not known"):
        remember(links=link)


def test_who_wants_to_update_a_namespace_is_told_what_moves_a_note() -> None:
    sent: dict[str, JsonValue] = {"note_id": ID, "namespace": "glass works"}

    with pytest.raises(UnknownNameError) as caught:
        read_arguments(UpdateArguments, sent, owner="update")

    assert f"zettel move {ID} --to 'glass works'" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "sent", "message"),
    [
        ("content", 5, "content: 5 is not text. Pass a JSON string."),
        ("content", True, "content: true is not text"),
        ("content", ["a"], 'content: ["a"] is not text'),
        ("tags", 5, "tags: 5 is not a list of strings"),
        ("tags", {"a": 1}, 'tags: {"a": 1} is not a list of strings'),
        ("tags", ["a", 5], "tags[1]: 5 is not text"),
        ("links", ID, f'links: "{ID}" is not a list of objects'),
        ("links", [ID], f'links[0]: "{ID}" is not an object'),
        ("links", [{"relation": "supports"}], "links[0].to: it is missing"),
        ("links", [{"to": 5}], "links[0].to: 5 is not text"),
        ("kind", "episode", "kind: 'episode' is not known. Did you mean 'episodic'?"),
        ("kind", "concept", "kind: 'concept' is not known"),
    ],
)
def test_a_wrong_type_is_named_with_its_place_and_value(
    name: str, sent: JsonValue, message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        remember(**{name: sent})

    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("sent", ["ten", 1.5, True, [1], {}])
def test_a_number_that_is_none_is_refused(sent: JsonValue) -> None:
    with pytest.raises(InvalidArgumentError, match=r"limit: .* is not a whole number"):
        recall(limit=sent)


def test_an_unknown_argument_names_the_nearest_and_all_known() -> None:
    with pytest.raises(UnknownNameError) as caught:
        recall(qurey="tea")

    assert caught.value.value == "qurey"
    assert "Did you mean 'query'?" in str(caught.value)
    assert all(name in str(caught.value) for name in RecallArguments.model_fields)


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match="content: it is missing"):
        read_arguments(RememberArguments, {"content": None}, owner="remember")


@pytest.mark.parametrize("place", ["content", "tags", "links"])
def test_half_a_surrogate_pair_is_refused_by_name(place: str) -> None:
    sent: dict[str, JsonValue] = {
        "content": "a\ud800",
        "tags": ["a\ud800"],
        "links": [{"to": "a\ud800"}],
    }
    with pytest.raises(InvalidArgumentError, match="half a surrogate pair") as caught:
        remember(**{place: sent[place]})

    assert caught.value.name.startswith(place)


def test_a_long_refused_value_is_shown_shortened() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        recall(limit="x" * 10_000)

    assert len(str(caught.value)) < 300


def test_bounds_that_help_a_caller_are_advertised() -> None:
    remember, recall = (TOOLS[name].advertised.input_schema for name in ("remember", "recall"))

    assert pick(remember, "properties", "content", "maxLength") == MAX_DOCUMENT
    assert pick(recall, "properties", "limit", "maximum") == MAX_LIMIT
