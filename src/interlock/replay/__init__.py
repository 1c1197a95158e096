"""Other rules, tried on what the ledger holds of past actions."""
