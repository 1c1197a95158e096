"""Who wrote each line, and what stands behind each commit: recorded while it happens, proved from the ledger.

The pure part (text, alignment, owners, carrying) knows bytes alone; `observer` and `blame` read files and git through
what they are given; nothing here decides anything about an action.
"""
