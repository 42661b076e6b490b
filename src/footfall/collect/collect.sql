-- name: visitor_get(website_id bytes, visitor_id bytes) -> first_seen_at int, last_seen_at int, session_started_at int, session_count int, pageview_count int, current_url text?, place text?, device text?, first_referrer text?, first_params text?, first_click_ids text?
-- A visitor, as of the latest event.
SELECT first_seen_at, last_seen_at, session_started_at, session_count, pageview_count, current_url, place, device,
    first_referrer, first_params, first_click_ids
FROM visitor WHERE website_id = :website_id AND visitor_id = :visitor_id;

-- name: visitor_put(website_id bytes, visitor_id bytes, first_seen_at int, last_seen_at int, session_started_at int, session_count int, pageview_count int, current_url text, place text, device text, first_referrer text, first_params text, first_click_ids text)
-- Stores a visitor whole.
INSERT INTO visitor (website_id, visitor_id, first_seen_at, last_seen_at, session_started_at, session_count, pageview_count,
    current_url, place, device, first_referrer, first_params, first_click_ids)
VALUES (:website_id, :visitor_id, :first_seen_at, :last_seen_at, :session_started_at, :session_count, :pageview_count,
    :current_url, :place, :device, :first_referrer, :first_params, :first_click_ids)
ON CONFLICT (website_id, visitor_id) DO UPDATE SET first_seen_at = excluded.first_seen_at, last_seen_at = excluded.last_seen_at,
    session_started_at = excluded.session_started_at, session_count = excluded.session_count,
    pageview_count = excluded.pageview_count, current_url = excluded.current_url, place = excluded.place,
    device = excluded.device, first_referrer = excluded.first_referrer, first_params = excluded.first_params,
    first_click_ids = excluded.first_click_ids;

-- name: session_put(website_id bytes, visitor_id bytes, started_at int, entry_url text, referrer text, params text, click_ids text, place text, device text)
-- Stores a session whole.
INSERT INTO session (website_id, visitor_id, started_at, entry_url, referrer, params, click_ids, place, device)
VALUES (:website_id, :visitor_id, :started_at, :entry_url, :referrer, :params, :click_ids, :place, :device)
ON CONFLICT (website_id, visitor_id, started_at) DO UPDATE SET entry_url = excluded.entry_url, referrer = excluded.referrer,
    params = excluded.params, click_ids = excluded.click_ids, place = excluded.place, device = excluded.device;

-- name: event_add(website_id bytes, visitor_id bytes, event_id bytes, type text, session_started_at int, url text, query text, referrer text, name text, data text)
-- Stores an event.
INSERT INTO event (website_id, visitor_id, event_id, type, session_started_at, url, query, referrer, name, data)
VALUES (:website_id, :visitor_id, :event_id, :type, :session_started_at, :url, :query, :referrer, :name, :data);

-- name: payment_known(website_id bytes, visitor_id bytes, data text, most int) -> known int
-- Whether the same payment is among a visitor's newest events.
SELECT 1 AS known FROM (
    SELECT type, data FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY event_id DESC LIMIT :most
) AS newest WHERE type = 'payment' AND data = :data LIMIT 1;

-- name: timeline(website_id bytes, visitor_id bytes, most int) -> event_id bytes, type text, url text?, name text?, data text?
-- A visitor's events, newest first.
SELECT event_id, type, url, name, data FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id ORDER BY event_id DESC LIMIT :most;

-- name: dropped_add(website_id bytes, day int, reason text, hits int)
-- Adds to the number of hits that were dropped for a reason.
INSERT INTO dropped_hit (website_id, day, reason, hits) VALUES (:website_id, :day, :reason, :hits)
ON CONFLICT (website_id, day, reason) DO UPDATE SET hits = dropped_hit.hits + excluded.hits;

-- name: salt_get(day int) -> salt bytes
-- The salt of a day.
SELECT salt FROM daily_salt WHERE day = :day;

-- name: salt_add(day int, salt bytes)
-- Stores the salt of a day that has none.
INSERT INTO daily_salt (day, salt) VALUES (:day, :salt) ON CONFLICT (day) DO NOTHING;

-- name: salts_destroy(day int)
-- Destroys the salts of other days. Later days than tomorrow are those of a clock that ran ahead.
DELETE FROM daily_salt WHERE day < :day OR day > :day + 1;

-- name: dropped_on(website_id bytes, day int) -> reason text, hits int
-- How many hits were dropped on a day for each reason, the most frequent first.
SELECT reason, hits FROM dropped_hit WHERE website_id = :website_id AND day = :day ORDER BY hits DESC, reason;

-- name: hosts_on(website_id bytes, day int) -> host text, hits int
-- How many hits of each refused host came on a day, the most frequent first.
SELECT host, hits FROM refused_host WHERE website_id = :website_id AND day = :day ORDER BY hits DESC, host;

-- name: host_add(website_id bytes, day int, host text, hits int)
-- Stores how many hits of a refused host came on a day.
INSERT INTO refused_host (website_id, day, host, hits) VALUES (:website_id, :day, :host, :hits);

-- name: hosts_forget(website_id bytes, day int)
-- Removes the hosts of a day and of all before.
DELETE FROM refused_host WHERE website_id = :website_id AND day <= :day;

-- name: session_first_between(website_id bytes, visitor_id bytes, since int, until int) -> started_at int, entry_url text?, referrer text?, params text?
-- The first session of a visitor that began in a time.
SELECT started_at, entry_url, referrer, params FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since AND started_at < :until ORDER BY started_at LIMIT 1;

-- name: session_last_between(website_id bytes, visitor_id bytes, since int, until int) -> started_at int, entry_url text?, referrer text?, params text?
-- The last session of a visitor that began in a time.
SELECT started_at, entry_url, referrer, params FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since AND started_at < :until
ORDER BY started_at DESC LIMIT 1;

-- name: sessions_began(website_id bytes, visitor_id bytes, since int, until int) -> count int
-- How many sessions of a visitor began in a time.
SELECT count(*) AS count FROM session
WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at >= :since AND started_at < :until;

-- name: checkout_add(website_id bytes, visitor_id bytes, checkout_hash bytes, told_at int)
-- Notes that a page of a visitor reported a checkout.
INSERT INTO checkout (website_id, visitor_id, checkout_hash, told_at) VALUES (:website_id, :visitor_id, :checkout_hash, :told_at)
ON CONFLICT (website_id, visitor_id, checkout_hash) DO UPDATE SET told_at = excluded.told_at
WHERE excluded.told_at < checkout.told_at;

-- name: told_add(website_id bytes, checkout_hash bytes)
-- Leaves word for the index that a checkout was reported.
INSERT INTO checkout_told (website_id, checkout_hash) VALUES (:website_id, :checkout_hash)
ON CONFLICT (website_id, checkout_hash) DO NOTHING;

-- name: told_next(most int) -> website_id bytes, checkout_hash bytes
-- Checkouts that were reported since the index saw to it.
SELECT website_id, checkout_hash FROM checkout_told ORDER BY website_id, checkout_hash LIMIT :most;

-- name: told_remove(website_id bytes, checkout_hash bytes)
-- The index saw to a checkout.
DELETE FROM checkout_told WHERE website_id = :website_id AND checkout_hash = :checkout_hash;

-- name: checkout_visitor(website_id bytes, checkout_hash bytes) -> visitor_id bytes, told_at int
-- The visitor whose page reported a checkout first, and when.
SELECT visitor_id, told_at FROM checkout WHERE website_id = :website_id AND checkout_hash = :checkout_hash ORDER BY told_at, visitor_id LIMIT 1;

-- name: pageviews_down(website_id bytes, visitor_id bytes, since bytes, until bytes, most int) -> event_id bytes, url text?
-- The newest pageviews of a visitor in a range.
SELECT event_id, url FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id >= :since AND event_id < :until AND type = 'pageview'
ORDER BY event_id DESC LIMIT :most;

-- name: event_known(website_id bytes, visitor_id bytes, event_id bytes) -> known int
-- Whether an event is stored.
SELECT 1 AS known FROM event WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id = :event_id;

-- name: event_before(website_id bytes, visitor_id bytes, event_id bytes) -> event_id bytes, session_at int
-- The event of a visitor before one, goals of servers left out, and when the session began that it was stored with.
SELECT event_id, session_started_at AS session_at FROM event
WHERE website_id = :website_id AND visitor_id = :visitor_id AND event_id < :event_id AND type <> 'goal' ORDER BY event_id DESC LIMIT 1;

-- name: session_known(website_id bytes, visitor_id bytes, started_at int) -> known int
-- Whether a session is stored.
SELECT 1 AS known FROM session WHERE website_id = :website_id AND visitor_id = :visitor_id AND started_at = :started_at;
