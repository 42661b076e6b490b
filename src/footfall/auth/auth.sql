-- name: key_names(website_id bytes) -> api_key_id bytes, name text
-- What to call each of a website's API keys, revoked ones included.
SELECT api_key_id, name FROM api_key WHERE website_id = :website_id;

-- name: token_names() -> token_id bytes, name text?
-- What to call each access token, revoked ones included.
SELECT token_id, name FROM access_token;

-- name: keys_all() -> website_id bytes, api_key_id bytes, name text, secret_hash bytes
-- All API keys that work.
SELECT website_id, api_key_id, name, secret_hash FROM api_key WHERE revoked_at IS NULL;

-- name: tokens_all() -> token_id bytes, name text?, secret_hash bytes, scopes text, website_ids text
-- All access tokens that work.
SELECT token_id, name, secret_hash, scopes, website_ids FROM access_token WHERE revoked_at IS NULL;

-- name: key_add(website_id bytes, api_key_id bytes, name text, display_key text, secret_hash bytes, created_at int)
-- Stores a new API key, by the hash of its secret.
INSERT INTO api_key (website_id, api_key_id, name, display_key, secret_hash, created_at)
VALUES (:website_id, :api_key_id, :name, :display_key, :secret_hash, :created_at);

-- name: keys_of_website(website_id bytes) -> api_key_id bytes, name text, display_key text, created_at int, revoked_at int?, last_used_at int?
-- A website's API keys, oldest first.
SELECT api_key_id, name, display_key, created_at, revoked_at, last_used_at FROM api_key
WHERE website_id = :website_id ORDER BY created_at, api_key_id;

-- name: key_revoke(api_key_id bytes, revoked_at int)
-- Revokes an API key, once.
UPDATE api_key SET revoked_at = :revoked_at WHERE api_key_id = :api_key_id AND revoked_at IS NULL;

-- name: token_add(token_id bytes, name text, display_key text, secret_hash bytes, scopes text, website_ids text, created_at int)
-- Stores a new access token, by the hash of its secret.
INSERT INTO access_token (token_id, name, display_key, secret_hash, scopes, website_ids, created_at)
VALUES (:token_id, :name, :display_key, :secret_hash, :scopes, :website_ids, :created_at);

-- name: tokens_list() -> token_id bytes, name text?, display_key text, scopes text, website_ids text, created_at int, revoked_at int?, last_used_at int?
-- All access tokens, oldest first.
SELECT token_id, name, display_key, scopes, website_ids, created_at, revoked_at, last_used_at FROM access_token ORDER BY created_at, token_id;

-- name: token_revoke(token_id bytes, revoked_at int)
-- Revokes an access token, once.
UPDATE access_token SET revoked_at = :revoked_at WHERE token_id = :token_id AND revoked_at IS NULL;

-- name: key_used(api_key_id bytes, last_used_at int)
-- Notes when an API key was last used.
UPDATE api_key SET last_used_at = :last_used_at WHERE api_key_id = :api_key_id;

-- name: token_used(token_id bytes, last_used_at int)
-- Notes when an access token was last used.
UPDATE access_token SET last_used_at = :last_used_at WHERE token_id = :token_id;

-- name: keys_remove(website_id bytes)
-- Remove the API keys of a website.
DELETE FROM api_key WHERE website_id = :website_id;
