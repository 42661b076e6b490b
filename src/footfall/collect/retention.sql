-- name: pass_begin(name text, now int, before int)
-- Notes that a pass begins, unless one did lately.
INSERT INTO setting (name, value) VALUES (:name, :now)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE setting.value < :before OR setting.value > :now;

-- name: visitors_behind(website_id bytes, visitor_id bytes, most int) -> visitor_id bytes
-- The next visitors of a website behind one.
SELECT visitor_id FROM visitor WHERE website_id = :website_id AND visitor_id > :visitor_id ORDER BY visitor_id LIMIT :most;

-- name: event_first(website_id bytes, visitor_id bytes, until bytes) -> event_id bytes
-- A visitor's first event, if it was before a time.
SELECT event_id FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id < :until ORDER BY event_id LIMIT 1;

-- name: visit_after(website_id bytes, visitor_id bytes, since bytes) -> event_id bytes
-- When a visitor was there next from a time on.
SELECT event_id FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND type <> 'goal' ORDER BY event_id LIMIT 1;

-- name: visits_before(website_id bytes, visitor_id bytes, until bytes, most int) -> event_id bytes
-- When a visitor was there before a time, newest first.
SELECT event_id FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id < :until AND type <> 'goal' ORDER BY event_id DESC LIMIT :most;

-- name: events_before(website_id bytes, visitor_id bytes, until bytes, most int) -> event_id bytes
-- A visitor's first events before a time.
SELECT event_id FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id < :until ORDER BY event_id LIMIT :most;

-- name: sessions_before(website_id bytes, visitor_id bytes, until int, since bytes) -> started_at int
-- A visitor's sessions that began before a time and are neither of an event from an id on, nor the present one.
SELECT started_at FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at < :until
    AND started_at NOT IN (SELECT session_started_at FROM event
        WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since)
    AND started_at NOT IN (SELECT session_started_at FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id)
ORDER BY started_at;

-- name: events_remove(website_id bytes, visitor_id bytes, until bytes)
-- Removes a visitor's events before an id.
DELETE FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id < :until;

-- name: session_remove(website_id bytes, visitor_id bytes, started_at int)
-- Removes a session.
DELETE FROM session WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at = :started_at;

-- name: visitor_removed(website_id bytes, visitor_id bytes, at int)
-- Notes when a visitor was there last before what is kept of it.
UPDATE visitor SET removed_at = :at WHERE website_id = :website_id AND visitor_id = :visitor_id AND removed_at < :at;
