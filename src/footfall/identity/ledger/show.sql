-- name: spans_of_profile(website_id bytes, profile_id bytes, only_shared int) -> visitor_id bytes, fact_id bytes, before_id bytes?, before bytes?, next_id bytes?
-- A user's own links (or only those on visitors that have others too), each with the link before it on the same visitor, whose that was, and the next.
SELECT l.visitor_id, l.fact_id, (
    SELECT b.fact_id FROM link b
    WHERE b.website_id = l.website_id AND b.visitor_id = l.visitor_id AND b.fact_id < l.fact_id ORDER BY b.fact_id DESC LIMIT 1
) AS before_id, (
    SELECT b.profile_id FROM link b
    WHERE b.website_id = l.website_id AND b.visitor_id = l.visitor_id AND b.fact_id < l.fact_id ORDER BY b.fact_id DESC LIMIT 1
) AS before, (
    SELECT n.fact_id FROM link n
    WHERE n.website_id = l.website_id AND n.visitor_id = l.visitor_id AND n.fact_id > l.fact_id ORDER BY n.fact_id LIMIT 1
) AS next_id
FROM link l WHERE l.website_id = :website_id AND l.profile_id = :profile_id AND (:only_shared = 0 OR EXISTS (
    SELECT 1 FROM link o WHERE o.website_id = l.website_id AND o.visitor_id = l.visitor_id AND o.fact_id <> l.fact_id
)) ORDER BY l.visitor_id, l.fact_id;

-- name: ledger_up(website_id bytes, profile_id bytes, since bytes, until bytes, most int) -> fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes?, received_at int, source text, is_trusted int, key_id bytes?, operations text
-- The facts of any kind that are kept under a user, between two fact ids, oldest first.
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id > :since AND fact_id < :until
ORDER BY fact_id LIMIT :most;

-- name: ledger_down(website_id bytes, profile_id bytes, since bytes, until bytes, most int) -> fact_id bytes, kind text, profile_id bytes, user_id text, visitor_id bytes?, received_at int, source text, is_trusted int, key_id bytes?, operations text
-- The same, newest first.
SELECT fact_id, kind, profile_id, user_id, visitor_id, received_at, source, is_trusted, key_id, operations
FROM fact WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id > :since AND fact_id < :until
ORDER BY fact_id DESC LIMIT :most;
