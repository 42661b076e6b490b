-- name: sessions_of(website_id bytes, visitor_id bytes)
SELECT started_at, entry_url, referrer, params FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY started_at;

-- name: whole_sessions(website_id bytes, visitor_id bytes, since int, until int)
SELECT started_at, entry_url, referrer, params, click_ids, place, device FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since AND started_at < :until ORDER BY started_at;

-- name: visitor_summary(website_id bytes, visitor_id bytes)
SELECT first_seen_at, last_seen_at, pageview_count, place, device FROM visitor
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: counts_between(website_id bytes, visitor_id bytes, since bytes, until bytes)
SELECT type, count(*) FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until GROUP BY type;

-- name: first_between(website_id bytes, visitor_id bytes, since bytes, until bytes)
SELECT event_id FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id LIMIT 1;

-- name: last_between(website_id bytes, visitor_id bytes, since bytes, until bytes)
SELECT event_id FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id DESC LIMIT 1;

-- name: sessions_between(website_id bytes, visitor_id bytes, since bytes, until bytes)
SELECT DISTINCT session_started_at FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until;

-- name: span_summary(website_id bytes, visitor_id bytes, since bytes, until bytes)
SELECT count(DISTINCT session_started_at), (
    SELECT event_id FROM event
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
    ORDER BY event_id DESC LIMIT 1
)
FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until;

-- name: events_down(website_id bytes, visitor_id bytes, since bytes, until bytes, most int)
SELECT event_id, type, session_started_at, url, query, referrer, name, data FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id DESC LIMIT :most;

-- name: events_up(website_id bytes, visitor_id bytes, since bytes, until bytes, most int)
SELECT event_id, type, session_started_at, url, query, referrer, name, data FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id LIMIT :most;

-- name: facts_down(website_id bytes, profile_id bytes, since bytes, until bytes, most int)
SELECT fact_id, visitor_id, user_id, source FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id >= :since AND fact_id <= :until
    AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
ORDER BY fact_id DESC LIMIT :most;

-- name: facts_up(website_id bytes, profile_id bytes, since bytes, until bytes, most int)
SELECT fact_id, visitor_id, user_id, source FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id >= :since AND fact_id <= :until
    AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
ORDER BY fact_id LIMIT :most;

-- name: facts_down_on(website_id bytes, profile_id bytes, visitor_id bytes, since bytes, until bytes, most int)
SELECT fact_id, visitor_id, user_id, source FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND visitor_id = :visitor_id AND fact_id >= :since AND fact_id <= :until
    AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
ORDER BY fact_id DESC LIMIT :most;
