"""The network of a contained run: listeners from inside its namespace, served outside, by an allow-list of hosts."""
