"""`zettel review`: the pairs of notes that evolution left open, settled one after the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.output import Line, block, line
from zettel.server.commands.short_ids import short_ids
from zettel.server.engine.ipc.handshake import Json

if TYPE_CHECKING:
    from zettel.tools.views.review import OfferedRule, OpenPair, ReviewQueue, ShakenNote

EVERYWHERE = "*"
REVIEW_INDENT = 10
REVIEW_KEYS = {
    "y": "the later note replaces the earlier one",
    "n": "both hold",
    "d": "they say the same",
    "s": "later",
    "q": "quit",
}
"""Keys, with their meaning."""

RULE_KEYS = {"y": "kept", "n": "refused", "s": "later", "q": "quit"}
"""Keys for an offered rule or fact, with their meaning."""

AskKey = Callable[[Sequence[Line]], str]
"""Shows lines and asks for a key of those that they name; empty where nobody answers."""


def read_queue(call: MemoryCall, namespace: str | None) -> "ReviewQueue":
    """All that waits for a decision, the newest first.

    Raises:
        ZettelError: The store cannot be read.
    """
    where = namespace or EVERYWHERE
    queue = page = cast("ReviewQueue", call("review", namespace=where))
    while "offset" in page:
        page = cast("ReviewQueue", call("review", namespace=where, offset=page["offset"]))
        queue["pairs"] += page["pairs"]
    return queue


def shown_shaken(call: MemoryCall, notes: "Sequence[ShakenNote]") -> list[Line]:
    """Each note with its premise, and what to do."""
    short = short_ids(call, [one["note"]["note_id"] for one in notes])
    lines = [line(("Does this still hold?", "strong"))]
    for one in notes:
        lead = line("  ", (short[one["note"]["note_id"]], "id"), "  ", indent=REVIEW_INDENT)
        lines += block(one["note"].get("content", ""), lead)
        lines.append(line(("  " + one["premise"], "faint"), indent=REVIEW_INDENT))
    text = "If it does, take out the link: zettel link NOTE derived_from PREMISE --remove."
    return [*lines, line((text, "faint"))]


def settle_rules(call: MemoryCall, rules: "Sequence[OfferedRule]", ask: AskKey) -> dict[str, int]:
    """Show each offered rule with the effect of each answer, and do what is answered.

    Returns:
        How often each answer was given.

    Raises:
        ZettelError: An answer could not be carried out; the ones before were.
    """
    given = dict.fromkeys(RULE_KEYS, 0)
    for number, rule in enumerate(rules, 1):
        key = ask(shown_rule(call, rule, f"{number} of {len(rules)}"))
        if key not in RULE_KEYS or key == "q":
            break
        given[key] += 1
        note_id = rule["note"]["note_id"]
        if key == "y":
            call("update", note_id=note_id, tags=[])
        elif key == "n":
            call("forget", note_ids=[note_id])
    return given


def shown_rule(call: MemoryCall, rule: "OfferedRule", count: str) -> list[Line]:
    """An offered rule, and what each answer does."""
    note = rule["note"]
    short = short_ids(call, [note["note_id"]])[note["note_id"]]
    subject = f"{note['subject']}: " if "subject" in note else ""
    lead = line("  ", (short, "id"), "  ", indent=REVIEW_INDENT)
    question = "Is this a lasting fact?" if note.get("kind") == "semantic" else "Is this a rule?"
    effects = {
        "y": "yes: it becomes a note of its own, which answers show",
        "n": f"no: it is forgotten (zettel forget --undo {short} brings it back)",
        "s": "skip: ask again next time",
        "q": "quit",
    }
    return [
        line((question, "strong"), f"  ({count})"),
        line((rule["reason"], "faint")),
        *block(subject + note.get("content", ""), lead),
        *(line("  ", (key, "strong"), f"  {text}", indent=5) for key, text in effects.items()),
    ]


def rules_text(given: dict[str, int], rules: int) -> str:
    """What was answered about offered rules, in a line."""
    done = [f"{given[key]} {RULE_KEYS[key]}" for key in "yn" if given[key]]
    return f"Rules: {', '.join(done) or 'none settled'}. {rules - given['y'] - given['n']} left."


def settle(call: MemoryCall, pairs: "Sequence[OpenPair]", ask: AskKey) -> dict[str, int]:
    """Show each pair with the effect of each answer, and do what is answered.

    Returns:
        How often each answer was given.

    Raises:
        ZettelError: An answer could not be carried out; the ones before were.
    """
    given = dict.fromkeys(REVIEW_KEYS, 0)
    for number, pair in enumerate(pairs, 1):
        key = ask(shown_pair(call, pair, f"{number} of {len(pairs)}"))
        if key == "" or key == "q":
            break
        given[key] += 1
        newer, older = pair["newer"]["note_id"], pair["older"]["note_id"]
        if key == "y":
            replaces: list[Json] = [{"to": older, "relation": "supersedes"}]
            then = {"happened_at": pair["begins"]} if "begins" in pair else {}
            call("update", note_id=newer, links=replaces, **then)
        elif key == "n":
            links: list[Json] = [
                {"to": older, "relation": name, "remove": True} for name in pair["relations"]
            ]
            call("update", note_id=newer, links=links)
        elif key == "d":
            call("update", note_id=newer, links=[{"to": older, "relation": "same_as"}])
    return given


def shown_pair(call: MemoryCall, pair: "OpenPair", count: str) -> list[Line]:
    """A pair of notes, and what each answer does."""
    newer, older = pair["newer"], pair["older"]
    short = short_ids(call, [newer["note_id"], older["note_id"]])
    lines = [line((_question(pair), "strong"), f"  ({count})"), line((pair["reason"], "faint"))]
    for name, note in (("earlier", older), ("later", newer)):
        lead = line(
            (f"  {name:<8}", "faint"),
            (short[note["note_id"]], "id"),
            (f"  {note.get('happened_at', '')[:10]}  ", "faint"),
            indent=REVIEW_INDENT,
        )
        subject = f"{note['subject']}: " if "subject" in note else ""
        lines += block(subject + note.get("content", ""), lead)
    one, other = short[newer["note_id"]], short[older["note_id"]]
    then = f" on {pair['begins'][:10]}" if "begins" in pair else ""
    effects = {
        "y": f"yes: {one} takes the place of {other}{then}, which stays in the history",
        "n": "no, both hold: the question is taken away, both notes stay",
        "d": f"they say the same: {one} is archived, its tags go to {other}"
        f" (zettel link {one} same_as {other} --remove takes that back)",
        "s": "skip: ask again next time",
        "q": "quit",
    }
    return [
        *lines,
        *(line("  ", (key, "strong"), f"  {text}", indent=5) for key, text in effects.items()),
    ]


def _question(pair: "OpenPair") -> str:
    return "Has this changed?" if pair["changes"] else "Do these contradict each other?"


def shown_all(
    call: MemoryCall, pairs: "Sequence[OpenPair]", rules: "Sequence[OfferedRule]"
) -> Iterator[list[Line]]:
    """Each offered rule and each pair, where nobody is asked."""
    for at, rule in enumerate(rules, 1):
        yield shown_rule(call, rule, f"{at} of {len(rules)}")
    for at, pair in enumerate(pairs, 1):
        yield shown_pair(call, pair, f"{at} of {len(pairs)}")


def settled_text(given: dict[str, int], pairs: int) -> str:
    """What was answered, in a line."""
    done = [f"{count} {REVIEW_KEYS[key]}" for key, count in given.items() if count and key in "ynd"]
    left = pairs - sum(given[key] for key in "ynd")
    return f"Settled: {', '.join(done) or 'nothing'}. {left} left."
