// Asks for what changes; the server answers 304 while nothing has. Asking is no act of anybody:
// it keeps no login alive.
"use strict";
const rows = document.querySelector("[data-source]");
const state = document.getElementById("state");
let tag = "";

// Times are the reader's own; without this script the page shows UTC. Faxes have the bank's.
function localise() {
  const two = (number) => String(number).padStart(2, "0");
  for (const time of rows.querySelectorAll("time:not(.wall)")) {
    const at = new Date(time.dateTime);
    const day = [at.getFullYear(), two(at.getMonth() + 1), two(at.getDate())].join("-");
    time.querySelector(".day").textContent = day;
    time.querySelector(".clock").textContent = [at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":");
  }
}

function count() {
  for (const cell of rows.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - new Date(cell.dataset.since)) / 1000));
    cell.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

// Whoever uses the keyboard stays where he was.
function replace(text) {
  const held = rows.contains(document.activeElement) ? document.activeElement.id : "";
  rows.innerHTML = text;
  const again = held && document.getElementById(held);
  if (again) again.focus({ preventScroll: true });
  localise();
  count();
}

async function refresh() {
  try {
    const answer = await fetch(rows.dataset.source, { headers: { "If-None-Match": tag } });
    if (answer.status === 401) {
      location.reload();
      return;
    }
    if (answer.ok) {
      tag = answer.headers.get("ETag") || "";
      replace(await answer.text());
    }
    const fine = answer.ok || answer.status === 304;
    state.textContent = fine ? state.dataset.live : state.dataset.stale;
    state.className = fine ? "" : "stale";
  } catch {
    state.textContent = state.dataset.stale;
    state.className = "stale";
  }
  setTimeout(refresh, Number(rows.dataset.refresh));
}
localise();
count();
setInterval(count, 1000);
setTimeout(refresh, Number(rows.dataset.refresh));
