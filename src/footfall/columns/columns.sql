-- name: websites_there() -> website_id bytes
-- The websites of which there are columns.
SELECT website_id FROM website;

-- name: visitor_shown(website_id bytes, visitor_id bytes) -> first_seen_at int, removed_at int
-- When a visitor was first there, if its first pageview has come, and when it was there last before what is kept.
SELECT first_seen_at, removed_at FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id AND pageview_count > 0;

-- name: visit_before(website_id bytes, visitor_id bytes, until bytes) -> event_id bytes, session_at int
-- When a visitor was there last before a time, and when the session began that this was stored with.
SELECT event_id, session_started_at AS session_at FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id < :until AND type <> 'goal' ORDER BY event_id DESC LIMIT 1;

-- name: events_from(website_id bytes, visitor_id bytes, since bytes, most int) -> event_id bytes, type text, session_at int, url text?, name text?, data text?
-- What a visitor did from a time on.
SELECT event_id, type, session_started_at AS session_at, url, name, data FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since ORDER BY event_id LIMIT :most;

-- name: session_of(website_id bytes, visitor_id bytes, started_at int) -> referrer text?, params text?, click_ids text?, place text?, device text?
-- Where a visitor's session came from, and on what.
SELECT referrer, params, click_ids, place, device FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at = :started_at;

-- name: link_before(website_id bytes, visitor_id bytes, until bytes) -> fact_id bytes
-- By which fact a visitor was whose it was before a time.
SELECT fact_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id < :until ORDER BY fact_id DESC LIMIT 1;

-- name: links_from(website_id bytes, visitor_id bytes, since bytes, most int) -> fact_id bytes, profile_id bytes?
-- Whose a visitor was, from when on.
SELECT fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id = :visitor_id AND fact_id >= :since ORDER BY fact_id LIMIT :most;

-- name: person_of(website_id bytes, profile_id bytes) -> person_id bytes
-- The person that a profile is part of.
SELECT person_id FROM profile WHERE website_id = :website_id AND profile_id = :profile_id;

-- name: visitors_of(website_id bytes, profile_id bytes) -> visitor_id bytes
-- The visitors that were ever a user, or paid as one.
SELECT visitor_id FROM link WHERE website_id = :website_id AND profile_id = :profile_id
UNION
SELECT visitor_id FROM payment WHERE website_id = :website_id AND known_profile_id = :profile_id AND visitor_id IS NOT NULL;

-- name: payments_from(website_id bytes, visitor_id bytes, since bytes, most int) -> payment_id bytes, kind text, minor int, currency text, touch text?, then_visitor_id bytes?, then_person_id bytes?
-- What a visitor paid from a time on, and whose that was when it was paid.
SELECT p.payment_id, p.kind, p.minor, p.currency, p.last_touch AS touch, p.known_visitor_id AS then_visitor_id, t.person_id AS then_person_id
FROM payment p LEFT JOIN profile t ON t.website_id = p.website_id AND t.profile_id = p.known_profile_id
WHERE p.website_id = :website_id AND p.visitor_id = :visitor_id AND p.payment_id >= :since ORDER BY p.payment_id LIMIT :most;

-- name: payments_of(website_id bytes, profile_id bytes) -> payment_id bytes
-- What was matched to a user, without a visitor, or was the user's when it was paid.
SELECT payment_id FROM payment WHERE website_id = :website_id AND profile_id = :profile_id
UNION
SELECT payment_id FROM payment WHERE website_id = :website_id AND known_profile_id = :profile_id;

-- name: loose_between(website_id bytes, since bytes, until bytes) -> payment_id bytes, kind text, minor int, currency text, then_visitor_id bytes?, then_person_id bytes?, person_id bytes?, touch text?
-- The payments of a time that are no visitor's: none is named, or one whose first pageview has not come.
SELECT p.payment_id, p.kind, p.minor, p.currency, p.known_visitor_id AS then_visitor_id, t.person_id AS then_person_id, f.person_id, p.last_touch AS touch
FROM payment p
LEFT JOIN visitor v ON v.website_id = p.website_id AND v.visitor_id = p.visitor_id AND v.pageview_count > 0
LEFT JOIN profile f ON f.website_id = p.website_id AND f.profile_id = p.profile_id
LEFT JOIN profile t ON t.website_id = p.website_id AND t.profile_id = p.known_profile_id
WHERE p.website_id = :website_id AND p.payment_id >= :since AND p.payment_id < :until AND v.visitor_id IS NULL
ORDER BY p.payment_id;

-- name: events_between(website_id bytes, behind bytes, until bytes, most int) -> visitor_id bytes, event_id bytes, type text, session_at int, url text?, name text?, data text?
-- What the visitors of a website did that come behind one and before another.
SELECT visitor_id, event_id, type, session_started_at AS session_at, url, name, data FROM event
WHERE website_id = :website_id AND visitor_id > :behind AND visitor_id < :until ORDER BY visitor_id, event_id LIMIT :most;

-- name: visitors_between(website_id bytes, behind bytes, until bytes, most int) -> visitor_id bytes, removed_at int
-- Of some visitors those whose first pageview has come, and when each was there last before what is kept.
SELECT visitor_id, removed_at FROM visitor
WHERE website_id = :website_id AND visitor_id > :behind AND visitor_id < :until AND pageview_count > 0 ORDER BY visitor_id LIMIT :most;

-- name: sessions_between(website_id bytes, behind bytes, until bytes, most int) -> visitor_id bytes, started_at int, referrer text?, params text?, click_ids text?, place text?, device text?
-- Where the sessions of some visitors came from, and on what.
SELECT visitor_id, started_at, referrer, params, click_ids, place, device FROM session
WHERE website_id = :website_id AND visitor_id > :behind AND visitor_id < :until ORDER BY visitor_id, started_at LIMIT :most;

-- name: links_between(website_id bytes, behind bytes, until bytes, most int) -> visitor_id bytes, fact_id bytes, profile_id bytes?
-- Whose some visitors were, from when on.
SELECT visitor_id, fact_id, profile_id FROM link
WHERE website_id = :website_id AND visitor_id > :behind AND visitor_id < :until ORDER BY visitor_id, fact_id LIMIT :most;

-- name: payments_between(website_id bytes, behind bytes, until bytes, most int) -> visitor_id bytes, payment_id bytes, kind text, minor int, currency text, touch text?, then_visitor_id bytes?, then_person_id bytes?
-- What some visitors paid, and whose that was when it was paid.
SELECT p.visitor_id, p.payment_id, p.kind, p.minor, p.currency, p.last_touch AS touch, p.known_visitor_id AS then_visitor_id, t.person_id AS then_person_id
FROM payment p LEFT JOIN profile t ON t.website_id = p.website_id AND t.profile_id = p.known_profile_id
WHERE p.website_id = :website_id AND p.visitor_id > :behind AND p.visitor_id < :until ORDER BY p.visitor_id, p.payment_id LIMIT :most;

-- name: visitors_shown() -> count int
-- How many visitors there are, but for those whose first pageview has not come.
SELECT count(*) AS count FROM visitor v WHERE v.pageview_count > 0 AND EXISTS (SELECT 1 FROM website w WHERE w.website_id = v.website_id);

-- name: payments_behind(website_id bytes, payment_id bytes, most int) -> id bytes
-- The next payments of a website behind one.
SELECT payment_id AS id FROM payment WHERE website_id = :website_id AND payment_id > :payment_id ORDER BY payment_id LIMIT :most;

-- name: visitors_behind(website_id bytes, visitor_id bytes, most int) -> id bytes
-- The next visitors of a website behind one, but for those whose first pageview has not come.
SELECT visitor_id AS id FROM visitor WHERE website_id = :website_id AND visitor_id > :visitor_id AND pageview_count > 0
ORDER BY visitor_id LIMIT :most;

-- name: events_shown(website_id bytes) -> visitor_id bytes, event_id bytes, type text, removed_at int
-- What happened on a website, visitor by visitor, but for visitors whose first pageview has not come; and until when each was there before what is kept.
SELECT e.visitor_id, e.event_id, e.type, v.removed_at FROM event e
JOIN visitor v ON v.website_id = e.website_id AND v.visitor_id = e.visitor_id AND v.pageview_count > 0
WHERE e.website_id = :website_id ORDER BY e.visitor_id, e.event_id;

-- name: payments_there(website_id bytes, until bytes) -> payment_id bytes, kind text, minor int, currency text
-- What was paid on a website before a time.
SELECT payment_id, kind, minor, currency FROM payment WHERE website_id = :website_id AND payment_id < :until ORDER BY payment_id;
