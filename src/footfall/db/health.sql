-- name: heartbeat(at int)
INSERT INTO setting (name, value) VALUES ('heartbeat_at', :at) ON CONFLICT (name) DO UPDATE SET value = excluded.value;
