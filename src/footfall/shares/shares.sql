-- name: shares_of(website_id bytes) -> share_id bytes, name text, display_key text, has_money int, created_at int
-- The shares of a website, oldest first.
SELECT share_id, name, display_key, has_money, created_at FROM share WHERE website_id = :website_id ORDER BY created_at, share_id;

-- name: share_find(secret_hash bytes) -> website_id bytes, has_money int
-- What a secret opens.
SELECT website_id, has_money FROM share WHERE secret_hash = :secret_hash;

-- name: share_add(website_id bytes, share_id bytes, name text, secret_hash bytes, display_key text, has_money int, created_at int)
-- Stores a new share, by the hash of its secret.
INSERT INTO share (website_id, share_id, name, secret_hash, display_key, has_money, created_at)
VALUES (:website_id, :share_id, :name, :secret_hash, :display_key, :has_money, :created_at);

-- name: share_remove(website_id bytes, share_id bytes)
-- Revokes a share.
DELETE FROM share WHERE website_id = :website_id AND share_id = :share_id;
