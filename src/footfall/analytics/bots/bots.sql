-- name: crawlers(website_id bytes, since int, until int, crawler text, most int, skipped int) -> crawler text, category text, hits int, pages int
-- What crawlers and other bots fetched on some UTC days (days since epoch), the busiest first; `crawler`: one of them in lower case, or empty.
SELECT crawler, category, CAST(sum(hits) AS BIGINT) AS hits, count(DISTINCT page) AS pages FROM (
    SELECT crawler, category, page, hits FROM ai_crawl WHERE website_id = :website_id AND day >= :since AND day < :until
    UNION ALL
    SELECT 'dropped_' || reason, 'dropped', NULL, hits FROM dropped_hit
    WHERE website_id = :website_id AND day >= :since AND day < :until AND reason IN ('bot', 'headless')
) AS fetched WHERE :crawler = '' OR lower(crawler) = :crawler
GROUP BY crawler, category ORDER BY hits DESC, crawler, category LIMIT :most OFFSET :skipped;

-- name: crawlers_total(website_id bytes, since int, until int, crawler text) -> crawlers int, hits int
-- How many of them there were, and how much they fetched.
SELECT count(*) AS crawlers, CAST(coalesce(sum(hits), 0) AS BIGINT) AS hits FROM (
    SELECT crawler, category, sum(hits) AS hits FROM (
        SELECT crawler, category, hits FROM ai_crawl WHERE website_id = :website_id AND day >= :since AND day < :until
        UNION ALL
        SELECT 'dropped_' || reason, 'dropped', hits FROM dropped_hit
        WHERE website_id = :website_id AND day >= :since AND day < :until AND reason IN ('bot', 'headless')
    ) AS fetched WHERE :crawler = '' OR lower(crawler) = :crawler
    GROUP BY crawler, category
) AS one;

-- name: crawl_days(website_id bytes, since int, until int, crawler text) -> day int, hits int
-- How much they fetched on each day on which they fetched anything.
SELECT day, CAST(sum(hits) AS BIGINT) AS hits FROM (
    SELECT day, crawler, hits FROM ai_crawl WHERE website_id = :website_id AND day >= :since AND day < :until
    UNION ALL
    SELECT day, 'dropped_' || reason, hits FROM dropped_hit
    WHERE website_id = :website_id AND day >= :since AND day < :until AND reason IN ('bot', 'headless')
) AS fetched WHERE :crawler = '' OR lower(crawler) = :crawler
GROUP BY day ORDER BY day;

-- name: crawled_pages(website_id bytes, since int, until int, crawler text, most int, skipped int) -> page text, hits int, crawlers int
-- How often each page was fetched by AI crawlers, and by how many of them, the most fetched first.
SELECT page, CAST(sum(hits) AS BIGINT) AS hits, count(DISTINCT crawler) AS crawlers FROM ai_crawl
WHERE website_id = :website_id AND day >= :since AND day < :until AND (:crawler = '' OR lower(crawler) = :crawler)
GROUP BY page ORDER BY hits DESC, page LIMIT :most OFFSET :skipped;

-- name: crawled_total(website_id bytes, since int, until int, crawler text) -> pages int, hits int
-- How many pages were fetched, and how often in all.
SELECT count(DISTINCT page) AS pages, CAST(coalesce(sum(hits), 0) AS BIGINT) AS hits FROM ai_crawl
WHERE website_id = :website_id AND day >= :since AND day < :until AND (:crawler = '' OR lower(crawler) = :crawler);
