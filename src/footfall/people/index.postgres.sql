-- name: held(website_id bytes, profile_id bytes)
SELECT
    (SELECT json_agg(json_build_array(name, kind, value, number))::text FROM trait
        WHERE website_id = :website_id AND profile_id = :profile_id),
    (SELECT json_agg(term)::text FROM search_term WHERE website_id = :website_id AND profile_id = :profile_id);

-- name: sizes_changed()
ANALYZE (SKIP_LOCKED) trait, search_term, listed_person, profile;
