// Shows new requests as they come, copies values, and asks before something is revoked. The pages work without it.
"use strict";

const MAX_ROWS = 300;

function showNewRequests(rows) {
  const status = document.getElementById("live");
  const pause = document.getElementById("pause");
  let source = null;
  let count = 0;
  let last = null;
  let isPaused = false;
  let announced = 0;

  function say(text) {
    status.textContent = text;
  }

  // A screen reader reads each text, so there is none more often than every five seconds.
  function sayCount() {
    if (Date.now() - announced < 5000) return;
    announced = Date.now();
    say(count + (count === 1 ? " new request" : " new requests"));
  }

  function add(event) {
    last = event.lastEventId;
    // The host has escaped the values. A row needs a table around it to be parsed.
    const template = document.createElement("template");
    template.innerHTML = "<table><tbody>" + event.data + "</tbody></table>";
    const added = template.content.querySelectorAll("tr");
    count += added.length;
    for (const row of added) row.classList.add("new");
    rows.prepend(...added);
    while (rows.rows.length > MAX_ROWS) rows.deleteRow(-1);
    document.getElementById("empty")?.remove();
    sayCount();
  }

  function addGap() {
    const row = rows.insertRow(0);
    const cell = row.insertCell();
    cell.colSpan = 8;
    cell.textContent = "More requests came here than are shown. Reload the page to see them.";
  }

  function start() {
    if (source || isPaused || document.hidden) return;
    const url = new URL(rows.dataset.events, location.href);
    if (last !== null) url.searchParams.set("after", last);
    source = new EventSource(url);
    source.addEventListener("rows", add);
    source.addEventListener("many", (event) => {
      addGap();
      add(event);
    });
    source.onopen = () => say(count === 0 ? "New requests are shown as they come." : status.textContent);
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) say("New requests are not shown. Reload the page.");
    };
  }

  function stop() {
    source?.close();
    source = null;
  }

  pause.hidden = false;
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.textContent = isPaused ? "Continue" : "Pause";
    if (isPaused) {
      stop();
      say("Paused.");
    } else {
      say("");
      start();
    }
  });
  // A browser has few connections to a host, and a page that nobody sees needs none.
  document.addEventListener("visibilitychange", () => (document.hidden ? stop() : start()));
  addEventListener("pagehide", stop);
  addEventListener("pageshow", start);
  start();
}

const rows = document.getElementById("rows");
if (rows?.dataset.events) showNewRequests(rows);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it and copy it by hand";
  }
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) event.preventDefault();
});
