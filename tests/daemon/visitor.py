"""A person at the panel without a browser: signs in by a link, reads pages, sends their forms."""

from __future__ import annotations

import http.client
import json
import re
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

from interlock.daemon.client import call
from interlock.home import Home

_FORM = re.compile(r'<form method="post" action="([^"]*)"[^>]*>\s*(.*?)</form>', re.DOTALL)
_FIELD = re.compile(r'<(?:input|button)\b[^>]*\bname="([^"]*)"[^>]*\bvalue="([^"]*)"')


class Visitor:
    """One session of the panel, opened by this very process."""

    def __init__(self, home: Home, *, reader: bool = False) -> None:
        link = urlsplit(call(home, "panel.link", {"reader": reader})["link"])
        self._host, self._port = link.hostname or "", link.port or 0
        self._cookie = ""
        status, _ = self.post("/login", {"link": link.path.removeprefix("/login/")})
        assert status == 303, status

    def get(self, path: str) -> tuple[int, str]:
        """Status and text of a page."""
        return self._send("GET", path, b"", {})

    def view(self, path: str) -> Any:
        """A page as `.json`."""
        status, text = self.get(path)
        assert status == 200, text
        return json.loads(text)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> tuple[int, str]:
        """Status of what a form comes to, and where it leads or what it says."""
        usual = {
            "content-type": "application/x-www-form-urlencoded",
            "origin": f"http://{self._host}:{self._port}",
            "sec-fetch-site": "same-origin",
        }
        return self._send("POST", path, urlencode(fields).encode(), {**usual, **headers})

    def press(self, page: str, act: str, **typed: str) -> tuple[int, str]:
        """Send the form of a page that leads to `act`, with what was typed or pressed."""
        for action, fields in forms(self.get(page)[1]):
            if action == act and all(fields.get(k, v) == v or k not in {"subject"} for k, v in typed.items()):
                return self.post(action, {**fields, **typed})
        raise AssertionError(f"{page} has no form that leads to {act}")

    def _send(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        sent = {"host": f"{self._host}:{self._port}", **headers}
        if self._cookie:
            sent["cookie"] = self._cookie
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        if cookie := answer.getheader("set-cookie"):
            self._cookie = cookie.split(";")[0]
        connection.close()
        return answer.status, answer.getheader("location") or text


def forms(text: str) -> list[tuple[str, dict[str, str]]]:
    """The forms of a page that act: where each leads, and its hidden fields (not those of its buttons)."""
    found = []
    for action, inside in _FORM.findall(text):
        fields = {name: unescape(value) for name, value in _FIELD.findall(re.sub(r"<button\b[^>]*>", "", inside))}
        found.append((unescape(action), fields))
    return found
