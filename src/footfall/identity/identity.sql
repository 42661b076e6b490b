-- name: visitor_pageviews(website_id bytes, visitor_id bytes)
SELECT pageview_count FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: link_newest(website_id bytes, visitor_id bytes)
SELECT fact_id, profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id
ORDER BY fact_id DESC LIMIT 1;

-- name: links_of_visitor(website_id bytes, visitor_id bytes)
SELECT fact_id, profile_id FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY fact_id;

-- name: link_count(website_id bytes, profile_id bytes)
SELECT count(DISTINCT visitor_id) FROM link WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: links_remove(website_id bytes, visitor_id bytes)
DELETE FROM link WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: link_add(website_id bytes, visitor_id bytes, fact_id bytes, profile_id bytes)
INSERT INTO link (website_id, visitor_id, fact_id, profile_id)
VALUES (:website_id, :visitor_id, :fact_id, :profile_id);

-- name: boundaries_of_visitor(website_id bytes, visitor_id bytes)
SELECT fact_id FROM boundary WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: profile_get(website_id bytes, profile_id bytes)
SELECT person_id, user_id, identified_at, visitor_count, metadata, untrusted, gone
FROM profile WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: profile_put(website_id bytes, profile_id bytes, person_id bytes, user_id text, identified_at int, visitor_count int, metadata text, untrusted text, gone text)
INSERT INTO profile (website_id, profile_id, person_id, user_id, identified_at, visitor_count, metadata, untrusted, gone)
VALUES (:website_id, :profile_id, :person_id, :user_id, :identified_at, :visitor_count, :metadata, :untrusted, :gone)
ON CONFLICT (website_id, profile_id) DO UPDATE SET person_id = excluded.person_id, identified_at = excluded.identified_at,
    visitor_count = excluded.visitor_count, metadata = excluded.metadata, untrusted = excluded.untrusted, gone = excluded.gone;

-- name: fact_newest_of_profile(website_id bytes, profile_id bytes)
SELECT fact_id FROM fact WHERE website_id = :website_id AND profile_id = :profile_id ORDER BY fact_id DESC LIMIT 1;

-- name: fact_newest_of_profile_on(website_id bytes, profile_id bytes, visitor_id bytes, since bytes)
SELECT fact_id FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id > :since AND visitor_id = :visitor_id
ORDER BY fact_id DESC LIMIT 1;

-- name: fact_ids_of_profile_on(website_id bytes, profile_id bytes, visitor_id bytes)
SELECT fact_id FROM fact WHERE website_id = :website_id AND profile_id = :profile_id AND visitor_id = :visitor_id;

-- name: fact_exists(website_id bytes, fact_id bytes)
SELECT received_at FROM fact WHERE website_id = :website_id AND fact_id = :fact_id;

-- name: facts_of_profile(website_id bytes, profile_id bytes)
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND profile_id = :profile_id ORDER BY fact_id;

-- name: fact_add(website_id bytes, fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes, received_at int, source text, is_trusted int, key_id bytes, operations text)
INSERT INTO fact (website_id, fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations)
VALUES (:website_id, :fact_id, :kind, :profile_id, :user_id, :visitor_id, :received_at, :source, :is_trusted, :key_id, :operations);

-- name: fact_received(website_id bytes, fact_id bytes, received_at int)
UPDATE fact SET received_at = :received_at
WHERE website_id = :website_id AND fact_id = :fact_id AND received_at > :received_at;

-- name: tombstone_get(website_id bytes, user_hash bytes)
SELECT generation, erased_at FROM tombstone WHERE website_id = :website_id AND user_hash = :user_hash;
