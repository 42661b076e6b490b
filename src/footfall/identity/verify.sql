-- name: fact_count()
SELECT count(*) FROM fact;

-- name: all_profiles()
SELECT website_id, profile_id, person_id, member_count, user_id, identified_at, visitor_count, metadata, untrusted, gone, left_out
FROM profile ORDER BY website_id, profile_id;

-- name: all_facts_by_profile()
SELECT website_id, profile_id, fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE kind = 'identify' ORDER BY website_id, profile_id, fact_id;

-- name: all_facts_by_visitor()
SELECT website_id, visitor_id, fact_id, profile_id FROM fact WHERE kind = 'identify'
UNION ALL
SELECT website_id, visitor_id, fact_id, NULL FROM boundary
ORDER BY website_id, visitor_id, fact_id;

-- name: all_links()
SELECT website_id, visitor_id, fact_id, profile_id FROM link ORDER BY website_id, visitor_id, fact_id;

-- name: all_operations()
SELECT website_id, fact_id, kind, profile_id, operations FROM fact WHERE kind <> 'identify' ORDER BY website_id, fact_id;

-- name: all_merges()
SELECT website_id, fact_id, profile_id, other_id FROM merge_fact ORDER BY website_id, fact_id, profile_id;

-- name: all_undos()
SELECT website_id, fact_id, target_id FROM undo_fact ORDER BY website_id, fact_id;

-- name: all_inactive()
SELECT website_id, fact_id FROM inactive ORDER BY website_id, fact_id;

-- name: index_leftovers()
-- Whom the trait index holds, but who is no person, without a change by which a background step would see to it. SQLite walks the
-- tables side by side in the order of their keys.
SELECT website_id, profile_id FROM trait
UNION SELECT website_id, profile_id FROM search_term
UNION SELECT website_id, profile_id FROM listed_person
EXCEPT SELECT website_id, profile_id FROM profile WHERE person_id = profile_id
EXCEPT SELECT website_id, profile_id FROM profile_change
ORDER BY website_id, profile_id;
