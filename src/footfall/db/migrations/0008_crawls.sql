-- How often each AI crawler fetched each page, by UTC day (days since epoch); at most so many rows a website and day, and one for the rest,
-- whose page is empty. category: answer_fetch | search_index | training | ai_crawler.
CREATE TABLE ai_crawl (
    website_id BYTEA NOT NULL,
    day BIGINT NOT NULL,
    crawler TEXT NOT NULL,
    category TEXT NOT NULL,
    page TEXT NOT NULL,
    hits BIGINT NOT NULL,
    PRIMARY KEY (website_id, day, crawler, category, page)
);

-- The token with which servers tell of crawls, by its hash: one a website at most; without it, anybody may.
CREATE TABLE bot_token (
    website_id BYTEA NOT NULL,
    token_hash BYTEA NOT NULL,
    display_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, token_hash)
);
