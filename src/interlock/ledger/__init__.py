"""The only memory: an append-only, signed log, and everything that stands around it on disk.

This file imports nothing, so that `interlock.ledger.verify` needs the standard library and `cryptography` only.

Files of one ledger in `<state>/ledger/` (mode 0700, files 0600; only the daemon writes), what their loss costs and how
their forgery is seen:

    ledger.db (-wal, -shm)   the log. Loss: the history is gone, and the next start says so (head file). Forgery:
                             hashes, signatures; `interlock verify` names the entry
    ../ledger.head           the last signed checkpoint, one block, overwritten after each commit, synced every two
                             seconds and at close. Loss: the start is refused until somebody accepts the database as
                             it is (`log.head_accepted`). Older than the database (a power cut): nothing. Newer:
                             LedgerForked
    checkpoint, tile/        the same log as static files for other people's tools. Derived, not synced, rebuilt when
                             missing. Forgery: `interlock verify`
    blobs/<xx>/<rest>        data that entries name by digest. Loss: reported by `interlock verify`, the log stays
                             sound. Forgery: the digest
    lock                     empty; flock of the one writer. Loss: nothing

The tree is RFC 6962 with SHA-256; tiles, checkpoints, signed notes and proofs are those of C2SP. Ours alone are the
entry (`entry.py`) and the key events (`keyhistory.py`), whose signed text is, one line each:

    interlock/key/v1
    <origin>
    <serial: how many key events came before>
    <kind: log.genesis, key.rotate, key.add, key.revoke>
    <vkey>
    <key.add: purpose and subject; else the reason, or nothing>
"""
