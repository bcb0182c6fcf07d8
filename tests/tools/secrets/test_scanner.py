"""Secrets are found by their formats, whatever stands around them, and nothing else is."""

import base64
import json
from collections import Counter
from importlib.resources import files
from random import Random

import pytest
from tests.secret_corpus import FORMS, SHAPES, Key, chars, keys, look_alikes, made

from zettel.tools.secrets.cutting import cut_secrets
from zettel.tools.secrets.scanner import OWN_RULES, find_secrets, may_hold_secrets

SEED = 22
KEYS = 200
LOOK_ALIKES = 2_000
FRAGMENT = 12
"""Characters of a secret in a row that would show that it was not cut."""


def _without_spaces(text: str) -> str:
    return "".join(text.replace("\u200b", "").split())


def _left(key: Key, cut: str) -> list[str]:
    """What is left of a key's secret in a text."""
    text, secret = _without_spaces(cut), _without_spaces(key.secret)
    parts = (secret[at : at + FRAGMENT] for at in range(max(1, len(secret) - FRAGMENT + 1)))
    return [part for part in parts if part in text]


def test_the_corpus_has_the_keys_of_many_forms() -> None:
    assert len(FORMS) >= 25
    assert len({key.text for key in keys(KEYS, Random(SEED))}) == KEYS
    assert {key.form for key in keys(KEYS, Random(SEED))} == FORMS.keys()


@pytest.mark.parametrize("shape", SHAPES)
def test_every_key_is_cut_in_whatever_it_stands(shape: str) -> None:
    left = list[tuple[str, list[str]]]()
    for key in keys(KEYS, Random(SEED)):
        cut = cut_secrets(SHAPES[shape](key.text), Counter())
        read = json.loads(cut)["deploy"]["value"] if shape == "JSON" else cut
        left += [(key.form, parts) for parts in [_left(key, read)] if parts]

    assert left == []


def test_hashes_identifiers_pictures_and_public_keys_are_left_whole() -> None:
    found = [(name, find_secrets(text)) for name, text in look_alikes(LOOK_ALIKES, Random(SEED))]

    assert [one for one in found if one[1]] == []


def test_what_stands_around_a_key_is_left_as_it_was() -> None:
    for key in keys(KEYS, Random(SEED)):
        cut = cut_secrets(f"Before “it”,\nthe {key.text} and\nafter.", Counter())

        assert cut.startswith("Before “it”,\nthe ")
        assert cut.endswith(" and\nafter.")


def test_a_text_without_its_secrets_has_none_left_to_cut() -> None:
    for key in keys(KEYS, Random(SEED)):
        once = cut_secrets(f"The new one is {key.text}.", Counter())

        assert cut_secrets(once, Counter()) == once


def test_a_marker_that_somebody_else_wrote_hides_no_key() -> None:
    key = made("GitHub", FORMS["GitHub"][0], Random(SEED))

    assert not _left(key, cut_secrets(f"[cut: {key.text}]", Counter()))


def test_a_comment_that_scanners_honour_hides_no_key() -> None:
    key = made("GitHub", FORMS["GitHub"][0], Random(SEED))

    for comment in ("gitleaks:allow", "betterleaks:allow", "kingfisher:ignore"):
        assert not _left(key, cut_secrets(f"{key.text} # {comment}", Counter()))


def test_a_key_in_base64_is_cut() -> None:
    key = made("GitHub", FORMS["GitHub"][0], Random(SEED))
    encoded = base64.b64encode(f"token: {key.text}".encode()).decode()

    assert cut_secrets(f"data: {encoded}\n", Counter()) == "data: [cut: GitHub token]\n"


@pytest.mark.parametrize(
    "password", ["${DB_PASSWORD}", "$PASS", "<password>", "****", "%s", "{password}", "xxxx", "..."]
)
def test_a_placeholder_in_an_address_is_no_password(password: str) -> None:
    text = f"Set it to postgres://ana:{password}@db.example.org/farm"

    assert cut_secrets(text, Counter()) == text


@pytest.mark.parametrize("password", ["s3", "correct-horse", "p:a:s:s", "pä55wörd", "secret"])
def test_a_short_or_simple_password_of_an_address_is_cut_and_the_rest_stays(password: str) -> None:
    cut = cut_secrets(f"It is postgres://ana:{password}@db.example.org/farm now", Counter())

    assert cut == "It is postgres://ana:[cut: password of an address]@db.example.org/farm now"


def test_a_private_key_that_lost_its_end_is_cut_up_to_its_last_line() -> None:
    key = made("private key", FORMS["private key"][1], Random(SEED)).text
    broken = "\n".join(key.splitlines()[:-3])

    assert cut_secrets(f"It was:\n{broken}\n\nand so on", Counter()) == (
        "It was:\n[cut: private key]\n\nand so on"
    )


def test_a_private_key_with_its_line_ends_escaped_is_cut() -> None:
    key = made("private key", FORMS["private key"][1], Random(SEED)).text

    for escaped in (key.replace("\n", "\\n"), key.replace("\n", "\r\n")):
        assert cut_secrets(f"key={escaped};", Counter()) == "key=[cut: private key];"


def test_words_on_the_next_line_stay_when_a_key_ends_the_line() -> None:
    for key in keys(KEYS, Random(SEED)):
        if "\n" not in key.text:
            assert cut_secrets(f"{key.text}\nThe rest", Counter()).endswith("\nThe rest")


def test_ordinary_notes_need_no_scanner() -> None:
    notes = (
        "My daughter's birthday is on 3 May, and she likes trains.",
        "Ana's key is under the mat; the token of our love is a ring. See §5, (a), 12:30!",
        "我们周五下午三点在车站见面。",
    )

    assert not any(map(may_hold_secrets, notes))


def test_every_key_of_the_corpus_is_a_candidate() -> None:
    assert all(may_hold_secrets(key.text) for key in keys(KEYS, Random(SEED)))


def test_each_of_our_own_rules_names_its_source() -> None:
    rules = (files("zettel.tools.secrets") / OWN_RULES).read_text(encoding="utf-8")
    rows = [row for row in rules.split("  - name: ")[1:] if row]

    assert rows
    assert all("    references: [" in row for row in rows)


def test_all_texts_of_the_greatest_length_of_keys_lose_all_of_them() -> None:
    rnd, text, secrets = Random(SEED), "", list[str]()
    while len(text) < 30_000:
        secrets.append("AKIA" + chars(rnd, "ABCDEFGHJKLMNP234567", 16))
        text += f"{secrets[-1]}, "

    cut = Counter[str]()
    left = cut_secrets(text, cut)

    assert cut == {"AWS access key id": len(secrets)}
    assert not any(secret in left for secret in secrets)
