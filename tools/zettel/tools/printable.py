"""Texts of notes made fit to be printed: nothing in them is obeyed, hidden or reordered."""

from unicodedata import category


def printable(text: str) -> str:
    """One line in which all that a terminal obeys, reorders or hides is a visible escape.

    Escaped are the general categories C (control and format characters, surrogates, private and
    unassigned code points), Zl and Zp (Unicode Standard, section 4.5): with them C0 and C1
    controls, line ends, bidi controls, zero-width and tag characters. Spaces of any width stay.
    """
    return "".join(
        character
        if character.isprintable() or category(character) == "Zs"
        else character.encode("unicode_escape").decode()
        for character in text
    )


def printable_lines(text: str) -> str:
    """A text whose line feeds are meant: each of its lines as `printable` makes it."""
    return "\n".join(map(printable, text.split("\n")))
