"""Which rules a command of `interlock policy` is about: those in force here, or a candidate."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from interlock.model.errors import PolicyError
from interlock.policy import defaults
from interlock.policy.rules import BASE_LAYERS, Layer

F = TypeVar("F", bound=Callable[..., object])


def policy_option(function: F) -> F:
    """`--policy`: a candidate to judge by, instead of what is in force here."""
    return click.option(
        "--policy",
        "folder",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Judge by the packaged rules and FOLDER's, instead of those in force here.",
    )(function)


def layer_option(function: F) -> F:
    """`--layer`: which layer a candidate would belong to."""
    return click.option(
        "--layer",
        "name",
        type=click.Choice([*BASE_LAYERS[1:], "project", "user"]),
        default="project",
        show_default=True,
        help="The layer that the files would belong to.",
    )(function)


def here() -> list[Layer]:
    """The layers that hold in the directory one stands in, as the daemon would load them."""
    from interlock.broker.workspace import workspace_of
    from interlock.cli.show import here as directory
    from interlock.daemon import config as configuration
    from interlock.daemon.rules import layers
    from interlock.home import locate

    workspace = workspace_of(directory(), os.environ.get("HOME") or str(Path.home()))
    folders = [("organisation", configuration.ORGANISATION / "policy")]
    folders += [("project", Path(workspace) / ".interlock" / "policy")] if workspace else []
    folders += [("user", locate().config / "policy")]
    return layers(folders)


def candidate(files: Sequence[Path], name: str, *, may_be_empty: bool = False) -> list[Layer]:
    """The packaged rules and these files as the layer `name`, on the organisation's where they lie above it.

    They are read as the daemon reads them, byte for byte: a receipt is bound to the digest of what was read.

    Raises:
        PolicyError: a file cannot be read, two have one name, or there is no policy at all.
    """
    from interlock.daemon import config as configuration
    from interlock.daemon.rules import layer, layers, policy_text

    base = [defaults.layer()] if name == "organisation" else layers(
        [("organisation", configuration.ORGANISATION / "policy")]
    )  # fmt: skip
    if len(files) == 1 and files[0].is_dir():
        found = layer(name, files[0])
        if not (found.sources or found.properties or may_be_empty):
            raise PolicyError(f"{files[0]} holds no policy: files whose names end in .cedar. Is it the right folder?")
        return [*base, found]
    sources: dict[str, str] = {}
    promises = ""
    for file in files:
        found = layer(name, file) if file.is_dir() else Layer(name, {file.name: policy_text(file)})
        if twice := sorted(sources.keys() & found.sources.keys()) or ["properties.toml"] * bool(
            promises and found.properties
        ):
            raise PolicyError(f"two of the files are called {twice[0]}: in a layer, each has a name of its own.")
        sources |= found.sources
        promises = promises or found.properties
    return [*base, Layer(name, sources, promises)]
