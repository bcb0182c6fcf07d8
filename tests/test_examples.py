"""The examples run as they are and show what they say."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.server.processes import environment

EXAMPLES = Path(__file__).parents[1] / "examples"
SHOWN = {
    "coding_agent": (
        "settle: changed: update(note_id=",
        "  found  \n  - 2026-05-11  The API listens on port 9090 now, no longer on 8080.",
        "as_of='2026-04-01')\n  found  \n  - 2026-03-02  The API listens on port 8080.",
        "  nothing_relevant  No note mentions Kubernetes",
    ),
    "personal_assistant": (
        "  nothing_relevant  No note has the subject 'Nora'.",
        "  found  \n  - 2026-06-01  Mara lives in Porto.",
        "as_of='2025-01-01')\n  found  \n  - 2024-09-01  Mara lives in Lyon.",
        "  forgotten\n",
        "  found  \n  - ",
    ),
}
"""What each prints, among other things."""


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_an_example_shows_what_it_is_for(name: str, tmp_path: Path) -> None:
    # With the packaged model, whose verdicts the examples show.
    settings = {
        "ZETTEL_MODEL": "all-MiniLM-L6-v2",
        "ZETTEL_EMBED_BACKEND": "onnx",
        "ZETTEL_MODEL_WAIT_SECONDS": "60",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py")],
        env=environment(tmp_path / "unused", **settings),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert done.returncode == 0, done.stderr
    for shown in SHOWN[name]:
        assert shown in done.stdout
    assert not (tmp_path / "unused").exists()


def test_every_example_is_run_and_can_be_read_in_one_go() -> None:
    files = {file.stem: file for file in EXAMPLES.glob("*.py")}

    assert files.keys() == {*SHOWN, "session"}
    assert all(len(file.read_text("utf-8").splitlines()) <= 120 for file in files.values())
