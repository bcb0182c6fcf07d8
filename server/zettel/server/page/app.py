"""The routes of the page, and what they ask the engine: the same calls as the tools'."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, cast
from urllib.parse import urlencode

from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from zettel.server.engine.ipc.version import VERSION
from zettel.server.page.entrance import (
    LOGIN_COOKIE,
    LOGIN_MAX_AGE_S,
    SEE_OTHER,
    Entrance,
    is_encrypted,
    posted,
    read_login,
    visit_of,
)
from zettel.server.page.errors import said
from zettel.server.page.graph import draw
from zettel.server.page.rendering import render, render_login
from zettel.server.protocol.limit_errors import TooManyCallsError
from zettel.server.protocol.schemas import (
    Arguments,
    ForgetArguments,
    GraphReading,
    LinkChange,
    NamespacesReading,
    ReviewReading,
    RunReading,
    RunsReading,
    SearchReading,
    StoredNoteReading,
    TimelineReading,
    UndoArguments,
    UpdateArguments,
    WholeNoteReading,
)
from zettel.server.protocol.server import Engine
from zettel.server.transports.http.access import AccessControl
from zettel.server.transports.http.limits.admission import REFUSED
from zettel.server.transports.http.limits.rejections import with_wait
from zettel.storage.errors import (
    ChangedSinceError,
    InvalidArgumentError,
    LessTrustedError,
    LimitError,
    NamespaceRefusedError,
    NoteForgottenError,
    NoteNotFoundError,
    OtherRevisionError,
    RunOutOfReachError,
    StoreError,
    UnknownNameError,
    ZettelError,
)
from zettel.storage.notes import (
    OFFERED_SORTS,
    OPEN_RELATIONS,
    PART_OF,
    SAME_AS,
    SUPERSEDES,
    Kind,
    Origin,
)
from zettel.tools.answers import ForgetAnswer, UpdateAnswer
from zettel.tools.caller import ALL, LOCAL, Caller
from zettel.tools.changes.parts import PART_REASON
from zettel.tools.render import LINE_MAX_CHARACTERS, shorten
from zettel.tools.typed_tags import read_tags, typed_tags

if TYPE_CHECKING:
    from zettel.tools.views.graph import GraphView
    from zettel.tools.views.listing import StoredNote
    from zettel.tools.views.notes import (
        NamespacesView,
        SearchView,
        TimelineView,
        WholeNote,
    )
    from zettel.tools.views.review import ReviewQueue
    from zettel.tools.views.runs import RunList, RunView

logger = logging.getLogger(__name__)

PAGE_CLIENT = "page"
"""Client of notes and revisions that a person makes here."""
PAGES = frozenset({"note", "graph", "timeline", "review", "runs", "namespaces", "erase", "logout"})
OPEN_PAGES = frozenset({"login", "assets"})
"""First parts of the paths that the page answers beside `/`; the latter ones for everybody."""
ASSETS = {
    "icon.svg": "image/svg+xml",
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
}
ASSET_HEADERS = {"cache-control": "max-age=600"}
KINDS = tuple(kind.value for kind in Kind if kind is not Kind.CONCEPT)
"""Kinds that a person may give a note."""
EDITED_FIELDS = ("content", "context", "subject", "tags", "kind", "happened_at", "valid_until")
REVIEW_ANSWERS = ("changed", "both", "same", "keep", "none")
"""Answers on the review page; the last two are of an offered rule or fact."""
COLOURS = ("kind", "strength", "state")
"""Properties that the colour of a note in the graph can show."""
NUMBER_MAX_DIGITS = 6
TOO_LARGE = 413
TOO_LONG = "This is longer than a form may be, so nothing was changed. Go back and send less."

Report = Callable[[], Awaitable[Mapping[str, object]]]
"""The state of the whole server, for its owner."""
Answering = Callable[[Request], Awaitable[Response]]

STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (NoteNotFoundError, 404),
    (UnknownNameError, 404),
    (InvalidArgumentError, 400),
    (NamespaceRefusedError, 403),
    (RunOutOfReachError, 403),
    (LessTrustedError, 403),
    (TooManyCallsError, 429),
    (LimitError, 503),
    (StoreError, 503),
    (ZettelError, 409),
)
"""HTTP status of an error: of the first class that it is."""


class WebPage:
    """The page of one server.

    `namespace` is of visitors without a token.
    """

    def __init__(
        self, engine: Engine, access: AccessControl, *, namespace: str, report: Report
    ) -> None:
        self._engine = engine
        self._namespace = namespace
        self._report = report
        self._entrance = Entrance(access, is_page=is_page, is_open=_is_open)
        self._assets = {name: _asset(name) for name in ASSETS}

    async def handle(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Middleware: identify the visitor of a page; other requests go on as they are."""
        if scope["type"] == "http" and is_page(scope["path"]):
            scope[REFUSED] = partial(_refused, scope)
        await self._entrance.handle(app, scope, receive, send)

    @property
    def routes(self) -> list[BaseRoute]:
        """Every path of the page."""
        get: Mapping[str, Answering] = {
            "/": self._search,
            "/note/{note_id}": self._note,
            "/note/{note_id}/edit": self._edit,
            "/note/{note_id}/forget": self._forget,
            "/graph": self._graph,
            "/timeline": self._timeline,
            "/review": self._review,
            "/runs": self._runs,
            "/runs/{run_id}": self._run,
            "/namespaces": self._namespaces,
        }
        post: Mapping[str, Answering] = {
            "/note/{note_id}/edit": self._save,
            "/note/{note_id}/forget": self._forgotten,
            "/note/{note_id}/restore": self._restore,
            "/note/{note_id}/revision": self._restore_revision,
            "/note/{note_id}/erase": self._erase,
            "/erase": self._erased,
            "/review": self._settle,
            "/runs/{run_id}/undo": self._undo,
            "/logout": self._log_out,
        }
        return [
            *(
                Route(path, partial(self._answered, do), methods=["GET"])
                for path, do in get.items()
            ),
            *(
                Route(path, partial(self._answered, do), methods=["POST"])
                for path, do in post.items()
            ),
            Route("/login", self._login, methods=["GET", "POST"]),
            Route("/assets/{name}", self._send_asset, methods=["GET"]),
        ]

    async def _answered(self, do: Answering, request: Request) -> Response:
        """Answer a request; an error is a page as well."""
        try:
            try:
                return await do(request)
            except NoteForgottenError as error:
                return await self._show_forgotten(request, error.note_id.upper())
        except ZettelError as error:
            status = next(status for kind, status in STATUSES if isinstance(error, kind))
            return render(request, "problem", status, problem=said(error))
        except Exception:
            # A bug must fail this page only, and its text may hold notes.
            logger.exception("page=%r failed inside", request.url.path)
            problem = "Zettel failed inside; its log says why."
            return render(request, "problem", 500, problem=problem)

    async def _show_forgotten(self, request: Request, note_id: str) -> Response:
        stored = await self._call(request, StoredNoteReading(note_id=note_id))
        namespace = cast("StoredNote", stored)["note"]["namespace"]
        bearer = visit_of(request).bearer
        writable = bearer is None or namespace in bearer.known.reach.writes
        return render(request, "forgotten", 410, note_id=note_id, writable=writable)

    async def _call(self, request: Request, arguments: Arguments) -> Mapping[str, object]:
        bearer = visit_of(request).bearer
        known = bearer.known if bearer else None
        principal = known.name if known else LOCAL
        caller = Caller(
            namespace=known.default_namespace if known else self._namespace,
            origin=Origin(client=PAGE_CLIENT, transport="http", principal=principal),
            reach=known.reach if known else None,
        )
        return await self._engine.call(arguments, caller)

    async def _search(self, request: Request) -> Response:
        names = "query subject tag kind session since until as_of known_at".split()
        given = {name: request.query_params.get(name, "").strip() for name in names}
        asked = SearchReading.model_validate(
            {"namespace": _namespace(request), "limit": _number(request, "limit"), **given}
        )
        view = cast("SearchView", await self._call(request, asked))
        fields = given | {"namespace": _namespace(request)}
        return render(
            request,
            "search",
            given=fields,
            filtered=any(value for name, value in given.items() if name != "query"),
            more=urlencode({**{k: v for k, v in fields.items() if v}, "limit": 50}),
            kinds=KINDS,
            lines={
                note["note_id"]: shorten(
                    " ".join(note.get("content", "").split()), LINE_MAX_CHARACTERS
                )
                for note in view["answer"]["notes"]
            },
            **view,
        )

    async def _note(self, request: Request) -> Response:
        view = await self._whole(request)
        links = view["note"].get("links", ())
        lines = {link["note_id"]: link["line"] for link in links if "line" in link}
        return await to_thread.run_sync(partial(render, request, "note", lines=lines, **view))

    async def _whole(self, request: Request) -> "WholeNote":
        asked = WholeNoteReading(note_id=request.path_params["note_id"])
        return cast("WholeNote", await self._call(request, asked))

    async def _edit(self, request: Request) -> Response:
        view = await self._whole(request)
        return render(request, "edit", given=_editable(view), changes=None, kinds=KINDS, **view)

    async def _save(self, request: Request) -> Response:
        given, view = posted(request), await self._whole(request)
        before = _editable(view)
        after = {name: given.get(name, before[name]) for name in EDITED_FIELDS}
        changed = {n: [before[n], after[n]] for n in EDITED_FIELDS if _sent(before[n]) != after[n]}
        seen = _digits(given.get("rev", ""))
        since = bool(seen) and seen != view["rev"]
        if since and given.get("do") == "save" and _is_so_already(view, seen, after):
            return _to_note(view, "already")

        def form(status: int, problem: str = "") -> Response:
            return render(
                request,
                "edit",
                status,
                given={**before, **given, **after, "rev": view["rev"]},
                changes=_with_moved_date(changed, view, given),
                changed_since=since,
                problem=problem,
                kinds=KINDS,
                **view,
            )

        if given.get("do") != "save" or since:
            return await to_thread.run_sync(form, 409 if since else 200)
        fields: dict[str, object] = {name: pair[1] for name, pair in changed.items()}
        if "tags" in fields:
            fields["tags"] = read_tags(after["tags"])
        if not fields:
            return _to_note(view, "unchanged")
        arguments = UpdateArguments.model_validate(
            {
                **fields,
                "note_id": view["note"]["note_id"],
                "correction": given.get("correction") == "on",
                "reason": given.get("reason", "").strip() or None,
                "expected_rev": seen or None,
            }
        )
        try:
            answer = cast("UpdateAnswer", await self._call(request, arguments))
        except InvalidArgumentError as error:
            return await to_thread.run_sync(form, 400, said(error))
        done = "planned" if "successor" in answer else "saved" if answer["changed"] else "unchanged"
        return _to_note(view, done)

    async def _restore_revision(self, request: Request) -> Response:
        given, view = posted(request), await self._whole(request)
        arguments = UpdateArguments(
            note_id=view["note"]["note_id"],
            restore_rev=_digits(given.get("rev", "")),
            expected_rev=_digits(given.get("seen", "")) or None,
        )
        try:
            answer = cast("UpdateAnswer", await self._call(request, arguments))
        except OtherRevisionError:
            return _to_note(view, "changed_since")
        return _to_note(view, "saved" if answer["changed"] else "unchanged")

    async def _forget(self, request: Request) -> Response:
        view = await self._whole(request)
        parts = (link for link in view["note"].get("links", ()) if link["relation"] != PART_OF)
        has_parts = any(link.get("reason") == PART_REASON for link in parts)
        return render(request, "forget", has_parts=has_parts, **view)

    async def _forgotten(self, request: Request) -> Response:
        posted(request)
        note_id = request.path_params["note_id"]
        await self._call(request, ForgetArguments(note_ids=[note_id]))
        return RedirectResponse(f"/note/{note_id}?said=forgotten", SEE_OTHER)

    async def _restore(self, request: Request) -> Response:
        posted(request)
        note_id = request.path_params["note_id"]
        await self._call(request, ForgetArguments(note_ids=[note_id], undo=True))
        return RedirectResponse(f"/note/{note_id}?said=restored", SEE_OTHER)

    async def _erase(self, request: Request) -> Response:
        posted(request)
        note_id = request.path_params["note_id"]
        asked = ForgetArguments(note_ids=[note_id], erase=True)
        preview = cast("ForgetAnswer", await self._call(request, asked))
        return render(request, "erase", note_id=note_id, answer=preview)

    async def _erased(self, request: Request) -> Response:
        confirm = posted(request).get("confirm", "")
        if not confirm.strip():
            problem, remedy = "it is missing", "Look at what would be erased first."
            raise InvalidArgumentError("confirm", problem, remedy)
        answer = cast("ForgetAnswer", await self._call(request, ForgetArguments(confirm=confirm)))
        return render(request, "erased", answer=answer, confirm=confirm)

    async def _graph(self, request: Request) -> Response:
        around = request.query_params.get("around", "query")
        name = request.query_params.get("name", "").strip()
        colour = request.query_params.get("colour", "")
        shown = {
            "around": around if around in ("note", "subject", "session", "query") else "query",
            "name": name,
            "colour": colour if colour in COLOURS else COLOURS[0],
            "namespace": _namespace(request),
        }
        if not name:
            return render(request, "graph", given=shown, view=None, drawing=None, colours=COLOURS)
        step = _number(request, "step") if request.query_params.get("step") else -1
        asked = GraphReading.model_validate(
            {key: shown[key] for key in ("around", "name", "namespace")} | {"step": step}
        )
        view = cast("GraphView", await self._call(request, asked))
        drawing = await to_thread.run_sync(draw, view)
        return render(request, "graph", given=shown, view=view, drawing=drawing, colours=COLOURS)

    async def _timeline(self, request: Request) -> Response:
        given = {
            name: request.query_params.get(name, "").strip()
            for name in ("subject", "session", "until", "after")
        }
        asked = TimelineReading(namespace=_namespace(request), **given)
        view = cast("TimelineView", await self._call(request, asked))
        given["namespace"] = _namespace(request)
        kept = {name: text for name, text in given.items() if text and name != "after"}
        more = urlencode({**kept, "after": view.get("after", "")})
        return render(request, "timeline", given=given, more=more, view=view)

    async def _review(self, request: Request) -> Response:
        offset, namespace = _number(request, "offset"), _namespace(request)
        asked = ReviewReading(namespace=namespace, offset=offset)
        queue = cast("ReviewQueue", await self._call(request, asked))
        if offset >= max(queue["waiting"], 1):
            return _to_review(request)
        return render(request, "review", queue=queue, namespace=namespace)

    async def _settle(self, request: Request) -> Response:
        given = posted(request)
        newer, older, answer = (given.get(name, "") for name in ("newer", "older", "answer"))
        if answer not in REVIEW_ANSWERS:
            problem, remedy = "it is none of the answers", "Press one of the buttons."
            raise InvalidArgumentError("answer", problem, remedy)
        whole = await self._call(request, WholeNoteReading(note_id=newer))
        note = cast("WholeNote", whole)["note"]
        links = [link for link in note.get("links", ()) if link["note_id"] == older]
        guesses = [link["relation"] for link in links if link["relation"] in OPEN_RELATIONS]
        of_rule = answer in ("keep", "none")
        if not (set(OFFERED_SORTS).intersection(note.get("tags", ())) if of_rule else guesses):
            return _to_review(request, said="settled_before")
        if answer == "none":
            await self._call(request, ForgetArguments(note_ids=[newer]))
        elif answer == "keep":
            await self._call(request, UpdateArguments(note_id=newer, tags=[]))
        elif answer == "both":
            changes = [LinkChange(to=older, relation=name, remove=True) for name in guesses]
            await self._call(request, UpdateArguments(note_id=newer, links=changes))
        else:
            link = LinkChange(to=older, relation=SAME_AS if answer == "same" else SUPERSEDES)
            begins = (given.get("begins") or None) if answer == "changed" else None
            asked = UpdateArguments(note_id=newer, links=[link], happened_at=begins)
            await self._call(request, asked)
        return _to_review(request, said="settled")

    async def _runs(self, request: Request) -> Response:
        offset = _number(request, "offset")
        view = cast("RunList", await self._call(request, RunsReading(offset=offset)))
        if offset and not view["runs"] and "offset" not in view:
            return RedirectResponse("/runs", SEE_OTHER)
        return render(request, "runs", view=view)

    async def _run(self, request: Request) -> Response:
        asked = RunReading(run_id=request.path_params["run_id"])
        view = cast("RunView", await self._call(request, asked))
        lines = {entry["shown"]["note_id"]: entry["shown"]["line"] for entry in view["notes"]}
        return await to_thread.run_sync(partial(render, request, "run", view=view, lines=lines))

    async def _undo(self, request: Request) -> Response:
        partly = posted(request).get("partial") == "on"
        run_id = request.path_params["run_id"]
        try:
            done = await self._call(request, UndoArguments(run_id=run_id, partial=partly))
        except ChangedSinceError as error:
            named = list(error.changed.items())[: error.NAMED]
            return render(
                request,
                "changed_since",
                409,
                run_id=run_id,
                named=named,
                more=len(error.changed) - len(named),
                later=error.later_runs[:1],
            )
        undo_id = str(done["undo_id"]) if done["restored"] or done["forgotten"] else run_id
        return RedirectResponse(f"/runs/{undo_id}?said=undone", SEE_OTHER)

    async def _namespaces(self, request: Request) -> Response:
        view = cast("NamespacesView", await self._call(request, NamespacesReading()))
        bearer = visit_of(request).bearer
        report = await self._report() if bearer is None else None
        return render(request, "namespaces", view=view, report=report, version=VERSION)

    async def _login(self, request: Request) -> Response:
        if request.method == "GET":
            return render_login(to=_local(request.query_params.get("to", "")))
        try:
            given = await read_login(request)
        except InvalidArgumentError as error:
            return render_login(to="/", problem=str(error))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody reads it
        to = _local(given.get("to", ""))
        number = await self._entrance.log_in(request.scope, given.get("token", "").strip())
        if not number:
            problem = "This access token is unknown, has ended, or is not for the page."
            return render_login(to=to, problem=problem)
        answer = RedirectResponse(to, SEE_OTHER)
        answer.set_cookie(
            LOGIN_COOKIE,
            number,
            max_age=LOGIN_MAX_AGE_S,
            httponly=True,
            samesite="strict",
            secure=is_encrypted(request),
        )
        return answer

    async def _log_out(self, request: Request) -> Response:
        posted(request)
        self._entrance.log_out(request.scope)
        answer = RedirectResponse("/login", SEE_OTHER)
        answer.delete_cookie(LOGIN_COOKIE, httponly=True, samesite="strict")
        return answer

    async def _send_asset(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._assets:
            return PlainTextResponse("There is no such file.", 404)
        return Response(self._assets[name], 200, ASSET_HEADERS, ASSETS[name])


def _refused(scope: Scope, status: int, text: str, retry_s: float) -> Response:
    """The page of a request that was not served."""
    problem, headers = with_wait(TOO_LONG if status == TOO_LARGE else text, retry_s)
    page = render(Request(scope), "problem", status, problem=problem)
    page.headers.update(headers)
    return page


def is_page(path: str) -> bool:
    """Whether a path is the page's."""
    return path == "/" or _first(path) in PAGES | OPEN_PAGES


def _is_open(path: str) -> bool:
    return _first(path) in OPEN_PAGES


def _first(path: str) -> str:
    return path[1:].partition("/")[0]


def _asset(name: str) -> bytes:
    return resources.files("zettel.server.page").joinpath("static", name).read_bytes()


def _namespace(request: Request) -> str:
    return request.query_params.get("namespace", "").strip() or ALL


def _to_review(request: Request, **more: str) -> RedirectResponse:
    """To the beginning of the pairs to settle, of the same namespace."""
    query = urlencode({**more, "namespace": _namespace(request)})
    return RedirectResponse(f"/review?{query}", SEE_OTHER)


def _number(request: Request, name: str) -> int:
    return _digits(request.query_params.get(name, ""))


def _digits(text: str) -> int:
    """A number of a few digits; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= NUMBER_MAX_DIGITS else 0


def _local(path: str) -> str:
    """A path of this page; anything else leads to its beginning."""
    whole = path.isascii() and path.isprintable() and "\\" not in path
    return path if whole and path.startswith("/") and is_page(path) else "/"


def _editable(view: "WholeNote") -> dict[str, str]:
    """The fields of a note as a form has them."""
    note = view["note"]
    return {
        "content": note.get("content", ""),
        "context": note.get("context", ""),
        "subject": note.get("subject", ""),
        "tags": typed_tags(note.get("tags", ())),
        "kind": note.get("kind", Kind.EPISODIC.value),
        "happened_at": note.get("happened_at", ""),
        "valid_until": note.get("valid_until", ""),
    }


def _is_so_already(view: "WholeNote", seen: int, after: Mapping[str, str]) -> bool:
    """Whether what a form of an earlier revision changes is in the note already.

    As after a second click on the button that saves: the date that the first gave the new words is
    none that the form speaks of.
    """
    now, then = _editable(view), _editable(view)
    for revision in reversed(view["revisions"]):
        if revision["rev"] > seen:
            then |= _typed({name: pair[0] for name, pair in revision.get("changed", {}).items()})
    meant = [name for name in EDITED_FIELDS if _sent(then[name]) != after[name]]
    return all(_sent(now[name]) == after[name] for name in meant)


def _typed(fields: Mapping[str, object]) -> dict[str, str]:
    """Fields of an earlier revision as a form has them."""
    return {
        name: typed_tags(cast("list[str]", value)) if name == "tags" else str(value or "")
        for name, value in fields.items()
        if name in EDITED_FIELDS
    }


def _with_moved_date(
    changed: Mapping[str, list[str]], view: "WholeNote", given: Mapping[str, str]
) -> dict[str, list[str]]:
    """Changes of a form, with the date that new words of a note in force get by themselves."""
    moves = "content" in changed and "state" not in view["note"]
    if not moves or "happened_at" in changed or given.get("correction") == "on":
        return dict(changed)
    return {**changed, "happened_at": [view["note"].get("happened_at", ""), "now"]}


def _sent(text: str) -> str:
    """A text as a browser sends it back (HTML standard, constructing the entry list)."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")


def _to_note(view: "WholeNote", done: str) -> Response:
    return RedirectResponse(f"/note/{view['note']['note_id']}?said={done}", SEE_OTHER)
