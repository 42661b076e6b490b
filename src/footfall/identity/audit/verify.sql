-- name: fact_count() -> count int
-- How many facts there are.
SELECT count(*) AS count FROM fact;

-- name: all_profiles() -> website_id bytes, profile_id bytes, person_id bytes, member_count int, user_id text, identified_at int, visitor_count int, metadata text, untrusted text?, gone text?, left_out text?
-- All profiles, in the order of their keys.
SELECT website_id, profile_id, person_id, member_count, user_id, identified_at, visitor_count, metadata, untrusted, gone, left_out
FROM profile ORDER BY website_id, profile_id;

-- name: all_facts_by_profile() -> website_id bytes, fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes?, received_at int, source text, is_trusted int, key_id bytes?, operations text
-- All identify facts, user by user.
SELECT website_id, fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE kind = 'identify' ORDER BY website_id, profile_id, fact_id;

-- name: all_facts_by_visitor() -> website_id bytes, visitor_id bytes, fact_id bytes, profile_id bytes?
-- All identify facts and boundaries, visitor by visitor; a boundary names nobody.
SELECT website_id, visitor_id, fact_id, profile_id FROM fact WHERE kind = 'identify'
UNION ALL
SELECT website_id, visitor_id, fact_id, NULL FROM boundary
ORDER BY website_id, visitor_id, fact_id;

-- name: all_links() -> website_id bytes, visitor_id bytes, fact_id bytes, profile_id bytes?
-- All links, visitor by visitor.
SELECT website_id, visitor_id, fact_id, profile_id FROM link ORDER BY website_id, visitor_id, fact_id;

-- name: all_operations() -> website_id bytes, fact_id bytes, kind text, operations text
-- All merges and undos, oldest first.
SELECT website_id, fact_id, kind, operations FROM fact WHERE kind <> 'identify' ORDER BY website_id, fact_id;

-- name: all_merges() -> website_id bytes, fact_id bytes, profile_id bytes, other_id bytes
-- The list of merges by user.
SELECT website_id, fact_id, profile_id, other_id FROM merge_fact ORDER BY website_id, fact_id, profile_id;

-- name: all_undos() -> website_id bytes, fact_id bytes, target_id bytes
-- The list of undos by fact.
SELECT website_id, fact_id, target_id FROM undo_fact ORDER BY website_id, fact_id;

-- name: all_inactive() -> website_id bytes, fact_id bytes
-- All facts that do not count.
SELECT website_id, fact_id FROM inactive ORDER BY website_id, fact_id;
