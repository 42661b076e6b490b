-- name: change_add(change_id bytes, kind text, keys bytes)
-- Leaves word of a change.
INSERT INTO column_change (change_id, kind, keys) VALUES (:change_id, :kind, :keys);

-- name: change_ids() -> change_id bytes
-- All changes of which there is word, oldest first.
SELECT change_id FROM column_change ORDER BY change_id;

-- name: change_get(change_id bytes) -> change_id bytes, kind text, keys bytes
-- A change.
SELECT change_id, kind, keys FROM column_change WHERE change_id = :change_id;

-- name: change_remove(change_id bytes)
-- The columns have a change on disk.
DELETE FROM column_change WHERE change_id = :change_id;

-- name: pair_get() -> token bytes
-- Which columns belong to this database.
SELECT token FROM column_pair;

-- name: pair_clear()
-- No columns belong to this database.
DELETE FROM column_pair;

-- name: pair_put(token bytes)
-- Columns belong to this database.
INSERT INTO column_pair (token) VALUES (:token);
