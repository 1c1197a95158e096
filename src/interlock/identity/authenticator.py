"""What a person decides with: an SSH key, or a passkey. Public halves only."""

from __future__ import annotations

import msgspec

from interlock.identity.sshwire import SshKey
from interlock.model.errors import Refused

SSH = "ssh"
PASSKEY = "passkey"


class Authenticator(msgspec.Struct, frozen=True, omit_defaults=True):
    """One of a person's keys.

    `id` names it: for SSH its fingerprint (`SHA256:…`), for a passkey its credential id (base64url). `public` is the
    line of its `.pub` file without the comment, or the COSE key (base64url). `relying_party` is the host name that a
    passkey is bound to, `origins` the pages that it may be used from.
    """

    kind: str
    id: str
    public: str
    label: str = ""
    relying_party: str = ""
    origins: tuple[str, ...] = ()
    verified: bool = False  # a passkey that asked for a PIN or a fingerprint when it was made

    @property
    def hardware(self) -> bool:
        """Whether each use shows that a person was there: a touch, or more."""
        return self.kind == PASSKEY or SshKey.parse(self.public).in_hardware


def of_ssh(line: str) -> Authenticator:
    """The authenticator of a `.pub` line; its comment becomes the label. Raises Refused."""
    key = SshKey.parse(line.strip())
    comment = line.split(maxsplit=2)[2].strip() if len(line.split(maxsplit=2)) == 3 else ""
    label = "".join(c for c in comment if c.isprintable())[:80]
    return Authenticator(kind=SSH, id=key.fingerprint, public=key.line, label=label)


def sound(authenticator: Authenticator) -> None:
    """Raises Refused for one that could not be used: no such kind, or an id that is not its key's."""
    if authenticator.kind == SSH:
        if SshKey.parse(authenticator.public).fingerprint != authenticator.id:
            raise Refused("the SSH key's id is not its fingerprint.")
    elif authenticator.kind != PASSKEY or not authenticator.relying_party or not authenticator.origins:
        raise Refused("an authenticator is an SSH key, or a passkey with its relying party and origins.")
