-- Makes the events of one website, by hashes of numbers alone: the same each time. $part: which website of them it is; $website: its number;
-- $visitors: how many came; $start: when (ms since epoch) the 90 days begin.
-- All that the columns hold of an event follows from the events here, too, so that answers equal a count over the rows.

CREATE OR REPLACE MACRO drawn(a, b, c) AS (hash(a, b, c) >> 11) / 9007199254740992.0;
CREATE OR REPLACE MACRO picked(list, a, b, c) AS list[1 + (hash(a, b, c) % len(list))::INTEGER];
CREATE OR REPLACE MACRO page_of(part, v, session_at, i) AS floor(3000 * pow(drawn(hash(part, v), session_at, 100 + i), 4))::INTEGER;
CREATE OR REPLACE MACRO host_of(part, page) AS CASE WHEN page % 10 = 9 THEN 'docs.' ELSE 'www.' END || 'site' || part || '.example';
CREATE OR REPLACE MACRO path_of(page) AS CASE
    WHEN page = 0 THEN '/' WHEN page = 1 THEN '/pricing' WHEN page = 2 THEN '/signup'
    ELSE ['/blog/', '/docs/guides/', '/product/', '/changelog/'][1 + page % 4] || 'an-article-on-something-' || page END;

-- Visits begin in slots of three hours and last less than 85 minutes, so that breaks are longer than 30.
CREATE OR REPLACE TEMP TABLE visit AS
WITH planned AS (
    SELECT v, unnest(range(least(40, 1 + floor(-1.87 * ln(1 - drawn($part, v, 'visits'))))::BIGINT)) AS n FROM range($visitors) AS counted(v)
), slots AS (
    SELECT DISTINCT v, floor(720 * pow(drawn(hash($part, v), n, 'slot'), 0.68))::BIGINT AS slot FROM planned
), began AS (
    SELECT v, row_number() OVER (PARTITION BY v ORDER BY slot) AS j,
        $start + slot * 10800000 + floor(3500000 * drawn(hash($part, v), slot, 'minute'))::BIGINT AS session_at
    FROM slots
)
SELECT v, j, session_at, least(15, 1 + floor(-1.9 * ln(1 - drawn(hash($part, v), session_at, 'events'))))::INTEGER AS events FROM began;

CREATE OR REPLACE TEMP TABLE happened AS
WITH planned AS (
    SELECT v, j, session_at, unnest(range(events)) AS i FROM visit
), kinds AS (
    SELECT *, CASE WHEN i = 0 THEN 0 ELSE 5000 + least(300000, floor(-45000 * ln(1 - drawn(hash($part, v), session_at, i))))::BIGINT END AS span,
        CASE WHEN i = 0 THEN 0 ELSE hash($part, v, session_at + i) % 100 END AS kind
    FROM planned
), timed AS (
    SELECT *, session_at + sum(span) OVER visit AS ts, count(*) FILTER (WHERE kind < 86) OVER visit AS views,
        last_value(CASE WHEN kind < 86 THEN page_of($part, v, session_at, i) END IGNORE NULLS) OVER visit AS page
    FROM kinds WINDOW visit AS (PARTITION BY v, session_at ORDER BY i)
)
SELECT v, j, session_at, i, span, kind, ts::BIGINT AS ts, views, page,
    CASE WHEN i > 0 AND kind < 86 THEN lag(page) OVER (PARTITION BY v ORDER BY ts) END AS prev_page,
    coalesce(lag(ts) OVER (PARTITION BY v ORDER BY ts), 0)::BIGINT AS prev_at
FROM timed;

-- What servers tell of: one visit in fifty is followed by a payment, one in two hundred by a goal.
CREATE OR REPLACE TEMP TABLE told AS
SELECT v, j, session_at, session_at + 60000 * (1 + hash($part, v, 'told') % 80)::BIGINT AS ts, hash($part, v, session_at) % 200 AS kind
FROM visit WHERE hash($part, v, session_at) % 200 < 5;

CREATE OR REPLACE TEMP TABLE made AS
SELECT v, j, session_at, ts, prev_at,
    CASE WHEN kind < 86 THEN 1 WHEN kind < 94 THEN 2 WHEN kind < 98 THEN 4 ELSE 3 END AS type,
    CASE WHEN kind < 86 THEN views ELSE 0 END AS view_no, span,
    host_of($part, page) AS host, path_of(page) AS path, host_of($part, prev_page) AS prev_host, path_of(prev_page) AS prev_path,
    CASE WHEN kind BETWEEN 86 AND 93 THEN 'goal_' || floor(12 * pow(drawn(v, ts, 'goal'), 2))::INTEGER
        WHEN kind BETWEEN 94 AND 97 THEN 'https://partner' || hash(v, ts, 'link') % 200 || '.example/offer' END AS name,
    CASE WHEN kind BETWEEN 86 AND 93 THEN '{"plan":"' || picked(['free', 'pro', 'team'], v, ts, 'plan') || '"}' END AS properties,
    NULL::BIGINT AS amount, NULL AS currency
FROM happened
UNION ALL
SELECT v, j, session_at, ts, ts, CASE WHEN kind = 4 THEN 6 ELSE picked([11, 11, 10, 12, 12, 12, 13], v, ts, 'kind') END, 0, 0,
    NULL, NULL, NULL, NULL, CASE WHEN kind = 4 THEN 'trial_began' END, CASE WHEN kind = 4 THEN '{"metadata":{"seats":"3"}}' END,
    CASE WHEN kind < 4 THEN picked([900, 1900, 4900, 9900], v, ts, 'amount') END,
    CASE WHEN kind < 4 THEN picked(['USD', 'USD', 'USD', 'EUR'], v, ts, 'currency') END
FROM told;
UPDATE made SET amount = -amount WHERE type = 13;

-- One visitor in four is known, and some people have two visitors; of these, a few are somebody else from their second visit on.
CREATE OR REPLACE TEMP TABLE origin AS
SELECT v, session_at, page_of($part, v, session_at, 0) AS entry,
    CASE WHEN v % 4 = 0 THEN (hash($part, 'person', v // 5 + CASE WHEN v % 200 = 0 AND j > 1 THEN 1 ELSE 0 END) >> 1)::BIGINT
        ELSE (hash($part, 'visitor', v) >> 1)::BIGINT END AS person,
    (hash($part, 'visitor', v) >> 1)::BIGINT AS visitor,
    hash(v, session_at, 'source') % 100 AS source_kind,
    floor(300 * pow(drawn(v, session_at, 'referrer'), 3))::INTEGER AS site,
    hash(v, session_at, 'campaign') % 40 AS campaign,
    picked(['US', 'US', 'US', 'US', 'US', 'US', 'DE', 'DE', 'DE', 'GB', 'GB', 'FR', 'FR', 'IN', 'IN', 'IN', 'NL', 'CA', 'CA', 'BR',
        'ES', 'IT', 'PL', 'JP', 'AU', 'SE', 'CH', 'AT', 'MX', 'ID'], $part, v, 'country') AS country,
    floor(12 * pow(drawn($part, v, 'region'), 2))::INTEGER AS region,
    floor(30 * pow(drawn($part, v, 'city'), 2))::INTEGER AS city,
    picked(['mobile', 'mobile', 'mobile', 'mobile', 'mobile', 'desktop', 'desktop', 'desktop', 'desktop', 'tablet'], $part, v, 'device') AS device,
    picked(['Chrome', 'Chrome', 'Chrome', 'Chrome', 'Chrome', 'Safari', 'Safari', 'Mobile Safari', 'Firefox', 'Edge'], $part, v, 'browser') AS browser,
    picked(['Windows', 'Windows', 'Mac OS', 'iOS', 'iOS', 'Android', 'Android', 'Linux'], $part, v, 'os') AS os
FROM visit;

INSERT INTO event_row BY NAME
SELECT $website AS website, ts, visitor, person, session_at, prev_at, type, view_no, span, host, path, prev_host, prev_path, name, properties, amount, currency,
    CASE WHEN type >= 10 THEN visitor END AS then_visitor, CASE WHEN type >= 10 THEN person END AS then_person,
    host_of($part, entry) AS entry_host, path_of(entry) AS entry_path,
    CASE WHEN source_kind >= 70 THEN 'site' || site || '.example' WHEN source_kind >= 45 THEN 'google.com' END AS referrer,
    CASE WHEN source_kind < 12 THEN 'Campaign' WHEN source_kind >= 70 THEN 'Referral' WHEN source_kind >= 45 THEN 'Organic search' ELSE 'Direct' END AS channel,
    CASE WHEN source_kind < 12 THEN picked(['newsletter', 'google', 'x', 'partner'], campaign, 1, 1) END AS utm_source,
    CASE WHEN source_kind < 12 THEN picked(['email', 'cpc', 'social'], campaign, 1, 2) END AS utm_medium,
    CASE WHEN source_kind < 12 THEN 'campaign-' || campaign END AS utm_campaign,
    CASE WHEN source_kind = 12 THEN 'friend-' || campaign END AS ref,
    country, country || '-' || region AS region, 'City ' || country || city AS city, device, browser, '1' || campaign AS version, os
FROM made JOIN origin USING (v, session_at)
ORDER BY ts;
