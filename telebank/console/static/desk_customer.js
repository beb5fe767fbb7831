// The customer in hand: how he stands with telephone banking, and his last calls. Each look is
// recorded by the node, so nothing is asked for before the teller wants to see it.
import { board } from "./board_stream.js";
import { at, list, make, mark, put, show, t } from "./board_dom.js";
import { facts, has, named, onWall, spell } from "./board_words.js";

const TALKS = ["talking", "held", "consulting", "three_way", "pin"];
const MENU_CHANNEL = "phone";
const TALKED = [...TALKS, "wrap_up"];
const TELLER_CHANNEL = "teller";
let row = null; // of the board: the call in hand, or just over
let seen = null;
let asking = "";
let failed = false;

const mine = (pair) => pair[facts.lang === "en" ? "en" : "zh"];
const open = () => at("cu-open").getAttribute("aria-expanded") === "true";
const proved = () => row !== null && row.level > 0 && row.customer !== "";
const whose = () => (row ? `${row.key} ${row.customer}` : "");

export function paintCustomer(call) {
  const before = whose();
  row = call ?? null;
  if (whose() !== before) forget();
  show(at("cu-matter-line"), row !== null && TALKED.includes(row.state));
  if (row) mark(at("cu-matter"), "href", `${at("cu-matter").pathname}?${new URLSearchParams({ call: row.key })}`);
  show(at("cu"), row !== null && TALKS.includes(row.state));
  mark(at("cu-open"), "aria-disabled", !proved());
  if (!asking && !seen && !failed) put(at("cu-state"), proved() ? "" : t("cu_not_proved"));
}

function forget() {
  [seen, asking, failed] = [null, "", false];
  fold(false);
  for (const id of ["cu-facts", "cu-limits", "cu-past"]) at(id).replaceChildren();
}

function fold(out) {
  mark(at("cu-open"), "aria-expanded", out);
  show(at("cu-body"), out && seen !== null);
}

async function look() {
  const of = whose();
  asking = of;
  put(at("cu-state"), t("cu_asking"));
  const found = await get();
  if (asking !== of) return;
  asking = "";
  failed = !found;
  if (found) {
    seen = found;
    draw();
  }
  put(at("cu-state"), found ? "" : t("cu_away"));
  fold(open());
}

async function get() {
  try {
    const answer = await fetch(`${at("cu").dataset.url}?${new URLSearchParams({ call: row.key })}`);
    if (answer.status === 401) location.reload();
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the banner says that the console is away
  }
}

// -- drawing --------------------------------------------------------------------------------------

function draw() {
  list(at("cu-facts"), standing(), (one) => one.name, () => make("div", {}, make("dt"), make("dd")), (line, one) => {
    put(line.children[0], one.name);
    put(line.children[1], one.value);
    mark(line, "data-bad", one.bad === true);
  });
  const cells = () => make("tr", {}, make("th", { scope: "row" }), ...[1, 2, 3].map(() => make("td", { class: "number" })));
  list(at("cu-limits"), seen.limits, (one) => one.limit, cells, (line, one) => {
    [named("limit", one.limit), one.most, one.bank, one.used].forEach((text, nth) => put(line.children[nth], text));
  });
  at("cu-past").replaceChildren(...(seen.past.length ? seen.past.map(past) : [make("li", {}, t("cu_past_none"))]));
}

function standing() {
  const { pin } = seen;
  const wrong = pin.wrong ? ` · ${t("cu_wrong", { n: pin.wrong, of: pin.most })}` : "";
  const closed = seen.closed.map(stopped).join(t("cu_comma"));
  return [
    { name: t("cu_pin"), value: t(`cu_pin_${pin.state}`) + wrong, bad: pin.state !== "active" },
    { name: t("cu_loss"), value: t(seen.lost ? "cu_loss_stands" : "cu_loss_none"), bad: seen.lost },
    { name: t("cu_closed"), value: closed ? t("cu_closed_of", { what: closed }) : t("cu_closed_none"), bad: closed !== "" },
    { name: t("cu_factor"), value: t(`cu_factor_${seen.second_factor}`, { since: day(seen.token_since) }) },
    { name: t("cu_numbers"), value: seen.numbers.join(t("cu_comma")) || t("cu_unsaid") },
    { name: t("cu_language"), value: named("lang", seen.language) },
    { name: t("cu_importance"), value: seen.importance === null ? t("cu_unsaid") : t("cu_importance_said", { n: seen.importance }) },
    { name: t("cu_teller"), value: seen.teller ? nameOf(seen.teller) : t("cu_unsaid") },
    { name: t("cu_payees"), value: t("cu_payees_of", { n: seen.payees, cooling: seen.cooling }) },
    ...Object.entries(seen.settings).map(([what, value]) => ({ name: named("setting", what), value: named(what, value) })),
  ];
}

function stopped(one) {
  const words = `tries_${one.tries.replaceAll(".", "_")}`;
  return has(words) ? t(words) : mine(one);
}

const nameOf = (seat) => board.SeatRow.get(seat)?.name ?? seat;
const day = (utc) => (utc ? onWall(utc).slice(0, 10) : "");

function past(one) {
  const lines = [...one.talks.map(talked), ...one.asked.map((each) => asked(each, one.talks.length > 0))];
  const how = one.talks.length ? "" : t(one.asked.every((each) => each.channel === MENU_CHANNEL) ? "cu_by_menu" : "cu_elsewhere");
  const head = [how, one.call].filter(Boolean).join(" · ");
  return make("li", {}, make("time", { datetime: one.at }, onWall(one.at)), make("span", {}, head), make("ul", {}, ...lines.map((line) => make("li", {}, line))));
}

function talked(one) {
  const parts = [t("cu_with", { seat: nameOf(one.seat) }), one.direction === "out" ? t("cu_out") : "", one.business ? named("business", one.business) : ""];
  parts.push(one.how_ended ? `${spell(one.talk_s)} · ${named("ended", one.how_ended)}` : t("going"));
  return parts.filter(Boolean).join(" · ");
}

// `apart`: others of this call were the teller's.
function asked(one, apart) {
  const by = !apart || one.channel === TELLER_CHANNEL ? "" : t(one.channel === MENU_CHANNEL ? "cu_by_menu" : "cu_elsewhere");
  return [mine(one), one.amount, t(`came_${one.came}`), one.reference, by].filter(Boolean).join(" · ");
}

// -- begin ----------------------------------------------------------------------------------------

at("cu-open").addEventListener("click", () => {
  if (at("cu-open").getAttribute("aria-disabled") === "true") return;
  const out = !open();
  fold(out);
  if (out && !seen && !asking) look();
});
at("cu-again").addEventListener("click", look);
