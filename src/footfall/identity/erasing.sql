-- name: erasure_add(website_id bytes, erasure_id bytes, erased_at int, users int, counts text)
-- Begin an erasure, or go on with the next users of one that names several.
INSERT INTO erasure (website_id, erasure_id, erased_at, users, visitors, counts)
VALUES (:website_id, :erasure_id, :erased_at, :users, 0, :counts)
ON CONFLICT (website_id, erasure_id) DO UPDATE SET users = erasure.users + excluded.users, counts = excluded.counts,
    visitor_id = NULL, event_id = NULL;

-- name: erasure_get(website_id bytes, erasure_id bytes) -> erased_at int, users int, visitors int, counts text, visitor_id bytes?, event_id bytes?
-- The receipt of an erasure, and how far it came.
SELECT erased_at, users, visitors, counts, visitor_id, event_id FROM erasure
WHERE website_id = :website_id AND erasure_id = :erasure_id;

-- name: erasure_put(website_id bytes, erasure_id bytes, visitors int, counts text, visitor_id bytes, event_id bytes)
-- Note how far an erasure came.
UPDATE erasure SET visitors = :visitors, counts = :counts, visitor_id = :visitor_id, event_id = :event_id
WHERE website_id = :website_id AND erasure_id = :erasure_id;

-- name: erasing_add(website_id bytes, profile_id bytes, erasure_id bytes)
-- A user is being erased.
INSERT INTO erasing (website_id, profile_id, erasure_id) VALUES (:website_id, :profile_id, :erasure_id);

-- name: erasing_users(website_id bytes, erasure_id bytes) -> profile_id bytes
-- The users of an erasure that is under way.
SELECT profile_id FROM erasing WHERE website_id = :website_id AND erasure_id = :erasure_id ORDER BY profile_id;

-- name: erasing_remove(website_id bytes, erasure_id bytes)
-- An erasure is done with its users.
DELETE FROM erasing WHERE website_id = :website_id AND erasure_id = :erasure_id;

-- name: facts_some(website_id bytes, erasure_id bytes, most int) -> visitor_id bytes, fact_id bytes
-- Some facts that an erasure has to remove, in no order.
SELECT f.visitor_id, f.fact_id FROM erasing e JOIN fact f ON f.website_id = e.website_id AND f.profile_id = e.profile_id
WHERE e.website_id = :website_id AND e.erasure_id = :erasure_id AND f.visitor_id IS NOT NULL LIMIT :most;

-- name: facts_left(website_id bytes, erasure_id bytes, most int) -> visitor_id bytes, fact_id bytes
-- The next facts that an erasure has to remove, visitor by visitor.
SELECT f.visitor_id, f.fact_id FROM erasing e JOIN fact f ON f.website_id = e.website_id AND f.profile_id = e.profile_id
WHERE e.website_id = :website_id AND e.erasure_id = :erasure_id AND f.visitor_id IS NOT NULL
ORDER BY f.visitor_id, f.fact_id LIMIT :most;

-- name: events_between(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> event_id bytes, url text?, referrer text?
-- The first events of a visitor in a range, with the texts that are kept.
SELECT event_id, url, referrer FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until
ORDER BY event_id LIMIT :most;

-- name: event_blank(website_id bytes, visitor_id bytes, event_id bytes, url text, referrer text)
-- Keep of an event that it happened, and texts without e-mail addresses.
UPDATE event SET url = :url, referrer = :referrer, query = NULL, data = NULL
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id = :event_id;

-- name: sessions_between(website_id bytes, visitor_id bytes, since int, until int) -> started_at int, entry_url text?, referrer text?
-- The sessions of a visitor that began in a range, with the texts that are kept.
SELECT started_at, entry_url, referrer FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since AND started_at < :until;

-- name: session_blank(website_id bytes, visitor_id bytes, started_at int, entry_url text, referrer text)
-- Keep of a session that it happened, and texts without e-mail addresses.
UPDATE session SET entry_url = :entry_url, referrer = :referrer, params = NULL, click_ids = NULL
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at = :started_at;

-- name: visitor_texts(website_id bytes, visitor_id bytes) -> current_url text?, first_referrer text?, first_params text?, first_click_ids text?
-- What a visitor's own row tells of pages.
SELECT current_url, first_referrer, first_params, first_click_ids FROM visitor
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: pageview_first(website_id bytes, visitor_id bytes) -> event_id bytes
-- The first pageview of a visitor.
SELECT event_id FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND type = 'pageview'
ORDER BY event_id LIMIT 1;

-- name: pageview_last(website_id bytes, visitor_id bytes) -> event_id bytes
-- The last pageview of a visitor.
SELECT event_id FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND type = 'pageview'
ORDER BY event_id DESC LIMIT 1;

-- name: visitor_blank(website_id bytes, visitor_id bytes, current_url text, first_referrer text, first_params text, first_click_ids text)
-- Store what a visitor's own row may still tell of pages.
UPDATE visitor SET current_url = :current_url, first_referrer = :first_referrer, first_params = :first_params,
    first_click_ids = :first_click_ids
WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: changes_forget(website_id bytes, profile_id bytes)
-- Take back the word that was left for the trait index about a profile.
DELETE FROM profile_change WHERE website_id = :website_id AND profile_id = :profile_id;
