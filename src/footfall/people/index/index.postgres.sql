-- name: held(website_id bytes, profile_id bytes) -> traits text?, terms text?
-- What the index has of a profile, as JSON: its traits as lists of name, kind, value and number, and its terms.
SELECT
    (SELECT json_agg(json_build_array(name, kind, value, number))::text FROM trait
        WHERE website_id = :website_id AND profile_id = :profile_id) AS traits,
    (SELECT json_agg(term)::text FROM search_term WHERE website_id = :website_id AND profile_id = :profile_id) AS terms;

-- name: sizes_changed()
-- Tell the planner how large the tables are by now.
ANALYZE (SKIP_LOCKED) trait, search_term, listed_person, profile;
