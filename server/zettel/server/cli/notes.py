"""Commands that read and change notes."""

import sys
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zettel.server.cli.command import (
    EXIT_FAILED,
    Invocation,
    command,
    confirmed,
    examples,
    is_terminal_input,
    option,
)
from zettel.server.commands.output import Line, Output, line
from zettel.server.engine.ipc.handshake import Json
from zettel.storage.errors import InvalidArgumentError

if TYPE_CHECKING:
    from zettel.server.commands.calls import MemoryCall
    from zettel.tools.views.review import OfferedRule, OpenPair

OFFERED_KINDS = ("working", "episodic", "semantic", "procedural", "core", "concept")
"""Kinds of notes, for completion; the memory checks what is given."""
STANDARD_INPUT = "-"
OFFERED_STATES = ("active", "superseded", "archived", "forgotten", "any")


IdArgument = Annotated[
    str, typer.Argument(metavar="ID", help="Or its end or beginning, from 4 characters.")
]
KindOption = Annotated[
    str | None,
    typer.Option(
        help="episodic, semantic, procedural, core or working.",
        show_default=False,
        autocompletion=lambda: OFFERED_KINDS,
    ),
]
TagOption = Annotated[list[str] | None, option("Any of these; may be repeated.")]
SubjectOption = Annotated[str | None, option("Who or what it is about.")]
SessionOption = Annotated[str | None, option("Of one session.")]
SinceOption = Annotated[str | None, option("Happened or told since then.")]
UntilOption = Annotated[str | None, option("Happened or told until then.")]
LimitOption = Annotated[int, typer.Option(min=1, max=100, help="Most notes.")]


@command("namespace", "model", "log_level")
@examples(
    "zettel recall 'Where does Ana keep her bees?'",
    "zettel recall bees --subject Ana --explain",
    "zettel recall --tag decision --since 2026-11",
    "zettel recall 'Who leads?' --as-of 2025-06-01",
)
def recall(
    call: Invocation,
    question: Annotated[
        str, typer.Argument(help="Without one: what the options match.", show_default=False)
    ] = "",
    *,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show each signal's part in each score.")
    ] = False,
    limit: LimitOption = 10,
    subject: SubjectOption = None,
    tag: TagOption = None,
    kind: KindOption = None,
    session: SessionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    as_of: Annotated[str | None, option("What was true then.")] = None,
    known_at: Annotated[str | None, option("What memory believed then.")] = None,
) -> None:
    """Answer a question as an agent would be answered; best note first."""
    _answer(
        call,
        explain=explain,
        query=question,
        limit=limit,
        subject=subject,
        tags=[*tag] if tag else None,
        kind=kind,
        session=session,
        since=since,
        until=until,
        as_of=as_of,
        known_at=known_at,
    )


def _answer(call: Invocation, *, explain: bool, **asked: Json) -> None:
    from zettel.server.commands.recall import recall_output  # noqa: PLC0415

    with call.memory() as memory:
        call.say(recall_output(memory, explain=explain, **asked))


@command("namespace", "model", "log_level")
@examples("zettel search 'Ana bees'", "zettel search --subject Ana --limit 3")
def search(
    call: Invocation,
    question: Annotated[str, typer.Argument(help="What is looked for.", show_default=False)] = "",
    *,
    limit: LimitOption = 10,
    subject: SubjectOption = None,
    tag: TagOption = None,
    kind: KindOption = None,
    session: SessionOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """Find notes by what they say; recall has more ways to ask."""
    _answer(
        call,
        explain=False,
        query=question,
        limit=limit,
        subject=subject,
        tags=[*tag] if tag else None,
        kind=kind,
        session=session,
        since=since,
        until=until,
    )


LISTED_NOTES = 50
"""Notes of a list for people unless more are asked for; a program asked for them all."""


@command("namespace", "log_level")
@examples(
    "zettel list",
    "zettel list --tag decision --since 2026-11-01",
    "zettel list --state forgotten",
    "zettel list --all --json > notes.jsonl",
)
def list_notes(
    call: Invocation,
    *,
    kind: KindOption = None,
    tag: TagOption = None,
    subject: SubjectOption = None,
    session: SessionOption = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="active (the default), superseded, archived, forgotten or any.",
            show_default=False,
            autocompletion=lambda: OFFERED_STATES,
        ),
    ] = None,
    since: SinceOption = None,
    until: UntilOption = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Most notes; default: 50, with --json all.", show_default=False),
    ] = None,
    whole: Annotated[bool, typer.Option("--all", help="Every note, whatever --limit.")] = False,
) -> None:
    """List the notes of the namespace, newest first, each whole."""
    from zettel.server.commands.listing import print_list  # noqa: PLC0415

    with call.memory() as memory:
        shown, total = print_list(
            memory,
            call.say,
            limit=None if whole or (call.as_json and limit is None) else limit or LISTED_NOTES,
            kind=kind,
            tags=[*tag] if tag else None,
            subject=subject,
            session=session,
            state=state,
            since=since,
            until=until,
        )
    call.flush()
    if not total:
        call.tell("no notes fit; zettel namespaces shows where there are some")
    elif shown < total:
        call.tell(f"{shown:,} of {total:,} notes; --limit or --all shows more")


@command("namespace", "log_level")
@examples("zettel show 7K2QX9F", "zettel show 7K2QX9F --json")
def show(call: Invocation, note_id: IdArgument) -> None:
    """Show one note with its links, in whatever state and namespace it is."""
    from zettel.server.commands.listing import note_output  # noqa: PLC0415

    with call.memory() as memory:
        call.say(note_output(memory, note_id))


@command("log_level")
@examples("zettel history 7K2QX9F")
async def history(call: Invocation, note_id: IdArgument) -> None:
    """Show a note's revisions, oldest first: when, who, why, and what each one changed."""
    from zettel.server.commands.diffs import print_history  # noqa: PLC0415

    await print_history(call.settings, note_id, call.say)


@command("namespace", "model", "log_level")
@examples(
    "zettel add 'Ana keeps bees in Ulm' --subject Ana",
    "zettel add --kind procedural --tag build < howto.md",
    "zettel add   # opens $EDITOR",
)
def add(
    call: Invocation,
    text: Annotated[
        str,
        typer.Argument(help="Without one, or -: standard input, or $EDITOR.", show_default=False),
    ] = "",
    *,
    subject: SubjectOption = None,
    tag: Annotated[list[str] | None, option("May be repeated.")] = None,
    kind: KindOption = None,
    context: Annotated[str | None, option("Why, or where it came up.")] = None,
    happened_at: Annotated[str | None, option("When it happened; default: now.")] = None,
    valid_until: Annotated[str | None, option("Until when it is true.")] = None,
    session: Annotated[str | None, option("Groups notes told together.")] = None,
    source: Annotated[str | None, option("URI it was read from.")] = None,
) -> None:
    """Store a note, word for word, and name those that it may repeat or replace."""
    from zettel.server.commands.writing import add_output  # noqa: PLC0415

    content = _read_text() if text in ("", STANDARD_INPUT) else text
    if not content.strip():
        problem, remedy = "it is empty", "Type what is to be remembered."
        raise InvalidArgumentError("text", problem, remedy)
    with call.memory(creates=True) as memory:
        call.say(
            add_output(
                memory,
                content,
                subject=subject,
                tags=[*tag] if tag else None,
                kind=kind,
                context=context,
                happened_at=happened_at,
                valid_until=valid_until,
                session=session,
                source=source,
            )
        )


def _read_text() -> str:
    if is_terminal_input():
        from zettel.server.commands.writing import edit_text  # noqa: PLC0415

        return edit_text("").strip("\n")
    text = sys.stdin.read().strip("\n")
    # What is not UTF-8 comes as such halves (PEP 383).
    if any("\udc80" <= character <= "\udcff" for character in text):
        remedy = "Convert it first, for example: iconv -f LATIN1 -t UTF-8"
        raise InvalidArgumentError("text", "it is not UTF-8", remedy)
    return text


@command("namespace", "model", "log_level")
@examples("zettel edit 7K2QX9F", "zettel edit 7K2QX9F --correction --reason 'a slip'")
def edit(
    call: Invocation,
    note_id: IdArgument,
    *,
    correction: Annotated[
        bool, typer.Option("--correction", help="The earlier words were never true.")
    ] = False,
    reason: Annotated[str | None, option("Kept in the history.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Change a note in $EDITOR; what would change is shown before it is stored."""
    from zettel.server.commands.writing import edit_note, edit_text  # noqa: PLC0415

    def agree(changes: Sequence[Line]) -> bool:
        call.say_now(changes)
        return yes or call.ask("Store this as a new revision? [y/N] ").lower() in ("y", "yes")

    with call.memory() as memory:
        call.say(edit_note(memory, note_id, edit_text, agree, correction=correction, reason=reason))


@command("namespace", "log_level")
@examples(
    "zettel link 7K2QX9F supersedes M4WZ0RT",
    "zettel link 7K2QX9F supports M4WZ0RT --remove",
)
def link(
    call: Invocation,
    start: Annotated[str, typer.Argument(metavar="ID", help="The note that it starts from.")],
    relation: Annotated[
        str,
        typer.Argument(
            help="supersedes, supports, contradicts, causes, part_of, or a word of yours."
        ),
    ],
    end: Annotated[str, typer.Argument(metavar="TO", help="The note that it leads to.")],
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Take the link out.")] = False,
    happened_at: Annotated[
        str | None, option("When the first note takes effect, if it supersedes later.")
    ] = None,
) -> None:
    """Link one note to another; of superseded notes, recall shows the newer one."""
    from zettel.server.commands.writing import link_output  # noqa: PLC0415

    with call.memory() as memory:
        output = link_output(memory, start, relation, end, remove=remove, happened_at=happened_at)
        call.say(output)


@command("namespace", "log_level")
@examples("zettel review", "zettel review --json")
def review(call: Invocation) -> None:
    """Settle what may have changed or contradict: each pair, and what each answer does."""
    from zettel.server.commands import review as commands  # noqa: PLC0415

    with call.memory() as memory:
        queue = commands.read_queue(memory, call.flags.get("namespace"))
        waiting = (*queue["pairs"], *queue["shaken"], *queue["rules"])
        if call.as_json:
            for one in waiting:
                call.say(Output(one, ""))
        elif not waiting:
            call.say(Output(None, "Nothing waits for a decision."))
        else:
            if shaken := queue["shaken"]:
                call.say(Output.of(None, [*commands.shown_shaken(memory, shaken), line()]))
            _settle(call, memory, queue["pairs"], queue["rules"])


def _settle(
    call: Invocation,
    memory: "MemoryCall",
    pairs: "Sequence[OpenPair]",
    rules: "Sequence[OfferedRule]",
) -> None:
    """Asks about each offered rule and each pair, or shows them where nobody can be asked."""
    from zettel.server.commands import review as commands  # noqa: PLC0415

    if not is_terminal_input():
        for lines in commands.shown_all(memory, pairs, rules):
            call.say(Output.of(None, [*lines, line()]))
        return
    if rules:
        answers = commands.settle_rules(memory, rules, _asking(call, commands.RULE_KEYS))
        call.say(Output(None, commands.rules_text(answers, len(rules))))
    if pairs:
        given = commands.settle(memory, pairs, _asking(call, commands.REVIEW_KEYS))
        call.say(Output(None, commands.settled_text(given, len(pairs))))


def _asking(call: Invocation, keys: Collection[str]) -> Callable[[Sequence[Line]], str]:
    def ask(lines: Sequence[Line]) -> str:
        call.say_now(lines)
        while (key := call.ask(f"[{'/'.join(keys)}] ").lower()) not in keys:
            if not key:
                return ""
        return key

    return ask


@command("namespace", "model", "log_level")
@examples(
    "zettel graph 7K2QX9F",
    "zettel graph Ana",
    "zettel graph 'Who keeps bees?' --around query",
)
def graph(
    call: Invocation,
    name: Annotated[
        str, typer.Argument(help="Id of a note, somebody's name, or what --around says.")
    ],
    *,
    around: Annotated[
        Literal["note", "subject", "session", "query"],
        typer.Option(help="What is in the middle."),
    ] = "note",
) -> None:
    """Show what is around a note, a person, a session or a question, as a tree of links."""
    from zettel.server.commands.graph import EVERY_NAMESPACE, graph_output  # noqa: PLC0415

    namespace = call.flags.get("namespace", EVERY_NAMESPACE)
    with call.memory() as memory:
        call.say(graph_output(memory, around, name, namespace))


@command("namespace", "log_level")
@examples("zettel stats", "zettel stats --json")
def stats(call: Invocation) -> None:
    """Count the notes: by namespace, kind, subject and tag, and what waits."""
    from zettel.server.commands.graph import stats_output  # noqa: PLC0415

    with call.memory() as memory:
        call.say(stats_output(memory))


@command("namespace", "model", "log_level")
@examples(
    "zettel forget 7K2QX9F M4WZ0RT",
    "zettel forget --undo 7K2QX9F",
    "zettel forget --subject Ana --until 2025",
    "zettel forget --erase 7K2QX9F   # for good",
)
def forget(
    call: Invocation,
    note_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", show_default=False)
    ] = None,
    *,
    erase: Annotated[
        bool, typer.Option("--erase", help="For good, with every revision and all made of it.")
    ] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring forgotten notes back.")] = False,
    query: Annotated[str | None, option("What they are about.")] = None,
    subject: SubjectOption = None,
    tag: TagOption = None,
    session: SessionOption = None,
    until: UntilOption = None,
    whole: Annotated[
        bool, typer.Option("--all", help="With --erase: every note of --namespace.")
    ] = False,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="With --erase: every note of the store.")
    ] = False,
    confirm: Annotated[str | None, option("The word to type, for scripts.")] = None,
) -> int:
    """Forget notes, by ids at once, by filters after a preview; or erase them for good."""
    from zettel.server.commands import forget as commands  # noqa: PLC0415

    request = commands.ForgetRequest(
        note_ids=note_ids or (),
        query=query,
        subject=subject,
        tags=tag or (),
        session=session,
        until=until,
        erase=erase,
        undo=undo,
        whole=whole,
        everywhere=everywhere,
    )

    def agree(preview: str, word: str) -> bool:
        return confirmed(preview, word, confirm)

    if whole or everywhere:
        import anyio  # noqa: PLC0415  slow, and rarely needed

        answer = anyio.run(commands.erase_whole, call.settings, request, agree)
        call.say(commands.forget_output(answer))
        return 0
    with call.memory() as memory:
        output, left = commands.forget_notes(memory, request, agree)
        call.say(output)
    return EXIT_FAILED if left else 0
