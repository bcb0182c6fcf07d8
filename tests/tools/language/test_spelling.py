"""What letter case, white space and digits tell: in commands, paths and units, not in prose."""

import pytest

from zettel.storage.notes import fold
from zettel.tools.language.spelling import are_spelled_alike, spells_otherwise

CODE = "def f():\n    if a:\n        c()\n    b()"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The uplink has 100 Mb/s.", "The uplink has 100 MB/s."),
        ("It needs 5 mW.", "It needs 5 MW."),
        ("Copy with scp -p 2222", "Copy with scp -P 2222"),
        ("The sheet is at https://bit.ly/3AbCdE", "The sheet is at https://bit.ly/3aBcDe"),
        ("The key space has 2⁸ entries", "The key space has 28 entries"),
        ("Edit src/Utils.py", "Edit src/utils.py"),
        ("Set mode=Fast", "Set mode=fast"),
        (CODE, CODE.replace("    b()", "        b()")),
    ],
)
def test_in_commands_paths_units_and_code_spelling_tells(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert not are_spelled_alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Never deploy on Fridays", "never  deploy on\nfridays"),
        ("Ana's e-mail: off", "ana's E-mail: off"),
        ("It closes at 5 PM.", "it closes at 5 pm."),
        ("The rent is １２００ euros", "the rent is 1200 EUROS"),
        ("café au lait at 9", "Cafe\u0301 au lait at 9"),
        ("- milk\n  - eggs", "- milk\n- eggs"),
        (CODE, CODE.replace("\n", "\n  ").replace("def", "  def")),
    ],
)
def test_in_prose_and_of_code_as_a_whole_it_tells_nothing(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert are_spelled_alike(one, other)


def test_a_word_is_spelled_otherwise_only_where_the_other_text_has_it() -> None:
    assert spells_otherwise("[2026-12-01] run scp -P 22", "run scp -p 22")
    assert not spells_otherwise("[2026-12-01] run scp -p 22", "run scp -p 22")
