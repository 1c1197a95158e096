"""The resident process: composition root, sockets, life cycle, configuration."""
