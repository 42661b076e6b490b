// A server with the package in front of it: tells of one request, as a middleware does, and prints what the package says.
// node send.mjs API_URL WEBSITE_ID TOKEN URL USER_AGENT
import { createAICrawlerMiddleware, trackAICrawlerRequest } from "@datafast/ai-crawl";

const [apiUrl, websiteId, authToken, url, userAgent] = process.argv.slice(2);
const request = new Request(url, { headers: { "user-agent": userAgent, "x-forwarded-for": "203.0.113.7" } });
const config = { apiUrl, websiteId, authToken: authToken || undefined, timeoutMs: 20000 };
console.log(JSON.stringify(await trackAICrawlerRequest(request, config)));
const waiting = [];
createAICrawlerMiddleware(config)(request, { waitUntil: (task) => waiting.push(task) });
await Promise.all(waiting);
