"""The label vocabulary: facts about a resource or a data flow that policies may test.

Policies are validated against these sets, so a misspelt label is refused at load instead of never matching.
"""

from __future__ import annotations

# Where a file lives, seen from the workspace. Exactly one of these is on every file or directory.
WORKSPACE = "workspace"  # inside the workspace root
SCRATCH = "scratch"  # /tmp and kin
HOME = "home"  # the user's own home, outside the workspace
OTHER_USER = "other-user"  # somebody else's home
SYSTEM = "system"  # /usr, /etc, /var, /opt ...
UNPLACED = "unplaced"  # the path could not be resolved
PLACES = frozenset({WORKSPACE, SCRATCH, HOME, OTHER_USER, SYSTEM, UNPLACED})

# What a file is.
SECRET = "secret"  # noqa: S105 - holds credentials: keys, tokens, .env, browser profiles
GUARD = "guard"  # switches a guard on or off: agent hooks and settings, Interlock's own files
EXECUTES_LATER = "executes-later"  # read as code later: git hooks, shell rc, package scripts, CI
CI = "ci"  # continuous-integration definitions
VCS = "vcs"  # inside .git
ROOT = "root"  # a whole filesystem, home or workspace root, not something in it
AGENT_MEMORY = "agent-memory"  # instructions an agent obeys later: CLAUDE.md, AGENTS.md, skills
DEVICE_NULL = "device-null"  # /dev/null and kin: writing there is nothing
EMPTIED = "emptied"  # its content goes and nothing comes instead
OPENED = "opened"  # anybody may write it from now on, or it gets another owner

# Hosts.
LOOPBACK = "loopback"
PRIVATE = "private"
METADATA = "metadata"  # cloud instance metadata
KNOWN = "known"  # named in the user's configuration
LOOKALIKE = "lookalike"  # a package whose name is nearly that of an everyday one
REGISTRY = "registry"  # a package registry of record
VCS_HOST = "vcs-host"
DUBIOUS = "dubious"  # anybody leaves or collects things there without a name: paste sites, tunnels, link shorteners
PUBLIC = "public"  # asked by name, as any visitor would, with nothing that is carried there (`effects/pages.py`)

# Git refs.
PROTECTED = "protected"  # main, master, release/*, or named in the configuration
FORCE = "force"  # history on the other side is overwritten
LEASED = "leased"  # and only if it is as it was last fetched, so that what goes is known here

# Processes and code.
PROJECT = "project"  # code of the workspace: tests, scripts, builds
PRIVILEGED = "privileged"  # through sudo and kin
REMOTE = "remote"  # runs on another host or in a container
INTERACTIVE = "interactive"  # a shell or editor that waits for a terminal
UNKNOWN_COMMAND = "unknown-command"  # no catalogue family knows it
UNREAD = "unread"  # text that no reader could read
DOWNLOADED = "downloaded"  # code that came over the network in the same action

# Cloud, data.
TEMPLATE_DB = "system-database"
WHOLE = "whole"  # no WHERE, or one that is always true
FROZEN = "frozen"  # an active freeze covers the resource (set by the broker)

RESOURCE_LABELS = PLACES | frozenset(
    {
        SECRET, GUARD, EXECUTES_LATER, CI, VCS, ROOT, AGENT_MEMORY, DEVICE_NULL,
        EMPTIED, OPENED,
        LOOPBACK, PRIVATE, METADATA, KNOWN, LOOKALIKE, REGISTRY, VCS_HOST, DUBIOUS, PUBLIC,
        PROTECTED, FORCE, LEASED,
        PROJECT, PRIVILEGED, REMOTE, INTERACTIVE, UNKNOWN_COMMAND, UNREAD, DOWNLOADED,
        TEMPLATE_DB, WHOLE, FROZEN,
    }
)  # fmt: skip

# What flows into an effect.
FROM_SECRET = "secret"  # noqa: S105
FROM_ENVIRONMENT = "environment"  # environment variables as a whole
FROM_FILE = "file"  # content of some file
FROM_NETWORK = "network"  # bytes that came over the network
FROM_UNTRUSTED = "untrusted"  # a web page, an issue, a tool result
FROM_UNKNOWN = "unknown"
TAINTS = frozenset({FROM_SECRET, FROM_ENVIRONMENT, FROM_FILE, FROM_NETWORK, FROM_UNTRUSTED, FROM_UNKNOWN})
