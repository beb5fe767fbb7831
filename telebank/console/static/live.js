// Asks for the table's rows; the server answers 304 while nothing has changed.
"use strict";
const rows = document.getElementById("calls");
const state = document.getElementById("state");
let tag = "";

// Times are the reader's own; without this script the page shows UTC.
function localise() {
  const two = (number) => String(number).padStart(2, "0");
  for (const time of rows.querySelectorAll("time")) {
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

async function refresh() {
  try {
    const answer = await fetch(rows.dataset.source, { headers: { "If-None-Match": tag } });
    if (answer.ok) {
      tag = answer.headers.get("ETag") || "";
      rows.innerHTML = await answer.text();
      localise();
      count();
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
