-- name: init_log
-- Say once whose log this is.
INSERT INTO log (id, origin) VALUES (1, ?);

-- name: init_head
-- The empty tree, signed.
INSERT INTO head (id, size, frontier, checkpoint) VALUES (1, 0, x'', ?);

-- name: load
-- Everything a writer or reader must know to start: origin, size, frontier, checkpoint.
SELECT log.origin, head.size, head.frontier, head.checkpoint FROM log, head WHERE log.id = 1 AND head.id = 1;

-- name: last_index
-- The highest index in the log, NULL when it is empty.
SELECT max(idx) FROM entry;

-- name: add_entry
-- Append one entry.
INSERT INTO entry (idx, kind, leaf, raw) VALUES (?, ?, ?, ?);

-- name: add_node
-- Keep the root of a tile that has become full.
INSERT INTO node (level, idx, hash) VALUES (?, ?, ?);

-- name: move_head
-- Move the head from the size we know to the next; changes nothing when somebody else has written.
UPDATE head SET size = ?, frontier = ?, checkpoint = ? WHERE id = 1 AND size = ?;

-- name: add_milestone
-- Keep a signed checkpoint for good.
INSERT OR IGNORE INTO milestone (size, checkpoint) VALUES (?, ?);

-- name: milestones
-- The kept checkpoints, oldest first.
SELECT size, checkpoint FROM milestone WHERE size < ? ORDER BY size;

-- name: checkpoint
-- The current size and signed checkpoint.
SELECT size, checkpoint FROM head WHERE id = 1;

-- name: entry
-- One entry by its index.
SELECT idx, kind, raw FROM entry WHERE idx = ?;

-- name: entries
-- A page of entries.
SELECT idx, kind, raw FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx LIMIT ?;

-- name: entries_of_kind
-- A page of entries of one kind, found through the index.
SELECT idx, kind, raw FROM entry WHERE kind = ? AND idx >= ? AND idx < ? ORDER BY idx LIMIT ?;

-- name: leaves
-- Leaf hashes of a range: the hashes of level-0 tiles.
SELECT leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx;

-- name: nodes
-- Hashes of tiles of a higher level.
SELECT hash FROM node WHERE level = ? AND idx >= ? AND idx < ? ORDER BY idx;

-- name: raws
-- Entries of a range with their bytes and leaf hashes.
SELECT raw, leaf FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx;

-- name: begin
-- Start a write; waits for nobody later on.
BEGIN IMMEDIATE;

-- name: commit
-- Make a group durable: one fsync of the write-ahead log.
COMMIT;

-- name: rollback
-- Forget a group.
ROLLBACK;
