"""`zettel forget`: the tool `forget`, and erasing whole namespaces, after a typed word."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from zettel.server.commands.here import caller_here
from zettel.server.commands.output import CLI_PRINCIPAL, Output, printable
from zettel.server.config.settings import Settings
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.factories import opened
from zettel.storage.errors import InvalidArgumentError, NotConfirmedError, NoteNotFoundError
from zettel.storage.notes import Origin
from zettel.tools.answers import ForgetAnswer
from zettel.tools.erasure.erase import erase_all, ids_in, not_found
from zettel.tools.state.memory import Memory
from zettel.tools.verbs.forget import forget

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


async def forget_once(settings: Settings, request: ForgetRequest, confirm: Confirm) -> ForgetAnswer:
    """Forget or erase on the store itself, without an engine.

    Args:
        settings: Name the store and the namespace.
        request: Chooses the notes.
        confirm: Called before anything that has a preview.

    Raises:
        NotConfirmedError: The word was not typed; nothing was changed.
        ZettelError: The request is refused, or the store cannot be used.
    """
    if request.whole or request.everywhere:
        _check_whole(settings, request)
    async with opened(settings) as memory:
        if request.whole or request.everywhere:
            namespace = None if request.everywhere else settings.namespace
            return await _erase_all(memory, namespace, confirm)
        try:
            return await _forget(memory, settings, request, confirm)
        except NoteNotFoundError as error:
            raise await not_found(memory, error.note_id) from None


def _check_whole(settings: Settings, request: ForgetRequest) -> None:
    filters = (
        request.note_ids,
        request.query,
        request.subject,
        request.tags,
        request.session,
        request.until,
    )
    if not request.erase or request.undo or any(filters):
        name = "--everywhere" if request.everywhere else "--all"
        remedy = f"Pass --erase {name} and nothing that chooses among the notes."
        raise InvalidArgumentError(name, "it erases every note there is", remedy)
    if request.whole and not settings.namespace:
        remedy = "Pass --namespace as well; zettel recall without a question lists them."
        raise InvalidArgumentError("--all", "no namespace is named", remedy)


async def _erase_all(memory: Memory, namespace: str | None, confirm: Confirm) -> ForgetAnswer:
    ids = await ids_in(memory.store, namespace)
    of = f"namespace {namespace!r}" if namespace else f"the store {memory.store.place!r}"
    preview = f"All {len(ids)} notes of {of}, with every revision, will be erased for good."
    if not confirm(preview, namespace or EVERYTHING):
        raise NotConfirmedError(namespace or EVERYTHING)
    return await erase_all(memory, namespace=namespace, who=CLI_PRINCIPAL, now=utc_now())


async def _forget(
    memory: Memory, settings: Settings, request: ForgetRequest, confirm: Confirm
) -> ForgetAnswer:
    origin = Origin(client=CLI_PRINCIPAL, transport=CLI_PRINCIPAL)
    caller = await caller_here(memory, settings, origin)
    if request.query:
        await memory.embedder.load()
    answer = await forget(
        memory,
        caller,
        now=utc_now(),
        note_ids=request.note_ids,
        query=request.query,
        subject=request.subject,
        tags=request.tags,
        session=request.session,
        until=request.until,
        erase=request.erase,
        undo=request.undo,
    )
    if "confirm" not in answer:
        return answer
    word = "erase" if request.erase else "restore" if request.undo else "forget"
    if not confirm(forget_output(answer).text, word):
        raise NotConfirmedError(word)
    return await forget(memory, caller, now=utc_now(), confirm=answer["confirm"])


def forget_output(answer: ForgetAnswer) -> Output:
    """The printed answer; with `--json` the tool's own."""
    lines = [f"{note['note_id']}  {note['line']}" for note in answer["notes"]]
    text = [f"{answer['status']}: {answer.get('matched', len(lines))} notes", *lines]
    if proof := answer.get("proof"):
        text += [f"  {name}: {_proof_text(value)}" for name, value in proof.items()]
    text += [f"same text, left as it is: {i}" for i in answer.get("elsewhere", [])]
    text += [f"changed since the preview, left as it is: {i}" for i in answer.get("skipped", [])]
    return Output(answer, "\n".join(map(printable, text)))


def _proof_text(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
