"""Keys of real formats and harmless look-alikes, made up anew by a seeded generator.

No key lies in this file: each is put together from its documented format when a test runs.
"""

import base64
import hashlib
import json
import string
import struct
import textwrap
import uuid
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

UPPER, LOWER, DIGITS = string.ascii_uppercase, string.ascii_lowercase, string.digits
ALNUM = UPPER + LOWER + DIGITS
WORD = ALNUM + "_"
URL_SAFE = ALNUM + "_-"
HEX = DIGITS + "abcdef"
BASE32 = UPPER + "234567"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def chars(rnd: Random, alphabet: str, count: int) -> str:
    """So many random characters."""
    return "".join(rnd.choices(alphabet, k=count))


def _b64(rnd: Random, count: int) -> str:
    return base64.b64encode(rnd.randbytes(count)).decode()


def _b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class Key:
    """One made-up key."""

    form: str
    text: str
    """What a note holds, the names that belong to the format included."""
    secret: str
    """The part that must be nowhere; a part of `text`."""


Maker = Callable[[Random], str]


def _prefixed(prefix: str, alphabet: str, count: int, end: str = "") -> Maker:
    return lambda rnd: f"{prefix}{chars(rnd, alphabet, count)}{end}"


def _jwt(rnd: Random) -> str:
    header = _b64url(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    claims = {"sub": chars(rnd, DIGITS, 10), "name": "Ana Silva", "iat": rnd.randrange(2**31)}
    return f"{header}.{_b64url(json.dumps(claims).encode())}.{_b64url(rnd.randbytes(32))}"


def _pem(label: str, count: int = 384) -> Maker:
    def make(rnd: Random) -> str:
        body = _b64(rnd, count)
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----"

    return make


def _google_account(rnd: Random) -> str:
    key = _pem("PRIVATE KEY")(rnd)
    return json.dumps({"type": "service_account", "project_id": "farm", "private_key": key})


def _between(before: str, make: Maker, after: str = "") -> Maker:
    return lambda rnd: f"{before}{make(rnd)}{after}"


def _password(rnd: Random) -> str:
    return (
        chars(rnd, LOWER, 6) + chars(rnd, DIGITS, 3) + rnd.choice("!$_-.~") + chars(rnd, ALNUM, 5)
    )


def _slack_hook(rnd: Random) -> str:
    team, hook = chars(rnd, UPPER + DIGITS, 8), chars(rnd, UPPER + DIGITS, 10)
    return f"https://hooks.slack.com/services/T{team}/B{hook}/{chars(rnd, ALNUM, 24)}"


def _openai(prefix: str) -> Maker:
    # "OpenAI" in base64, in the middle of every key.
    def make(rnd: Random) -> str:
        half = 74 if prefix != "sk-" else 20
        alphabet = URL_SAFE if prefix != "sk-" else ALNUM
        mark = base64.b64encode(b"OpenAI").decode()
        return f"{prefix}{chars(rnd, alphabet, half)}{mark}{chars(rnd, alphabet, half)}"

    return make


def _discord_bot(rnd: Random) -> str:
    user = base64.b64encode(("1" + chars(rnd, DIGITS, 17)).encode()).decode()
    return f"{user}.G{chars(rnd, ALNUM, 5)}.{chars(rnd, URL_SAFE, 38)}"


def _one_password(rnd: Random) -> str:
    claims = {"signInAddress": "my.1password.com", "secretKey": chars(rnd, ALNUM, 190)}
    return "ops_" + _b64url(json.dumps(claims).encode())


def _pypi(rnd: Random) -> str:
    # A macaroon that begins with the location pypi.org (PyPI, "API tokens").
    return "pypi-" + _b64url(b"\x02\x01\x08pypi.org\x02" + rnd.randbytes(100))


FORMS: Mapping[str, tuple[Maker, ...]] = {
    "GitHub": (
        *(_prefixed(f"gh{kind}_", ALNUM, 36) for kind in "pousr"),
        lambda rnd: f"github_pat_{chars(rnd, ALNUM, 22)}_{chars(rnd, ALNUM, 59)}",
    ),
    "GitLab": (
        _prefixed("glpat-", URL_SAFE, 20),
        _prefixed("gldt-", URL_SAFE, 20),
        _prefixed("glrt-", URL_SAFE, 20),
        _prefixed("glptt-", HEX, 40),
    ),
    "AWS": (
        *(_prefixed(kind, BASE32, 16) for kind in ("AKIA", "ASIA")),
        _between("aws_secret_access_key = ", _prefixed("", ALNUM + "/+", 40)),
        _between('"SecretAccessKey": "', _prefixed("", ALNUM + "/+", 40), '"'),
        _between("AWS_SESSION_TOKEN=", lambda rnd: "IQoJb3JpZ2luX2Vj" + _b64(rnd, 300)),
    ),
    "Google": (
        _prefixed("AIza", URL_SAFE, 35),
        _prefixed("GOCSPX-", URL_SAFE, 28),
        _prefixed("ya29.a0", URL_SAFE, 160),
        _google_account,
    ),
    "Azure": (
        _between(
            "DefaultEndpointsProtocol=https;AccountName=farm;AccountKey=",
            lambda rnd: _b64(rnd, 64),
            ";EndpointSuffix=core.windows.net",
        ),
        _between(
            "Endpoint=sb://farm.servicebus.windows.net/;SharedAccessKeyName=all;SharedAccessKey=",
            lambda rnd: _b64(rnd, 32),
        ),
        lambda rnd: f"{chars(rnd, ALNUM, 3)}8Q~{chars(rnd, URL_SAFE, 34)}",
    ),
    "Slack": (
        lambda rnd: (
            f"xoxb-{chars(rnd, DIGITS, 12)}-{chars(rnd, DIGITS, 13)}-{chars(rnd, ALNUM, 24)}"
        ),
        lambda rnd: (
            "xoxp-" + "-".join(chars(rnd, DIGITS, 12) for _ in range(3)) + "-" + chars(rnd, HEX, 32)
        ),
        lambda rnd: (
            f"xapp-1-A{chars(rnd, UPPER + DIGITS, 10)}-{chars(rnd, DIGITS, 13)}"
            f"-{chars(rnd, HEX, 64)}"
        ),
        _slack_hook,
    ),
    "Stripe": (
        _prefixed("sk_live_", ALNUM, 24),
        _prefixed("rk_live_", ALNUM, 99),
        _prefixed("sk_test_", ALNUM, 99),
        _prefixed("whsec_", ALNUM, 32),
    ),
    "OpenAI": (_openai("sk-"), _openai("sk-proj-"), _openai("sk-svcacct-")),
    "Anthropic": (
        _prefixed("sk-ant-api03-", URL_SAFE, 93, "AA"),
        _prefixed("sk-ant-admin01-", URL_SAFE, 93, "AA"),
    ),
    "other models": (
        _prefixed("hf_", UPPER + LOWER, 34),
        _prefixed("gsk_", ALNUM, 52),
        _prefixed("xai-", ALNUM, 80),
        _prefixed("sk-or-v1-", HEX, 64),
        _prefixed("r8_", ALNUM, 37),
        _prefixed("pplx-", ALNUM, 48),
        _prefixed("nvapi-", URL_SAFE, 64),
        _prefixed("tvly-", ALNUM, 32),
    ),
    "packages": (
        _prefixed("npm_", ALNUM, 36),
        _pypi,
        _prefixed("rubygems_", HEX, 48),
        _prefixed("cio", ALNUM, 32),
        _prefixed("oy2", LOWER + DIGITS, 43),
        _prefixed("dckr_pat_", URL_SAFE, 27),
        _prefixed("CLOJARS_", HEX, 60),
    ),
    "mail": (
        lambda rnd: f"SG.{chars(rnd, URL_SAFE, 22)}.{chars(rnd, URL_SAFE, 43)}",
        _between("mailgun key: ", _prefixed("key-", HEX, 32)),
        _between("MAILCHIMP_API_KEY=", _prefixed("", HEX, 32, "-us12")),
        lambda rnd: f"re_{chars(rnd, ALNUM, 8)}_{chars(rnd, ALNUM, 24)}",
        lambda rnd: f"xkeysib-{chars(rnd, HEX, 64)}-{chars(rnd, ALNUM, 16)}",
    ),
    "Twilio": (_prefixed("SK", HEX, 32),),
    "Telegram": (lambda rnd: f"{rnd.randrange(10**8, 10**10)}:AA{chars(rnd, URL_SAFE, 33)}",),
    "Discord": (
        _discord_bot,
        lambda rnd: (
            f"https://discord.com/api/webhooks/1{chars(rnd, DIGITS, 17)}/{chars(rnd, URL_SAFE, 68)}"
        ),
    ),
    "hosting": (
        _prefixed("dop_v1_", HEX, 64),
        _prefixed("HRKU-AA", URL_SAFE, 58),
        _prefixed("nfp_", ALNUM, 36),
        _prefixed("sbp_", HEX, 40),
        lambda rnd: f"sb_secret_{chars(rnd, URL_SAFE, 22)}_{chars(rnd, ALNUM, 8)}",
        _prefixed("pscale_tkn_", URL_SAFE, 43),
        _prefixed("rnd_", ALNUM, 28),
        _prefixed("vcp_", ALNUM, 56),
        lambda rnd: f"v1.0-{chars(rnd, HEX, 24)}-{chars(rnd, HEX, 146)}",
    ),
    "Databricks": (_prefixed("dapi", HEX, 32),),
    "shops": (
        _prefixed("shpat_", HEX, 32),
        _prefixed("EAAA", URL_SAFE, 60),
        _prefixed("sq0csp-", URL_SAFE, 43),
    ),
    "HashiCorp": (
        _prefixed("hvs.", URL_SAFE, 90),
        lambda rnd: f"{chars(rnd, ALNUM, 14)}.atlasv1.{chars(rnd, ALNUM, 67)}",
        _prefixed("dp.pt.", ALNUM, 43),
        _prefixed("pul-", HEX, 40),
    ),
    "vaults": (
        _one_password,
        _prefixed("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    ),
    "monitoring": (
        lambda rnd: f"glsa_{chars(rnd, ALNUM, 32)}_{chars(rnd, HEX, 8)}",
        _prefixed("NRAK-", UPPER + DIGITS, 27),
        _prefixed("sntryu_", HEX, 64),
        lambda rnd: f"dt0c01.{chars(rnd, BASE32, 24)}.{chars(rnd, BASE32, 64)}",
    ),
    "team tools": (
        lambda rnd: f"ATATT3xFfGF0{chars(rnd, URL_SAFE, 171)}={chars(rnd, HEX.upper()[:16], 8)}",
        _prefixed("lin_api_", ALNUM, 40),
        lambda rnd: f"ntn_{chars(rnd, DIGITS, 11)}{chars(rnd, ALNUM, 35)}",
        _prefixed("figd_", URL_SAFE, 40),
        lambda rnd: f"pat{chars(rnd, ALNUM, 14)}.{chars(rnd, HEX, 64)}",
        lambda rnd: f"PMAK-{chars(rnd, HEX, 24)}-{chars(rnd, HEX, 34)}",
    ),
    "networks": (
        lambda rnd: f"tskey-auth-k{chars(rnd, ALNUM, 11)}CNTRL-{chars(rnd, ALNUM, 32)}",
        lambda rnd: f"sk.eyJ1{chars(rnd, ALNUM, 60)}.{chars(rnd, URL_SAFE, 22)}",
    ),
    "Zettel": (lambda rnd: f"zettel_{chars(rnd, HEX, 8)}_{_b64url(rnd.randbytes(32))}",),
    "JSON web token": (_jwt, _between("Authorization: Bearer ", _jwt)),
    "private key": (
        *(_pem(f"{kind}PRIVATE KEY") for kind in ("", "RSA ", "EC ", "ENCRYPTED ", "OPENSSH ")),
        _pem("PGP PRIVATE KEY BLOCK"),
    ),
    "connection string": (
        *(
            _between(f"{scheme}://ana:", _password, "@db.example.org:5432/farm")
            for scheme in (
                *("postgres", "postgresql", "mysql", "mariadb", "mongodb+srv", "amqp", "amqps"),
                *("mssql+pyodbc", "clickhouse", "ftp", "smtp", "https"),
            )
        ),
        _between("redis://:", _password, "@cache.example.org:6379/0"),
        _between("jdbc:mysql://db.example.org/farm?user=ana&password=", _password, "&ssl=true"),
        _between("Server=db.example.org;Database=farm;User Id=ana;Password=", _password, ";"),
        _between("host=db.example.org dbname=farm user=ana password=", _password),
    ),
}
"""Provider or form -> how its keys are made, each from the format that its owner documents."""


def made(form: str, make: Maker, rnd: Random) -> Key:
    """One key; its secret is the part in which it differs from another one of its form."""
    text, other = make(rnd), make(rnd)
    pairs = list(zip(text, other, strict=False))
    back = list(zip(reversed(text), reversed(other), strict=False))
    start = next(at for at, (one, another) in enumerate(pairs) if one != another)
    end = next(at for at, (one, another) in enumerate(back) if one != another)
    return Key(form, text, text[start : len(text) - end])


def keys(count: int, rnd: Random) -> list[Key]:
    """So many keys, of every form in turn."""
    makers = [(form, make) for form, row in FORMS.items() for make in row]
    return [made(*makers[at % len(makers)], rnd) for at in range(count)]


def _is_url_part(text: str) -> bool:
    return not set(text) & set(' \n#&?"{}\\') and "://" not in text


SHAPES: Mapping[str, Callable[[str], str]] = {
    "alone": lambda key: key,
    "prose": lambda key: f"The new one is {key} and\nit works since Monday.",
    "punctuation": lambda key: f"(We use it there, {key}.)",
    "quotes": lambda key: f"She wrote “{key}”, and that é was all!",
    "another script": lambda key: f"これは{key}です",
    "Markdown": lambda key: f"- **{key}**, still in use\n- `{key}`\n> {key}\n",
    "a table": lambda key: f"| name | {key} | yes |",
    "JSON": lambda key: json.dumps({"deploy": {"value": key}, "retries": 3}),
    "YAML": lambda key: "deploy:\n  value: |\n" + textwrap.indent(key, "    ") + "\n  other: 1\n",
    "a .env file": lambda key: f"DEBUG=1\nexport VALUE={key}\nPORT=80\n",
    "code": lambda key: f"client = Client(value='{key}', retries=3)  # for the farm",
    "HTML": lambda key: f'<a href="/x">{key}</a><br>',
    "an address": lambda key: (
        f"https://api.example.org/v1?value={key}&page=2" if _is_url_part(key) else key
    ),
    "wrapped lines": lambda key: (
        key if "\n" in key else "\n".join(key[at : at + 40] for at in range(0, len(key), 40))
    ),
    "an invisible character": lambda key: f"{key[: len(key) // 2]}\u200b{key[len(key) // 2 :]}",
}
"""What a key stands in -> the text around it."""


def _git_hash(rnd: Random) -> str:
    return hashlib.sha1(rnd.randbytes(20), usedforsecurity=False).hexdigest()


def _ulid(rnd: Random) -> str:
    return "01J" + chars(rnd, CROCKFORD, 23)


def _picture(rnd: Random) -> str:
    """A PNG of random colours, up to some 60 kB in base64."""
    side = rnd.choice((8, 16, 24))
    rows = b"".join(b"\0" + rnd.randbytes(3 * side) for _ in range(side))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    )
    data = b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in parts
    )
    return "data:image/png;base64," + base64.b64encode(data).decode()


def _ssh_public(rnd: Random) -> str:
    body = b"\0\0\0\x0bssh-ed25519\0\0\0 " + rnd.randbytes(32)
    return f"ssh-ed25519 {base64.b64encode(body).decode()} ana@farm"


HARMLESS: Mapping[str, Maker] = {
    "commit": _between("commit ", _git_hash, "\nAuthor: Ana <ana@example.org>"),
    "short commit": lambda rnd: f"Fixed in {_git_hash(rnd)[:10]}, see {_git_hash(rnd)[:7]}.",
    "cache key": _between("the cache key is ", _git_hash),
    "log": lambda rnd: "\n".join(f"{_git_hash(rnd)} Mend the barn" for _ in range(5)),
    "uuid": lambda rnd: f"request {uuid.UUID(int=rnd.getrandbits(128), version=4)} failed",
    "uuids": lambda rnd: json.dumps(
        {name: str(uuid.UUID(int=rnd.getrandbits(128), version=4)) for name in ("id", "user")}
    ),
    "picture": _picture,
    "wrapped picture": lambda rnd: "\n".join(textwrap.wrap(_picture(rnd), 76)),
    "ulid": lambda rnd: f"note {_ulid(rnd)} contradicts {_ulid(rnd)}",
    "integrity": lambda rnd: f'"integrity": "sha512-{_b64(rnd, 64)}"',
    "wheel": lambda rnd: (
        f"--hash=sha256:{chars(rnd, HEX, 64)} \\\n    --hash=sha256:" + chars(rnd, HEX, 64)
    ),
    "image": lambda rnd: f"python@sha256:{chars(rnd, HEX, 64)}",
    "md5": lambda rnd: f"{chars(rnd, HEX, 32)}  linear-notes.tar.gz",
    "ssh public key": _ssh_public,
    "public key": _pem("PUBLIC KEY", 294),
    "certificate": _pem("CERTIFICATE", 900),
    "address": lambda rnd: f"https://example.org/a/{chars(rnd, ALNUM, 22)}?page=2#L{rnd.random()}",
    "path": lambda rnd: f"/var/lib/{chars(rnd, LOWER, 12)}/{chars(rnd, HEX, 16)}/table.lance:42",
    "variable": lambda rnd: f"postgres://ana:${{DB_PASSWORD}}@db:5432/farm {_git_hash(rnd)[:8]}",
    "numbers": lambda rnd: f"IBAN DE{chars(rnd, DIGITS, 20)}, order {chars(rnd, DIGITS, 16)}",
}
"""Look-alike -> how it is made."""


def look_alikes(count: int, rnd: Random) -> list[tuple[str, str]]:
    """So many look-alikes with their names, of every kind in turn."""
    kinds = list(HARMLESS.items())
    chosen = [kinds[at % len(kinds)] for at in range(count)]
    return [(name, make(rnd)) for name, make in chosen]
