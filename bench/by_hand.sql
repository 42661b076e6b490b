-- What somebody would write who knows the columns well, for the answers that routes give. Days are those of Berlin; `rows` below stands for a range.

-- name: pageviews a day
SELECT (ts + CASE WHEN ts < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000 AS day, count(*)
FROM event_row WHERE website = $website AND ts >= $since AND ts < $until AND type = 1 GROUP BY day;

-- name: uniques a day
SELECT (ts + CASE WHEN ts < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000 AS day, count(*)
FROM event_row WHERE website = $website AND ts >= $since AND ts < $until AND type <= 5 AND (prev_at < $since
    OR (prev_at + CASE WHEN prev_at < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000
        < (ts + CASE WHEN ts < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000)
GROUP BY day;

-- name: people a day
SELECT (ts + CASE WHEN ts < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000 AS day, count(DISTINCT person)
FROM event_row WHERE website = $website AND ts >= $since AND ts < $until AND type <= 5 AND (prev_at < $since
    OR (prev_at + CASE WHEN prev_at < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000
        < (ts + CASE WHEN ts < 1792890000000 THEN 7200000 ELSE 3600000 END) // 86400000)
GROUP BY day;

-- name: overview
WITH rows AS NOT MATERIALIZED (SELECT * FROM event_row WHERE website = $website AND ts >= $since AND ts < $until),
seen AS NOT MATERIALIZED (SELECT * FROM rows WHERE type <= 5 AND prev_at < $since)
SELECT (SELECT count(*) FROM seen), (SELECT count(*) FROM seen WHERE prev_at = 0), (SELECT count(DISTINCT person) FROM seen),
    (SELECT count(*) FROM seen WHERE visitor IN (SELECT visitor FROM rows WHERE type IN (10, 11, 12) AND amount > 0)), money.*, walked.*
FROM (SELECT count(*) FILTER (WHERE type <> 13 AND amount > 0), sum(amount) FILTER (WHERE type <> 13), sum(amount) FILTER (WHERE type = 13)
    FROM rows WHERE type >= 10 AND currency = 'USD') AS money, (
    SELECT count(*) FILTER (WHERE prev_at < greatest(session_at, $since)), count(*) FILTER (WHERE prev_at < session_at),
        count(*) FILTER (WHERE view_no = 1 AND session_at >= $since) - count(*) FILTER (WHERE view_no = 2 AND session_at >= $since),
        count(*) FILTER (WHERE type = 1), sum(span)
    FROM rows WHERE type <= 5
) AS walked;

-- name: pages
WITH rows AS NOT MATERIALIZED (SELECT * FROM event_row WHERE website = $website AND ts >= $since AND ts < $until),
spent AS MATERIALIZED (SELECT visitor, count(*) AS payments, sum(amount) AS amount FROM rows WHERE type >= 10 AND currency = 'USD' GROUP BY visitor),
pair AS MATERIALIZED (SELECT hash(host, path) AS page, visitor, arg_min(person, ts) AS person, count(*) AS views FROM rows WHERE type = 1 GROUP BY ALL),
named AS (SELECT hash(host, path) AS page, any_value(host) AS host, any_value(path) AS path FROM rows WHERE type = 1 GROUP BY page),
seen AS (SELECT page, count(*) AS visitors, sum(views) AS views FROM pair GROUP BY page),
known AS (SELECT page, count(*) AS people FROM (SELECT DISTINCT page, person FROM pair) GROUP BY page),
earned AS (SELECT page, sum(payments), sum(amount) FROM pair JOIN spent USING (visitor) GROUP BY page)
SELECT * FROM seen JOIN named USING (page) JOIN known USING (page) LEFT JOIN earned USING (page) ORDER BY visitors DESC, host, path LIMIT 100;

-- name: exit pages
WITH rows AS NOT MATERIALIZED (SELECT * FROM event_row WHERE website = $website AND ts >= $since AND ts < $until),
spent AS MATERIALIZED (SELECT visitor, count(*) AS payments, sum(amount) AS amount FROM rows WHERE type >= 10 AND currency = 'USD' GROUP BY visitor),
left_at AS (SELECT arg_max(hash(host, path), view_no) AS page, arg_max(person, view_no) AS person, visitor, session_at
    FROM rows WHERE type = 1 GROUP BY visitor, session_at),
pair AS MATERIALIZED (SELECT page, visitor, arg_min(person, session_at) AS person, count(*) AS exits FROM left_at GROUP BY ALL),
named AS (SELECT hash(host, path) AS page, any_value(host) AS host, any_value(path) AS path FROM rows WHERE type = 1 GROUP BY page),
seen AS (SELECT page, count(*) AS visitors, sum(exits) AS exits FROM pair GROUP BY page),
known AS (SELECT page, count(*) AS people FROM (SELECT DISTINCT page, person FROM pair) GROUP BY page),
earned AS (SELECT page, sum(payments), sum(amount) FROM pair JOIN spent USING (visitor) GROUP BY page)
SELECT * FROM seen JOIN named USING (page) JOIN known USING (page) LEFT JOIN earned USING (page) ORDER BY visitors DESC, host, path LIMIT 100;

-- name: card
WITH rows AS NOT MATERIALIZED (SELECT * FROM event_row WHERE website = $website AND ts >= $since AND ts < $until),
seen AS NOT MATERIALIZED (SELECT * FROM rows WHERE type <= 5 AND prev_at < $since),
here AS (SELECT {columns}, count(*) AS visitors, count(*) FILTER (WHERE prev_at = 0) AS new, count(DISTINCT person) AS people FROM seen GROUP BY ALL),
paying AS (SELECT {columns}, count(*) AS payers FROM seen
    WHERE visitor IN (SELECT visitor FROM rows WHERE type IN (10, 11, 12) AND amount > 0) GROUP BY ALL),
paid AS (SELECT {columns}, count(*) AS payments, sum(amount) AS amount FROM rows WHERE type >= 10 AND currency = 'USD' GROUP BY ALL)
SELECT * FROM here LEFT JOIN paying ON {paying} LEFT JOIN paid ON {paid} ORDER BY visitors DESC LIMIT 100;

-- name: goals
WITH rows AS NOT MATERIALIZED (SELECT * FROM event_row WHERE website = $website AND ts >= $since AND ts < $until),
spent AS (SELECT visitor, count(*) AS payments, sum(amount) AS amount FROM rows WHERE type >= 10 AND currency = 'USD' GROUP BY visitor),
pair AS MATERIALIZED (SELECT name, visitor, arg_min(person, ts) AS person, count(*) AS times FROM rows WHERE type IN (2, 6) GROUP BY ALL)
SELECT name, count(*) AS visitors, count(DISTINCT person), sum(times), sum(payments), sum(amount)
FROM pair LEFT JOIN spent USING (visitor) GROUP BY name ORDER BY visitors DESC;

-- name: overview, one country
WITH rows AS NOT MATERIALIZED (SELECT * FROM event_row WHERE website = $website AND ts >= $since AND ts < $until AND country = 'DE')
SELECT (SELECT count(DISTINCT visitor) FROM rows WHERE type <= 5), (SELECT count(DISTINCT person) FROM rows WHERE type <= 5),
    (SELECT count(*) FROM event_row WHERE website = $website AND ts >= $since AND ts < $until AND type <= 5 AND prev_at = 0
        AND visitor IN (SELECT visitor FROM rows)),
    (SELECT count(DISTINCT visitor) FROM rows WHERE type IN (10, 11, 12) AND amount > 0), money.*, walked.*
FROM (SELECT count(*), sum(amount) FROM rows WHERE type >= 10 AND currency = 'USD') AS money, (
    SELECT count(*) FILTER (WHERE prev_at < greatest(session_at, $since)), count(*) FILTER (WHERE prev_at < session_at),
        count(*) FILTER (WHERE view_no = 1 AND session_at >= $since) - count(*) FILTER (WHERE view_no = 2 AND session_at >= $since),
        count(*) FILTER (WHERE type = 1), sum(span)
    FROM rows WHERE type <= 5
) AS walked;

-- name: overview, one goal
WITH reached AS MATERIALIZED (
    SELECT DISTINCT visitor FROM event_row WHERE website = $website AND ts >= $since AND ts < $until AND type IN (2, 6) AND name = 'goal_0'
), rows AS MATERIALIZED (
    SELECT visitor, person, type, prev_at, session_at, view_no, span, amount, currency FROM event_row
    WHERE website = $website AND ts >= $since AND ts < $until AND visitor IN (SELECT visitor FROM reached)
)
SELECT count(*) FILTER (WHERE type <= 5 AND prev_at < $since), count(*) FILTER (WHERE prev_at = 0), count(DISTINCT person),
    count(DISTINCT visitor) FILTER (WHERE type IN (10, 11, 12) AND amount > 0), count(*) FILTER (WHERE type >= 10),
    sum(amount) FILTER (WHERE type >= 10 AND currency = 'USD'),
    count(*) FILTER (WHERE type <= 5 AND prev_at < greatest(session_at, $since)), count(*) FILTER (WHERE type <= 5 AND prev_at < session_at),
    count(*) FILTER (WHERE view_no = 1 AND session_at >= $since) - count(*) FILTER (WHERE view_no = 2 AND session_at >= $since),
    count(*) FILTER (WHERE type = 1), sum(span) FILTER (WHERE type <= 5)
FROM rows;

-- name: all cards
WITH rows AS NOT MATERIALIZED (SELECT * FROM event_row WHERE website = $website AND ts >= $since AND ts < $until),
seen AS NOT MATERIALIZED (SELECT * FROM rows WHERE type <= 5 AND prev_at < $since),
here AS (SELECT {columns}, count(*) AS visitors, count(*) FILTER (WHERE prev_at = 0) AS new, count(DISTINCT person) AS people
    FROM seen GROUP BY GROUPING SETS ({sets})),
paying AS (SELECT {columns}, count(*) AS payers FROM seen
    WHERE visitor IN (SELECT visitor FROM rows WHERE type IN (10, 11, 12) AND amount > 0) GROUP BY GROUPING SETS ({sets})),
paid AS (SELECT {columns}, count(*) AS payments, sum(amount) AS amount FROM rows WHERE type >= 10 AND currency = 'USD' GROUP BY GROUPING SETS ({sets}))
SELECT * FROM (SELECT * FROM here UNION ALL BY NAME SELECT * FROM paying UNION ALL BY NAME SELECT * FROM paid) ORDER BY visitors DESC LIMIT 1000;

-- name: funnel
WITH rows AS NOT MATERIALIZED (SELECT * FROM event_row WHERE website = $website AND ts >= $since AND ts < $until),
spent AS MATERIALIZED (SELECT visitor, sum(amount) AS amount FROM rows WHERE type >= 10 AND currency = 'USD' GROUP BY visitor),
first AS MATERIALIZED (SELECT visitor, arg_min(person, ts) AS who, min(ts) AS began FROM rows WHERE type = 1 AND path = '/' GROUP BY visitor),
second AS MATERIALIZED (SELECT visitor, any_value(who) AS who, min(ts) AS began FROM rows JOIN first USING (visitor)
    WHERE ts > first.began AND type = 1 AND path = '/pricing' GROUP BY visitor),
third AS MATERIALIZED (SELECT visitor, any_value(who) AS who, min(ts) AS began FROM rows JOIN second USING (visitor)
    WHERE ts > second.began AND type IN (2, 6) AND name = 'goal_0' GROUP BY visitor)
SELECT count(*), count(DISTINCT who), sum(amount) FROM first LEFT JOIN spent USING (visitor)
UNION ALL SELECT count(*), count(DISTINCT who), sum(amount) FROM second LEFT JOIN spent USING (visitor)
UNION ALL SELECT count(*), count(DISTINCT who), sum(amount) FROM third LEFT JOIN spent USING (visitor);

-- name: retention
WITH first AS (SELECT person, min(ts) AS began FROM event_row WHERE website = $website AND ts < $until AND type <= 5 GROUP BY person),
active AS (SELECT DISTINCT person, (ts + 259200000) // 604800000 AS week FROM event_row
    WHERE website = $website AND ts >= $since AND ts < $until AND type <= 5)
SELECT (began + 259200000) // 604800000 AS cohort, week, count(*) FROM active JOIN first USING (person) WHERE began >= $since GROUP BY ALL;
