// The tracking script. Three flavours are made of this source: lines between "//#if X" and "//#end" are in those that have X.
// cookies: visitor and session ids live in cookies. hash: a change of the address behind "#" is a new page.
(() => {
  "use strict";

  var doc = document, win = window, place = location;
  // A module, or what a tag manager runs, has no current script; tags of others may have our attribute, but not our file.
  var script = doc.currentScript ||
    doc.querySelector('script[data-website-id][src*="/js/' + FLAVOUR + '"]:not([src*="//datafa.st/"])') ||
    doc.querySelector("script[data-website-id][data-domain]");
  if (!script || (win.datafast && win.datafast.isFootfall)) return;

  function setting(name) {
    return (script.getAttribute("data-" + name) || "").trim();
  }

  function isOn(name) {
    return script.hasAttribute("data-" + name) && setting(name) !== "false";
  }

  var websiteId = setting("website-id");
  var given = setting("domain").toLowerCase();
  var domain = hostOf(given);
  var root = domain.replace(/^www\./, "");
  var friends = setting("allowed-hostnames").split(/[\s,]+/).filter(Boolean).concat(root).map(hostOf);
  var isLocal = /^((.*\.)?localhost|127(\.\d+){3}|\[?::1\]?)$/.test(place.hostname);

  function say(text, done) {
    if (!isOn("disable-console")) console.warn("Footfall: " + text);
    if (done) done(0);
  }

  function parse(address) {
    try { return new URL(address, doc.baseURI); } catch (error) { return {}; }
  }

  function parameter(name) {
    return new URLSearchParams(place.search).get(name);
  }

  // The host of "https://foo.io/", "*.foo.io" or "münchen.de", as the address of a page has it.
  function hostOf(text) {
    text = text.replace(/^([a-z-]+:\/\/)?(\*\.)?/i, "");
    return parse("http://" + text).hostname || text;
  }

  // Where events go: where the script came from, under the same prefix, unless the page says otherwise.
  function findEndpoint() {
    var given = setting("api-url");
    var from = new URL(given || script.src || "/", place.href);
    if (given && from.pathname !== "/") return from.href;
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
    return ("." + host).endsWith("." + name);
  }

  // Whether the page and a host share their cookies.
  function isHome(host) {
    return host === place.hostname || (isUnder(host, root) && (isLocal || isUnder(place.hostname, root)));
  }

  function isFriend(host) {
    return friends.some(name => isUnder(host, name));
  }

  //#if cookies
  // Of each cookie the name, the seconds it lives (31536000 is a year), and its name and form in links between our domains, as the SDK has them.
  var VISITOR = ["datafast_visitor_id", 31536000, "_df_vid", /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i];
  var SESSION = ["datafast_session_id", 30 * 60, "_df_sid", /^s[0-9a-f-]{36}$/i];
  var SEEN = ["datafast_visitor_first_seen_at", 31536000, "_df_vfs", /^\d{4}-[\dTZ.:-]+$/];
  var COUNT = ["datafast_visitor_session_count", 31536000, "_df_vsn", /^\d{1,6}$/];
  var KNOWN = ["footfall_identified", 31536000, "_df_known", /^1$/]; // a page or the server said who the visitor is
  var COOKIES = [VISITOR, SESSION, SEEN, COUNT, KNOWN];
  // Their values from before a link replaced them, until the server has told whether it may: only it knows whom a backend identified.
  var BEFORE = ["footfall_replaced", 31536000, "", /_/];

  var home = !isLocal && isUnder(place.hostname, root) ? "; domain=." + root : "";
  var memory = {}; // what this page wrote, by the name of the cookie

  function store(key, value) {
    try { sessionStorage.setItem(key, value); } catch (error) { /* then not */ }
  }

  function newId() {
    return "........-....-4...-8...-............".replace(/\./g, () => (crypto.getRandomValues(new Uint8Array(1))[0] & 15).toString(16));
  }

  // All of one name: those of this host, of the domain and of domains above it. None where the page is sandboxed, which throws.
  function valuesOf(cookie) {
    var start = cookie[0] + "=", text = "";
    try { text = doc.cookie; } catch (error) { /* none */ }
    return text.split("; ").filter(pair => pair.indexOf(start) === 0).map(pair => unescape(pair.slice(start.length)));
  }

  // An empty value takes it away.
  function bake(cookie, value, where) {
    var secure = place.protocol === "https:" ? "; secure" : "";
    try {
      doc.cookie = cookie[0] + "=" + value + "; path=/; max-age=" + (value === "" ? 0 : cookie[1]) + "; samesite=lax" + where + secure;
    } catch (error) { /* memory has it */ }
  }

  function writeCookie(cookie, value) {
    memory[cookie[0]] = "" + value;
    bake(cookie, value, home);
  }

  // Of several, ours is the one that is gone once we take it away. One of this host alone goes for good: backends might read it instead.
  function pickCookie(cookie, good) {
    bake(cookie, "", home);
    var others = valuesOf(cookie);
    var ours = good.filter(value => others.indexOf(value) < 0)[0] || good[0];
    bake(cookie, "", "");
    if (ours) writeCookie(cookie, ours);
    return ours;
  }

  // Empty when the cookie is not there, or holds what it should not. Where no cookies are kept, they last as long as the page.
  function readCookie(cookie) {
    var all = valuesOf(cookie), mine = memory[cookie[0]];
    var good = all.filter(value => cookie[3].test(value));
    var value = all.length < 2 ? good[0] : good.indexOf(mine) < 0 ? pickCookie(cookie, good) : mine;
    return value || (valuesOf(VISITOR)[0] ? "" : mine) || "";
  }

  function writeCookies(values) {
    COOKIES.forEach((cookie, i) => { writeCookie(cookie, cookie[3].test(values[i]) ? values[i] : ""); });
  }

  function visitorId() {
    var id = readCookie(VISITOR);
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

  function forget() {
    COOKIES.concat([BEFORE]).forEach(cookie => {
      writeCookie(cookie, "");
      bake(cookie, "", "");
      for (var host = place.hostname; host; host = host.replace(/^[^.]*\.?/, "")) bake(cookie, "", "; domain=." + host);
    });
  }

  // From one of our domains to another

  // An address without our fields; what others put there stays as it is, to the byte.
  function cut(address) {
    return address.replace(/([?&])(_df_(vid|sid|vfs|vsn|known|at)=[^&#]*(&|(?=#)|$))+/g, (fields, mark) => fields.endsWith("&") ? mark : "");
  }

  // A link decides who somebody is only when it comes from one of our domains, is new, and they were not identified before.
  function adoptIds() {
    var address = cut(place.href), at = parameter("_df_at"), ids = COOKIES.map(cookie => parameter(cookie[2]));
    if (address === place.href) return;
    try { history.replaceState(history.state, "", address); } catch (error) { /* then it stays */ }
    if (at && !(Math.abs(Date.now() - at) <= 120000)) return; // links of the SDK tell no time
    if (!VISITOR[3].test(ids[0]) || !isFriend(hostOf(doc.referrer)) || readCookie(KNOWN)) return;
    var before = COOKIES.map(readCookie);
    // They come back only when the visitor is known. So the last value, empty until now, becomes 1.
    if (before[0] && before[0] !== ids[0] && !readCookie(BEFORE)) writeCookie(BEFORE, before.join("_") + 1);
    writeCookies(ids);
  }

  function idFields() {
    visitorId();
    sessionId();
    return COOKIES.filter(readCookie).map(cookie => cookie[2] + "=" + readCookie(cookie)).concat("_df_at=" + Date.now());
  }

  // Of each provider the addresses of its checkout links, and the parameter that its webhooks tell again.
  var CHECKOUTS = [
    [/^(buy|book|donate)\.stripe\.com\/./, "client_reference_id"],
    [/^[\w-]+\.lemonsqueezy\.com\/(checkout\/)?buy\/./, "checkout[custom][datafast_visitor_id]"],
    [/^(buy\.polar\.sh|(sandbox-)?api\.polar\.sh\/v1\/checkout-links)\/./, "reference_id"],
    [/^(test\.)?checkout\.dodopayments\.com\/buy\/./, "metadata_datafast_visitor_id"]
  ];

  function checkoutFields(address) {
    return CHECKOUTS.filter(checkout => checkout[0].test(address.hostname + address.pathname) && !address.searchParams.has(checkout[1]))
      .map(checkout => checkout[1] + "=" + visitorId());
  }

  // What an address takes along: our ids to another of our domains, the visitor to a checkout that has no such value yet.
  function fieldsFor(address) {
    if (!/^https?:$/.test(address.protocol) || isHome(address.hostname)) return [];
    return isFriend(address.hostname) ? idFields() : isOn("disable-payments") ? [] : checkoutFields(address);
  }

  function withFields(address, fields) {
    address = cut(address.href);
    return address.replace(/#.*|$/, hash => (/^[^#]*\?/.test(address) ? "&" : "?") + fields.join("&") + hash);
  }

  // Only while the browser follows it: an address that is copied later has no ids.
  function lend(element, name, value) {
    var before = element.getAttribute(name);
    element.setAttribute(name, value);
    setTimeout(() => {
      if (element.getAttribute(name) !== value) return; // the page gave it another meanwhile
      if (before === null) element.removeAttribute(name);
      else element.setAttribute(name, before);
    });
  }

  function handOver(link, address) {
    var fields = fieldsFor(address);
    if (fields[0]) lend(link, link.hasAttribute("href") ? "href" : "xlink:href", withFields(address, fields));
    if (!isFriend(address.hostname)) return;
    lend(link, "referrerpolicy", "origin");
    lend(link, "rel", (link.getAttribute("rel") || "").replace(/noreferrer/gi, "noopener"));
  }

  // The fields of a form that is sent by GET replace the query of its address.
  function onSubmit(event) {
    var form = event.target, by = event.submitter || form, name = by.hasAttribute("formaction") ? "formaction" : "action";
    var holder = by.hasAttribute("formaction") ? by : form, address = parse(holder.getAttribute(name));
    var fields = event.defaultPrevented ? [] : fieldsFor(address);
    if (!fields[0]) return;
    if (/post/i.test(by.getAttribute("formmethod") || form.getAttribute("method"))) lend(holder, name, withFields(address, fields));
    else form.addEventListener("formdata", made => {
      fields.map(field => field.split("=")).forEach(field => made.formData.has(field[0]) || made.formData.append(...field));
    }, { once: true });
  }

  // What a page does with `location`, where the browser tells of it.
  function onNavigate(event) {
    var address = parse(event.destination.url);
    if (!event.cancelable || event.formData || event.downloadRequest != null || /[?&]_df_vid=/.test(address.href)) return;
    var fields = fieldsFor(address);
    if (!fields[0]) return;
    event.preventDefault();
    place[event.navigationType === "replace" ? "replace" : "assign"](withFields(address, fields));
  }
  //#end

  function clickIds() {
    var found;
    "gclid gclsrc wbraid gbraid li_fat_id fbclid msclkid ttclid twclid".split(" ").forEach(name => {
      if (parameter(name)) (found = found || {})[name] = parameter(name);
    });
    return found;
  }

  var from = doc.referrer, lastUrl = "", lastAt = Date.now(), left;

  async function post(body, keepalive) {
    return fetch(endpoint, { method: "POST", body: JSON.stringify(body), keepalive, credentials: "omit" });
  }

  function send(type, extra, done) {
    // Who comes back to a page that rested does not come from where they once came from.
    if (lastUrl && Date.now() - lastAt > 29 * 60000) from = lastUrl;
    lastAt = Date.now();
    //#if cookies
    var before = readCookie(BEFORE).split("_");
    //#end
    var body = {
      websiteId,
      domain,
      type,
      href: place.href,
      referrer: from || null,
      viewport: { width: win.innerWidth, height: win.innerHeight },
      language: navigator.language,
      maxTouchPoints: navigator.maxTouchPoints,
      webdriver: navigator.webdriver || undefined,
      script: FLAVOUR,
      adClickIds: clickIds(),
      extraData: extra,
      //#if cookies
      visitorId: visitorId(),
      sessionId: sessionId(),
      replaces: before[0] || undefined
      //#else
      cookieless: true
      //#end
    };
    // Without a content type of its own it needs no preflight. keepalive lets it outlive the page. Browsers allow a page 64 KiB of that
    // and refuse the rest at once; what fails later, or since the page is left, may have arrived, and is not sent again.
    var late;
    setTimeout(() => { late = true; }, 50);
    post(body, true).catch(() => late || left ? 0 : post(body, false)).then(response => response.json().catch(() => ({})).then(answer => {
      var why = answer.dropped;
      //#if cookies
      if (response.status === 200 && readCookie(VISITOR) === body.visitorId) {
        writeCookie(SESSION, body.sessionId);
        if (type === "identify" && !why) writeCookie(KNOWN, 1);
        if (body.replaces && !why) {
          writeCookie(BEFORE, "");
          if (answer.visitorId) writeCookies(before);
        }
      }
      //#end
      if (why) say(type + " dropped: " + why);
      return response.status;
    })).catch(() => {
      say(type + " not sent");
      return 0;
    }).then(done);
  }

  // Pages

  var lastPage = null, waiting = 0;

  function pageKey() {
    //#if hash
    return place.pathname + place.hash;
    //#else
    return place.pathname;
    //#end
  }

  function pageview() {
    clearTimeout(waiting);
    waiting = 0;
    lastPage = pageKey();
    from = lastUrl || from;
    lastUrl = place.href;
    lastAt = Date.now();
    //#if cookies
    var last = (stored("sessionStorage", "footfall_page") || "").split(" "); // time and address
    if (last[1] === place.href && Math.abs(Date.now() - last[0]) < 60000) return;
    store("footfall_page", Date.now() + " " + place.href);
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
    if (win.navigation && navigation.addEventListener) {
      navigation.addEventListener("currententrychange", event => { if (event.navigationType === "push") onNavigation(); });
      //#if cookies
      navigation.addEventListener("navigate", onNavigate);
      //#end
    }
    //#if cookies
    win.addEventListener("submit", onSubmit);
    //#end
    win.addEventListener("pagehide", () => {
      left = true;
      if (waiting) pageview();
    });
    win.addEventListener("pageshow", event => {
      left = false;
      if (event.persisted) pageview();
    });
  }

  // Goals

  function clean(value) {
    return String(value).slice(0, 255).replace(/[<>'"&]/g, "").replace(/(java|vb)script:|data:|on\w+\s*=/gi, "").trim();
  }

  var NAME = /^[a-z0-9_-]{1,64}$/i;

  function goal(name, parameters, done) {
    var extra = { eventName: name }, names = Object.keys(parameters);
    if (!NAME.test(name)) return say("bad name: " + name, done);
    if (/^(identify|payment)$/i.test(name)) return say(name + " is reserved", done);
    if (names.length > 10) return say("more than 10 parameters", done);
    for (var one of names) {
      var key = one.toLowerCase();
      if (!NAME.test(key)) return say("bad name: " + key, done);
      try { if (key !== "eventname") extra[key] = clean(parameters[one]); } catch (error) { /* what has no text is left out */ }
    }
    send("custom", extra, done);
  }

  // The innermost element of a kind that an event is about, also in open shadow roots.
  function inPath(event, selector) {
    return event.composedPath().find(node => node.matches && node.matches(selector));
  }

  // "data-fast-goal-plan-name" becomes the parameter plan_name.
  function onGoal(event) {
    var marked = inPath(event, "[data-fast-goal]"), found = {};
    if (!marked) return;
    for (var attribute of marked.attributes) {
      var name = attribute.name.split("data-fast-goal-")[1];
      if (name) found[name.replace(/-/g, "_")] = attribute.value;
    }
    goal(marked.getAttribute("data-fast-goal"), found);
  }

  // A click with the right button follows no link. The address of an SVG link is an object.
  function onClick(event) {
    var link = inPath(event, "a[*|href],area[href]");
    if (event.type === "click") onGoal(event);
    if (!link || event.button > 1) return;
    var address = parse(link.href.baseVal || link.href);
    if (!/^https?:$/.test(address.protocol) || isHome(address.hostname)) return;
    if (!isFriend(address.hostname)) send("external_link", { url: address.href, text: clean(link.textContent) });
    //#if cookies
    handOver(link, address);
    //#end
  }

  // Enter and Space click buttons and links by themselves; other elements need our help.
  function onKey(event) {
    if ((event.key !== "Enter" && event.key !== " ") || event.repeat) return;
    if (!inPath(event, "a[*|href],button,input,select,textarea,summary")) onGoal(event);
  }

  // Scroll goals: once for each element and page, when enough of it has been in view for long enough.

  var watched = new WeakSet();

  function numberOf(element, name, otherwise, most) {
    var number = parseFloat(element.getAttribute("data-fast-scroll-" + name));
    return isNaN(number) ? otherwise : Math.max(0, Math.min(most, number));
  }

  function scrolled() {
    var height = doc.documentElement.scrollHeight - win.innerHeight;
    return height > 0 ? Math.min(100, Math.round((win.scrollY / height) * 100)) : 100;
  }

  function watchScrolls() {
    doc.querySelectorAll("[data-fast-scroll]").forEach(element => {
      if (watched.has(element)) return;
      watched.add(element);
      watchScroll(element, numberOf(element, "threshold", 0.5, 1), numberOf(element, "delay", 0, Infinity));
    });
  }

  function watchScroll(element, threshold, delay) {
    var timer = 0;
    var observer = new IntersectionObserver(entries => {
      var last = entries.pop();
      clearTimeout(timer);
      if (!last.isIntersecting || last.intersectionRatio < threshold) return;
      timer = setTimeout(() => {
        observer.disconnect();
        goal(element.getAttribute("data-fast-scroll"), { scroll_percentage: scrolled(), threshold, delay });
      }, delay);
    }, { threshold });
    observer.observe(element);
  }

  // Payments whose provider came back to this page with an id in the address; each is told once a tab.

  function payments() {
    ["stripe_session_id", "polar_checkout_id", "lemonsqueezy_order_id"].forEach(name => {
      var id = parameter(name.replace(/^[a-z]*_/, ""));
      if (!id || (/session/.test(name) && !/^cs_/.test(id))) return;
      //#if cookies
      var key = "footfall_payment_" + name + id;
      if (stored("sessionStorage", key)) return;
      store(key, 1);
      //#end
      send("payment", { [name]: id });
    });
  }

  // What pages call

  // What JSON would turn into null, and so erase what is stored: NaN, invalid dates. And what it refuses: BigInt.
  function leaveOut(key, value) {
    return typeof value === "bigint" || (typeof value === "number" && !isFinite(value)) || (value === null && this[key] !== null) ? undefined : value;
  }

  // A copy without the fields that cannot be sent, such as circles and windows.
  function sendable(fields) {
    var copy = {};
    Object.keys(fields).forEach(key => {
      try { copy[key] = JSON.parse(JSON.stringify(fields[key], leaveOut)); } catch (error) { /* this is one */ }
    });
    return copy;
  }

  function call(name, given, done) {
    var id = given.user_id;
    if (silent) {
      done(0);
    } else if (name === "identify") {
      if (!id) return say("identify needs user_id", done);
      if (!/string|bigint/.test(typeof id) && !(id === Number(id) && Math.abs(id) < 2 ** 53))
        return say("user_id must be a text, or a number below 2^53", done);
      send(name, Object.assign({ name: "", image: "" }, sendable(given), { user_id: String(id) }), done);
    } else if (name === "payment") {
      if (!given.email) return say("payment needs email", done);
      send(name, sendable(given), done);
    } else if (name === "reset") {
      //#if cookies
      forget();
      store("footfall_page", "");
      visitorId();
      //#end
      done(0);
    } else {
      goal(String(name || ""), given, done);
    }
  }

  function start() {
    if (/[*:\/]/.test(given) || !(isLocal || isFriend(place.hostname || root))) say("data-domain should be the website's host name, not " + given);
    //#if cookies
    adoptIds();
    //#end
    followNavigation();
    doc.addEventListener("keydown", onKey, true);
    doc.addEventListener("click", onClick, true);
    doc.addEventListener("auxclick", onClick, true);
    pageview();
    watchScrolls();
    var later = 0;
    new MutationObserver(() => {
      later = later || setTimeout(() => {
        later = 0;
        watchScrolls();
      }, 200);
    }).observe(doc, { childList: true, subtree: true });
  }

  var queued = (win.datafast && win.datafast.q) || [];
  var silent = whySilent(), endpoint = silent ? "" : findEndpoint();
  if (silent) say("not tracked: " + silent);
  // What a page says wrongly never breaks the page. It may leave in its callback, so that always comes, once, with a status of HTTP; 0 when nothing was sent or no answer came.
  win.datafast = (name, given, done) => {
    if (typeof given === "function") {
      done = given;
      given = 0;
    }
    var answer = status => {
      var then = (done && done.callback) || done;
      done = 0;
      if (typeof then === "function") then({ status });
    };
    try { call(name, given || {}, answer); } catch (error) { say(error, answer); }
  };
  win.datafast.isFootfall = true;
  var run = () => {
    if (!silent) start();
    queued.forEach(args => { win.datafast.apply(null, args); });
  };
  if (doc.prerendering) doc.addEventListener("prerenderingchange", run, { once: true });
  else run();
})();
