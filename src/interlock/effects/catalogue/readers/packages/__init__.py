"""Package managers: what is installed from where, and the scripts and tools that they run."""
