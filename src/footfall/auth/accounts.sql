-- name: account_add(account_id bytes, email text, password_hash text, created_at int)
INSERT INTO account (account_id, email, password_hash, created_at) VALUES (:account_id, :email, :password_hash, :created_at);

-- name: account_by_email(email text)
SELECT account_id, email, password_hash, created_at FROM account WHERE email = :email;

-- name: accounts_all()
SELECT account_id, email, password_hash, created_at FROM account ORDER BY created_at, account_id;

-- name: account_names()
SELECT account_id, email FROM account;

-- name: password_set(account_id bytes, password_hash text)
UPDATE account SET password_hash = :password_hash WHERE account_id = :account_id;

-- name: session_add(session_hash bytes, account_id bytes, created_at int, expires_at int)
INSERT INTO account_session (session_hash, account_id, created_at, expires_at)
VALUES (:session_hash, :account_id, :created_at, :expires_at);

-- name: session_get(session_hash bytes, now int)
SELECT a.account_id, a.email FROM account_session s JOIN account a ON a.account_id = s.account_id
WHERE s.session_hash = :session_hash AND s.expires_at > :now;

-- name: session_end(session_hash bytes)
DELETE FROM account_session WHERE session_hash = :session_hash;

-- name: sessions_end(account_id bytes)
DELETE FROM account_session WHERE account_id = :account_id;

-- name: sessions_forget(now int)
DELETE FROM account_session WHERE expires_at <= :now;

-- name: link_add(link_hash bytes, created_at int)
INSERT INTO setup_link (link_hash, created_at) VALUES (:link_hash, :created_at);

-- name: link_get(link_hash bytes)
SELECT created_at FROM setup_link WHERE link_hash = :link_hash;

-- name: links_remove()
DELETE FROM setup_link;
