"""A device that makes passkeys, in software, inside of Chromium: the WebAuthn domain of its DevTools protocol."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page


class Device:
    """What the person before this page has at hand. `verifies` is whether it recognises them, `answers` whether they
    touch it when they are asked.
    """

    def __init__(self, page: Page, *, verifies: bool = True, answers: bool = True) -> None:
        self._protocol = page.context.new_cdp_session(page)
        self._protocol.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verifies,
            "automaticPresenceSimulation": answers,
        }
        self._id = self._protocol.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def keys(self) -> list[dict[str, Any]]:
        """Its passkeys: `credentialId` and `privateKey` in base64, `rpId`, `signCount`."""
        found: list[dict[str, Any]] = self._ask("getCredentials")["credentials"]
        return found

    def learn(self, key: dict[str, Any]) -> None:
        """It has this passkey, too, whoever made it."""
        self._ask("addCredential", credential=key)

    def forget(self) -> None:
        """It has none any more."""
        self._ask("clearCredentials")

    def recognise(self, verifies: bool) -> None:
        """Whether it recognises the person from now on."""
        self._ask("setUserVerified", isUserVerified=verifies)

    def answer(self, answers: bool) -> None:
        """Whether the person touches it from now on."""
        self._ask("setAutomaticPresenceSimulation", enabled=answers)

    def leave(self) -> None:
        """It is taken away."""
        self._ask("removeVirtualAuthenticator")

    def _ask(self, what: str, **more: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self._protocol.send(f"WebAuthn.{what}", {"authenticatorId": self._id, **more})
        return answer
