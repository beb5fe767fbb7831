// Whom to consult, or where a caller goes: seats with their states, queues, a number.
import { queueName } from "./board_calls.js";
import { at, icon, iconOf, list, look, make, mark, phoneOf, put, t, turn } from "./board_dom.js";
import { board } from "./board_stream.js";
import { facts, named } from "./board_words.js";

let chosen = "";
let shown = [];
let queues = true;
let go = () => {};

function targets() {
  const find = at("pick-find").value.trim().toLowerCase();
  const seats = [...board.SeatRow.values()]
    .filter((row) => row.key !== facts.me && row.state !== "offline")
    .sort((a, b) => (b.state === "ready") - (a.state === "ready") || a.name.localeCompare(b.name))
    .map((row) => ({ to: `seat:${row.key}`, name: row.name, more: [named("state", row.state), phoneOf(row)].filter(Boolean).join(" · "), state: row.state, free: row.state === "ready" }));
  const places = queues
    ? [...board.QueueRow.values()].map((row) => ({ to: `queue:${row.key}`, name: queueName(row.key), more: t("queue_waiting", { n: row.waiting }), state: "waiting", free: true }))
    : [];
  const found = [...seats, ...places].filter((row) => `${row.name} ${row.more} ${row.to}`.toLowerCase().includes(find));
  const digits = find.replace(/[\s-]/g, "");
  if (/^\+?\d{3,20}$/.test(digits)) {
    found.push({ to: `number:${digits.replace("+", "")}`, name: t("pick_number", { number: digits }), more: "", state: "talking", free: true });
  }
  return found;
}

export function paint() {
  if (!at("picker").open) return;
  shown = targets();
  if (!shown.some((row) => row.to === chosen)) chosen = shown[0]?.to ?? "";
  const rows = shown.length ? shown : [{ to: "", name: t("pick_none"), more: "", state: "offline", free: false }];
  list(at("pick-list"), rows, (row) => row.to, build, (item, row) => {
    item.id = `pick-${row.to.replace(":", "-")}`;
    turn(item, iconOf(row.state));
    mark(item, "data-look", look(row.state));
    put(item.querySelector("b"), row.name);
    put(item.querySelector("small"), row.more);
    mark(item, "aria-selected", row.to === chosen);
    if (row.to === chosen) item.scrollIntoView({ block: "nearest" });
  });
  mark(at("pick-find"), "aria-activedescendant", chosen ? `pick-${chosen.replace(":", "-")}` : "");
}

function build(row) {
  const item = make("li", { role: "option" }, icon("off"), make("b"), make("small"));
  item.addEventListener("click", () => take(row.to));
  return item;
}

function take(to) {
  if (!to) return;
  at("picker").close();
  go(to);
}

export function pick(title, withQueues, onPick) {
  queues = withQueues;
  go = onPick;
  chosen = "";
  put(at("pick-h"), title);
  at("pick-find").value = "";
  at("picker").showModal();
  at("pick-find").focus();
  paint();
}

at("pick-find").addEventListener("input", paint);
at("pick-find").addEventListener("keydown", (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    event.preventDefault();
    const here = shown.findIndex((row) => row.to === chosen);
    chosen = shown[(here + step + shown.length) % Math.max(1, shown.length)]?.to ?? "";
    paint();
  } else if (event.key === "Enter") {
    event.preventDefault();
    take(chosen);
  }
});
