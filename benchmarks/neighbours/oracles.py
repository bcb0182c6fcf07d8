"""Guesses at whether another tenant's notes hold a word, by everything an answer tells."""

import random
import statistics
import time
from collections.abc import Mapping, Sequence

import anyio
import httpx2
from pydantic import JsonValue

from benchmarks.neighbours.calls import answer_to, client_of
from benchmarks.neighbours.measure import Tenants

SIGNS = ("text share", "score", "verdict", "error", "count", "time")
"""What the attacker looks at."""


def guess_rate(values: Sequence[float], held: Sequence[bool], chance: random.Random) -> float:
    """The share of right guesses of an attacker that learned from the first half.

    Args:
        values: One of each word.
        held: Whether another tenant's notes hold it.
        chance: Decides where the value says nothing.

    Returns:
        Of the second half of the words, in `[0, 1]`.
    """
    half = len(values) // 2
    known = list(zip(values[:half], held[:half], strict=True))
    yes = statistics.fmean([value for value, there in known if there])
    no = statistics.fmean([value for value, there in known if not there])
    right = 0
    for value, there in zip(values[half:], held[half:], strict=True):
        nearer = abs(value - no) - abs(value - yes)
        guess = nearer > 0 if nearer else chance.random() < 0.5
        right += guess == there
    return right / (len(values) - half)


async def guess_rates(tenants: Tenants, words: int, seed: int) -> dict[str, float]:
    """How often an attacker is right by each sign."""
    chance = random.Random(seed)
    syllables = ["ba", "do", "fi", "gu", "ko", "le", "mi", "nu", "ra", "so", "ti", "zu"]
    guessed = sorted({"".join(chance.sample(syllables, 4)) for _ in range(2 * words)})
    guessed = chance.sample(guessed, words)
    held = [True, False] * (words // 2)
    chance.shuffle(held)
    async with client_of(tenants.serving.url, tenants.abuser) as own:
        for word in guessed:
            await answer_to(
                own, "remember", {"content": f"my {word} and the zebra", "subject": "Z"}
            )
    async with client_of(tenants.serving.url, tenants.victim) as other:
        for word in (w for w, there in zip(guessed, held, strict=True) if there):
            said: dict[str, JsonValue] = {
                "content": f"the {word} key of Kim",
                "subject": word,
                "tags": [word],
            }
            await answer_to(other, "remember", said)
    await anyio.sleep(1)
    async with client_of(tenants.serving.url, tenants.abuser) as own:
        looked = [await _signs(own, word) for word in guessed]
    return {sign: guess_rate([signs[sign] for signs in looked], held, chance) for sign in SIGNS}


async def _signs(http: httpx2.AsyncClient, word: str) -> Mapping[str, float]:
    taken = list[float]()
    found: dict[str, JsonValue] = {}
    for _ in range(3):
        began = time.perf_counter()
        found = await answer_to(
            http,
            "recall",
            {
                "query": f"{word} zebra",
                "subject": "Z",
                "detail": "full",
                "limit": 2,
                "max_tokens": 9_000,
            },
        )
        taken.append(time.perf_counter() - began)
    misspelt = await answer_to(http, "recall", {"subject": f"{word}s"})
    notes = found["notes"]
    assert isinstance(notes, list)
    # The other note, which holds the second word alone.
    second = notes[-1]
    assert isinstance(second, dict)
    signals, omitted = second["signals"], found.get("omitted")
    assert isinstance(signals, dict)
    return {
        "text share": _number(signals.get("text")),
        "score": _number(second["score"]) - _number(signals.get("meaning")),
        "verdict": _number(found.get("confidence")),
        "error": float(len(str(misspelt.get("reason"))) - len(word)),
        "count": _number(omitted.get("count") if isinstance(omitted, dict) else 0),
        "time": statistics.median(taken),
    }


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
