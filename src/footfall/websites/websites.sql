-- name: websites_all() -> website_id bytes, tracking_id text, domain text, name text, timezone text, is_cookieless int, is_suspended int, is_localhost_allowed int, allowed_hostnames text, exclusions text, profile_secret bytes, signing_secrets text, is_signature_required int, is_headless_allowed int, is_image_allowed int, created_at int, currency text, has_payments int, is_public int
-- All websites, oldest first.
SELECT website_id, tracking_id, domain, name, timezone, is_cookieless, is_suspended, is_localhost_allowed, allowed_hostnames,
    exclusions, profile_secret, signing_secrets, is_signature_required, is_headless_allowed, is_image_allowed, created_at,
    currency, has_payments, is_public
FROM website ORDER BY created_at, website_id;

-- name: website_put(website_id bytes, tracking_id text, domain text, name text, timezone text, is_cookieless int, is_suspended int, is_localhost_allowed int, allowed_hostnames text, exclusions text, profile_secret bytes, signing_secrets text, is_signature_required int, is_headless_allowed int, is_image_allowed int, created_at int, currency text, is_public int)
-- Stores a website; if it exists, updates everything that may change.
INSERT INTO website (website_id, tracking_id, domain, name, timezone, is_cookieless, is_suspended, is_localhost_allowed,
    allowed_hostnames, exclusions, profile_secret, signing_secrets, is_signature_required, is_headless_allowed, is_image_allowed, created_at,
    currency, is_public)
VALUES (:website_id, :tracking_id, :domain, :name, :timezone, :is_cookieless, :is_suspended, :is_localhost_allowed,
    :allowed_hostnames, :exclusions, :profile_secret, :signing_secrets, :is_signature_required, :is_headless_allowed, :is_image_allowed, :created_at,
    :currency, :is_public)
ON CONFLICT (website_id) DO UPDATE SET domain = excluded.domain, name = excluded.name, timezone = excluded.timezone,
    is_cookieless = excluded.is_cookieless, is_suspended = excluded.is_suspended,
    is_localhost_allowed = excluded.is_localhost_allowed, allowed_hostnames = excluded.allowed_hostnames,
    exclusions = excluded.exclusions,
    signing_secrets = excluded.signing_secrets, is_signature_required = excluded.is_signature_required,
    is_headless_allowed = excluded.is_headless_allowed, is_image_allowed = excluded.is_image_allowed,
    currency = excluded.currency, is_public = excluded.is_public;

-- name: payments_noted(website_id bytes)
-- Notes that a website has payments. Nothing else writes this, so that no other change takes it back.
UPDATE website SET has_payments = 1 WHERE website_id = :website_id AND has_payments = 0;

-- name: configuration_version() -> value int
-- The version of websites, keys and tokens.
SELECT value FROM setting WHERE name = 'configuration_version';

-- name: configuration_changed()
-- Raises that version.
UPDATE setting SET value = value + 1 WHERE name = 'configuration_version';
