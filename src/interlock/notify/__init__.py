"""Messages to people that something waits for them: who hears what, when, and by which way. Never a way to answer."""
