-- name: whole_sessions(website_id bytes, visitor_id bytes, since int, until int) -> started_at int, entry_url text?, referrer text?, params text?, click_ids text?, place text?, device text?
-- Everything held about a visitor's sessions that began in a time, oldest first.
SELECT started_at, entry_url, referrer, params, click_ids, place, device FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since AND started_at < :until ORDER BY started_at;

-- name: session_get(website_id bytes, visitor_id bytes, started_at int) -> started_at int, entry_url text?, referrer text?, params text?, device text?
-- Where one session came from, and on what.
SELECT started_at, entry_url, referrer, params, device FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at = :started_at;

-- name: visits_by_quarter(website_id bytes, visitor_id bytes, since int, until int) -> quarter int, count int
-- How many sessions of a visitor began in each quarter of an hour of a time, of those in which any did.
SELECT started_at / 900000 AS quarter, count(*) AS count FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since AND started_at < :until
GROUP BY started_at / 900000;

-- name: visitor_summary(website_id bytes, visitor_id bytes) -> pageview_count int, place text?, device text?
-- Where and on what a visitor is.
SELECT pageview_count, place, device FROM visitor
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: first_between(website_id bytes, visitor_id bytes, since bytes, until bytes) -> event_id bytes
-- A visitor's first event between two event ids.
SELECT event_id FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id LIMIT 1;

-- name: last_between(website_id bytes, visitor_id bytes, since bytes, until bytes) -> event_id bytes
-- A visitor's last event between two event ids.
SELECT event_id FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id DESC LIMIT 1;

-- name: seen_between(website_id bytes, visitor_id bytes, since bytes, until bytes, since_at int, until_at int) -> first_id bytes?, last_id bytes?, first_session_at int?, session_count int
-- The first and the last event, the session of the first, and how many sessions began: events in between are not walked.
SELECT (
    SELECT event_id FROM event
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
    ORDER BY event_id LIMIT 1
) AS first_id, (
    SELECT event_id FROM event
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
    ORDER BY event_id DESC LIMIT 1
) AS last_id, (
    SELECT session_started_at FROM event
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
    ORDER BY event_id LIMIT 1
) AS first_session_at, (
    SELECT count(*) FROM session
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since_at AND started_at < :until_at
) AS session_count;

-- name: done_between(website_id bytes, visitor_id bytes, since bytes, until bytes, since_at int, until_at int) -> pages int, goals int, first_session_at int?, last_session_at int?
-- How many pages and goals, and when the first and the last session began that did so in between.
SELECT count(CASE WHEN type = 'pageview' THEN 1 END) AS pages, count(CASE WHEN type IN ('custom', 'goal') THEN 1 END) AS goals, (
    SELECT started_at FROM session
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since_at AND started_at < :until_at
    ORDER BY started_at LIMIT 1
) AS first_session_at, (
    SELECT started_at FROM session
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since_at AND started_at < :until_at
    ORDER BY started_at DESC LIMIT 1
) AS last_session_at
FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until;

-- name: events_down(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> event_id bytes, type text, session_started_at int, url text?, query text?, referrer text?, name text?, data text?
-- A visitor's events between two event ids, newest first.
SELECT event_id, type, session_started_at, url, query, referrer, name, data FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id DESC LIMIT :most;

-- name: events_up(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> event_id bytes, type text, session_started_at int, url text?, query text?, referrer text?, name text?, data text?
-- The same, oldest first.
SELECT event_id, type, session_started_at, url, query, referrer, name, data FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id LIMIT :most;

-- name: facts_down(website_id bytes, profile_id bytes, since bytes, until bytes, most int) -> fact_id bytes, visitor_id bytes, user_id text, source text
-- The identify facts about a user that count, between two fact ids, newest first.
SELECT fact_id, visitor_id, user_id, source FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id >= :since AND fact_id <= :until
    AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
ORDER BY fact_id DESC LIMIT :most;

-- name: facts_up(website_id bytes, profile_id bytes, since bytes, until bytes, most int) -> fact_id bytes, visitor_id bytes, user_id text, source text
-- The same, oldest first.
SELECT fact_id, visitor_id, user_id, source FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND fact_id >= :since AND fact_id <= :until
    AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
ORDER BY fact_id LIMIT :most;

-- name: facts_down_on(website_id bytes, profile_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> fact_id bytes, visitor_id bytes, user_id text, source text
-- The same on one visitor, newest first; none about a user who is being erased.
SELECT fact_id, visitor_id, user_id, source FROM fact
WHERE website_id = :website_id AND profile_id = :profile_id AND visitor_id = :visitor_id AND fact_id >= :since AND fact_id <= :until
    AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive WHERE inactive.website_id = fact.website_id AND inactive.fact_id = fact.fact_id)
    AND NOT EXISTS (SELECT 1 FROM erasing WHERE erasing.website_id = :website_id AND erasing.profile_id = :profile_id)
ORDER BY fact_id DESC LIMIT :most;

-- name: links_down(website_id bytes, visitor_id bytes, until bytes, most int) -> fact_id bytes, profile_id bytes?
-- A visitor's links up to a fact id, newest first.
SELECT fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id <= :until ORDER BY fact_id DESC LIMIT :most;
