"""The output of commands: one line of JSON for programs, or text for people."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Output:
    """One printed result."""

    data: object
    """Printed with `--json`; None prints nothing."""
    text: str
    """Printed without `--json`; the empty string prints nothing."""

    def render(self, *, as_json: bool) -> str:
        """The line or lines to print; empty for nothing."""
        if not as_json:
            return self.text
        if self.data is None:
            return ""
        return json.dumps(self.data, ensure_ascii=False, default=plain)


CLI_PRINCIPAL = "cli"
"""Author of what commands change."""

Say = Callable[[Output], None]
"""Prints one result."""


def plain(value: object) -> str:
    """Text for a value that JSON has no form of; a time in ISO 8601."""
    return value.isoformat() if isinstance(value, datetime) else str(value)


ReportProgress = Callable[[str, int, int], None]
"""Step, notes done, notes in all; 0 in all if that is unknown."""
