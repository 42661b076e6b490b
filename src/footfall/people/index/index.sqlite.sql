-- name: held(website_id bytes, profile_id bytes) -> traits text?, terms text?
-- What the index has of a profile, as JSON: its traits as lists of name, kind, value and number, and its terms.
SELECT
    (SELECT json_group_array(json_array(name, kind, value, number)) FROM trait
        WHERE website_id = :website_id AND profile_id = :profile_id) AS traits,
    (SELECT json_group_array(term) FROM search_term WHERE website_id = :website_id AND profile_id = :profile_id) AS terms;

-- name: sizes_changed()
-- Nothing to do: the planner is told once and for all how large tables are, see db/sqlite/schema.py.
UPDATE setting SET value = value WHERE 0;
