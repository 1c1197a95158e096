-- The ledger's database, format 1. One writer; everything but `entry` could be computed again from `entry`.

-- Whose log this is.
CREATE TABLE log (
  id     INTEGER PRIMARY KEY CHECK (id = 1),
  origin TEXT    NOT NULL
) STRICT;

-- The entries, exactly as they were hashed, with their RFC 6962 leaf hash.
CREATE TABLE entry (
  idx  INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  leaf BLOB NOT NULL CHECK (length(leaf) = 32),
  raw  BLOB NOT NULL
) STRICT;
CREATE INDEX entry_by_kind ON entry (kind, idx);

-- The roots of full tiles: hash number `idx` of tile level `level` (from 1 on).
CREATE TABLE node (
  level INTEGER NOT NULL,
  idx   INTEGER NOT NULL,
  hash  BLOB    NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;

-- The tree as it is now: its size, its frontier, and the signed checkpoint.
CREATE TABLE head (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  size       INTEGER NOT NULL,
  frontier   BLOB    NOT NULL,
  checkpoint TEXT    NOT NULL
) STRICT;

-- Signed checkpoints that are kept: one in about every 1,024 entries, and the last one before each change of key.
CREATE TABLE milestone (
  size       INTEGER PRIMARY KEY,
  checkpoint TEXT NOT NULL
) STRICT;
