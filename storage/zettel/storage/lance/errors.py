"""Meaning of LanceDB's errors; it raises plain errors with text, so all matching is done here."""

import re
from dataclasses import dataclass

from zettel.storage.errors import StoreUnavailableError

CONFLICTS = ("Retryable commit conflict", "Commit conflict", "Too many concurrent writers")
"""Another writer committed first and nothing was written (lance 13.0)."""

STALE = ("Not found:", "no longer exists. Was it cleaned up?")
"""A file of the version read from is gone, or the version: another process dropped old ones."""

NO_COLUMN = ("No field named", "does not exist in", "not found in target schema")
"""A column was dropped since it was last used (lance 13.0)."""

NO_ANSWER = "no answer in time"
"""Text of Zettel's own error for a request that it gave up."""

_VECTOR_COLUMN = re.compile(r"\b(?:vectors|embed_model)(?:_\d+)?\b")

MAX_DETAIL_CHARS = 300
"""Characters of a foreign error's text in a message."""


@dataclass(frozen=True, slots=True)
class _Cause:
    marks: tuple[str, ...]
    problem: str
    remedy: str


def _statuses(*numbers: int, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    """How object_store 0.12, lance 13.0 and the Cloud's client word these statuses of HTTP."""
    words = ("status: {}", "status code: {}", ") {} ")
    return (*(word.format(number) for number in numbers for word in words), *also)


_CAUSES = (
    _Cause(
        ("Failed to create temp dir",),
        "needs a temporary directory, and this server has none that it can write to",
        "Make the directory that TMPDIR names, or set TMPDIR to another one and run zettel stop.",
    ),
    _Cause(
        # 28 ENOSPC, 122 EDQUOT, 112 ERROR_DISK_FULL
        ("No space left", "(os error 28)", "(os error 122)", "(os error 112)"),
        "is on a full disk, so nothing more was stored",
        "Free some space, then make the same call again.",
    ),
    _Cause(
        # 30 EROFS, 13 EACCES, 1 EPERM, 5 ERROR_ACCESS_DENIED
        ("Read-only", "Permission denied", "(os error 30)", "(os error 13)", "(os error 1)"),
        "cannot be written, so nothing more was stored",
        "Make it writable for this user, or point ZETTEL_STORE at another directory.",
    ),
    _Cause(
        ("NoSuchBucket",),
        "is in no such bucket",
        "Make the bucket, or correct its name in ZETTEL_STORE.",
    ),
    _Cause(
        _statuses(
            *(401, 403),
            also=("CredentialsNotLoaded", "no storage account configured", "api_key"),
        ),
        "may not be used with the credentials that are there, or there are none",
        "Set the cloud's own variables (docs/data.md, Where a store can live), and check that they"
        " may list, read, write and delete there.",
    ),
    _Cause(
        _statuses(429, 503, also=("SlowDown",)),
        "is asked too much at once: its object store answered to slow down",
        "Make the same call again in a moment.",
    ),
    _Cause(
        ("not supported on LanceDB", "not supported on remote", "is not supported by the server"),
        "is in LanceDB Cloud, which cannot do this",
        "docs/data.md says what it cannot do; zettel backup and zettel restore move the notes.",
    ),
    _Cause(
        ("BareRedirect",),
        "is in another region than AWS_REGION says",
        "Set AWS_REGION to the region of the bucket.",
    ),
    _Cause(
        ("BadScheme",),
        "is at an address without encryption, which is not allowed",
        "Set AWS_ALLOW_HTTP=true if that is meant.",
    ),
    _Cause(
        ("kind: Connect",),
        "is on an object store that cannot be reached",
        "Check the network, and AWS_ENDPOINT_URL if it is not Amazon's.",
    ),
    _Cause(
        ("kind: Timeout", "HTTP error: error sending request", NO_ANSWER),
        "is on an object store that does not answer",
        "Make the same call again once it does: what this one has stored is not stored twice. If"
        " it stays, zettel doctor says what is wrong.",
    ),
    _Cause(
        CONFLICTS,
        "is being changed by too many others at once, so nothing was stored",
        "Make the same call again in a moment.",
    ),
    _Cause(
        (*STALE, "was not found"),
        "has lost files it needs",
        "Check that nothing else deletes files there; if they are gone, restore a backup.",
    ),
)


def is_conflict(error: BaseException) -> bool:
    """Whether a write lost to another and may be retried."""
    return any(mark in str(error) for mark in CONFLICTS)


def is_stale(error: Exception) -> bool:
    """Whether reading the newest version may help."""
    text = str(error)
    return any(mark in text for mark in STALE)


def is_other_vectors(error: Exception) -> bool:
    """Whether the columns of vectors that this process opened are gone."""
    text = str(error)
    return any(mark in text for mark in NO_COLUMN) and bool(_VECTOR_COLUMN.search(text))


def unavailable(place: str, error: Exception) -> StoreUnavailableError:
    """The error for a failed LanceDB call, with its cause and remedy."""
    text = str(error)
    for cause in _CAUSES:
        if any(mark in text for mark in cause.marks):
            return StoreUnavailableError(place, cause.problem, cause.remedy)
    if is_other_vectors(error):
        problem = "was embedded anew with another model, so nothing was stored"
        return StoreUnavailableError(place, problem, "Make the same call again in a moment.")
    return StoreUnavailableError(
        place,
        f"failed: {text[:MAX_DETAIL_CHARS]}",
        "Try again; if it stays, look at the server's log and the disk.",
    )
