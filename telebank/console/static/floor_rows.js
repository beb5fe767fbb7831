// What the floor and the wall show alike: queues, figures, seats by state.
import { queueName } from "./board_calls.js";
import { board } from "./board_stream.js";
import { at, list, make, mark, put, since, t } from "./board_dom.js";

export const STATES = ["ready", "ringing", "talking", "wrap_up", "busy", "break", "offline"];
export const seats = () => [...board.SeatRow.values()].sort((a, b) => a.name.localeCompare(b.name));
export const percent = (part) => (part === null || part === undefined || Number.isNaN(part) ? "–" : `${Math.round(part * 100)} %`);

export function paintQueues() {
  const rows = [...board.QueueRow.values()].sort((a, b) => a.key.localeCompare(b.key));
  const build = () => {
    const cells = Array.from({ length: 9 }, () => make("td", { class: "number" }));
    cells[1].dataset.none = "–";
    return make("tr", {}, make("th", { scope: "row" }), ...cells);
  };
  list(at("queues"), rows, (row) => row.key, build, (line, row) => {
    const [name, waiting, longest, free, inside, offered, answered, abandoned, away, service] = line.children;
    put(name, row.open ? queueName(row.key) : `${queueName(row.key)} (${t("closed")})`);
    put(waiting, String(row.waiting));
    since(longest, row.longest_since);
    const abandonedLate = row.abandoned_today - row.soon_today;
    const counts = [row.seats_ready, row.seats_in, row.offered_today, row.answered_today, abandonedLate, row.away_today];
    [free, inside, offered, answered, abandoned, away].forEach((cell, place) => put(cell, String(counts[place])));
    put(service, percent(row.in_time_today / (row.answered_today + abandonedLate)));
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

export function paintFigures(figures) {
  put(at("g-today"), percent(figures.today));
  put(at("g-half"), percent(figures.half));
  put(at("g-half-word"), figures.minutes > 0 && figures.minutes < 30 ? t("service_span", { n: figures.minutes }) : t("service_half"));
  put(at("g-abandoned"), String(figures.abandoned));
  const answered = at("g-answered");
  if (answered) put(answered, String(figures.answered));
}

export const byState = () => STATES.map((state) => ({ state, n: seats().filter((row) => row.state === state).length }));
