"""Keeps secrets out of what a verb is given, before the verb sees it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import wraps
from typing import Concatenate, Literal, ParamSpec, Protocol, TypeVar, cast

from zettel.storage.errors import InvalidArgumentError
from zettel.storage.ids import is_id
from zettel.tools.answers import RememberAnswer, UpdateAnswer
from zettel.tools.caller import Caller
from zettel.tools.concurrency import read_in_thread
from zettel.tools.secrets.scanner import find_secrets, may_hold_secrets
from zettel.tools.validation import MAX_DOCUMENT, MAX_LIST

SecretMode = Literal["cut", "refuse", "keep"]
"""Whether a secret is cut out of a text that is to be kept, or the call refused, or it stays."""


class SecretPolicy(Protocol):
    """Says what happens to secrets, and where long texts are read."""

    @property
    def secrets(self) -> SecretMode:
        """The setting."""
        ...

    def reading(self, characters: int) -> AbstractAsyncContextManager[None]:
        """Take a turn for reading texts of so many characters."""
        ...


Given = ParamSpec("Given")
Policed = TypeVar("Policed", bound=SecretPolicy)
Kept = TypeVar("Kept", RememberAnswer, UpdateAnswer)


def without_secrets(
    verb: Callable[Concatenate[Policed, Caller, Given], Awaitable[Kept]],
) -> Callable[Concatenate[Policed, Caller, Given], Awaitable[Kept]]:
    """Makes a verb that gets its texts without their secrets, and whose answer says what was cut.

    Every text of a call counts, those in its lists and mappings too. A text or a list that the verb
    refuses for its length is left to it.

    Raises:
        InvalidArgumentError: There is a secret, and the setting is `refuse`.
        RulesUnavailableError: The rules cannot be read; nothing is stored.
    """

    @wraps(verb)
    async def keep(
        policy: Policed, caller: Caller, *args: Given.args, **given: Given.kwargs
    ) -> Kept:
        cut = Counter[str]()
        if policy.secrets != "keep":
            for name, value in list(given.items()):
                if _may_hold(value):
                    characters = sum(map(len, _texts(value)))
                    # A short text, too: the first one loads the rules, in 0.3 to 4 s.
                    async with policy.reading(characters):
                        given[name] = await read_in_thread(_without, value, cut)
                if cut and policy.secrets == "refuse":
                    raise _refused(name, cut)
        answer = await verb(policy, caller, *args, **given)
        if cut:
            answer["cut"] = dict(cut)
        return answer

    return keep


def cut_secrets(text: str, cut: Counter[str]) -> str:
    """The text with a marker such as `[cut: GitHub token]` for each secret; for a worker thread.

    It has at most `MAX_DOCUMENT` characters; `cut` counts what was cut, by kind.
    """
    pieces, at = list[str](), 0
    for secret in find_secrets(text):
        pieces += (text[at : secret.start], f"[cut: {secret.kind}]")
        at = secret.end
        cut[secret.kind] += 1
    return "".join((*pieces, text[at:]))


def _may_hold(value: object) -> bool:
    # The rules are not loaded for the ids of every update.
    return any(may_hold_secrets(text) for text in _texts(value) if not is_id(text))


def _texts(value: object) -> list[str]:
    """The texts of an argument that are short enough to be kept."""
    if isinstance(value, str):
        return [value] if len(value) <= MAX_DOCUMENT else []
    return [text for part in _parts(value) for text in _texts(part)]


def _parts(value: object) -> Sequence[object]:
    if isinstance(value, Mapping):
        return list(cast("Mapping[object, object]", value).values())
    if isinstance(value, Sequence) and len(cast("Sequence[object]", value)) <= MAX_LIST:
        return cast("Sequence[object]", value)
    return ()


def _without(value: object, cut: Counter[str]) -> object:
    """An argument without the secrets of its texts."""
    if isinstance(value, str):
        return cut_secrets(value, cut) if len(value) <= MAX_DOCUMENT else value
    if isinstance(value, Mapping):
        entries = cast("Mapping[object, object]", value).items()
        return {name: _without(part, cut) for name, part in entries}
    parts = _parts(value)
    return [_without(part, cut) for part in parts] if parts else value


def _refused(name: str, cut: Counter[str]) -> InvalidArgumentError:
    kinds = ", ".join(f"{count} {kind}" for kind, count in cut.items())
    problem = f"it holds what must stay secret ({kinds}), and this memory keeps no secrets"
    return InvalidArgumentError(
        name, problem, "Take it out, say at most where it is kept, and call again."
    )
