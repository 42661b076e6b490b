-- Tables that can be made anew from the others. With SQLite they lie in a file of their own, which background work writes in its own time.

-- The trait index: what people can be found by, kept a moment behind. kind: text | number | date | other | cut (a value longer than 255
-- characters, of which those are kept, and a digest); number: the number, ms since epoch, or the length of what is cut.
CREATE TABLE trait (
    website_id BYTEA NOT NULL,
    profile_id BYTEA NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    number DOUBLE PRECISION,
    PRIMARY KEY (website_id, profile_id, name)
);

CREATE INDEX trait_by_value ON trait (website_id, name, value, profile_id);

CREATE INDEX trait_by_number ON trait (website_id, name, kind, number, profile_id) WHERE number IS NOT NULL;

-- Words by which people can be searched: of user id, name and e-mail address, folded; and, behind U+0001, elements of lists: see
-- people/terms.py.
CREATE TABLE search_term (
    website_id BYTEA NOT NULL,
    term TEXT NOT NULL,
    profile_id BYTEA NOT NULL,
    PRIMARY KEY (website_id, term, profile_id)
);

CREATE INDEX search_term_by_profile ON search_term (website_id, profile_id);

-- Those of the profiles that are people, by what they are listed in the order of, kept a moment behind. `identified_at`: when they first were;
-- `seen_at`: the `at` of their latest event, or of when they were identified, if there is none.
CREATE TABLE listed_person (
    website_id BYTEA NOT NULL,
    profile_id BYTEA NOT NULL,
    seen_at BIGINT NOT NULL,
    identified_at BIGINT NOT NULL,
    PRIMARY KEY (website_id, profile_id)
);

CREATE INDEX listed_person_by_time ON listed_person (website_id, seen_at, profile_id);

CREATE INDEX listed_person_by_age ON listed_person (website_id, identified_at, profile_id);
