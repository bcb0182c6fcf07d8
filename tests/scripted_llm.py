"""An OpenAI-compatible service on loopback that says what a test tells it to, bad things too."""

import json
import re
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pydantic import JsonValue, TypeAdapter

from zettel.tools.llm.llm import Llm, LlmLimits
from zettel.tools.llm.openai_client import OpenAiChat

Body = dict[str, JsonValue]
bodies = TypeAdapter(Body)
_NOTE = re.compile(r'<note id="(\w+)" role="(\w+)" day="[^"]*">\n(.*?)\n</note>', re.S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A note as the model is shown it."""

    note_id: str
    role: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request: its body, and the notes in it."""

    body: Body
    headers: Mapping[str, str]
    notes: tuple[Shown, ...]

    @property
    def words(self) -> str:
        """All that the model is told."""
        return json.dumps(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A response; `hangs` sends none, and `chunks` go out one by one after the body."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    hangs: bool = False
    chunks: int = 0


CHUNK = b" " * 65_536


def said(text: str, *, tokens: tuple[int, int] | None = (100, 20), **message: str) -> Reply:
    """A completion with this text."""
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]} if tokens else None
    choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    return Reply(body=json.dumps({"choices": [choice], "usage": usage}).encode())


def worded(
    notes: Sequence[Mapping[str, object]], *, tokens: tuple[int, int] | None = (100, 20)
) -> Reply:
    """A completion that words these notes; what is not given is empty."""
    bare: Mapping[str, object] = {"context": "", "keywords": [], "tags": [], "questions": []}
    return said(json.dumps({"notes": [{**bare, **note} for note in notes]}), tokens=tokens)


def composed(
    *lines: tuple[str, Sequence[str]], tokens: tuple[int, int] | None = (100, 20)
) -> Reply:
    """A completion that composes these lines, each of the notes with these ids."""
    told = [{"text": text, "of": list(of)} for text, of in lines]
    return said(json.dumps({"lines": told}), tokens=tokens)


def linked(*links: tuple[str, str, str, str, str]) -> Reply:
    """A completion that links a new note: to, relation, reason, its words and the neighbour's."""
    names = ("to", "relation", "reason", "new_quote", "neighbour_quote")
    told = [dict(zip(names, link, strict=True)) for link in links]
    return said(json.dumps({"notes": [], "links": told}))


def judged(*pairs: tuple[str, str, str, str]) -> Reply:
    """A completion with verdicts: older note's id, verdict, the younger's and its words."""
    names = ("older", "verdict", "younger_quote", "older_quote")
    told = [dict(zip(names, pair, strict=True)) for pair in pairs]
    return said(json.dumps({"pairs": told}))


def quiet(asked: Asked) -> Reply:
    """Nothing to say of any note."""
    return worded([])


def speechless(asked: Asked) -> Reply:
    """Nothing to compose."""
    return composed()


def undecided(asked: Asked) -> Reply:
    """No verdict."""
    return judged()


@dataclass(slots=True)
class ScriptedLlm:
    """What the service says next, and what it was asked."""

    url: str = ""
    describes: Callable[[Asked], Reply] = quiet
    revises: Callable[[Asked], Reply] = quiet
    composes: Callable[[Asked], Reply] = speechless
    judges: Callable[[Asked], Reply] = undecided
    before: Callable[[Asked], None] = lambda asked: None
    """Called with every question, before there is an answer."""
    asked: list[Asked] = field(default_factory=list[Asked])
    released: threading.Event = field(default_factory=threading.Event)

    def reply(self, asked: Asked) -> Reply:
        """To whichever question it is, by the part that notes play in it."""
        self.asked.append(asked)
        self.before(asked)
        ways = {"new": self.revises, "source": self.composes, "younger": self.judges}
        found = (ways[note.role] for note in asked.notes if note.role in ways)
        return next(found, self.describes)(asked)

    def put(self, role: str) -> list[Asked]:
        """The questions in which a note plays this part."""
        return [asked for asked in self.asked if role in {note.role for note in asked.notes}]

    def chat(self, *, timeout_s: float = 10.0, key: str = "sesame") -> OpenAiChat:
        """The real client, pointed here."""
        return OpenAiChat(base_url=self.url, model="scripted", key=key, timeout_s=timeout_s)

    def mind(self, limits: LlmLimits | None = None, *, timeout_s: float = 10.0) -> Llm:
        """What a memory is given to evolve with; it tries twice, at once."""

        async def open_chat() -> OpenAiChat:
            return self.chat(timeout_s=timeout_s)

        return Llm(open_chat=open_chat, limits=limits or LlmLimits(), retry_pauses_s=(0.0,))


@contextmanager
def scripted_llm() -> Generator[ScriptedLlm]:
    """The service, until the end of the block."""
    llm = ScriptedLlm()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = bodies.validate_json(self.rfile.read(int(self.headers["content-length"])))
            told = json.dumps(body["messages"])
            shown = _NOTE.findall(told.replace("\\n", "\n").replace('\\"', '"'))
            notes = tuple(Shown(note_id=i, role=role, text=text) for i, role, text in shown)
            _send(self, llm, llm.reply(Asked(body=body, headers=_headers(self), notes=notes)))

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    llm.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield llm
    finally:
        llm.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _headers(handler: BaseHTTPRequestHandler) -> dict[str, str]:
    return {name.lower(): value for name, value in handler.headers.items()}


def _send(handler: BaseHTTPRequestHandler, llm: ScriptedLlm, reply: Reply) -> None:
    if reply.hangs:
        llm.released.wait()
        return
    handler.send_response(reply.status)
    length = len(reply.body) + reply.chunks * len(CHUNK)
    for name, value in {"Content-Length": str(length), **reply.headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    try:
        handler.wfile.write(reply.body)
        for _ in range(reply.chunks):
            handler.wfile.write(CHUNK)
    except OSError:  # the client has read enough
        handler.close_connection = True
