"""No text of a note, a name or a question becomes part of the page."""

from unicodedata import category

from tests.server.page.hostile import ERRORS, hostile_memory, hostile_paths
from tests.server.page.visitors import Document, Server, Visitor

NEVER = {"iframe", "object", "embed", "base", "style", "math", "img", "frame", "template"}
"""Elements that no page of ours has."""


def complaints(path: str, text: str) -> list[str]:
    """What of a page is not ours."""
    found = list[str]()
    for element in Document(text).elements:
        attributes = element.attributes
        if element.name in NEVER:
            found.append(f"{path}: <{element.name}>")
        if element.name == "script" and attributes != {"src": "/assets/page.js", "defer": ""}:
            found.append(f"{path}: a script {attributes}")
        if element.name == "meta" and "http-equiv" in attributes:
            found.append(f"{path}: <meta {attributes}>")
        if element.text == "forged" or attributes.get("id") == "forged":
            found.append(f"{path}: a forged heading")
        for name, value in attributes.items():
            led = name in ("href", "src", "action", "formaction", "data", "srcdoc")
            if name.startswith("on") or name == "style":
                found.append(f"{path}: {element.name} {name}={value}")
            if led and not (value.startswith("#") or own_path(value)):
                found.append(f"{path}: {element.name} {name}={value}")
    # Unprintable characters may hide or reorder what follows; fields that are edited hold them.
    shown = text if "/edit" not in path else ""
    hidden = {c for c in shown if category(c)[0] == "C" and c != "\n"}
    return found + ([f"{path}: {sorted(map(ascii, hidden))}"] if hidden else [])


def own_path(value: str) -> bool:
    """Whether an address stays on this site."""
    return value.startswith("/") and not value.startswith("//")


async def test_no_text_of_a_note_or_of_an_address_becomes_a_part_of_the_page(
    server: Server, visitor: Visitor
) -> None:
    ids = await hostile_memory(server)
    await server.evolve()

    found, said = list[str](), ""
    for path in (*hostile_paths(ids), *ERRORS):
        answer = await visitor.http.get(path)
        assert answer.status_code < 500, (path, answer.text)
        found += complaints(path, answer.text)
        said += answer.text

    assert found == []
    assert "&lt;script&gt;" in said
    assert "\\u202e" in said
    assert "49" not in said.split("{{ 7 * 7 }}")[1][:3]


async def test_what_is_edited_comes_back_to_the_letter(server: Server, visitor: Visitor) -> None:
    content = "\nfirst line empty\u202e </textarea><script>1</script> &amp; \ttab"
    note_id = await server.told(content)

    page = await visitor.see(f"/note/{note_id}/edit")
    [field] = page.all("textarea", name="content")

    # The parser of HTML drops one line feed at the beginning, this one does not.
    assert field.text.removeprefix("\n") == content
