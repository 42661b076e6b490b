// What pages do beyond reading. Each part looks for what it works on, and the page works without it.
(function () {
  "use strict";

  function each(selector, work, root) {
    (root || document).querySelectorAll(selector).forEach(work);
  }

  // An answer that is good. Who was logged out meanwhile comes to the log-in page, and back from there.
  function get(url) {
    return fetch(url).then(function (answer) {
      if (answer.redirected) location.reload();
      if (answer.redirected || !answer.ok) throw new Error("no answer");
      return answer;
    });
  }

  // On a phone the navigation scrolls: to where one is.
  each(".top nav [aria-current]", function (link) {
    link.parentNode.scrollLeft = link.offsetLeft - link.parentNode.offsetLeft - 60;
  });

  // An image of a person that does not come leaves their initials.
  document.addEventListener("error", function (event) {
    if (event.target.matches(".avatar img")) event.target.remove();
  }, true);

  // A tab takes the place of another one in its card; all that leads on from the page keeps it.
  function tab(link) {
    var name = link.dataset.tab, wanted = new URLSearchParams(link.search), value = wanted.get(name) || "";
    link.addEventListener("click", function (event) {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      var card = document.getElementById(name);
      card.setAttribute("aria-busy", "true");
      wanted.set("part", name);
      get("?" + wanted).then(function (answer) { return answer.text(); }).then(function (html) {
        each("main form", function (form) { keep(form); });
        each("main a:not([data-tab=" + name + "])", function (other) {
          if (other.pathname !== location.pathname) return;
          var query = new URLSearchParams(other.search);
          query.set(name, value);
          other.search = query;
        });
        history.replaceState(null, "", link.href);
        renew(card, html).querySelector(".tabs [aria-current]").focus({ preventScroll: true });
      }).catch(function () { location.href = link.href; });
    });
    function keep(form) {
      var field = form.querySelector("[type=hidden][name=" + name + "]") || document.createElement("input");
      field.type = "hidden";
      field.name = name;
      field.value = value;
      form.append(field);
    }
  }

  // Copy buttons. Browsers have no clipboard for pages over plain HTTP; those copy what is selected.
  function copier(button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var code = button.parentNode.querySelector("code");
      if (navigator.clipboard) navigator.clipboard.writeText(code.textContent).then(done);
      else {
        getSelection().selectAllChildren(code);
        if (document.execCommand("copy")) done();
      }
    });
    function done() {
      button.textContent = "Copied";
      setTimeout(function () { button.textContent = "Copy"; }, 1500);
    }
  }

  // What cannot be taken back is asked for once more.
  function asking(form) {
    form.addEventListener("submit", function (event) {
      if (!confirm(form.dataset.confirm)) event.preventDefault();
    });
  }

  // A form that changes one card of the page, which takes the place of the old one: what is typed elsewhere stays.
  function inPlace(form) {
    form.addEventListener("submit", function (event) {
      if (event.defaultPrevented) return;
      event.preventDefault();
      var card = document.getElementById(form.dataset.card);
      card.setAttribute("aria-busy", "true");
      fetch(form.getAttribute("action"), { method: "POST", body: new URLSearchParams(new FormData(form)) }).then(function (answer) {
        return answer.text();
      }).then(function (html) {
        var next = renew(card, html).querySelector("[data-focus], [autofocus]");
        if (next) next.focus();
      }).catch(function () { form.submit(); });
    });
  }

  // A card as another answer shows it, in the place of the old one.
  function renew(card, html) {
    var fresh = new DOMParser().parseFromString(html, "text/html").getElementById(card.id);
    if (!fresh) throw new Error("another page");
    card.replaceWith(fresh);
    enliven(fresh);
    return fresh;
  }

  // "Waiting for the first pageview" turns green by itself.
  function wait(status) {
    if (!status.isConnected) return;
    get(status.dataset.wait).then(function (answer) { return answer.json(); }).then(function (found) {
      if (!found.seen) return setTimeout(wait, 500, status);
      if (status.dataset.renew) return look();
      status.className = "status ok";
      status.querySelector("[data-text]").textContent = status.dataset.there;
    }).catch(function () { setTimeout(wait, 5000, status); });
    // What came may have been refused: the whole card tells, unless somebody types in it.
    function look() {
      var card = document.getElementById(status.dataset.renew);
      if (card.querySelector("input:focus")) return setTimeout(wait, 5000, status);
      return get(location.href).then(function (answer) { return answer.text(); }).then(function (html) { renew(card, html); });
    }
  }

  // What has just been made or asked is where one looks next.
  function enliven(root) {
    each("[data-copy]", copier, root);
    each("form[data-confirm]", asking, root);
    each("form[data-card]", inPlace, root);
    each("[data-wait]", wait, root);
    each("[data-tab]", tab, root);
  }
  enliven(document);
  addEventListener("load", function () { each("[data-focus]", function (box) { box.focus(); }); });

  // To load the answer to a form again is to load the form's page, which sends nothing. What was done is said once.
  (function () {
    var shown = new URL(document.body.dataset.address || location.href, location.href), wasDone = shown.searchParams.has("done");
    if (wasDone) shown.searchParams.delete("done");
    if (wasDone || document.body.dataset.address) history.replaceState(null, "", shown);
  })();

  // Menus close on a click elsewhere, when the focus leaves them, and on Escape.
  document.addEventListener("click", function (event) {
    each("details.menu[open]", function (menu) { if (!menu.contains(event.target)) menu.open = false; });
  });
  each("details.menu", function (menu) {
    menu.addEventListener("focusout", function (event) {
      if (event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
    });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    each("details.menu[open]", function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // A long menu of websites is searched as you type; Enter leads to the first that is left.
  each("[data-find]", function (field) {
    var entries = field.closest("ul").querySelectorAll("[data-name]");
    field.addEventListener("input", function () {
      var wanted = field.value.trim().toLowerCase();
      entries.forEach(function (entry) { entry.hidden = entry.dataset.name.indexOf(wanted) < 0; });
    });
    field.addEventListener("keydown", function (event) {
      var first = field.closest("ul").querySelector("[data-name]:not([hidden]) a");
      if (event.key === "Enter" && first) first.click();
    });
    field.closest("details").addEventListener("toggle", function () { if (this.open) field.focus(); });
  });

  // A chart tells the numbers at the pointer; dragging over some of its parts leads to their range.
  each(".plot", function (plot) {
    var tip = document.createElement("div");
    tip.className = "tip";
    tip.hidden = true;
    plot.append(tip);
    var texts = Array.from(plot.querySelectorAll(".hit title"), textOf); // those of the first drawing come first
    each(".chart", function (chart) {
      var hits = Array.from(chart.querySelectorAll(".hit")), from = -1, to = -1;
      var drawn = chart.insertBefore(document.createElementNS(chart.namespaceURI, "rect"), chart.firstChild);
      drawn.setAttribute("class", "chosen");
      chart.addEventListener("dragstart", function (event) { event.preventDefault(); });
      chart.addEventListener("pointerdown", function (event) {
        if (event.pointerType === "mouse" && event.button === 0) from = hits.indexOf(event.target);
      });
      chart.addEventListener("pointermove", function (event) {
        var at = hits.indexOf(event.target);
        if (at < 0) return;
        to = at;
        if (!event.buttons) from = -1;
        draw(from < 0 ? at : Math.min(from, at), from < 0 ? at : Math.max(from, at));
        tell(at);
      });
      chart.addEventListener("pointerleave", function () {
        tip.hidden = true;
        drawn.setAttribute("width", 0);
      });
      chart.addEventListener("pointerup", function () {
        var first = hits[Math.min(from, to)], last = hits[Math.max(from, to)];
        if (from >= 0 && from !== to && first.parentNode.href) lead(first.parentNode, last.parentNode);
        from = -1;
      });
      function draw(first, last) {
        var left = Number(hits[first].getAttribute("x")), end = hits[last];
        drawn.setAttribute("x", left);
        drawn.setAttribute("width", Number(end.getAttribute("x")) + Number(end.getAttribute("width")) - left);
        drawn.setAttribute("height", end.getAttribute("height"));
      }
      function tell(at) {
        var around = plot.getBoundingClientRect(), box = hits[at].getBoundingClientRect(), isLate = at >= hits.length / 2;
        tip.textContent = texts[at];
        tip.hidden = false;
        tip.style.left = isLate ? "auto" : box.right - around.left + 8 + "px";
        tip.style.right = isLate ? around.right - box.left + 8 + "px" : "auto";
      }
    }, plot);
    function textOf(title) {
      title.remove(); // the browser's own would be shown too
      return title.textContent;
    }
    function lead(first, last) {
      var query = new URLSearchParams(first.href.baseVal);
      query.set("endAt", new URLSearchParams(last.href.baseVal).get("endAt"));
      location.search = query;
    }
  });

  // The time zone of whoever creates a website.
  each("[data-timezone]", function (field) {
    var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (field.value === "UTC" && zone) field.value = zone;
  });

  // Search as you type: the list is fetched again, the address says what it shows, and screen readers how many.
  each("[data-search]", function (form) {
    var field = form.querySelector("[type=search]"), list = document.getElementById("list");
    var told = document.querySelector("[data-told]"), later = 0, slow = 0, newest = 0;
    field.addEventListener("input", function () {
      clearTimeout(later);
      later = setTimeout(look, 150);
      // What else leads on from here takes the search along.
      each(".filter [name=search]", function (copy) { copy.value = field.value; });
      each(".chips a", function (link) {
        var query = new URLSearchParams(link.search);
        query.delete("search");
        if (field.value) query.set("search", field.value);
        link.search = query;
      });
    });
    form.addEventListener("submit", function () { clearTimeout(later); });
    function look() {
      var query = new URLSearchParams(new FormData(form)), mine = ++newest;
      if (!field.value) query.delete("search");
      history.replaceState(null, "", location.pathname + (String(query) && "?" + query));
      query.set("part", "list");
      clearTimeout(slow);
      slow = setTimeout(function () { list.setAttribute("aria-busy", "true"); }, 300);
      get("?" + query).then(function (answer) { return answer.text(); }).then(function (html) {
        if (mine !== newest) return;
        list.innerHTML = html;
        tell(list.querySelector("[data-count]").textContent, "hidden");
      }).catch(function () {
        if (mine === newest) tell("The server is not responding, so this is the previous list. Keep typing to try again.", "alert");
      });
    }
    function tell(text, look) {
      clearTimeout(slow);
      list.removeAttribute("aria-busy");
      told.textContent = text;
      told.className = look;
    }
  });

  // The journey goes on as you scroll, where nothing lies below it; when that fails, the link is still there.
  function follow(more) {
    if (matchMedia("(max-width: 860px)").matches) return;
    var watcher = new IntersectionObserver(function (entries) {
      if (!entries.some(function (entry) { return entry.isIntersecting; })) return;
      watcher.disconnect();
      get(more.dataset.more).then(function (answer) { return answer.text(); }).then(function (html) {
        var box = document.createElement("div"), had = more.contains(document.activeElement);
        box.innerHTML = html;
        var days = document.querySelectorAll(".day h3"), day = box.querySelector("h3");
        day.hidden = day.textContent === days[days.length - 1].textContent; // the day goes on
        more.replaceWith(box);
        box.tabIndex = -1;
        if (had) box.focus({ preventScroll: true });
        each("[data-more]", follow, box);
      }).catch(function () {});
    }, { rootMargin: "400px" });
    watcher.observe(more);
  }
  each("[data-more]", follow);

  // What happens, as it happens: lines join the others by time, and parts of the page take the place of old ones. A pause ends the stream.
  each("[data-stream]", function (box) {
    var list = box.querySelector("ol"), button = document.querySelector("[data-pause]"), address = box.dataset.stream, stream = null;
    function listen() {
      var newest = list.firstElementChild ? list.firstElementChild.dataset.at : 0;
      stream = new EventSource(address + (address.indexOf("?") < 0 ? "?" : "&") + "since=" + newest);
      stream.addEventListener("line", function (event) { add(read(event.data)); });
      stream.addEventListener("part", function (event) { swap(read(event.data)); });
      stream.onerror = function () {
        if (stream && stream.readyState === EventSource.CLOSED) { // otherwise it comes back by itself
          get(location.href).catch(function () {});
          setTimeout(function () { if (stream) listen(); }, 5000);
        }
      };
    }
    function read(html) {
      return new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
    }
    function add(line) {
      var old = document.getElementById(line.id), next = list.firstElementChild;
      if (old && old.outerHTML === line.outerHTML) return;
      if (old) return exchange(old, line);
      while (next && Number(next.dataset.at) > Number(line.dataset.at)) next = next.nextElementSibling;
      line.classList.add("fresh");
      list.insertBefore(line, next);
      if (list.children.length > 200) list.lastElementChild.remove();
    }
    function swap(part) {
      exchange(document.getElementById(part.id), part);
      if (part.dataset.count) document.title = document.title.replace(/^\([^)]*\)/, "(" + part.dataset.count + ")");
    }
    // Whoever has the focus on a link keeps it.
    function exchange(old, fresh) {
      var at = old.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
      old.replaceWith(fresh);
      each("a", function (link) { if (at && link.getAttribute("href") === at) link.focus({ preventScroll: true }); }, fresh);
    }
    button.hidden = false;
    button.addEventListener("click", function () {
      if (!stream) listen();
      else {
        stream.close();
        stream = null;
      }
      button.textContent = stream ? "Pause" : "Go on";
    });
    listen();
  });

  // The command bar finds while one types; the keys below work outside of fields.
  (function () {
    var bar = document.getElementById("bar"), keys = document.getElementById("shortcuts");
    if (!bar || !bar.showModal) return;
    var field = bar.querySelector("input"), list = bar.querySelector("[role=listbox]"), told = bar.querySelector("[role=status]");
    var ranges = { d: "today", w: "last7d", m: "month", y: "year" }, newest = 0, later = 0, shown = null, isEntered = false, isGoing = false;
    var places = { o: "overview", p: "people", l: "live", r: "revenue", g: "goals", h: "health", s: "settings" };
    each("[data-bar]", function (link) {
      link.addEventListener("click", function (event) {
        if (!event.ctrlKey && !event.metaKey && !event.shiftKey) event.preventDefault(), open();
      });
    });
    each("dialog", function (dialog) { dialog.addEventListener("click", function (event) { if (event.target === dialog) dialog.close(); }); });
    function open() {
      bar.showModal();
      field.select();
      if (shown === null) look();
    }
    function look() {
      var mine = ++newest, asked = field.value;
      get(bar.dataset.results + "?part=list&q=" + encodeURIComponent(asked)).then(function (answer) { return answer.text(); }).then(function (html) {
        if (mine !== newest) return;
        list.innerHTML = html;
        shown = asked;
        told.textContent = list.querySelector("[data-count]").textContent;
        choose(options()[0]);
        if (isEntered) enter();
      }).catch(function () { if (mine === newest) list.textContent = told.textContent = "The server is not responding. Keep typing to try again."; });
    }
    function options() { return Array.from(list.querySelectorAll(".option")); }
    function chosen() { return list.querySelector("[aria-selected=true]"); }
    function choose(option) {
      options().forEach(function (one) { one.setAttribute("aria-selected", String(one === option)); });
      field.setAttribute("aria-activedescendant", option ? option.id : "");
      if (option) option.scrollIntoView({ block: "nearest" });
    }
    function enter() { // what is typed but not yet found is waited for
      isEntered = shown !== field.value;
      if (!isEntered && chosen()) chosen().click();
    }
    field.addEventListener("input", function () {
      clearTimeout(later);
      if (field.value === "?") return field.value = "", bar.close(), keys.showModal();
      later = setTimeout(look, 120);
    });
    field.addEventListener("keydown", function (event) {
      var all = options(), step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (event.isComposing || (!step && event.key !== "Enter")) return;
      event.preventDefault();
      if (!step) enter();
      else if (all.length) choose(all[(all.indexOf(chosen()) + step + all.length) % all.length]);
    });
    document.addEventListener("keydown", function (event) {
      var key = event.key, wasGoing = isGoing, query = new URLSearchParams(location.search), root = bar.dataset.results.slice(0, -4);
      if (key === "k" && event.ctrlKey !== event.metaKey && !event.shiftKey && !event.altKey && !keys.open) {
        event.preventDefault();
        return bar.open ? bar.close() : open();
      }
      isGoing = false;
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing || (event.shiftKey && key !== "/" && key !== "?")) return;
      // A field of a dialog that was just closed has the focus until the page is drawn again.
      if (event.target.closest("input, textarea, select, [contenteditable], dialog") && !event.target.closest("dialog:not([open])")) return;
      if (wasGoing && places[key] && root !== "/") location.href = (document.querySelector('.top nav a[href*="/' + places[key] + '"]') || { href: root + places[key] }).href;
      else if (key === "g") isGoing = true;
      else if (key === "/") event.preventDefault(), open();
      else if (key === "?") keys.showModal();
      else if ("ranged" in document.body.dataset && (ranges[key] || key === "x")) {
        var isCompared = query.get("compare") ? query.get("compare") !== "none" : query.get("period") !== "all";
        if (key === "x") query.set("compare", isCompared ? "none" : "previous");
        else ["startAt", "endAt", "interval"].forEach(function (name) { query.delete(name); }), query.set("period", ranges[key]);
        query.delete("offset");
        location.search = query;
      }
    });
  })();
})();
