"""Interlock: the safety interlock between AI coding agents and everything they can break."""

__version__ = "0.1.0"
