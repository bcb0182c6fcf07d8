"""A real authorization server (Authlib's) on a loopback port, and one that can misbehave."""

# Authlib ships without types.
# pyright: basic, reportAttributeAccessIssue=false, reportOptionalMemberAccess=false
# pyright: reportArgumentType=false, reportReturnType=false, reportDeprecated=false
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false

import json
import socket
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from threading import Thread

import anyio
import jwt
import uvicorn
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    AuthorizationServer,
    ClientMixin,
    JsonPayload,
    JsonRequest,
    OAuth2Payload,
    OAuth2Request,
)
from authlib.oauth2.rfc6749.grants import (
    AuthorizationCodeGrant,
    ClientCredentialsGrant,
    RefreshTokenGrant,
)
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import ECKey, KeySet, RSAKey
from pydantic import JsonValue
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

REALM = "/realms/team"
ANA = "user-7f3a"
SCOPES = "zettel:ana zettel:shared:ro"
"""What ana may let a client do."""
ROBOT = ("robot", "robot-secret", "zettel:robot")
"""A client of its own: id, secret, scope."""
ALL_SCOPES = f"{SCOPES} {ROBOT[2]}"
"""What clients ask for; each gets what it may have."""


@dataclass
class _Client(ClientMixin):
    client_id: str
    secret: str
    metadata: Mapping[str, list[str]]
    scope: str

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return self.metadata["redirect_uris"][0]

    def get_allowed_scope(self, scope):
        asked = (scope or self.scope).split()
        return " ".join(name for name in asked if name in self.scope.split())

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in self.metadata["redirect_uris"]

    def check_client_secret(self, client_secret):
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method, endpoint):
        return method in {"none", "client_secret_post", "client_secret_basic"}

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in self.metadata["grant_types"]


@dataclass(frozen=True)
class _User:
    user_id: str

    def get_user_id(self):
        return self.user_id


@dataclass
class _Code(AuthorizationCodeMixin):
    """Or a refresh token, which is much the same here."""

    request: OAuth2Request
    user: _User

    def get_redirect_uri(self):
        return self.request.payload.redirect_uri

    def get_scope(self):
        return self.request.scope

    @property
    def code_challenge(self):
        return self.request.payload.data.get("code_challenge")

    @property
    def code_challenge_method(self):
        return self.request.payload.data.get("code_challenge_method")

    def check_client(self, _client):
        return True


class _CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")

    def save_authorization_code(self, code, request):
        self.server.issuer.codes[code] = _Code(request, request.user)

    def query_authorization_code(self, code, _client):
        return self.server.issuer.codes.get(code)

    def delete_authorization_code(self, authorization_code):
        codes = self.server.issuer.codes
        codes.pop(next(code for code, kept in codes.items() if kept is authorization_code))

    def authenticate_user(self, authorization_code):
        return authorization_code.user


class _RefreshGrant(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")

    def authenticate_refresh_token(self, refresh_token):
        return self.server.issuer.refresh_tokens.get(refresh_token)

    def authenticate_user(self, refresh_token):
        return refresh_token.user

    def revoke_old_credential(self, refresh_token):
        """Leave it."""


class _Registration(ClientRegistrationEndpoint):
    def authenticate_token(self, _request):
        return "anybody"

    def get_server_metadata(self):
        return {}

    def save_client(self, client_info, client_metadata, _request):
        issuer, client_id = self.server.issuer, client_info["client_id"]
        secret = client_info["client_secret"]
        issuer.clients[client_id] = _Client(client_id, secret, client_metadata, SCOPES)


class _Tokens(JWTBearerTokenGenerator):
    def __init__(self, issuer: "Issuer"):
        super().__init__(issuer.url, refresh_token_generator=lambda **_: "refresh-me")
        self._of = issuer

    def get_jwks(self):
        return KeySet([self._of.key])

    def get_audiences(self, _client, _user, _scope):
        return self._of.asked_for


class _Payload(OAuth2Payload, JsonPayload):
    def __init__(self, data):
        self._data = data

    @property
    def data(self):
        return self._data

    @property
    def datalist(self):
        return {name: [value] for name, value in self._data.items()}


class _Request(OAuth2Request):
    def __init__(self, request: Request, form: Mapping[str, str]):
        super().__init__(request.method, str(request.url), headers=request.headers)
        self._query, self._form = dict(request.query_params), dict(form)
        self.payload = _Payload(self._query | self._form)

    @property
    def args(self):
        return self._query

    @property
    def form(self):
        return self._form


class _Server(AuthorizationServer):
    """Authlib's server: requests are read before it sees them."""

    def __init__(self, issuer: "Issuer"):
        super().__init__()
        self.issuer = issuer
        self.register_grant(_CodeGrant, [CodeChallenge(required=True)])
        self.register_grant(ClientCredentialsGrant)
        self.register_grant(_RefreshGrant)
        self.register_endpoint(_Registration)
        self.register_token_generator("default", _Tokens(issuer))

    def query_client(self, client_id):
        return self.issuer.clients.get(client_id)

    def save_token(self, token, request):
        if "refresh_token" in token and request.user:
            self.issuer.refresh_tokens[token["refresh_token"]] = _Code(request, request.user)

    def send_signal(self, name, *args, **kwargs):
        """Nobody listens."""

    def create_oauth2_request(self, request):
        return request

    def create_json_request(self, request):
        return request

    def handle_response(self, status, body, headers):
        text = body if isinstance(body, str) else json.dumps(body)
        return Response(text, status, dict(headers))


@cache
def _first_key() -> RSAKey:
    # Of every issuer: making one takes 50 ms and more.
    return RSAKey.generate_key(2048, auto_kid=True)


@dataclass
class Issuer:
    """The authorization server of a team: people log in as ana without being asked."""

    url: str
    key: RSAKey = field(default_factory=_first_key)
    more_keys: list[dict[str, JsonValue]] = field(default_factory=list)
    manner: str = "well"
    """How keys are served: `well`, `down`, `slow`, `huge`, `elsewhere` or `garbled`."""
    asked: list[str] = field(default_factory=list)
    """Paths that were asked for."""
    asked_for: str = ""
    """The resource (RFC 8707) of the last request for a token."""
    clients: dict[str, _Client] = field(default_factory=dict)
    codes: dict[str, _Code] = field(default_factory=dict)
    refresh_tokens: dict[str, _Code] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._server = _Server(self)
        client_id, secret, scope = ROBOT
        grants = {"grant_types": ["client_credentials"]}
        self.clients[client_id] = _Client(client_id, secret, grants, scope)

    def rotate(self) -> None:
        """Sign with another key from now on; the old one is gone."""
        self.key = RSAKey.generate_key(2048, auto_kid=True)

    def sign(
        self, claims: Mapping[str, JsonValue], *, key: RSAKey | ECKey | None = None, **header: str
    ) -> str:
        """Sign what the server never would."""
        signing = key or self.key
        said = {"kid": str(signing.kid), "typ": "at+jwt"} | header
        algorithm = header.get("alg", "RS256")
        return jwt.encode(dict(claims), signing.private_key, algorithm=algorithm, headers=said)

    def claims(self, resource: str, **changed: JsonValue) -> dict[str, JsonValue]:
        """Of a token of ana's that is good for ten minutes; None leaves one out."""
        now = int(time.time())
        good: dict[str, JsonValue] = {
            "iss": self.url,
            "aud": resource,
            "sub": ANA,
            "client_id": "agent",
            "iat": now,
            "exp": now + 600,
            "scope": SCOPES,
        }
        return {name: value for name, value in (good | changed).items() if value is not None}

    def app(self) -> Starlette:
        """Its endpoints; the metadata where RFC 8414 has it for an issuer with a path."""
        return Starlette(
            routes=[
                Route(f"/.well-known/oauth-authorization-server{REALM}", self._metadata),
                Route(f"{REALM}/keys", self._keys),
                Route(f"{REALM}/authorize", self._authorize),
                Route(f"{REALM}/token", self._token, methods=["POST"]),
                Route(f"{REALM}/register", self._register, methods=["POST"]),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        names = ("authorize", "token", "register", "keys")
        authorize, token, register, keys = (f"{self.url}/{name}" for name in names)
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": authorize,
                "token_endpoint": token,
                "registration_endpoint": register,
                "jwks_uri": keys,
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
            }
        )

    async def _keys(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        if self.manner == "down":
            return Response("", 503)
        if self.manner == "elsewhere":
            return RedirectResponse(f"{self.url}/keys?moved")
        if self.manner == "garbled":
            return Response("[" * 100_000, media_type="application/json")
        if self.manner == "slow":
            await anyio.sleep_forever()
        keys = json.dumps({"keys": [*self.more_keys, self.key.as_dict(private=False)]})
        # Good keys, if only after more than anybody should read.
        large = 300_000 if self.manner == "huge" else 0
        return Response(" " * large + keys, media_type="application/json")

    async def _authorize(self, request: Request) -> Response:
        asked = _Request(request, {})
        asked.user = _User(ANA)
        grant = self._server.get_consent_grant(asked, asked.user)
        return self._server.create_authorization_response(asked, asked.user, grant)

    async def _token(self, request: Request) -> Response:
        async with request.form() as form:
            fields = {name: str(value) for name, value in form.items()}
        self.asked_for = fields.get("resource", "")
        return self._server.create_token_response(_Request(request, fields))

    async def _register(self, request: Request) -> Response:
        asked = JsonRequest(request.method, str(request.url), request.headers)
        asked.payload = _Payload(await request.json())
        return self._server.create_endpoint_response("client_registration", asked)


class _Web(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@contextmanager
def issuing() -> Generator[Issuer]:
    """Run an authorization server in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        issuer = Issuer(f"http://127.0.0.1:{listening.getsockname()[1]}{REALM}")
        config = uvicorn.Config(
            issuer.app(), log_config=None, access_log=False, timeout_graceful_shutdown=0
        )
        web = _Web(config)
        thread = Thread(target=anyio.run, args=(web.serve, [listening]), daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            web.should_exit = True
            thread.join(timeout=20)
