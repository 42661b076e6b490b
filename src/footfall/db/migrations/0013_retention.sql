-- When a visitor was there last before what is kept of it; 0: all is kept.
ALTER TABLE visitor ADD COLUMN removed_at BIGINT NOT NULL DEFAULT 0;

-- When an erasure was done, and since when no columns hold what it removed (ms since epoch).
ALTER TABLE erasure ADD COLUMN ended_at BIGINT;

ALTER TABLE erasure ADD COLUMN columns_at BIGINT;

CREATE INDEX erasure_in_columns ON erasure (website_id, ended_at) WHERE ended_at IS NOT NULL AND columns_at IS NULL;
