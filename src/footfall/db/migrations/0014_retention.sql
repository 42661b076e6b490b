-- When a visitor was there last before what is kept of it; 0: all is kept.
ALTER TABLE visitor ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;
