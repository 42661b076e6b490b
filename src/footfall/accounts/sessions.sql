-- name: session_add(session_hash bytes, account_id bytes, created_at int, expires_at int)
-- Stores a session, by the hash of its secret.
INSERT INTO account_session (session_hash, account_id, created_at, expires_at)
VALUES (:session_hash, :account_id, :created_at, :expires_at);

-- name: session_get(session_hash bytes, now int) -> account_id bytes, email text, created_at int
-- The account that a session which has not expired belongs to.
SELECT a.account_id, a.email, a.created_at FROM account_session s JOIN account a ON a.account_id = s.account_id
WHERE s.session_hash = :session_hash AND s.expires_at > :now;

-- name: session_end(session_hash bytes)
-- Ends one session.
DELETE FROM account_session WHERE session_hash = :session_hash;

-- name: sessions_end(account_id bytes)
-- Ends all sessions of an account.
DELETE FROM account_session WHERE account_id = :account_id;

-- name: sessions_forget(now int)
-- Removes sessions that have expired.
DELETE FROM account_session WHERE expires_at <= :now;
