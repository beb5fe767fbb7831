// Asks for the table's rows; the server answers 304 while nothing has changed.
"use strict";
const rows = document.getElementById("calls");
const state = document.getElementById("state");
let tag = "";

async function refresh() {
  try {
    const answer = await fetch(rows.dataset.source, { headers: { "If-None-Match": tag } });
    if (answer.ok) {
      tag = answer.headers.get("ETag") || "";
      rows.innerHTML = await answer.text();
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
setTimeout(refresh, Number(rows.dataset.refresh));
