// What the floor and the wall show alike: queues, figures, seats by state.
import { queueName } from "./board_calls.js";
import { board } from "./board_stream.js";
import { at, list, make, mark, put, since, t } from "./board_dom.js";

export const STATES = ["ready", "ringing", "talking", "wrap_up", "busy", "break", "offline"];
export const seats = () => [...board.SeatRow.values()].sort((a, b) => a.name.localeCompare(b.name));
export const percent = (part) => (part === null || part === undefined ? "–" : `${Math.round(part * 100)} %`);

const NOW = ["waiting", "longest", "free", "in"];
const OF_DAY = ["came", "answered", "abandoned", "away"];
// Of the bank's day, from the event log of all nodes; null: not asked yet, or not to be had.
let day = null;

export function paintDay(found) {
  day = found;
  paintQueues();
  paintFigures();
}

export function paintQueues() {
  const rows = [...board.QueueRow.values()].sort((a, b) => a.key.localeCompare(b.key));
  const build = () => {
    const cells = [...NOW, ...OF_DAY, "service"].map((name, nth) => make("td", { class: nth === NOW.length ? "number of-day" : "number", "data-word": t(name) }));
    cells[1].dataset.none = "–";
    cells[0].dataset.of = t("of_now"); // on a telephone a row is a card, and says it itself
    cells[NOW.length].dataset.of = t("of_day");
    return make("tr", {}, make("th", { scope: "row" }), ...cells);
  };
  list(at("queues"), rows, (row) => row.key, build, (line, row) => {
    const [name, waiting, longest, free, inside, ...ofDay] = line.children;
    put(name, row.open ? queueName(row.key) : `${queueName(row.key)} (${t("closed")})`);
    put(waiting, String(row.waiting));
    since(longest, row.longest_since);
    put(free, String(row.seats_ready));
    put(inside, String(row.seats_in));
    const of = day && (day.queues[row.key] ?? { total: {}, service: null });
    OF_DAY.forEach((count, nth) => put(ofDay[nth], of ? String(of.total[count] ?? 0) : "–"));
    put(ofDay[OF_DAY.length], percent(of?.service));
    mark(line, "data-wait", row.waiting > 0);
  });
}

// Waiting, and the longest wait of all queues.
export function paintWaiting() {
  const rows = [...board.QueueRow.values()];
  put(at("g-waiting"), String(rows.reduce((sum, row) => sum + row.waiting, 0)));
  const first = rows.map((row) => row.longest_since).filter(Boolean).sort()[0];
  at("g-longest").dataset.none = "–";
  since(at("g-longest"), first);
}

function paintFigures() {
  const { total, service } = day.queues[""];
  put(at("g-today"), percent(service));
  put(at("g-half"), percent(day.latest.service));
  put(at("g-half-of"), day.latest.minutes < 30 ? t("half_span", { n: day.latest.minutes }) : t("half_hour"));
  put(at("g-abandoned"), String(total.abandoned));
  const answered = at("g-answered");
  if (answered) put(answered, String(total.answered));
}

export const byState = () => STATES.map((state) => ({ state, n: seats().filter((row) => row.state === state).length }));
