"""People who look at the page, in this process: a browser without a window, and without scripts."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from html.parser import HTMLParser
from typing import cast

import httpx2
from tests.server.doors import House

from zettel.server.auth.static_tokens import TokenAccess
from zettel.server.auth.token_store import add_token
from zettel.server.auth.tokens import make_token
from zettel.server.config.settings import Settings
from zettel.server.page.app import WebPage
from zettel.server.page.entrance import LOGIN_COOKIE, TOKEN_FIELD
from zettel.server.protocol.schemas import Arguments, RememberArguments
from zettel.server.runtime.clock import utc_now
from zettel.server.runtime.runtime import Runtime
from zettel.server.transports.http.app import allowed, create_app
from zettel.server.transports.http.open_requests import OpenRequests
from zettel.storage.notes import Origin
from zettel.tools.caller import LOCAL, Caller
from zettel.tools.evolve.run import Budget, RunReport, evolve

SITE = "http://127.0.0.1:8377"
NAMESPACE = "proj"


@dataclass
class Element:
    """An element of a page."""

    name: str
    attributes: dict[str, str]
    text: str = ""


class Document(HTMLParser):
    """The elements of a page, in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements = list[Element]()
        self.words = ""
        self._open = list[Element]()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        """An element ends."""
        while self._open and self._open.pop().name != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Text inside elements."""
        self.words += data
        for element in self._open:
            element.text += data

    def all(self, tag: str, /, **attributes: str) -> list[Element]:
        """The elements of a tag with these attributes."""
        return [
            element
            for element in self.elements
            if element.name == tag and attributes.items() <= element.attributes.items()
        ]

    @property
    def forms(self) -> list[str]:
        """Where the forms that change something are sent to."""
        return [form.attributes["action"] for form in self.all("form", method="post")]

    @property
    def form_token(self) -> str:
        """Of any form on the page."""
        return self.all("input", name=TOKEN_FIELD)[0].attributes["value"]


@dataclass
class Visitor:
    """Somebody with a browser."""

    http: httpx2.AsyncClient
    last: httpx2.Response = field(init=False)

    async def see(self, path: str, *, status: int = 200) -> Document:
        """Look at a page."""
        self.last = await self.http.get(path, follow_redirects=True)
        assert self.last.status_code == status, (path, self.last.status_code, self.last.text)
        return Document(self.last.text)

    async def send(
        self,
        path: str,
        fields: Mapping[str, str] | None = None,
        *,
        seen: Document | None = None,
        status: int = 200,
        origin: str = SITE,
    ) -> Document:
        """Send a form as the page has it, and follow where it leads."""
        token = {TOKEN_FIELD: (seen or await self.see("/review")).form_token} if seen else {}
        self.last = await self.http.post(
            path, data={**token, **(fields or {})}, headers={"origin": origin}
        )
        if self.last.status_code == 303:
            return await self.see(self.last.headers["location"])
        assert self.last.status_code == status, (path, self.last.status_code, self.last.text)
        return Document(self.last.text)

    async def log_in(self, token: str, **fields: str) -> Document:
        """Paste a token into the login."""
        return await self.send("/login", {"token": token, "to": "/", **fields})

    @property
    def cookie(self) -> str:
        """Of the login; empty without one."""
        return self.http.cookies.get(LOGIN_COOKIE) or ""


START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


@dataclass
class Ticking:
    """A clock that goes on by a second whenever somebody looks at it."""

    now: datetime = START

    def __call__(self) -> datetime:
        """The time, a second later than before."""
        self.now += timedelta(seconds=1)
        return self.now


@dataclass
class Server:
    """A server with a page."""

    runtime: Runtime
    house: House
    app: object
    clock: "Ticking"
    runs: int = 0

    @asynccontextmanager
    async def visited(self, **headers: str) -> AsyncGenerator[Visitor]:
        """Somebody with a browser of their own."""
        way = httpx2.ASGITransport(cast("httpx2._transports.asgi._ASGIApp", self.app))  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue, reportUnknownMemberType]
        async with httpx2.AsyncClient(transport=way, base_url=SITE, headers=headers) as http:
            yield Visitor(http)

    async def call(self, arguments: Arguments, *, principal: str = LOCAL) -> dict[str, object]:
        """Have an agent call a tool; the owner's, unless somebody else is named."""
        origin = Origin(client="agent", transport="http", principal=principal)
        caller = Caller(namespace=NAMESPACE, origin=origin)
        return dict(await self.runtime.call(arguments, caller))

    async def told(self, content: str, *, principal: str = LOCAL, **fields: object) -> str:
        """Have an agent remember something; the note's id."""
        given = {"content": content, **fields}
        arguments = RememberArguments.model_validate(given)
        answer = await self.call(arguments, principal=principal)
        return str(answer["note_id"])

    async def evolve(self) -> RunReport:
        """Run evolution to its end."""
        self.runs += 1
        memory = await self.runtime.memory()
        run_id = f"run-{self.runs}"
        return await evolve(
            memory, now=self.clock(), run_id=run_id, who="scheduler", budget=Budget()
        )

    async def token(self, name: str, *namespaces: str, metrics: bool = False) -> str:
        """Make a token of the store."""
        token, text = make_token(name, namespaces, expires=None, now=utc_now(), metrics=metrics)
        await add_token(self.house.store, token)
        return text


async def _report(runtime: Runtime) -> Mapping[str, object]:
    return {
        "state": runtime.status,
        "problem": None,
        "model": {"name": "hash", "ready": True},
        "queue": 0,
        "evolution": {"last": None, "outcome": None, "next": None},
        "off": {"evolution": [], "llm": []},
        "llm": None,
        "size": {"notes": 1, "revisions": 1, "bytes": 1},
    }


@asynccontextmanager
async def serving_page(settings: Settings | None = None) -> AsyncGenerator[Server]:
    """A server with a page, on a new store in memory."""
    house = House()
    clock = Ticking()
    runtime = Runtime("nowhere", house.factories(), clock=clock)
    access = TokenAccess(runtime)
    app = create_app(
        runtime,
        access,
        namespace=NAMESPACE,
        security=allowed(settings or Settings()),
        streams=OpenRequests(),
        make_page=partial(
            WebPage, access=access, namespace=NAMESPACE, report=partial(_report, runtime)
        ),
    )
    async with runtime.running():
        await runtime.settled()
        yield Server(runtime, house, app, clock)
