// The seats of the floor: which are shown, in what order, and what each is at.
import { queueName, stateIcon, stateOf } from "./board_calls.js";
import { board } from "./board_stream.js";
import { at, icon, iconOf, list, look, make, mark, phoneOf, put, reason, show, since, t, turn } from "./board_dom.js";
import { facts, named } from "./board_words.js";
import { byState, seats, STATES } from "./floor_rows.js";

const ORDER = "telebank.floor.order";
const MANY = 16; // from so many on, tiles are small and in groups
const WRITES = "input, select, textarea, [contenteditable]";
let chosen = "";
let choose = () => {};

export const callOf = (seat) => board.CallRow.get(seat.call) ?? [...board.CallRow.values()].find((row) => row.seat === seat.key && row.state !== "waiting");
export const nameOf = (key) => board.SeatRow.get(key)?.name ?? key;

// `onChoose(seat)`: who was pressed.
export function watchSeats(onChoose) {
  choose = onChoose;
  try {
    const kept = localStorage.getItem(ORDER);
    if ([...at("order").options].some((one) => one.value === kept)) at("order").value = kept;
  } catch {
    // a browser that keeps nothing begins with the first
  }
  at("order").addEventListener("change", () => {
    try {
      localStorage.setItem(ORDER, at("order").value);
    } catch {
      // as above
    }
    paintSeats(chosen);
  });
  at("find").addEventListener("input", () => paintSeats(chosen));
  at("find").form.addEventListener("submit", (event) => {
    event.preventDefault(); // Enter goes on to the first that is shown
    at("seats").querySelector("button")?.focus();
  });
  addEventListener("keydown", onKey);
}

function onKey(event) {
  if (event.key === "Escape" && event.target === at("find")) {
    at("find").value = "";
    paintSeats(chosen);
  } else if (event.key === "/" && !event.ctrlKey && !event.altKey && !event.metaKey && !event.target.closest?.(WRITES) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    at("find").focus();
    at("find").select();
  }
}

// Of a call the queue that it came from, else the first that he sits at.
const queueOf = (row) => callOf(row)?.queue || row.queues[0] || "";
const wordOf = (row, call) => (call && row.state !== "wrap_up" ? stateOf(call) : named("state", row.state));

function moreOf(row, call) {
  if (!row.present) return t("away_page");
  if (call) return [call.caller, queueName(call.queue)].filter(Boolean).join(" · ");
  return reason(row) || row.queues.map(queueName).join(facts.lang === "zh" ? "、" : ", ");
}

function fits(row, wanted) {
  const call = callOf(row);
  const told = [row.key, row.name, phoneOf(row), wordOf(row, call), moreOf(row, call), ...row.queues.map(queueName), call && queueName(call.queue)];
  const words = told.filter(Boolean).join(" ").toLowerCase();
  return wanted.every((word) => words.includes(word));
}

const placeOf = (state) => (STATES.includes(state) ? STATES.indexOf(state) : STATES.length);
// What an order puts first, and the group that a seat stands in.
const ORDERS = {
  state: { before: (a, b) => placeOf(a.state) - placeOf(b.state), group: (row) => row.state, title: (key) => named("state", key) },
  queue: { before: (a, b) => queueOf(a).localeCompare(queueOf(b)) || placeOf(a.state) - placeOf(b.state), group: queueOf, title: (key) => (key ? queueName(key) : t("no_queue")) },
  name: { before: () => 0 },
  time: { before: (a, b) => a.since.localeCompare(b.since) },
};

// Rows in their order; where there are many, each group after a row of its own.
function arranged(rows) {
  const order = ORDERS[at("order").value];
  const sorted = [...rows].sort(order.before); // of equals by name, as they came
  if (!order.group || rows.length < MANY) return sorted;
  const groups = new Map();
  for (const row of sorted) groups.set(order.group(row), [...(groups.get(order.group(row)) ?? []), row]);
  return [...groups].flatMap(([key, inside]) => [{ key: `group ${key}`, heading: t("group", { name: order.title(key), n: inside.length }) }, ...inside]);
}

export function paintSeats(key) {
  chosen = key;
  const all = seats();
  const wanted = at("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = all.filter((row) => fits(row, wanted));
  show(at("no-seats"), all.length === 0);
  put(at("by-state"), byState().filter((one) => one.n).map((one) => `${named("state", one.state)} ${one.n}`).join(" · "));
  put(at("found"), wanted.length ? t("found", { n: rows.length, of: all.length }) : "");
  mark(at("seats"), "data-many", rows.length >= MANY);
  list(at("seats"), arranged(rows), (row) => row.key, build, paintTile);
}

function paintTile(item, row) {
  const button = item.firstChild;
  if (row.heading) {
    put(button, row.heading);
    return;
  }
  const call = callOf(row);
  mark(button, "data-look", look(row.state));
  mark(button, "aria-pressed", row.key === chosen);
  turn(button, call ? stateIcon(call) : iconOf(row.state));
  put(button.querySelector(".word"), wordOf(row, call));
  since(button.querySelector("time"), row.since);
  put(button.querySelector(".name"), [row.name, phoneOf(row)].filter(Boolean).join(" · "));
  put(button.querySelector(".more"), moreOf(row, call));
  show(button.querySelector(".ear"), row.watched_by !== "");
  put(button.querySelector(".ear span"), row.watched_by ? t("watched", { name: nameOf(row.watched_by) }) : "");
}

function build(row) {
  if (row.heading) return make("li", { class: "group" }, make("h3"));
  const ear = make("span", { class: "ear" }, icon("ear"), make("span", { class: "hidden" }));
  const top = make("span", { class: "top" }, icon("off"), make("b", { class: "word" }), make("time", { class: "clock", "data-since": "" }));
  const button = make("button", { type: "button", class: "tile" }, top, make("span", { class: "name" }), make("span", { class: "more" }), ear);
  button.addEventListener("click", () => choose(row.key));
  return make("li", {}, button);
}
