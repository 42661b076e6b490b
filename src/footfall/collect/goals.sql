-- name: goal_counted(website_id bytes, name text, visitor_id bytes, completions int, first_id bytes, last_id bytes)
-- Adds to how often a visitor reached a goal.
INSERT INTO goal_count (website_id, name, visitor_id, completions, first_id, last_id)
VALUES (:website_id, :name, :visitor_id, :completions, :first_id, :last_id)
ON CONFLICT (website_id, name, visitor_id) DO UPDATE SET completions = goal_count.completions + excluded.completions,
    first_id = CASE WHEN excluded.first_id < goal_count.first_id THEN excluded.first_id ELSE goal_count.first_id END,
    last_id = CASE WHEN excluded.last_id > goal_count.last_id THEN excluded.last_id ELSE goal_count.last_id END;

-- name: visitor_at(website_id bytes, visitor_id bytes, at int) -> pageview_count int, session_started_at int
-- How many pages a visitor saw, and when the session began that was the latest at a time; the first one, if that is earlier.
SELECT pageview_count, COALESCE((
    SELECT started_at FROM session
    WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at <= :at ORDER BY started_at DESC LIMIT 1
), (
    SELECT started_at FROM session
    WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY started_at LIMIT 1
), session_started_at) AS session_started_at
FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: goals_reached(website_id bytes) -> name text, total int, visitors int
-- How often each goal was reached, and by how many visitors, the one with most visitors first; without visitors whose first pageview has not come.
SELECT c.name AS name, CAST(sum(c.completions) AS BIGINT) AS total, count(*) AS visitors
FROM goal_count c JOIN visitor v ON v.website_id = c.website_id AND v.visitor_id = c.visitor_id
WHERE c.website_id = :website_id AND v.pageview_count > 0
GROUP BY c.name ORDER BY visitors DESC, total DESC, name;

-- name: visitors_shown(website_id bytes) -> count int
-- How many visitors a website had.
SELECT count(*) AS count FROM visitor WHERE website_id = :website_id AND pageview_count > 0;

-- name: counts_of_all(website_id bytes, name text, visitor_id bytes, most int) -> name text, visitor_id bytes, completions int, first_id bytes, last_id bytes
-- The goals of a website by visitor, behind one of them.
SELECT name, visitor_id, completions, first_id, last_id FROM goal_count
WHERE website_id = :website_id AND (name, visitor_id) > (:name, :visitor_id) ORDER BY name, visitor_id LIMIT :most;

-- name: counts_of_name(website_id bytes, name text, visitor_id bytes, most int) -> name text, visitor_id bytes, completions int, first_id bytes, last_id bytes
-- The visitors who reached a goal, behind one of them.
SELECT name, visitor_id, completions, first_id, last_id FROM goal_count
WHERE website_id = :website_id AND name = :name AND visitor_id > :visitor_id ORDER BY visitor_id LIMIT :most;

-- name: counts_of_visitor(website_id bytes, name text, visitor_id bytes, most int) -> name text, visitor_id bytes, completions int, first_id bytes, last_id bytes
-- The goals of a visitor, behind one of them.
SELECT name, visitor_id, completions, first_id, last_id FROM goal_count
WHERE website_id = :website_id AND visitor_id = :visitor_id AND name > :name ORDER BY name LIMIT :most;

-- name: count_of(website_id bytes, name text, visitor_id bytes) -> name text, visitor_id bytes, completions int, first_id bytes, last_id bytes
-- How often a visitor reached a goal.
SELECT name, visitor_id, completions, first_id, last_id FROM goal_count
WHERE website_id = :website_id AND name = :name AND visitor_id = :visitor_id;

-- name: goal_ids(website_id bytes, visitor_id bytes, name text, since bytes, until bytes, most int) -> event_id bytes
-- When a visitor reached a goal, between two event ids.
SELECT event_id FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND name = :name AND event_id >= :since AND event_id < :until
ORDER BY event_id LIMIT :most;

-- name: goal_edges(website_id bytes, visitor_id bytes, name text) -> first_id bytes?, last_id bytes?
-- When a visitor reached a goal first and last.
SELECT (
    SELECT event_id FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND name = :name
    ORDER BY event_id LIMIT 1
) AS first_id, (
    SELECT event_id FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND name = :name
    ORDER BY event_id DESC LIMIT 1
) AS last_id;

-- name: event_remove(website_id bytes, visitor_id bytes, event_id bytes)
-- Removes an event.
DELETE FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id = :event_id;

-- name: goal_recounted(website_id bytes, name text, visitor_id bytes, completions int, first_id bytes, last_id bytes)
-- Stores how often a visitor reached a goal.
UPDATE goal_count SET completions = :completions, first_id = :first_id, last_id = :last_id
WHERE website_id = :website_id AND name = :name AND visitor_id = :visitor_id;

-- name: count_remove(website_id bytes, name text, visitor_id bytes)
-- A visitor never reached a goal.
DELETE FROM goal_count WHERE website_id = :website_id AND name = :name AND visitor_id = :visitor_id;
