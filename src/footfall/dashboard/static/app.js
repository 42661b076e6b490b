// What pages do beyond reading. Each part looks for what it works on, and the page works without it.
(function () {
  "use strict";

  function each(selector, work, root) {
    (root || document).querySelectorAll(selector).forEach(work);
  }

  // Copy buttons.
  each("[data-copy]", function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var text = button.parentNode.querySelector("code").textContent;
      navigator.clipboard.writeText(text).then(function () {
        button.textContent = "Copied";
        setTimeout(function () { button.textContent = "Copy"; }, 1500);
      });
    });
  });

  // Menus close on a click elsewhere, and on Escape.
  document.addEventListener("click", function (event) {
    each("details.menu[open]", function (menu) { if (!menu.contains(event.target)) menu.open = false; });
  });
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    each("details.menu[open]", function (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // The time zone of whoever creates a website.
  each("[data-timezone]", function (field) {
    var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
    if (field.value === "UTC" && zone) field.value = zone;
  });

  // "Waiting for the first pageview" turns green by itself.
  each("[data-wait]", function wait(status) {
    fetch(status.dataset.wait).then(function (answer) { return answer.json(); }).then(function (found) {
      if (!found.seen) return setTimeout(wait, 500, status);
      status.className = "status ok";
      status.querySelector("[data-text]").textContent = "Pageviews are coming in.";
    }, function () { setTimeout(wait, 5000, status); });
  });

  // Search as you type: the list is fetched again, and the address says what it shows.
  each("[data-search]", function (form) {
    var field = form.querySelector("[type=search]"), list = document.getElementById("list"), later = 0, newest = 0;
    field.addEventListener("input", function () {
      clearTimeout(later);
      later = setTimeout(look, 150);
    });
    function look() {
      var query = new URLSearchParams(new FormData(form)), mine = ++newest;
      ["field", "operator", "text"].forEach(function (name) { query.delete(name); });
      history.replaceState(null, "", "?" + query);
      query.set("part", "list");
      fetch("?" + query).then(function (answer) { return answer.text(); }).then(function (html) {
        if (mine === newest) list.innerHTML = html;
      });
    }
  });

  // The journey goes on as you scroll.
  function follow(more) {
    var watcher = new IntersectionObserver(function (entries) {
      if (!entries.some(function (entry) { return entry.isIntersecting; })) return;
      watcher.disconnect();
      fetch(more.dataset.more).then(function (answer) { return answer.text(); }).then(function (html) {
        var box = document.createElement("div");
        box.innerHTML = html;
        more.replaceWith(box);
        each("[data-more]", follow, box);
      });
    }, { rootMargin: "400px" });
    watcher.observe(more);
  }
  each("[data-more]", follow);

  // Who is online, as it changes.
  each("[data-stream]", function (box) {
    new EventSource(box.dataset.stream).onmessage = function (event) { box.innerHTML = event.data; };
  });
})();
