-- name: visitor_pageviews(website_id bytes, visitor_id bytes)
SELECT pageview_count FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: link_newest(website_id bytes, visitor_id bytes)
SELECT fact_id, profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id
ORDER BY fact_id DESC LIMIT 1;

-- name: profile_of_visitor(website_id bytes, visitor_id bytes)
SELECT p.person_id, p.member_count, p.user_id, p.identified_at, p.metadata
FROM (
    SELECT profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id DESC LIMIT 1
) AS l JOIN profile p ON p.website_id = :website_id AND p.profile_id = l.profile_id;

-- name: links_of_visitor(website_id bytes, visitor_id bytes)
SELECT fact_id, profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id;

-- name: link_before(website_id bytes, visitor_id bytes, fact_id bytes)
SELECT fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id < :fact_id ORDER BY fact_id DESC LIMIT 1;

-- name: link_after(website_id bytes, visitor_id bytes, fact_id bytes)
SELECT fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id > :fact_id ORDER BY fact_id LIMIT 1;

-- name: link_known(website_id bytes, profile_id bytes, visitor_id bytes)
SELECT 1 FROM link WHERE website_id = :website_id AND profile_id = :profile_id AND visitor_id = :visitor_id LIMIT 1;

-- name: link_remove(website_id bytes, visitor_id bytes, fact_id bytes)
DELETE FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id = :fact_id;

-- name: links_remove(website_id bytes, visitor_id bytes)
DELETE FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: link_add(website_id bytes, visitor_id bytes, fact_id bytes, profile_id bytes)
INSERT INTO link (website_id, visitor_id, fact_id, profile_id)
VALUES (:website_id, :visitor_id, :fact_id, :profile_id);

-- name: boundaries_of_visitor(website_id bytes, visitor_id bytes)
SELECT fact_id FROM boundary WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: boundary_newest(website_id bytes, visitor_id bytes, since bytes)
SELECT fact_id FROM boundary
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id > :since ORDER BY fact_id DESC LIMIT 1;

-- name: boundary_between(website_id bytes, visitor_id bytes, since bytes, until bytes)
SELECT fact_id FROM boundary
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id > :since AND fact_id < :until
ORDER BY fact_id LIMIT 1;

-- name: profile_get(website_id bytes, profile_id bytes)
SELECT person_id, member_count, user_id, identified_at, visitor_count, metadata, untrusted, gone, left_out
FROM profile WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: members_of_person(website_id bytes, person_id bytes)
SELECT profile_id, user_id, identified_at FROM profile WHERE website_id = :website_id AND person_id = :person_id
ORDER BY identified_at, profile_id;

-- name: profile_changed(website_id bytes, change_id bytes, profile_id bytes, names text)
INSERT INTO profile_change (website_id, change_id, profile_id, names) VALUES (:website_id, :change_id, :profile_id, :names);

-- name: profile_remove(website_id bytes, profile_id bytes)
DELETE FROM profile WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: visitors_of_profile(website_id bytes, profile_id bytes)
SELECT DISTINCT visitor_id FROM link WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: visitors_of_person(website_id bytes, person_id bytes)
SELECT count(DISTINCT l.visitor_id) FROM profile p JOIN link l ON l.website_id = p.website_id AND l.profile_id = p.profile_id
WHERE p.website_id = :website_id AND p.person_id = :person_id;

-- name: profile_put(website_id bytes, profile_id bytes, person_id bytes, member_count int, user_id text, identified_at int, visitor_count int, metadata text, untrusted text, gone text, left_out text)
INSERT INTO profile (website_id, profile_id, person_id, member_count, user_id, identified_at, visitor_count, metadata, untrusted, gone,
    left_out)
VALUES (:website_id, :profile_id, :person_id, :member_count, :user_id, :identified_at, :visitor_count, :metadata, :untrusted, :gone,
    :left_out)
ON CONFLICT (website_id, profile_id) DO UPDATE SET person_id = excluded.person_id, member_count = excluded.member_count,
    identified_at = excluded.identified_at, visitor_count = excluded.visitor_count, metadata = excluded.metadata,
    untrusted = excluded.untrusted, gone = excluded.gone, left_out = excluded.left_out;

-- name: profile_set_traits(website_id bytes, profile_id bytes, metadata text, untrusted text, gone text, left_out text)
-- No column of an index: SQLite writes the index rows of whatever a statement sets, be it the same as before.
UPDATE profile SET metadata = :metadata, untrusted = :untrusted, gone = :gone, left_out = :left_out
WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: fact_newest_of_profile(website_id bytes, profile_id bytes)
SELECT fact_id FROM fact WHERE website_id = :website_id AND profile_id = :profile_id ORDER BY fact_id DESC LIMIT 1;

-- name: fact_newest_of_profile_on(website_id bytes, profile_id bytes, visitor_id bytes, since bytes)
SELECT fact_id FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id > :since AND visitor_id = :visitor_id
ORDER BY fact_id DESC LIMIT 1;

-- name: fact_between(website_id bytes, profile_id bytes, visitor_id bytes, since bytes, until bytes)
SELECT fact_id FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id > :since AND fact_id < :until
    AND visitor_id = :visitor_id
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
ORDER BY fact_id LIMIT 1;

-- name: fact_ids_of_profile_on(website_id bytes, profile_id bytes, visitor_id bytes)
SELECT fact_id FROM fact WHERE website_id = :website_id AND profile_id = :profile_id AND visitor_id = :visitor_id
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id);

-- name: fact_exists(website_id bytes, fact_id bytes)
SELECT received_at FROM fact WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: facts_of_profile(website_id bytes, profile_id bytes)
-- None of one who is being erased, as far as anybody sees.
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND profile_id = :profile_id AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = :website_id AND erasing.profile_id = :profile_id)
ORDER BY fact_id;

-- name: user_of_profile(website_id bytes, profile_id bytes)
SELECT user_id FROM fact WHERE website_id = :website_id AND profile_id = :profile_id
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = :website_id AND erasing.profile_id = :profile_id)
LIMIT 1;

-- name: fact_get(website_id bytes, fact_id bytes)
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND fact_id = :fact_id
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = fact.website_id AND erasing.profile_id = fact.profile_id);

-- name: fact_remove(website_id bytes, fact_id bytes)
DELETE FROM fact WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: merge_add(website_id bytes, profile_id bytes, fact_id bytes, other_id bytes)
INSERT INTO merge_fact (website_id, profile_id, fact_id, other_id)
VALUES (:website_id, :profile_id, :fact_id, :other_id);

-- name: merge_remove(website_id bytes, profile_id bytes, fact_id bytes)
DELETE FROM merge_fact WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id = :fact_id;

-- name: merges_of_profile(website_id bytes, profile_id bytes)
SELECT fact_id, profile_id, other_id FROM merge_fact WHERE website_id = :website_id AND profile_id = :profile_id
ORDER BY fact_id;

-- name: undo_add(website_id bytes, target_id bytes, fact_id bytes)
INSERT INTO undo_fact (website_id, target_id, fact_id) VALUES (:website_id, :target_id, :fact_id);

-- name: undo_remove(website_id bytes, target_id bytes, fact_id bytes)
DELETE FROM undo_fact WHERE website_id = :website_id AND target_id = :target_id AND fact_id = :fact_id;

-- name: undos_of_fact(website_id bytes, target_id bytes)
SELECT fact_id, target_id FROM undo_fact WHERE website_id = :website_id AND target_id = :target_id ORDER BY fact_id;

-- name: inactive_add(website_id bytes, fact_id bytes)
INSERT INTO inactive (website_id, fact_id) VALUES (:website_id, :fact_id) ON CONFLICT (website_id, fact_id) DO NOTHING;

-- name: inactive_remove(website_id bytes, fact_id bytes)
DELETE FROM inactive WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: inactive_get(website_id bytes, fact_id bytes)
SELECT 1 FROM inactive WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: boundary_add(website_id bytes, visitor_id bytes, fact_id bytes)
INSERT INTO boundary (website_id, visitor_id, fact_id) VALUES (:website_id, :visitor_id, :fact_id)
ON CONFLICT (website_id, visitor_id, fact_id) DO NOTHING;

-- name: tombstone_put(website_id bytes, user_hash bytes, erasure_id bytes, generation int, erased_at int)
INSERT INTO tombstone (website_id, user_hash, erasure_id, generation, erased_at)
VALUES (:website_id, :user_hash, :erasure_id, :generation, :erased_at)
ON CONFLICT (website_id, user_hash) DO UPDATE SET erasure_id = excluded.erasure_id, generation = excluded.generation,
    erased_at = excluded.erased_at;

-- name: tombstone_by_erasure(website_id bytes, erasure_id bytes)
SELECT erased_at FROM tombstone WHERE website_id = :website_id AND erasure_id = :erasure_id LIMIT 1;

-- name: erasing_get(website_id bytes, profile_id bytes)
SELECT erasure_id FROM erasing WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: all_erasing()
SELECT website_id, profile_id, erasure_id FROM erasing ORDER BY website_id, profile_id;

-- name: fact_add(website_id bytes, fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes, received_at int, source text, is_trusted int, key_id bytes, operations text)
INSERT INTO fact (website_id, fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations)
VALUES (:website_id, :fact_id, :kind, :profile_id, :user_id, :visitor_id, :received_at, :source, :is_trusted, :key_id, :operations);

-- name: fact_received(website_id bytes, fact_id bytes, received_at int)
UPDATE fact SET received_at = :received_at
WHERE website_id = :website_id AND fact_id = :fact_id AND received_at > :received_at;

-- name: tombstone_get(website_id bytes, user_hash bytes)
SELECT generation, erased_at, erasure_id FROM tombstone WHERE website_id = :website_id AND user_hash = :user_hash;

-- name: preview_begin()
SAVEPOINT preview;

-- name: preview_back()
ROLLBACK TO SAVEPOINT preview;

-- name: preview_end()
RELEASE SAVEPOINT preview;

-- name: unsigned_get(website_id bytes, visitor_id bytes)
SELECT day, facts FROM unsigned_count WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: unsigned_put(website_id bytes, visitor_id bytes, day int, facts int)
INSERT INTO unsigned_count (website_id, visitor_id, day, facts) VALUES (:website_id, :visitor_id, :day, :facts)
ON CONFLICT (website_id, visitor_id) DO UPDATE SET day = excluded.day, facts = excluded.facts;
