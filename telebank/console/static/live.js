// Asks for what changes; the server answers 304 while nothing has. Asking is no act of anybody:
// it keeps no login alive.
"use strict";
const rows = document.querySelector("[data-source]");
const state = document.getElementById("state");
let tag = "";

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
count();
setInterval(count, 1000);
setTimeout(refresh, Number(rows.dataset.refresh));
