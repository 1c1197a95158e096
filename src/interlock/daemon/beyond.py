"""Where the panel listens beyond this machine: TLS, one host name, and at least one way to sign in; else not at all.

Each thing that would make it unsafe is refused before a socket is bound, with a sentence that says what to do.
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
import ssl
import stat
from pathlib import Path
from typing import NamedTuple

from interlock.broker.config import Remote
from interlock.identity import oidc
from interlock.model.errors import ConfigError, StateError
from interlock.notify.ways import secret
from interlock.panel.defence import Site

_NAME = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_WAITING = 128  # connections that may wait to be accepted
_HTTPS = 443


class Beyond(NamedTuple):
    """What is listened on, and with what it is encrypted."""

    sockets: tuple[socket.socket, ...]
    site: Site
    address: str  # what its pages' addresses begin with
    settings: Remote
    tls: ssl.SSLContext
    secret: str  # what the provider of identities knows us by, "" for none


def bind(settings: Remote) -> Beyond:
    """Raises ConfigError where configuration asks for what is not safe, StateError where an address is taken."""
    check(settings)
    tls, provider = _tls(settings), settings.oidc
    known_by = secret("/", provider.secret_file) if provider is not None and provider.secret_file else ""
    sockets: list[socket.socket] = []
    try:
        sockets.extend(_listener(address, settings.port) for address in settings.listen)
    except OSError as error:
        for one in sockets:
            one.close()
        where = ", ".join(settings.listen)
        raise StateError(f"[panel.remote] cannot listen at {where}, port {settings.port}: {error.strerror}.") from error
    port = "" if settings.port == _HTTPS else f":{settings.port}"
    site = Site.of((settings.name,), settings.port, secure=True)
    return Beyond(tuple(sockets), site, f"https://{settings.name}{port}/", settings, tls, known_by)


def check(settings: Remote) -> None:
    """Raises ConfigError unless people can sign in there, and safely."""
    for address in settings.listen:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ConfigError(f"[panel.remote] listen: {address[:80]!r} is no IP address.") from None
    if not _NAME.fullmatch(settings.name) or settings.name.replace(".", "").isdigit():
        raise ConfigError("[panel.remote] name: write the host name by which people reach it, in small letters.")
    provider = settings.oidc
    if provider is None and not settings.passkeys:
        raise ConfigError("[panel.remote] has no way to sign in: passkeys = true, or [panel.remote.oidc].")
    if provider is None:
        return
    oidc.safe(provider.issuer)
    if not provider.client_id or not (provider.people or provider.readers or provider.reader_groups):
        raise ConfigError(
            "[panel.remote.oidc] names nobody who may sign in: client_id, and people, readers or reader_groups."
        )
    if (provider.reader_groups or provider.required_groups) and not provider.groups:
        raise ConfigError('[panel.remote.oidc] groups: write which claim lists them, such as groups = "groups".')


def _tls(settings: Remote) -> ssl.SSLContext:
    key = Path(settings.key)
    try:
        mode = os.stat(key).st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise ConfigError(f"[panel.remote] key: {key} can be read by others. chmod 600 it.")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(settings.certificate, settings.key, password="")
    except ssl.SSLError as error:
        raise ConfigError(f"[panel.remote] certificate and key do not fit together: {error.reason}.") from error
    except OSError as error:
        raise ConfigError(f"[panel.remote] certificate or key cannot be read: {error.strerror}.") from error
    return context


def _listener(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(_WAITING)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
