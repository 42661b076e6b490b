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

  function say(text, done) {
    if (!isOn("disable-console")) console.warn("Footfall: " + text);
    answer(done, 0);
  }

  // A page may leave in its callback, so it always comes. `status`: of HTTP; 0 when nothing was sent or no answer came.
  function answer(done, status) {
    if (done) done({ status: status });
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
    return stored("localStorage", "datafast_ignore") === "true" ? "opted out" : "";
  }

  // Storage throws where the browser forbids it.
  function stored(storage, key) {
    try { return win[storage].getItem(key); } catch (error) { return null; }
  }

  function isUnder(host, name) {
    return host === name || host.slice(-name.length - 1) === "." + name;
  }

  // Whether the page and a host share their cookies.
  function isHome(host) {
    return host === place.hostname || (isUnder(host, root) && (isLocal || isUnder(place.hostname, root)));
  }

  function isFriend(host) {
    return friends.concat(root).some(function (name) { return isUnder(host, name.replace(/^\*\./, "")); });
  }

  //#if cookies
  var YEAR = 365 * 86400;
  // Of each cookie the name, the seconds it lives, and its name and form in links between our domains, as the SDK has them.
  var VISITOR = ["datafast_visitor_id", YEAR, "_df_vid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i];
  var SESSION = ["datafast_session_id", 30 * 60, "_df_sid", /^s[0-9a-f-]{36}$/i];
  var SEEN = ["datafast_visitor_first_seen_at", YEAR, "_df_vfs", /^\d{4}-[\dTZ.:-]+$/];
  var COUNT = ["datafast_visitor_session_count", YEAR, "_df_vsn", /^\d{1,6}$/];
  var COOKIES = [VISITOR, SESSION, SEEN, COUNT];

  function store(key, value) {
    try { sessionStorage.setItem(key, value); } catch (error) { /* then not */ }
  }

  function newId() {
    return "........-....-4...-8...-............".replace(/\./g, function () {
      return (crypto.getRandomValues(new Uint8Array(1))[0] & 15).toString(16);
    });
  }

  // Empty when the cookie is not there, or holds what it should not.
  function readCookie(cookie) {
    var start = cookie[0] + "=";
    var found = doc.cookie.split("; ").filter(function (pair) { return pair.indexOf(start) === 0; })[0] || "";
    var value = unescape(found.slice(start.length)); // which never throws
    return cookie[3].test(value) ? value : "";
  }

  // An empty value takes it away.
  function writeCookie(cookie, value) {
    var where = !isLocal && isUnder(place.hostname, root) ? "; domain=." + root : "";
    var secure = place.protocol === "https:" ? "; secure" : "";
    if (cookie === VISITOR) visitor = value;
    doc.cookie = cookie[0] + "=" + value + "; path=/; max-age=" + (value === "" ? 0 : cookie[1]) + "; samesite=lax" + where + secure;
  }

  var visitor; // where cookies are refused, it lasts as long as the page
  function visitorId() {
    var id = readCookie(VISITOR) || visitor;
    if (!id) {
      id = newId();
      writeCookie(SEEN, new Date().toISOString());
      writeCookie(COUNT, 0);
    }
    writeCookie(VISITOR, id);
    return id;
  }

  function sessionId() {
    var id = readCookie(SESSION);
    if (!id) {
      id = "s" + newId();
      writeCookie(COUNT, +readCookie(COUNT) + 1);
      writeCookie(SESSION, id);
    }
    return id;
  }

  // Ids that another of our domains handed over in the link; they leave the address before the page is counted.
  function adoptIds() {
    var address = new URL(place.href), query = address.searchParams, isFound;
    COOKIES.forEach(function (cookie) {
      var value = query.get(cookie[2]);
      if (value === null) return;
      isFound = true;
      query.delete(cookie[2]);
      if (cookie[3].test(value)) writeCookie(cookie, value);
    });
    if (isFound) history.replaceState(history.state, "", address.href);
  }

  function handOver(link) {
    var address = new URL(link.href), values = [visitorId(), sessionId(), readCookie(SEEN), readCookie(COUNT)];
    COOKIES.forEach(function (cookie, i) { address.searchParams.set(cookie[2], values[i]); });
    link.href = address.href;
  }
  //#end

  var CLICK_IDS = "gclid gclsrc wbraid gbraid li_fat_id fbclid msclkid ttclid twclid".split(" ");

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
    fetch(endpoint, { method: "POST", body: JSON.stringify(body), keepalive: true, credentials: "omit" }).then(function (response) {
      //#if cookies
      if (response.status === 200 && readCookie(VISITOR) === body.visitorId) writeCookie(SESSION, body.sessionId);
      //#end
      var why = response.headers.get("x-footfall-dropped");
      if (why) say(type + " dropped: " + why);
      answer(done, response.status);
    }, function () {
      say(type + " not sent", done);
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
    try { state = JSON.parse(stored("sessionStorage", "datafast_pageview_state")) || {}; } catch (error) { /* as if there were none */ }
    if (state.url === place.href && Math.abs(Date.now() - state.time) < 60000) return;
    store("datafast_pageview_state", JSON.stringify({ time: Date.now(), url: place.href }));
    //#end
    send("pageview");
    if (!isOn("disable-payments")) payments();
  }

  function onNavigation() {
    clearTimeout(waiting);
    waiting = pageKey() === lastPage ? 0 : setTimeout(pageview, 100);
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

  function goal(name, parameters, done) {
    var extra = { eventName: name }, names = Object.keys(parameters || {});
    if (!NAME.test(name)) return say("bad name: " + name, done);
    if (/^(identify|payment)$/i.test(name)) return say(name + " is reserved", done);
    if (names.length > 10) return say("more than 10 parameters", done);
    for (var i = 0; i < names.length; i++) {
      var key = names[i].toLowerCase();
      if (!NAME.test(key)) return say("bad name: " + key, done);
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
    if (link && /^https?:$/.test(link.protocol) && !isHome(link.hostname)) onLink(link, event.button);
  }

  // A click with the right button follows no link, but may be about to open it in a new tab.
  function onLink(link, button) {
    if (isFriend(link.hostname)) {
      //#if cookies
      handOver(link);
      //#end
    } else if (button < 2) send("external_link", { url: link.href, text: clean(link.textContent) });
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
      if (stored("sessionStorage", key)) return;
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
    if (silent) {
      answer(done, 0);
    } else if (name === "identify") {
      if (!given.user_id) return say("identify needs user_id", done);
      send(name, Object.assign({ name: "", image: "" }, given, { user_id: String(given.user_id) }), done);
    } else if (name === "payment") {
      if (!given.email) return say("payment needs email", done);
      send(name, given, done);
    } else if (name === "reset") {
      //#if cookies
      COOKIES.forEach(function (cookie) { writeCookie(cookie, ""); });
      store("datafast_pageview_state", "");
      visitorId();
      //#end
      answer(done, 0);
    } else {
      goal(String(name || ""), given, done);
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
    watchScrolls();
    var later = 0;
    new MutationObserver(function () {
      later = later || setTimeout(function () {
        later = 0;
        watchScrolls();
      }, 200);
    }).observe(doc, { childList: true, subtree: true });
  }

  var queued = (win.datafast && win.datafast.q) || [];
  var silent = whySilent(), endpoint = silent ? "" : findEndpoint();
  if (silent) say("not tracked: " + silent);
  // What a page says wrongly never breaks the page.
  win.datafast = function () {
    try { call.apply(null, arguments); } catch (error) { say(error); }
  };
  win.datafast.isFootfall = true;
  var run = function () {
    if (!silent) start();
    queued.forEach(function (args) { win.datafast.apply(null, args); });
  };
  if (doc.prerendering) doc.addEventListener("prerenderingchange", run, { once: true });
  else run();
})();
