-- People of whom somebody said that they are not the same, so that nobody is asked again. profile_id < other_id: of each a profile.
-- evidence: a keyed hash of what they were suspected for; settled_at: ms since epoch.
CREATE TABLE settled_pair (
    website_id BYTEA NOT NULL,
    profile_id BYTEA NOT NULL,
    other_id BYTEA NOT NULL,
    evidence BYTEA NOT NULL,
    kind TEXT NOT NULL,
    settled_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, profile_id, other_id, evidence)
);
