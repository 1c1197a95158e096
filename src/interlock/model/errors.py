"""Errors, by whose fault they are. One root; the message says what happened, why, and what to do next.

Each class carries its documented exit code (`docs/reference/errors.md` is generated from this table).
"""

from __future__ import annotations

from typing import ClassVar


class InterlockError(Exception):
    """Root of all errors that Interlock raises on purpose."""

    code: ClassVar[str] = "internal"
    exit: ClassVar[int] = 70


class InternalError(InterlockError):
    """Interlock's own fault: a bug or a broken invariant. Always fail closed."""


class OperatorError(InterlockError):
    """The person who runs Interlock can mend it: configuration, policy, state directory, usage."""

    code = "operator"
    exit = 2


class AgentError(InterlockError):
    """What an agent sent cannot be taken: malformed, too large, contradictory."""

    code = "agent-input"
    exit = 65


class UsageError(OperatorError):
    """The command line is off."""

    code = "usage"
    exit = 2


class ConfigError(OperatorError):
    """`interlock.toml` cannot be used as it is."""

    code = "config"
    exit = 20


class PolicyError(OperatorError):
    """A policy set is refused: syntax, schema, or an example of its own that fails."""

    code = "policy"
    exit = 21


class CatalogueError(OperatorError):
    """A catalogue file is refused."""

    code = "catalogue"
    exit = 22


class DaemonUnreachable(OperatorError):
    """No daemon answers on the socket."""

    code = "daemon-unreachable"
    exit = 23


class DaemonRunning(OperatorError):
    """A daemon already holds this home."""

    code = "daemon-running"
    exit = 24


class StateError(OperatorError):
    """The state directory cannot be used: permissions, owner, full disk."""

    code = "state"
    exit = 25


class NotFound(OperatorError):
    """The id names nothing."""

    code = "not-found"
    exit = 26


class Refused(OperatorError):
    """The request is understood and not permitted now (already decided, expired, wrong person)."""

    code = "refused"
    exit = 27


class SelectorError(OperatorError):
    """A selector cannot be read, or speaks of what does not exist."""

    code = "selector"
    exit = 29


class LedgerTampered(InterlockError):
    """Verification: the log contradicts its own hashes or signatures."""

    code = "ledger-tampered"
    exit = 30


class LedgerIncomplete(InterlockError):
    """Verification: hashes hold, but something that must be there is not (a tile, an outcome)."""

    code = "ledger-incomplete"
    exit = 31


class LedgerUnverifiable(InterlockError):
    """Verification: it cannot be judged (unknown key, unreadable file, unknown format)."""

    code = "ledger-unverifiable"
    exit = 32


class LedgerPolicyFailed(InterlockError):
    """Verification: the log is sound and shows something that a policy of the verifier forbids."""

    code = "ledger-policy-failed"
    exit = 33


class LedgerForked(LedgerTampered):
    """The store is behind, or beside, what was signed before."""

    code = "ledger-forked"
    exit = 34


class LedgerUnavailable(InterlockError):
    """An entry could not be made durable (full disk, I/O error): the action is not released."""

    code = "ledger-unavailable"
    exit = 35


class Unproved(OperatorError):
    """A policy set whose properties are not proved, or are refuted: it does not come into force."""

    code = "unproved"
    exit = 28


class NotGuarded(OperatorError):
    """`interlock doctor`: at least one agent would run a tool that policy denies."""

    code = "not-guarded"
    exit = 40
