"""A small OpenID provider on loopback: real keys, real codes, PKCE checked; and each way in which one can be wrong."""

from __future__ import annotations

import base64
import html
import json
import secrets
import threading
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "interlock", "not-a-real-secret"
_KEY = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
_OTHER = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)


class Provider:
    """`claims` are added to each ID token; `wrong` names what the next one does wrong."""

    def __init__(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                provider.get(self, parts.path, dict(parse_qsl(parts.query)))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                provider.token(self, dict(parse_qsl(body)))

            def log_message(self, *_: Any) -> None:
                """Nothing is printed."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        self.claims: dict[str, Any] = {"sub": "ada-at-work"}
        self.wrong = ""
        self.asked: dict[str, dict[str, str]] = {}
        self.exchanges = 0
        self.key, self.kid = _KEY, "one"  # what it signs with now, and all that it publishes
        self.old = _KEY  # what it signed with before
        self.page = False  # whether it asks its person before it sends them back
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def rotate(self) -> None:
        """It signs with another key from now on, and the one before is none of its any more."""
        self.old = self.key
        self.key, self.kid = rsa.generate_private_key(public_exponent=65_537, key_size=2_048), f"{self.kid}+"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def get(self, handler: BaseHTTPRequestHandler, path: str, query: dict[str, str]) -> None:
        if path == "/.well-known/openid-configuration":
            self._json(handler, {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "authorization_response_iss_parameter_supported": True,
            })  # fmt: skip
        elif path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            self._json(handler, {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]})
        elif path == "/authorize":
            assert query["response_type"] == "code"
            assert query["client_id"] == CLIENT
            assert query["code_challenge_method"] == "S256"
            code = secrets.token_urlsafe(8)
            self.asked[code] = query
            state = "another" if self.wrong == "state" else query["state"]
            issuer = "https://evil.example" if self.wrong == "response issuer" else self.issuer
            said = {"error": "access_denied"} if self.wrong == "a no" else {"code": code}
            back = f"{query['redirect_uri']}?{urlencode({**said, 'state': state, 'iss': issuer})}"
            if self.page:
                self._page(handler, back)
                return
            handler.send_response(302)
            handler.send_header("location", back)
            handler.end_headers()

    def token(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        self.exchanges += 1
        if self.wrong == "broken":
            handler.send_error(500)
            return
        basic = base64.b64decode(handler.headers.get("authorization", "Basic ").split(" ")[1]).decode()
        asked = self.asked.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        fits = asked and challenge == asked["code_challenge"] and form["redirect_uri"] == asked["redirect_uri"]
        if not asked or not fits or basic != f"{CLIENT}:{SECRET}":
            handler.send_error(400)
            return
        self._json(handler, {"id_token": self._signed(asked), "access_token": "x", "token_type": "Bearer"})

    def _signed(self, asked: dict[str, str]) -> str:
        now, wrong = int(time.time()), self.wrong
        said = {
            "iss": "https://evil.example" if wrong == "issuer" else self.issuer,
            "aud": {"audience": "another", "audiences": [CLIENT, "another"]}.get(wrong, CLIENT),
            "iat": now, "exp": now - 3_600 if wrong == "expired" else now + 300,
            "nonce": "another" if wrong == "nonce" else asked["nonce"], **self.claims,
        }  # fmt: skip
        if wrong == "party":
            said["azp"] = "another"
        if wrong == "no end":
            del said["exp"]
        if wrong == "unsigned":
            return jwt.encode(said, "", algorithm="none", headers={"kid": self.kid})
        if wrong == "shared secret":
            return jwt.encode(
                said, "a-secret-that-both-know-of-thirty-two", algorithm="HS256", headers={"kid": self.kid}
            )
        kid = "two" if wrong == "key name" else self.kid
        key = {"key": _OTHER, "old key": self.old}.get(wrong, self.key)
        return jwt.encode(said, key, algorithm="RS256", headers={"kid": kid})

    def _page(self, handler: BaseHTTPRequestHandler, back: str) -> None:
        body = f'<title>Provider</title><a id="go" href="{html.escape(back)}">I am ada</a>'.encode()
        handler.send_response(200)
        handler.send_header("content-type", "text/html")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _json(self, handler: BaseHTTPRequestHandler, value: Any) -> None:
        body = json.dumps(value).encode()
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
