-- name: day_get(website_id bytes, card text, day int, keys text) -> visitors int?, sessions int?, pageviews int?, bounces int?, seconds int?, events int?
-- The imported numbers of a day, or of a part of it.
SELECT visitors, sessions, pageviews, bounces, seconds, events FROM imported_day
WHERE website_id = :website_id AND card = :card AND day = :day AND keys = :keys;

-- name: day_put(website_id bytes, card text, day int, keys text, visitors int, sessions int, pageviews int, bounces int, seconds int, events int)
-- Stores the imported numbers of a day, or of a part of it, in place of those that there are.
INSERT INTO imported_day (website_id, card, day, keys, visitors, sessions, pageviews, bounces, seconds, events)
VALUES (:website_id, :card, :day, :keys, :visitors, :sessions, :pageviews, :bounces, :seconds, :events)
ON CONFLICT (website_id, card, day, keys) DO UPDATE SET visitors = excluded.visitors, sessions = excluded.sessions,
    pageviews = excluded.pageviews, bounces = excluded.bounces, seconds = excluded.seconds, events = excluded.events;

-- name: days_between(website_id bytes, card text, since int, until int) -> day int, keys text, visitors int?, sessions int?, pageviews int?, bounces int?, seconds int?, events int?
-- The imported numbers of days, in order.
SELECT day, keys, visitors, sessions, pageviews, bounces, seconds, events FROM imported_day
WHERE website_id = :website_id AND card = :card AND day >= :since AND day < :until ORDER BY day, keys;

-- name: day_first(website_id bytes, card text) -> day int
-- The first day of which there are imported numbers.
SELECT day FROM imported_day WHERE website_id = :website_id AND card = :card ORDER BY day LIMIT 1;

-- name: seen_first(website_id bytes) -> at int?
-- When the first visitor of a website came.
SELECT min(first_seen_at) AS at FROM visitor WHERE website_id = :website_id AND pageview_count > 0;

-- name: events_behind(website_id bytes, visitor_id bytes, event_id bytes, most int) -> visitor_id bytes, event_id bytes, type text, session_at int, url text?, query text?, referrer text?, name text?, data text?
-- The next events behind one, visitor by visitor.
SELECT visitor_id, event_id, type, session_started_at AS session_at, url, query, referrer, name, data FROM event
WHERE website_id = :website_id AND (visitor_id, event_id) > (:visitor_id, :event_id) ORDER BY visitor_id, event_id LIMIT :most;

-- name: session_get(website_id bytes, visitor_id bytes, started_at int) -> entry_url text?, referrer text?, params text?, click_ids text?, place text?, device text?
-- Where a session came from, and on what.
SELECT entry_url, referrer, params, click_ids, place, device FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at = :started_at;

-- name: events_all(website_id bytes) -> count int
-- How many events a website has.
SELECT count(*) AS count FROM event WHERE website_id = :website_id;

-- name: facts_behind(website_id bytes, fact_id bytes, most int) -> fact_id bytes, user_id text, visitor_id bytes, operations text
-- The next identify calls behind one: those that count, of users who are not being erased.
SELECT fact_id, user_id, visitor_id, operations FROM fact f
WHERE website_id = :website_id AND fact_id > :fact_id AND kind = 'identify'
    AND NOT EXISTS (SELECT 1 FROM inactive i WHERE i.website_id = f.website_id AND i.fact_id = f.fact_id)
    AND NOT EXISTS (SELECT 1 FROM erasing e WHERE e.website_id = f.website_id AND e.profile_id = f.profile_id)
ORDER BY fact_id LIMIT :most;

-- name: facts_all(website_id bytes) -> count int
-- How many facts a website has.
SELECT count(*) AS count FROM fact WHERE website_id = :website_id;

-- name: people_behind(website_id bytes, profile_id bytes, most int) -> profile_id bytes, identified_at int, metadata text
-- The next people behind one, who are not being erased.
SELECT profile_id, identified_at, metadata FROM profile p
WHERE website_id = :website_id AND profile_id > :profile_id AND person_id = profile_id
    AND NOT EXISTS (SELECT 1 FROM erasing e WHERE e.website_id = p.website_id AND e.profile_id = p.profile_id)
ORDER BY profile_id LIMIT :most;

-- name: members_of(website_id bytes, person_id bytes) -> profile_id bytes, user_id text
-- The users that a person is.
SELECT profile_id, user_id FROM profile WHERE website_id = :website_id AND person_id = :person_id ORDER BY identified_at, profile_id;

-- name: linked_visitors(website_id bytes, profile_id bytes) -> visitor_id bytes
-- The visitors that were ever a user.
SELECT DISTINCT visitor_id FROM link WHERE website_id = :website_id AND profile_id = :profile_id ORDER BY visitor_id;

-- name: profiles_all(website_id bytes) -> count int
-- How many users a website has.
SELECT count(*) AS count FROM profile WHERE website_id = :website_id;

-- name: payments_behind(website_id bytes, payment_id bytes, most int) -> payment_id bytes, transaction_id text?, kind text, minor int, currency text, email text?, name text?, customer_id text?, visitor_ref text?, visitor_id bytes?
-- The next payments of a website behind one.
SELECT payment_id, transaction_id, kind, minor, currency, email, name, customer_id, visitor_ref, visitor_id FROM payment
WHERE website_id = :website_id AND payment_id > :payment_id ORDER BY payment_id LIMIT :most;

-- name: payments_all(website_id bytes) -> count int
-- How many payments a website has.
SELECT count(*) AS count FROM payment WHERE website_id = :website_id;
