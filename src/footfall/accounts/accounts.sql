-- name: account_add(account_id bytes, email text, password_hash text, created_at int)
-- Stores a new account.
INSERT INTO account (account_id, email, password_hash, created_at) VALUES (:account_id, :email, :password_hash, :created_at);

-- name: account_by_email(email text) -> account_id bytes, email text, password_hash text, created_at int
-- The account of an e-mail address, and the hash of its password.
SELECT account_id, email, password_hash, created_at FROM account WHERE email = :email;

-- name: accounts_all() -> account_id bytes, email text, created_at int
-- All accounts, oldest first.
SELECT account_id, email, created_at FROM account ORDER BY created_at, account_id;

-- name: account_names() -> account_id bytes, email text
-- What to call each account.
SELECT account_id, email FROM account;

-- name: password_set(account_id bytes, password_hash text)
-- Replaces the hash of a password.
UPDATE account SET password_hash = :password_hash WHERE account_id = :account_id;

-- name: account_remove(account_id bytes)
-- Removes an account.
DELETE FROM account WHERE account_id = :account_id;

-- name: link_add(link_hash bytes, created_at int)
-- Stores a one-time link, by the hash of its secret.
INSERT INTO setup_link (link_hash, created_at) VALUES (:link_hash, :created_at);

-- name: link_get(link_hash bytes) -> created_at int
-- When a one-time link was made, if it still works.
SELECT created_at FROM setup_link WHERE link_hash = :link_hash;

-- name: links_remove()
-- Removes all one-time links.
DELETE FROM setup_link;
