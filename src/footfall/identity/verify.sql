-- name: all_profiles()
SELECT website_id, profile_id, person_id, user_id, identified_at, visitor_count, metadata, untrusted, gone FROM profile;

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
