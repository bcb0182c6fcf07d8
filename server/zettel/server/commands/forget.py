"""`zettel forget`: what an agent's `forget` does, and whole namespaces, after a typed word."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from zettel.server.commands.diffs import printable
from zettel.server.commands.evolve import WHO
from zettel.server.config.default_namespace import project_namespace
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.errors import InvalidArgumentError, NotConfirmedError, NoteNotFoundError
from zettel.storage.notes import Origin
from zettel.tools.answers import ForgetAnswer
from zettel.tools.caller import Caller
from zettel.tools.erasure.erase import erase_all, ids_in, not_found
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.forget import forget

Ask = Callable[[str, str], bool]
"""Shows what would be done, and says whether the person typed the word."""

EVERYTHING = "everything"
"""What is typed before a whole store is erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetRequest:
    """What was asked on the command line; None is absent."""

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


async def forget_once(settings: Settings, wish: ForgetRequest, ask: Ask) -> ForgetAnswer:
    """Forget or erase on the store itself, without an engine.

    Args:
        settings: Which store, and which namespace.
        wish: What to forget.
        ask: Asked before anything that has a preview.

    Raises:
        NotConfirmedError: The word was not typed; nothing was done.
        ZettelError: It cannot be done.
    """
    if wish.whole or wish.everywhere:
        _check_whole(settings, wish)
    async with opened(settings) as memory:
        if wish.whole or wish.everywhere:
            namespace = None if wish.everywhere else settings.namespace
            return await _erase_all(memory, namespace, ask)
        try:
            return await _forget(memory, settings, wish, ask)
        except NoteNotFoundError as error:
            raise await not_found(memory, error.note_id) from None


def _check_whole(settings: Settings, wish: ForgetRequest) -> None:
    filters = (wish.note_ids, wish.query, wish.subject, wish.tags, wish.session, wish.until)
    if not wish.erase or wish.undo or any(filters):
        name = "--everywhere" if wish.everywhere else "--all"
        remedy = f"Pass --erase {name} and nothing that chooses among the notes."
        raise InvalidArgumentError(name, "it erases every note there is", remedy)
    if wish.whole and not settings.namespace:
        remedy = "Pass --namespace as well; zettel recall without a question lists them."
        raise InvalidArgumentError("--all", "no namespace is named", remedy)


async def _erase_all(memory: Memory, namespace: str | None, ask: Ask) -> ForgetAnswer:
    ids = await ids_in(memory.store, namespace)
    of = f"namespace {namespace!r}" if namespace else f"the store {memory.store.place!r}"
    told = f"All {len(ids)} notes of {of}, with every revision, will be erased for good."
    if not ask(told, namespace or EVERYTHING):
        raise NotConfirmedError(namespace or EVERYTHING)
    return await erase_all(memory, namespace=namespace, who=WHO, now=utc_now())


async def _forget(
    memory: Memory, settings: Settings, wish: ForgetRequest, ask: Ask
) -> ForgetAnswer:
    namespace = settings.namespace or project_namespace(Path.cwd(), home=Path.home())
    caller = Caller(namespace=namespace, origin=Origin(client=WHO, transport=WHO))
    if wish.query:
        await memory.embedder.load()
    answer = await forget(
        memory,
        caller,
        now=utc_now(),
        note_ids=wish.note_ids,
        query=wish.query,
        subject=wish.subject,
        tags=wish.tags,
        session=wish.session,
        until=wish.until,
        erase=wish.erase,
        undo=wish.undo,
    )
    if "confirm" not in answer:
        return answer
    word = "erase" if wish.erase else "restore" if wish.undo else "forget"
    if not ask(as_text(answer), word):
        raise NotConfirmedError(word)
    return await forget(memory, caller, now=utc_now(), confirm=answer["confirm"])


def as_json(answer: ForgetAnswer) -> str:
    """The tool's own answer, on one line."""
    return json.dumps(answer, ensure_ascii=False)


def as_text(answer: ForgetAnswer) -> str:
    """The answer for a person."""
    lines = [f"{note['note_id']}  {printable(note['line'])}" for note in answer["notes"]]
    many = answer.get("matched", len(lines))
    head = f"{answer['status']}: {many} notes"
    told = [head, *lines]
    if proof := answer.get("proof"):
        told += [f"  {name}: {_shown(value)}" for name, value in proof.items()]
    told += [f"same text, left as it is: {i}" for i in answer.get("elsewhere", [])]
    told += [f"changed since the preview, left as it is: {i}" for i in answer.get("skipped", [])]
    return "\n".join(told)


def _shown(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
