"""Looking back: what the ledger says of prompts, of people who decide, and of what could be asked less. Pure."""
