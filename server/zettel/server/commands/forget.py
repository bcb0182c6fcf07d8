"""`zettel forget`: the tool `forget`, and erasing whole namespaces, after a typed word."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from zettel.server.commands.calls import MemoryCall
from zettel.server.commands.output import CLI_PRINCIPAL, Output, line, number_of
from zettel.server.commands.short_ids import meant_ids, short_ids
from zettel.storage.errors import InvalidArgumentError, NotConfirmedError

if TYPE_CHECKING:
    from zettel.server.config.settings import Settings
    from zettel.tools.answers import ForgetAnswer
    from zettel.tools.state.memory import Memory

Confirm = Callable[[str, str], bool]
"""Shows what would be done and asks for a word; whether the person typed it."""

EVERYTHING = "everything"
"""The word that confirms erasing a whole store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetRequest:
    """The options of the command line; None is absent."""

    note_ids: Sequence[str] = ()
    query: str | None = None
    subject: str | None = None
    tags: Sequence[str] = ()
    session: str | None = None
    until: str | None = None
    erase: bool = False
    undo: bool = False
    whole: bool = False
    """Every note of the namespace."""
    everywhere: bool = False
    """Every note of the store."""


async def erase_whole(
    settings: "Settings", request: ForgetRequest, confirm: Confirm
) -> "ForgetAnswer":
    """Erase every note of a namespace or of the store, on the store itself.

    `confirm` is called before anything is erased.

    Raises:
        NotConfirmedError: The word was not typed; nothing was changed.
        ZettelError: The request is refused, or the store cannot be used.
    """
    from zettel.server.runtime.factories import opened  # noqa: PLC0415  slow

    _check_whole(settings, request)
    async with opened(settings) as memory:
        namespace = None if request.everywhere else settings.namespace
        return await _erase_all(memory, namespace, confirm)


def _check_whole(settings: "Settings", request: ForgetRequest) -> None:
    if not request.erase or request.undo or request.note_ids or _has_filters(request):
        name = "--everywhere" if request.everywhere else "--all"
        remedy = f"Pass --erase {name} and nothing that chooses among the notes."
        where = "" if request.everywhere else " in the namespace"
        raise InvalidArgumentError(name, f"it erases every note there is{where}", remedy)
    if request.whole and not settings.namespace:
        remedy = "Pass --namespace as well; zettel namespaces lists them."
        raise InvalidArgumentError("--all", "no namespace is named", remedy)


def _has_filters(request: ForgetRequest) -> bool:
    """Whether anything but ids chooses among the notes."""
    return any((request.query, request.subject, request.tags, request.session, request.until))


async def _erase_all(memory: "Memory", namespace: str | None, confirm: Confirm) -> "ForgetAnswer":
    from zettel.server.runtime.clock import utc_now  # noqa: PLC0415  slow
    from zettel.tools.erasure.erase import erase_all, ids_in  # noqa: PLC0415
    from zettel.tools.state.names_cache import read_names  # noqa: PLC0415

    ids = await ids_in(memory.admin, namespace)
    names = (await read_names(memory.admin)).group(namespace) if namespace else ()
    others = ", ".join(repr(name) for name in names if name != namespace)
    also = f" (with its other names: {others})" if others else ""
    of = f"namespace {namespace!r}{also}" if namespace else f"the store {memory.store.place!r}"
    all_notes = "The 1 note" if len(ids) == 1 else f"All {len(ids):,} notes"
    preview = f"{all_notes} of {of}, with every revision, will be erased for good."
    if not confirm(preview, namespace or EVERYTHING):
        raise NotConfirmedError(namespace or EVERYTHING)
    return await erase_all(memory, namespace=namespace, who=CLI_PRINCIPAL, now=utc_now())


def forget_notes(call: MemoryCall, request: ForgetRequest, confirm: Confirm) -> tuple[Output, int]:
    """Forget, erase or bring back notes: by ids at once, by filters after a preview.

    `confirm` is called before anything that has a preview.

    Returns:
        What is printed, and how many matching notes are left for another run.

    Raises:
        NotConfirmedError: The word was not typed; nothing was changed.
        ZettelError: The request is refused, or the store cannot be used.
    """
    answer = cast(
        "ForgetAnswer",
        call(
            "forget",
            note_ids=[*meant_ids(call, request.note_ids)] or None,
            query=request.query,
            subject=request.subject,
            tags=[*request.tags] or None,
            session=request.session,
            until=request.until,
            erase=request.erase,
            undo=request.undo,
        ),
    )
    if "confirm" not in answer:
        return forget_output(answer, _short(call, answer), skipped=NOT_THERE), 0
    word = "erase" if request.erase else "restore" if request.undo else "forget"
    short = _short(call, answer)
    left = _matching_left(answer, request)
    shown = forget_output(answer, short, skipped=NOT_THERE, left=left)
    if not confirm(shown.render(as_json=False), word):
        raise NotConfirmedError(word)
    mentions = answer.get("also_mention", 0)
    answer = cast("ForgetAnswer", call("forget", confirm=answer["confirm"]))
    if mentions:
        # A script that gives the word at once sees no preview.
        answer["also_mention"] = mentions
    if left:
        answer["next"] = " ".join(filter(None, (answer.get("next"), _says_left(left))))
    return forget_output(answer, _short(call, answer) | short, left=left), left


def _matching_left(preview: "ForgetAnswer", request: ForgetRequest) -> int:
    """How many matching notes a preview leaves out; by ids alone it takes all, shown or not."""
    if not _has_filters(request):
        return 0
    return preview.get("matched", 0) - len(preview["notes"])


def _says_left(left: int) -> str:
    """That further notes match."""
    return f"{number_of(left, 'more note matches', 'more notes match')}: run the command again."


_REOPENED = re.compile(
    r"Current again (?:is|will be) [^(]*\((?P<ids>\w+(?:, \w+)*)(?P<more>[^)]*)\)"
)
"""Of what an answer tells an agent: notes that nothing supersedes any more."""

NOT_THERE, CHANGED = "not there", "changed since the preview, left as it is"
"""What `skipped` means: of an answer to ids, and of one to a confirmation."""


def _left(answer: "ForgetAnswer", skipped: str = "") -> dict[str, list[str]]:
    """Notes that an answer names and leaves as they are: what they are, in words -> their ids."""
    return {
        "same text, left as it is": answer.get("elsewhere", []),
        "derived from these, left as it is": answer.get("conclusions", []),
        skipped: answer.get("skipped", []),
    }


def _reopened(answer: "ForgetAnswer") -> tuple[list[str], str]:
    """Ids of the notes that are current again, the first ones, and of how many they are."""
    found = _REOPENED.search(answer.get("next", ""))
    return (found["ids"].split(", "), found["more"]) if found else ([], "")


def _short(call: MemoryCall, answer: "ForgetAnswer") -> dict[str, str]:
    ids = [note["note_id"] for note in answer["notes"]] + _reopened(answer)[0]
    ids += [note_id for others in _left(answer).values() for note_id in others]
    return dict(short_ids(call, ids))


def forget_output(
    answer: "ForgetAnswer",
    short: Mapping[str, str] | None = None,
    *,
    skipped: str = CHANGED,
    left: int = 0,
) -> Output:
    """The printed answer; with `--json` the tool's own.

    `short` is what is printed of note ids; absent ones are printed whole. `skipped` is what is said
    of those that were left out, and `left` the number of notes that match and need another run.
    """
    noted, short = answer["notes"], short or {}
    matched = number_of(answer.get("matched", len(noted)), "note")
    if left and "confirm" in answer:
        matched += f" match, of which these {len(noted)} now"
    lines = [line(f"{answer['status']}: {matched}")]
    lines += [
        line((short.get(note["note_id"], note["note_id"]), "id"), f"  {note['line']}")
        for note in noted
    ]
    if proof := answer.get("proof"):
        lines += [line(f"  {name}: {_proof_text(value)}") for name, value in proof.items()]
    lines += [
        line(f"{said}: ", (short.get(i, i), "id"))
        for said, others in _left(answer, skipped).items()
        for i in others
    ]
    reopened, more = _reopened(answer)
    lines += [line("current again: ", (short.get(i, i), "id"), more) for i in reopened]
    if mentions := answer.get("also_mention"):
        others = number_of(mentions, "other note mentions", "other notes mention")
        stays = "stays as it is" if mentions == 1 else "stay as they are"
        shown = "zettel recall --subject NAME shows what names it"
        lines.append(line(f"{others} the subject and {stays}. {shown}."))
    if left and "confirm" not in answer:
        lines.append(line(_says_left(left)))
    return Output.of(answer, lines)


def _proof_text(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
