"""The one road: read, decide, ask, record, release. Gates call it; nothing else decides."""
