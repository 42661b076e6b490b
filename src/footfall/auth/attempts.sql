-- name: attempt_count(key_hash bytes, window_at int)
-- Counts one attempt.
INSERT INTO login_attempt (key_hash, window_at, attempts) VALUES (:key_hash, :window_at, 1)
ON CONFLICT (key_hash) DO UPDATE SET attempts = login_attempt.attempts + 1;

-- name: attempt_uncount(key_hash bytes)
-- Takes one attempt back.
UPDATE login_attempt SET attempts = attempts - 1 WHERE key_hash = :key_hash;

-- name: attempts_of(key_hash bytes) -> attempts int
-- How many attempts were counted under a key.
SELECT attempts FROM login_attempt WHERE key_hash = :key_hash;

-- name: attempts_forget(window_at int)
-- Removes what was counted in earlier windows.
DELETE FROM login_attempt WHERE window_at < :window_at;

-- name: address_known(key_hash bytes, window_at int)
-- Keeps the mark of a known address until a window.
INSERT INTO login_attempt (key_hash, window_at, attempts) VALUES (:key_hash, :window_at, 0)
ON CONFLICT (key_hash) DO UPDATE SET window_at = excluded.window_at;
