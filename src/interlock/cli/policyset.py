"""Which rules a command of `interlock policy` is about: those in force here, or a candidate."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from interlock.model.errors import PolicyError
from interlock.policy import defaults, properties, receipt
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


def candidate(files: Sequence[Path], name: str) -> list[Layer]:
    """The packaged rules and these files as the layer `name`, on the organisation's where they lie above it.

    Raises:
        PolicyError: a file cannot be read.
    """
    from interlock.daemon import config as configuration
    from interlock.daemon.rules import layers, policy_files

    base = [defaults.layer()] if name == "organisation" else layers(
        [("organisation", configuration.ORGANISATION / "policy")]
    )  # fmt: skip
    sources: dict[str, str] = {}
    beside = {properties.FILE: "", receipt.FILE: ""}
    for file in files:
        for one in policy_files(file) if file.is_dir() else [file]:
            sources[one.name] = _text(one)
        for extra in beside:
            if file.is_dir() and (file / extra).is_file():
                beside[extra] = _text(file / extra)
    folder = str(files[0]) if len(files) == 1 and files[0].is_dir() else ""
    return [*base, Layer(name, sources, beside[properties.FILE], beside[receipt.FILE], folder)]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"cannot read {file}: {error}. Save it as UTF-8, readable by you.") from error
