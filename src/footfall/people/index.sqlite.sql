-- name: held(website_id bytes, profile_id bytes)
SELECT
    (SELECT json_group_array(json_array(name, kind, value, number)) FROM trait
        WHERE website_id = :website_id AND profile_id = :profile_id),
    (SELECT json_group_array(term) FROM search_term WHERE website_id = :website_id AND profile_id = :profile_id);

-- name: sizes_changed()
-- The planner is told once and for all how large tables are: see db/sqlite_schema.py.
SELECT 1;
