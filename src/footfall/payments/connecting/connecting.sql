-- name: connection_get(website_id bytes, provider text) -> website_id bytes, provider text, webhook_id text, account text?, api_key bytes?, run_id bytes, state text, since int, until int, listing int, place text, objects int, unreadable int, reason text?, held_until int, ended_at int?
-- How a website was connected to a provider by key.
SELECT website_id, provider, webhook_id, account, api_key, run_id, state, since, until, listing, place, objects, unreadable, reason,
    held_until, ended_at
FROM key_connection WHERE website_id = :website_id AND provider = :provider;

-- name: connections_of(website_id bytes) -> website_id bytes, provider text, webhook_id text, account text?, api_key bytes?, run_id bytes, state text, since int, until int, listing int, place text, objects int, unreadable int, reason text?, held_until int, ended_at int?
-- How a website was connected to providers by key.
SELECT website_id, provider, webhook_id, account, api_key, run_id, state, since, until, listing, place, objects, unreadable, reason,
    held_until, ended_at
FROM key_connection WHERE website_id = :website_id ORDER BY provider;

-- name: imports_left(now int) -> website_id bytes, provider text, webhook_id text, account text?, api_key bytes?, run_id bytes, state text, since int, until int, listing int, place text, objects int, unreadable int, reason text?, held_until int, ended_at int?
-- The imports on which nobody works any more, and whose key is kept.
SELECT website_id, provider, webhook_id, account, api_key, run_id, state, since, until, listing, place, objects, unreadable, reason,
    held_until, ended_at
FROM key_connection WHERE state = 'running' AND held_until < :now AND api_key IS NOT NULL ORDER BY website_id, provider;

-- name: connection_put(website_id bytes, provider text, webhook_id text, account text, api_key bytes, run_id bytes, since int, until int, held_until int)
-- Stores that a website was connected to a provider by key, and that an import begins.
INSERT INTO key_connection (website_id, provider, webhook_id, account, api_key, run_id, state, since, until, listing, place, objects,
    unreadable, reason, held_until, ended_at)
VALUES (:website_id, :provider, :webhook_id, :account, :api_key, :run_id, 'running', :since, :until, 0, '', 0, 0, NULL, :held_until, NULL)
ON CONFLICT (website_id, provider) DO UPDATE SET webhook_id = excluded.webhook_id, account = excluded.account,
    api_key = excluded.api_key, run_id = excluded.run_id, state = excluded.state, since = excluded.since, until = excluded.until,
    listing = 0, place = '', objects = 0, unreadable = 0, reason = NULL, held_until = excluded.held_until, ended_at = NULL;

-- name: connection_remove(website_id bytes, provider text)
-- Forgets that a website was connected to a provider by key.
DELETE FROM key_connection WHERE website_id = :website_id AND provider = :provider;

-- name: import_advance(website_id bytes, provider text, run_id bytes, state text, listing int, place text, objects int, unreadable int, reason text, held_until int, ended_at int)
-- Stores how far an import is, if it is still this one's.
UPDATE key_connection SET state = :state, listing = :listing, place = :place, objects = :objects, unreadable = :unreadable,
    reason = :reason, held_until = :held_until, ended_at = :ended_at
WHERE website_id = :website_id AND provider = :provider AND run_id = :run_id AND state = 'running';

-- name: import_take(website_id bytes, provider text, run_id bytes, now int, held_until int)
-- Takes over an import, if nobody works on it.
UPDATE key_connection SET run_id = :run_id, held_until = :held_until
WHERE website_id = :website_id AND provider = :provider AND state = 'running' AND held_until < :now;
