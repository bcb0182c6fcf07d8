"""What LanceDB's error texts mean; the texts are those that LanceDB 0.40 really raised."""

import pytest

from zettel.storage.lance.errors import is_conflict, is_stale, unavailable

FULL = (
    "lance error: LanceError(IO): Generic LocalFileSystem error: Unable to copy data to file:"
    " No space left on device (os error 28), lance-table-13.0.0/src/io/commit.rs:1663:50"
)
READ_ONLY = (
    "lance error: LanceError(IO): Read-only file system (os error 30) at path"
    ' "notes.lance/data/.tmpsUqprU", lance-io-13.0.0/src/object_store.rs:1006:34'
)
CONFLICT = "lance error: Retryable commit conflict for version 7: This Rewrite was preempted"
SILENT = (
    "lance error: LanceError(IO): Generic S3 error: Error performing list request: Error performing"
    " GET http://127.0.0.1:8600/zettel?list-type=2&prefix=s%2Fnotes.lance%2F_versions%2F in"
    " 30.009181849s - HTTP error: error sending request, lance-io-13.0.0/src/object_store.rs:1506"
)
NO_FOLDER = (
    "lance error: Query Execution error: Execution error: Failed to create temp dir:"
    ' LanceError(IO): Permission denied (os error 13) at path "/tmp/mine/.tmpn6s70U"'
)
GONE = "lance error: Not found: notes.lance/data/0110.lance, lance-io-13.0.0/src/local.rs:135:31"


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        (FULL, "is on a full disk", "Free some space"),
        (READ_ONLY, "cannot be written", "Make it writable"),
        (NO_FOLDER, "needs a temporary directory", "set TMPDIR"),
        (SILENT, "does not answer", "not stored twice"),
        (CONFLICT, "too many others", "again in a moment"),
        (GONE, "has lost files", "restore a backup"),
        ("something new" + "x" * 999, "failed: something new", "look at the server's log"),
    ],
)
def test_a_failure_is_told_with_what_to_do(text: str, problem: str, remedy: str) -> None:
    message = str(unavailable("place", RuntimeError(text)))

    assert "'place'" in message
    assert problem in message
    assert remedy in message
    assert len(message) < 600


def test_only_a_lost_commit_is_tried_again_as_it_is() -> None:
    assert [is_conflict(RuntimeError(t)) for t in (FULL, READ_ONLY, CONFLICT, GONE)] == [
        False, False, True, False,
    ]  # fmt: skip


def test_only_a_missing_file_calls_for_a_newer_version() -> None:
    assert [is_stale(RuntimeError(t)) for t in (FULL, READ_ONLY, CONFLICT, GONE)] == [
        False, False, False, True,
    ]  # fmt: skip
