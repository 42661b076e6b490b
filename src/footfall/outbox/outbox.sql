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

-- name: word_count(most int) -> count int
-- Of how many changes there is word; no more than `most`.
SELECT count(*) AS count FROM (SELECT 1 AS one FROM column_change LIMIT :most) AS word;

-- name: word_some(most int) -> website_id bytes, change_id bytes
-- Some changes of which there is word.
SELECT website_id, change_id FROM column_change LIMIT :most;

-- name: keepers() -> keeper_id bytes, token bytes, seen_at int, clean_at int
-- Who keeps columns.
SELECT keeper_id, token, seen_at, clean_at FROM column_keeper;

-- name: keeper_put(keeper_id bytes, token bytes, seen_at int)
-- Somebody is about to make columns, or has made them.
INSERT INTO column_keeper (keeper_id, token, seen_at, clean_at) VALUES (:keeper_id, :token, :seen_at, 0)
ON CONFLICT (keeper_id) DO UPDATE SET token = excluded.token, seen_at = excluded.seen_at, clean_at = 0;

-- name: keeper_go_on(keeper_id bytes, before bytes, token bytes, seen_at int, clean_at int)
-- The columns of a keeper, if they are those of a token, have another one.
UPDATE column_keeper SET token = :token, seen_at = :seen_at, clean_at = :clean_at
WHERE keeper_id = :keeper_id AND token = :before;

-- name: keeper_drop(keeper_id bytes)
-- The columns of a keeper have to be made anew.
DELETE FROM column_keeper WHERE keeper_id = :keeper_id;

-- name: taken_add(website_id bytes, change_id bytes, keeper_id bytes)
-- A keeper has a change on disk.
INSERT INTO column_taken (website_id, change_id, keeper_id) VALUES (:website_id, :change_id, :keeper_id)
ON CONFLICT (website_id, change_id, keeper_id) DO NOTHING;

-- name: taken_by_all(most int) -> website_id bytes, change_id bytes
-- Some changes that all keepers have on disk; and all that are left of those that are gone.
SELECT DISTINCT t.website_id, t.change_id FROM column_taken t
WHERE NOT EXISTS (
    SELECT 1 FROM column_keeper k WHERE NOT EXISTS (
        SELECT 1 FROM column_taken o WHERE o.website_id = t.website_id AND o.change_id = t.change_id AND o.keeper_id = k.keeper_id))
LIMIT :most;

-- name: taken_remove(website_id bytes, change_id bytes)
-- Nobody has to know any more who has a change on disk.
DELETE FROM column_taken WHERE website_id = :website_id AND change_id = :change_id;
