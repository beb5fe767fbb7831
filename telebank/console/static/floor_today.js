// Today as the event log tells it: arrivals by quarter hour, how seats answer, calls to look at.
import { queueName } from "./board_calls.js";
import { board } from "./board_stream.js";
import { at, list, make, mark, put, show, t } from "./board_dom.js";
import { paintDay } from "./floor_rows.js";
import { clock, facts, named, now, spell } from "./board_words.js";

const EVERY_MS = 5000;
const COUNTS = ["came", "answered", "abandoned", "away", "kept"];
const WHY = ["closed", "full", "nobody"];
let choose = null;
let known = { queues: {}, seats: [], concerns: [] };
let drawn = "";
let timer = 0;

// `choose(seat, call)`: show a seat's day; where there is none there are arrivals alone.
export function watchToday(onChoose = null) {
  choose = onChoose;
  at("of-queue")?.addEventListener("change", paint);
  ask();
}

async function ask() {
  clearTimeout(timer);
  try {
    const answer = await fetch(facts.today);
    if (answer.ok) known = await answer.json();
    if (answer.ok) paint();
  } catch {
    // the banner says that the console is away
  }
  timer = setTimeout(ask, EVERY_MS);
}

const queue = () => at("of-queue")?.value ?? "";
const nameOf = (key) => (key ? queueName(key) : t("all_queues"));

function paint() {
  paintDay(known);
  paintChoice();
  const of = known.queues[queue()] ?? { total: {}, away: {}, quarters: [] };
  const counts = Object.fromEntries(COUNTS.map((name) => [name, of.total[name] ?? 0]));
  paintPicture(of, counts);
  paintTable(of, counts);
  if (!choose) return;
  paintSeats();
  paintConcerns();
}

function paintChoice() {
  const picked = at("of-queue");
  if (!picked) return;
  const keys = ["", ...[...new Set([...board.QueueRow.keys(), ...Object.keys(known.queues).filter(Boolean)])].sort((a, b) => a.localeCompare(b))];
  list(picked, keys, (key) => `q${key}`, (key) => make("option", { value: key }), (option, key) => put(option, nameOf(key)));
}

function paintPicture(of, counts) {
  const picture = at("arrivals");
  const wanted = `${JSON.stringify(of)}${queue()}${clock(now()).slice(0, 2)}`;
  mark(picture, "alt", t("arrivals_alt", { queue: nameOf(queue()), ...counts }));
  if (wanted === drawn) return;
  drawn = wanted;
  const place = new URL(facts.arrivals, location.href);
  place.searchParams.set("lang", facts.lang);
  if (queue()) place.searchParams.set("queue", queue());
  place.searchParams.set("v", String(Date.now()));
  picture.src = place;
}

const fromOf = (quarter) => `${String(Math.floor(quarter.from / 60)).padStart(2, "0")}:${String(quarter.from % 60).padStart(2, "0")}`;

function paintTable(of, counts) {
  const why = WHY.filter((name) => of.away[name]).map((name) => t(`away_${name}`, { n: of.away[name] }));
  const told = [t("arrivals_alt", { queue: nameOf(queue()), ...counts }), why.length ? t("away_hint", { why: why.join(facts.lang === "zh" ? "，" : ", ") }) : ""];
  put(at("arrivals-told"), counts.came || counts.away ? told.filter(Boolean).join(facts.lang === "zh" ? "。" : ". ") : t("no_arrivals"));
  const rows = [...of.quarters, { from: -1, ...of.total }];
  const build = () => make("tr", {}, make("th", { scope: "row" }), ...[...COUNTS, "soon"].map((name) => make("td", { class: "number", "data-word": t(name) })));
  list(at("quarters"), rows, (row) => String(row.from), build, (line, row) => {
    const [from, ...cells] = line.children;
    put(from, row.from < 0 ? t("total") : fromOf(row));
    [...COUNTS, "soon"].forEach((name, place) => put(cells[place], String(row[name] ?? 0)));
  });
}

const seatName = (key) => board.SeatRow.get(key)?.name ?? key;

function paintSeats() {
  show(at("no-answers"), known.seats.length === 0);
  const build = (row) => {
    const button = make("button", { type: "button", class: "link" });
    button.addEventListener("click", () => choose(row.seat));
    return make("tr", {}, make("th", { scope: "row" }, button), ...["answered", "missed", "mean_talk", "mean_wrap"].map((word) => make("td", { class: "number", "data-word": t(word) })));
  };
  list(at("answers"), known.seats, (row) => row.seat, build, (line, row) => {
    const [name, answered, missed, talk, wrap] = line.children;
    put(name.firstChild, seatName(row.seat));
    put(answered, String(row.answered));
    put(missed, String(row.missed));
    mark(missed, "data-bad", row.missed > 0);
    put(talk, row.mean_talk_s === null ? "–" : spell(row.mean_talk_s));
    put(wrap, row.mean_wrap_s === null ? "–" : spell(row.mean_wrap_s));
  });
}

function reasonOf(row) {
  const word = row.reason === "in_doubt" ? named("service", row.word) : named("missed", row.word);
  return t(`concern_${row.reason}`, { length: spell(row.value), n: Math.round(row.value), word });
}

function paintConcerns() {
  show(at("no-concerns"), known.concerns.length === 0);
  const build = (row) => {
    const way = row.seat ? make("button", { type: "button", class: "link" }) : make("span");
    way.addEventListener("click", () => row.seat && choose(row.seat, row.call));
    return make("li", {}, make("time"), make("b"), make("span"), way);
  };
  list(at("concerns"), known.concerns, (row) => row.id, build, (line, row) => {
    const [when, why, where, way] = line.children;
    put(when, row.at);
    put(why, reasonOf(row));
    put(where, [row.queue ? queueName(row.queue) : "", row.seat ? seatName(row.seat) : ""].filter(Boolean).join(" · "));
    put(way, row.call);
    if (row.seat) mark(way, "aria-label", `${t("concern_open", { seat: seatName(row.seat) })} ${row.call}`);
  });
}
