"""Finds keys, private keys, signed tokens and passwords of connections by their formats.

The rules are those of Kingfisher (MongoDB), which has Betterleaks', and our own in `rules.yaml`;
private keys, signed tokens and passwords of addresses are read first. All of it runs in this
process, in linear time, and asks nobody: a key is never tried.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import as_file, files
from itertools import accumulate
from threading import Lock
from typing import TYPE_CHECKING

from zettel.storage.errors import StoreError

if TYPE_CHECKING:
    from kingfisher_sdk import Finding, Scanner

OWN_RULES = "rules.yaml"
BLANK = "\x01"
"""Stands for a found secret while the text is read on; in no key."""
OTHER = "\x7f"
"""Stands for a character that is not ASCII, so that places stay."""
_PASSWORD = "zettel.connection-string-password"
"""Rule whose secrets may hold punctuation, and end where code goes on."""
NAMED_WITHIN_CHARS = 48
"""How far before a bare value, a key only by its neighbourhood, a word must say that it is one."""

MARKER = re.compile(r"\[cut: [A-Za-z0-9.]{1,15}(?: [A-Za-z0-9.]{1,15}){0,6}\]")
"""Stands in a text where a secret was cut; too short in its words to hold one."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_INVISIBLE = r"\u00ad\u200b-\u200f\u2060-\u2064\ufeff"
_CANDIDATE = re.compile(
    rf"[\w+/=.~-]{{16}}|://[^\s/]*:|passw|pwd|\bcurl\b|PRIVATE KEY|[{_INVISIBLE}]", re.IGNORECASE
)
"""Every format has one of these: most notes have none, and need no scanner."""
_NOT_IN_KEYS = str.maketrans(
    {chr(n): " " for n in range(128) if not re.fullmatch(r"[A-Za-z0-9_\-+/=.~:%\s]", chr(n))}
)
_LAST_POINT = re.compile(r"\.(?![A-Za-z0-9_-])")
"""Punctuation that may follow a key, where a rule expects a space."""
_BREAK = re.compile(
    rf"(?<=[A-Za-z0-9_+/=.~-])(?:(?P<invisible>[{_INVISIBLE}]+)"
    r"|[ \t]*\\?\r?\n[ \t]{0,16}(?:[>|#*][ \t]?)?)"
    r"(?=(?P<rest>[A-Za-z0-9_+/=.~-]{1,64}))"
)
"""A line end or an invisible character that may be inside a key, and what follows it."""
_WORD = re.compile(r"[A-Z]?[a-z]+\.?|[A-Z]+\.?|[-*+=#.]+")
_BARE_HASH = re.compile(
    r"[0-9a-f]{32,128}|[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE
)
_CREDENTIAL_WORD = re.compile(
    r"key|token|secret|passw|credential|authorization|bearer|\bpat\b|\bdsn\b", re.IGNORECASE
)
_OWN_SHAPE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,20}[-_.:]|[A-Za-z]{2,5}[A-Za-z0-9+/=]{36,}")


# Private keys, signed tokens, passwords of addresses. No two parts of a pattern can take the same
# characters, or what one took it keeps: they are linear.
_PRIVATE_KEY = re.compile(
    r"-----BEGIN[ A-Z0-9_]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    r"(?:(?:\\[nr]|\s)*+[A-Za-z-]{3,20}: [^\n\\]{1,100}+)*+"
    r"(?:(?:\\[nr]|[\s\"'>|#*,\\])*+[A-Za-z0-9+/=]{16,}+)++"
    r"(?:[A-Za-z0-9+/=\s\\\"'>|#*,]{0,120}-----END[ A-Z0-9_]{1,60}-----)?"
)
"""RFC 7468 and RFC 9580, section 6.2, also with `\\n` for its line ends, quoted, or cut short."""
_JSON_WEB_TOKEN = re.compile(r"(?<![\w-])eyJ[\w-]{10,}+\.eyJ[\w-]{10,}+\.[\w-]{20,}+", re.ASCII)
"""RFC 7519, signed; `eyJ` is `{"` in base64."""
_ADDRESS_PASSWORD = re.compile(
    r"(?<=[A-Za-z0-9])://[^\s:/?#@\"'<>`\x01]{0,128}+"
    r":(?P<secret>[^\s/?#@\"'<>`\x01]{1,256}+)@(?=[\w\[])",
    re.ASCII,
)
"""RFC 3986, section 3.2.1."""
_PLACEHOLDER = re.compile(
    r"\$.*|\{.*|%.*%|%[sd]|\*+|\.{2,}|x{3,}|_+|\[.*|\x7f+"
    r"|(?:(?:your|my|the)[-_]?)?(?:pass|password|passwd|pwd)[),:]*"
    r"|(?:None|null|nil|undefined)[),:]*|\w+(?:\.\w+)*[(\[].*|(?:self|os|this)\.\w.*",
    re.IGNORECASE,
)
"""What documents write where a password belongs, and code that passes one on."""

STRUCTURES: Mapping[str, re.Pattern[str]] = {
    "private key": _PRIVATE_KEY,
    "JSON web token": _JSON_WEB_TOKEN,
    "password of an address": _ADDRESS_PASSWORD,
}
"""Kind -> pattern; its group `secret`, or the whole, is the secret."""

_NUMBER = re.compile(r"\.\d+$")
_IDENTIFIERS = re.compile(
    r"-(?:id|(?:project|jfrog|instance|rest)-url|host|domain|username|address|account-name"
    r"|cloud-name|token-name|repository|public-key|pub-key|pub-api-key|client-sdk-key|mobile-sdk-key|browser-api-token)$"
    r"|^(?:aws-secret-access-key|posthog-project-api-key|segment-public-api-token)$"
)
"""Rules for what is public by design, or names an account; and one that takes any hash after the
word `key`, in whose place `rules.yaml` has its own."""

_WHOLE = {
    "jwt": "JSON web token",
    "jwt-base64": "JSON web token",
    "private-key": "private key",
    "generic-credential-uri": "password of an address",
    "curl-auth-header": "credential of a request",
    "curl-auth-user": "credential of a request",
    "kubernetes-secret-yaml": "Kubernetes secret",
    "gcp-service-account": "Google service account",
    "github-oauth": "GitHub OAuth token",
    "gitlab-ptt": "GitLab pipeline trigger token",
    "gitlab-rrt": "GitLab runner registration token",
    "openrouter": "OpenRouter key",
    "sendgrid": "SendGrid key",
    "bitbucketcredentials": "password of an address",
    "codecatalystcredentials": "password of an address",
    "codecommitcredentials": "password of an address",
    "bitwardenoauth2access": "Bitwarden key",
    "circleciproject": "CircleCI token",
    "cloudflareapitoken": "Cloudflare token",
    "denopatorg": "Deno token",
    "digitaloceanapikey": "DigitalOcean token",
    "grokxaiapikey": "xAI key",
    "hcpclientcredentials": "HCP client secret",
    "herokuplatformkey": "Heroku key",
    "npmjsaccesstoken": "npm token",
    "packagistorgreadtoken": "Packagist token",
    "packagistorgupdatetoken": "Packagist token",
    "packagistsecret": "Packagist secret",
    "postmanapikey": "Postman key",
    "postmancollectiontoken": "Postman token",
    "slackappconfigaccesstoken": "Slack app token",
    "slackappconfigrefreshtoken": "Slack app token",
    "slackappleveltoken": "Slack app token",
    "connection-password": "password of an address",
    "connection-string-password": "password of a connection string",
}
_SPELLINGS = {
    "pat": "token",
    "gcp": "Google",
    "aws": "AWS",
    "api": "API",
    "ad": "AD",
    "github": "GitHub",
    "gitlab": "GitLab",
    "openai": "OpenAI",
    "openrouter": "OpenRouter",
    "huggingface": "Hugging Face",
    "pypi": "PyPI",
    "npm": "npm",
    "digitalocean": "DigitalOcean",
    "sendgrid": "SendGrid",
    "hashicorp": "HashiCorp",
    "mongodb": "MongoDB",
    "1password": "1Password",
    "ca": "CA",
    "tf": "Terraform",
    "personnal": "personal",
    "io": "io",
    "oauth": "OAuth",
    "planetscale": "PlanetScale",
    "xai": "xAI",
    "nuget": "NuGet",
    "dockerhub": "Docker Hub",
    "json": "JSON",
}


class RulesUnavailableError(StoreError, OSError):
    """The rules that find secrets cannot be read, so that no text with a possible one is kept."""

    def __init__(self, problem: str) -> None:
        self.problem = problem
        super().__init__(
            "Nothing is stored: this may hold a key, and the rules that tell cannot be read"
            f" ({problem}). Install Zettel again; with the setting secrets = keep it stores keys."
        )


@dataclass(frozen=True, slots=True, order=True)
class Secret:
    """A part of a text that must not be kept."""

    start: int
    end: int
    kind: str
    """What it is, such as `GitHub token`."""


def may_hold_secrets(text: str) -> bool:
    """Whether a text has anything that a rule could match; cheap."""
    return _CANDIDATE.search(text) is not None


def find_secrets(text: str) -> list[Secret]:
    """Every secret of a text, in order, none over another; for a worker thread.

    The first call of a process reads the compiled rules from the user's cache directory, in 0.3 s;
    the first on a machine compiles them, in 4 s.

    Raises:
        RulesUnavailableError: The rules cannot be read.
    """
    if not may_hold_secrets(text):
        return []
    found = list[Secret]()
    rest = MARKER.sub(_blank, text)
    for read in (_read_structures, _read_keys):
        breaks = list(_BREAK.finditer(rest))
        in_keys = [one for one in breaks if one["invisible"] or not _WORD.fullmatch(one["rest"])]
        # What lies over a line end comes first: a rule may also take its first line alone. Where
        # plain words follow the line end it comes last, for what nothing else has found.
        for left_out in (in_keys or None, [], breaks if len(breaks) > len(in_keys) else None):
            if left_out is None:
                continue
            secrets = _merged(_read_joined(read, rest, [one.span() for one in left_out]))
            rest = _blanked(rest, secrets)
            found += secrets
    return _merged(found)


def _read_joined(
    read: Callable[[str], Iterable[Secret]], text: str, breaks: Sequence[tuple[int, int]]
) -> list[Secret]:
    """The findings in a text without these parts, placed in the text.

    Args:
        read: Finds secrets in an ASCII text.
        text: Any text.
        breaks: Start and end of each part, in order.
    """
    begins = [0, *(end for _, end in breaks)]
    ends = [*(start for start, _ in breaks), len(text)]
    places = list(accumulate((end - begin for begin, end in zip(begins, ends, strict=True))))
    joined = "".join(text[begin:end] for begin, end in zip(begins, ends, strict=True))

    def origin(at: int) -> int:
        piece = bisect_right(places, at)
        return ends[piece] - (places[piece] - at)

    return [
        Secret(origin(one.start), origin(one.end - 1) + 1, one.kind)
        for one in read(_NOT_ASCII.sub(lambda found: OTHER * len(found[0]), joined))
    ]


def _read_structures(text: str) -> Iterator[Secret]:
    return (Secret(*found) for found in _find_structures(text))


def _read_keys(text: str) -> Iterator[Secret]:
    """What the rules find in an ASCII text, then in the rest of it without punctuation."""
    found = list(_matches(text))
    yield from found
    plain = _LAST_POINT.sub(" ", _blanked(text, _merged(found)).translate(_NOT_IN_KEYS))
    yield from _matches(plain, leaving=_PASSWORD)


def _matches(text: str, *, leaving: str = "") -> Iterator[Secret]:
    for finding in _scanner().scan(text):
        if finding.rule_id == leaving:
            continue
        place = finding.location
        secret = Secret(place["start_offset"], place["end_offset"], _name_of(finding.rule_id))
        if _counts(finding, text, secret):
            yield secret


def _counts(finding: "Finding", text: str, secret: Secret) -> bool:
    """Whether a finding is a secret: no identifier, no placeholder, no bare hash."""
    value, rule = text[secret.start : secret.end], finding.rule_id
    if _names_no_secret(rule) or _is_placeholder(value):
        return False
    if rule.startswith("zettel."):
        return not _BARE_HASH.fullmatch(value)
    bare = _BARE_HASH.fullmatch(value) or (
        finding.confidence != "high" and not _OWN_SHAPE.match(value)
    )
    before = text[max(0, secret.start - NAMED_WITHIN_CHARS) : secret.start]
    return not bare or _CREDENTIAL_WORD.search(before) is not None


def _merged(found: Iterable[Secret]) -> list[Secret]:
    """In order; those that overlap are one, with the name of the first and longest."""
    merged = list[Secret]()
    for one in sorted(found, key=lambda secret: (secret.start, -secret.end)):
        if merged and one.start < merged[-1].end:
            last = merged[-1]
            merged[-1] = Secret(last.start, max(last.end, one.end), last.kind)
        else:
            merged.append(one)
    return merged


def _blank(found: re.Match[str]) -> str:
    return BLANK * len(found[0])


def _blanked(text: str, secrets: Sequence[Secret]) -> str:
    pieces, at = list[str](), 0
    for one in secrets:
        pieces += (text[at : one.start], BLANK * (one.end - one.start))
        at = one.end
    return "".join((*pieces, text[at:]))


def _is_placeholder(value: str) -> bool:
    """Whether this is what documents write where a password belongs."""
    return _PLACEHOLDER.fullmatch(value) is not None


def _find_structures(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and kind of every secret of a known structure."""
    for kind, pattern in STRUCTURES.items():
        group = "secret" if "secret" in pattern.groupindex else 0
        for found in pattern.finditer(text):
            if not (group and _is_placeholder(found[group])):
                yield *found.span(group), kind


def _words(rule_id: str) -> str:
    """The id without its catalogue and its number."""
    return _NUMBER.sub("", rule_id.partition(".")[2]).removeprefix("secrets/")


@cache
def _names_no_secret(rule_id: str) -> bool:
    """Whether a rule finds identifiers rather than secrets."""
    return not rule_id.startswith("zettel.") and bool(_IDENTIFIERS.search(_words(rule_id)))


@cache
def _name_of(rule_id: str) -> str:
    """The name of what a rule finds, such as `GitHub token`."""
    words = _words(rule_id)
    if words in _WHOLE:
        return _WHOLE[words]
    first, *rest = words.split("-")
    return " ".join(
        (_SPELLINGS.get(first, first.capitalize()), *(_SPELLINGS.get(w, w) for w in rest))
    )


@cache
def load_scanner() -> "Scanner":
    """Load the rules.

    Raises:
        RulesUnavailableError: They cannot be read.
    """
    try:
        from kingfisher_sdk import Rules, Scanner  # noqa: PLC0415  36 MB that few notes need

        with as_file(files("zettel.tools.secrets") / OWN_RULES) as own:
            return Scanner(Rules([str(own)], confidence="medium"))
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise RulesUnavailableError(str(error)) from None


_LOADING = Lock()


def _scanner() -> "Scanner":
    """The compiled rules of this process, loaded once."""
    # Several notes at once would each compile the rules.
    with _LOADING:
        return load_scanner()
