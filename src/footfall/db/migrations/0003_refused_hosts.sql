-- Host names of pages whose events were dropped as another website's, by UTC day: few a website, of the newest day.
CREATE TABLE refused_host (
    website_id BYTEA NOT NULL,
    day BIGINT NOT NULL,
    host TEXT NOT NULL,
    hits BIGINT NOT NULL,
    PRIMARY KEY (website_id, day, host)
);
