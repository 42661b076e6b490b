-- Visitors whose place in the list has to be looked at: those of the website behind `position`, an id of a visitor, or empty for all.
CREATE TABLE visitor_due (
    website_id BYTEA NOT NULL,
    position BYTEA NOT NULL,
    PRIMARY KEY (website_id, position)
);
