// The tracking script. Three flavours are made of this source: lines between "//#if X" and "//#end" are in those that have X.
// cookies: visitor and session ids live in cookies. hash: a change of the address behind "#" is a new page.
(function () {
  "use strict";

  var doc = document, win = window, place = location;
  var script = doc.currentScript || doc.querySelector("script[data-website-id]");
  if (!script || (win.datafast && win.datafast.isFootfall)) return;

  function setting(name) {
    return (script.getAttribute("data-" + name) || "").trim();
  }

  function isOn(name) {
    return script.hasAttribute("data-" + name) && setting(name) !== "false";
  }

  var websiteId = setting("website-id");
  var domain = setting("domain").toLowerCase();
  var root = domain.replace(/^www\./, "");
  var friends = setting("allowed-hostnames").toLowerCase().split(/[\s,]+/).filter(Boolean);
  var isLocal = /^(localhost|127(\.\d+){3}|\[?::1\]?|.*\.localhost)$/.test(place.hostname);

  function say(text) {
    if (!isOn("disable-console") && win.console) console.warn("Footfall: " + text);
  }

  // Where events go: where the script came from, under the same prefix, unless the page says otherwise.
  function findEndpoint() {
    var given = setting("api-url");
    var from = new URL(given || script.src || "/", place.href);
    if (given) return from.pathname === "/" ? from.origin + "/api/events" : from.href;
    var prefix = /^(.*)\/js\/[^/]*$/.exec(from.pathname);
    return from.origin + (prefix ? prefix[1] : "") + "/api/events";
  }

  // Why this page is not tracked; empty when it is.
  function whySilent() {
    if (!websiteId || !domain) return "no data-website-id or data-domain";
    if (place.protocol === "file:") { if (!isOn("allow-file-protocol")) return "file"; }
    else if (isLocal && !isOn("allow-localhost")) return "localhost";
    if (win !== win.top && !isOn("debug")) return "frame";
    return stored(localStore, "datafast_ignore") === "true" ? "opted out" : "";
  }

  // Storage throws where the browser forbids it.
  function localStore() { return localStorage; }
  function stored(store, key) {
    try { return store().getItem(key); } catch (error) { return null; }
  }

  function isUnder(host, name) {
    return host === name || host.slice(-name.length - 1) === "." + name;
  }

  function isFriend(host) {
    return friends.some(function (name) { return isUnder(host, name.replace(/^\*\./, "")); });
  }

  //#if cookies
  var UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  var SESSION = 30 * 60, YEAR = 365 * 86400;

  function tabStore() { return sessionStorage; }
  function store(key, value) {
    try { sessionStorage.setItem(key, value); } catch (error) { /* then not */ }
  }

  function newId() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    var hex = Array.from(bytes, function (byte) { return (byte + 256).toString(16).slice(1); }).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  function readCookie(name) {
    var found = doc.cookie.split("; ").filter(function (pair) { return pair.indexOf(name + "=") === 0; })[0];
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
  }

  function writeCookie(name, value, seconds) {
    var where = !isLocal && isUnder(place.hostname, root) ? "; domain=." + root : "";
    var secure = place.protocol === "https:" ? "; secure" : "";
    doc.cookie = name + "=" + encodeURIComponent(value) + "; path=/; max-age=" + seconds + "; samesite=lax" + where + secure;
  }

  var memory = {}; // where cookies are refused, ids last as long as the page
  function visitorId() {
    var id = readCookie("datafast_visitor_id") || memory.visitor;
    if (!UUID.test(id)) {
      id = newId();
      writeCookie("datafast_visitor_first_seen_at", new Date().toISOString(), YEAR);
      writeCookie("datafast_visitor_session_count", "0", YEAR);
    }
    writeCookie("datafast_visitor_id", (memory.visitor = id), YEAR);
    return id;
  }

  function sessionId() {
    var id = readCookie("datafast_session_id");
    if (!id) {
      id = memory.session || "s" + newId();
      var count = parseInt(readCookie("datafast_visitor_session_count"), 10) || 0;
      writeCookie("datafast_visitor_session_count", String(count + 1), YEAR);
      writeCookie("datafast_session_id", id, SESSION);
    }
    return id;
  }

  // Ids that another of our domains handed over in the link; they leave the address before the page is counted.
  function adoptIds() {
    var address = new URL(place.href), query = address.searchParams;
    var visitor = query.get("_df_vid"), session = query.get("_df_sid");
    if (visitor === null && session === null) return;
    if (UUID.test(visitor || "")) writeCookie("datafast_visitor_id", (memory.visitor = visitor.toLowerCase()), YEAR);
    if (/^s/.test(session || "") && UUID.test(session.slice(1))) writeCookie("datafast_session_id", session, SESSION);
    query.delete("_df_vid");
    query.delete("_df_sid");
    history.replaceState(history.state, "", address.href);
  }

  function handOver(link) {
    var address = new URL(link.href);
    address.searchParams.set("_df_vid", visitorId());
    address.searchParams.set("_df_sid", sessionId());
    link.href = address.href;
  }
  //#end

  var CLICK_IDS = ["gclid", "gclsrc", "wbraid", "gbraid", "li_fat_id", "fbclid", "msclkid", "ttclid", "twclid"];

  function clickIds() {
    var query = new URLSearchParams(place.search), found;
    CLICK_IDS.forEach(function (name) {
      if (query.get(name)) (found = found || {})[name] = query.get(name);
    });
    return found;
  }

  function send(type, extra, done) {
    var body = {
      websiteId: websiteId,
      domain: domain,
      type: type,
      href: place.href,
      referrer: doc.referrer || null,
      viewport: { width: win.innerWidth, height: win.innerHeight },
      language: navigator.language,
      script: FLAVOUR,
      adClickIds: clickIds(),
      extraData: extra
    };
    //#if cookies
    body.visitorId = visitorId();
    body.sessionId = sessionId();
    //#else
    body.cookieless = true;
    //#end
    if (navigator.webdriver) body.webdriver = true;
    // Without a content type of its own it needs no preflight; keepalive lets it outlive the page.
    fetch(endpoint, { method: "POST", body: JSON.stringify(body), keepalive: true, credentials: "omit" }).then(function (answer) {
      //#if cookies
      if (answer.status === 200 && readCookie("datafast_visitor_id") === body.visitorId) writeCookie("datafast_session_id", body.sessionId, SESSION);
      //#end
      var why = answer.headers.get("x-footfall-dropped");
      if (why) say(type + " dropped: " + why);
      if (done) done({ status: answer.status });
    }, function () {
      if (done) done({ status: 0 });
    });
  }

  // Pages

  var lastPage = null, waiting = 0;

  function pageKey() {
    var key = place.pathname;
    //#if hash
    key += place.hash;
    //#end
    return key;
  }

  function pageview() {
    clearTimeout(waiting);
    waiting = 0;
    lastPage = pageKey();
    //#if cookies
    var state = {};
    try { state = JSON.parse(stored(tabStore, "datafast_pageview_state")) || {}; } catch (error) { /* as if there were none */ }
    if (state.url === place.href && Date.now() - state.time < 60000) return;
    store("datafast_pageview_state", JSON.stringify({ time: Date.now(), url: place.href }));
    //#end
    send("pageview");
    if (!isOn("disable-payments")) payments();
    watchScrolls();
  }

  function onNavigation() {
    if (pageKey() === lastPage) return;
    clearTimeout(waiting);
    waiting = setTimeout(pageview, 100);
  }

  function followNavigation() {
    var push = history.pushState;
    history.pushState = function () {
      push.apply(this, arguments);
      onNavigation();
    };
    win.addEventListener("popstate", onNavigation);
    //#if hash
    win.addEventListener("hashchange", onNavigation);
    //#end
    win.addEventListener("pagehide", function () { if (waiting) pageview(); });
    win.addEventListener("pageshow", function (event) { if (event.persisted) pageview(); });
  }

  // Goals

  function clean(value) {
    return String(value).slice(0, 255).replace(/[<>'"&]/g, "").replace(/(java|vb)script:|data:|on\w+\s*=/gi, "").trim();
  }

  var NAME = /^[a-z0-9_-]{1,64}$/i;
  var BAD_NAME = "names have 1 to 64 of a-z, 0-9, _ and -, not ";

  function goal(name, parameters, done) {
    var extra = { eventName: name }, names = Object.keys(parameters || {});
    if (!NAME.test(name)) return say(BAD_NAME + name);
    if (names.length > 10) return say("more than 10 parameters");
    for (var i = 0; i < names.length; i++) {
      var key = names[i].toLowerCase();
      if (!NAME.test(key)) return say(BAD_NAME + key);
      if (key !== "eventname") extra[key] = clean(parameters[names[i]]);
    }
    send("custom", extra, done);
  }

  // "data-fast-goal-plan-name" becomes the parameter plan_name.
  function onGoal(target) {
    var marked = target.closest("[data-fast-goal]"), found = {};
    if (!marked) return;
    Array.from(marked.attributes).forEach(function (attribute) {
      var name = attribute.name.split("data-fast-goal-")[1];
      if (name) found[name.replace(/-/g, "_")] = attribute.value;
    });
    goal(marked.getAttribute("data-fast-goal"), found);
  }

  function onClick(event) {
    var target = event.target.closest && event.target;
    if (!target) return;
    var link = target.closest("a[href]");
    if (event.type !== "auxclick") onGoal(target);
    if (link && /^https?:$/.test(link.protocol)) onLink(link);
  }

  function onLink(link) {
    var host = link.hostname;
    if (host === place.hostname || isUnder(host, root)) return;
    if (isFriend(host)) {
      //#if cookies
      handOver(link);
      //#end
      return;
    }
    send("external_link", { url: link.href, text: clean(link.textContent) });
  }

  // Enter and Space click buttons and links by themselves; other elements need our help.
  function onKey(event) {
    var target = event.target;
    if ((event.key !== "Enter" && event.key !== " ") || event.repeat || !target.closest) return;
    if (target.closest("a[href],button,input,select,textarea,summary")) return;
    onGoal(target);
  }

  // Scroll goals: once for each element and page, when enough of it has been in view for long enough.

  var watched = new WeakSet();

  function numberOf(element, name, otherwise) {
    var number = parseFloat(element.getAttribute("data-fast-scroll-" + name));
    return isNaN(number) ? otherwise : number;
  }

  function scrolled() {
    var height = doc.documentElement.scrollHeight - win.innerHeight;
    return height > 0 ? Math.min(100, Math.round((win.scrollY / height) * 100)) : 100;
  }

  function watchScrolls() {
    doc.querySelectorAll("[data-fast-scroll]").forEach(function (element) {
      if (watched.has(element)) return;
      watched.add(element);
      watchScroll(element, Math.min(1, Math.max(0, numberOf(element, "threshold", 0.5))), Math.max(0, numberOf(element, "delay", 0)));
    });
  }

  function watchScroll(element, threshold, delay) {
    var timer = 0;
    var observer = new IntersectionObserver(function (entries) {
      var last = entries.pop();
      clearTimeout(timer);
      if (!last.isIntersecting || last.intersectionRatio < threshold) return;
      timer = setTimeout(function () {
        observer.disconnect();
        goal(element.getAttribute("data-fast-scroll"), { scroll_percentage: scrolled(), threshold: threshold, delay: delay });
      }, delay);
    }, { threshold: threshold });
    observer.observe(element);
  }

  // Payments whose provider came back to this page with an id in the address; each is told once a tab.

  function payments() {
    var query = new URLSearchParams(place.search);
    ["stripe session", "polar checkout", "lemonsqueezy order"].forEach(function (kind) {
      kind = kind.split(" ");
      var id = query.get(kind[1] + "_id"), extra = {};
      if (!id || (kind[1] === "session" && !/^cs_/.test(id))) return;
      //#if cookies
      var key = "datafast_" + kind[0] + "_payment_sent_" + id;
      if (stored(tabStore, key)) return;
      store(key, "1");
      //#end
      extra[kind.join("_") + "_id"] = id;
      send("payment", extra);
    });
  }

  // What pages call

  function call(name, parameters, done) {
    var given = parameters || {};
    done = typeof done === "function" ? done : done && done.callback;
    if (name === "identify") {
      if (!given.user_id) return say("identify needs user_id");
      send("identify", Object.assign({ name: "", image: "" }, given), done);
    } else if (name === "payment") {
      if (!given.email) return say("payment needs email");
      send("payment", given, done);
    } else if (name === "reset") {
      //#if cookies
      ["datafast_visitor_id", "datafast_session_id", "datafast_visitor_session_count", "datafast_visitor_first_seen_at"].forEach(function (cookie) {
        writeCookie(cookie, "", 0);
      });
      memory = {};
      store("datafast_pageview_state", "");
      visitorId();
      //#end
    } else {
      goal(String(name), given, done);
    }
  }

  function start() {
    //#if cookies
    adoptIds();
    //#end
    followNavigation();
    ["click", "auxclick"].forEach(function (kind) { doc.addEventListener(kind, onClick, true); });
    doc.addEventListener("keydown", onKey, true);
    pageview();
    if (doc.readyState === "loading") doc.addEventListener("DOMContentLoaded", watchScrolls);
    watchScrolls();
    var later = 0;
    new MutationObserver(function () {
      clearTimeout(later);
      later = setTimeout(watchScrolls, 200);
    }).observe(doc, { childList: true, subtree: true });
  }

  var queued = (win.datafast && win.datafast.q) || [];
  var silent = whySilent(), endpoint = silent ? "" : findEndpoint();
  if (silent) say("not tracked: " + silent);
  win.datafast = silent ? function () {} : call;
  win.datafast.isFootfall = true;
  if (silent) return;
  var run = function () {
    start();
    queued.forEach(function (args) { call.apply(null, args); });
  };
  if (doc.prerendering) doc.addEventListener("prerenderingchange", run, { once: true });
  else run();
})();
