"""Where a command runs when it is contained, what it changed there, and how that is taken back."""
