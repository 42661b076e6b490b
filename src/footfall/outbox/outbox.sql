-- name: change_add(website_id bytes, change_id bytes, kind text, keys bytes)
-- Leaves word of a change.
INSERT INTO column_change (website_id, change_id, kind, keys) VALUES (:website_id, :change_id, :kind, :keys);

-- name: change_ids() -> website_id bytes, change_id bytes
-- All changes of which there is word.
SELECT website_id, change_id FROM column_change;

-- name: change_get(website_id bytes, change_id bytes) -> kind text, keys bytes
-- A change.
SELECT kind, keys FROM column_change WHERE website_id = :website_id AND change_id = :change_id;

-- name: change_remove(website_id bytes, change_id bytes)
-- The columns have a change on disk.
DELETE FROM column_change WHERE website_id = :website_id AND change_id = :change_id;

-- name: pair_get() -> token bytes
-- Which columns belong to this database.
SELECT token FROM column_pair;

-- name: pair_clear()
-- No columns belong to this database.
DELETE FROM column_pair;

-- name: pair_put(token bytes)
-- Columns belong to this database.
INSERT INTO column_pair (token) VALUES (:token);
