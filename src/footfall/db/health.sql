-- name: heartbeat(at int)
-- Write when the database last took a write.
INSERT INTO setting (name, value) VALUES ('heartbeat_at', :at) ON CONFLICT (name) DO UPDATE SET value = excluded.value;
