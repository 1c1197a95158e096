"""All attempts, by group."""

from __future__ import annotations

from escapes.probe import Probe
from escapes.probes import commit, configuration, files, network, processes, resources

ALL: tuple[Probe, ...] = (
    *network.PROBES, *processes.PROBES, *files.PROBES, *configuration.PROBES, *resources.PROBES, *commit.PROBES,
)  # fmt: skip
