// The supervisor's screen: everybody's seats, queues and callers, and acts on one seat at a time.
import { averageTalk, lastTry, queueName, stateIcon, stateOf, waitsSince } from "./board_calls.js";
import { paintContacts } from "./board_contacts.js";
import { act, board, look as watch } from "./board_stream.js";
import { at, icon, iconOf, list, look, make, mark, phoneOf, put, reason, show, since, sure, t, tell, turn } from "./board_dom.js";
import { facts, named, spell } from "./board_words.js";
import { watchToday } from "./floor_today.js";
import { byState, paintQueues, paintWaiting } from "./floor_rows.js";
import { callOf, nameOf, paintSeats, watchSeats } from "./floor_seats.js";

const PHONE = "telebank.floor.phone";
const TALKING = ["talking", "held", "consulting", "three_way", "pin"];
const ONE_COLUMN = "(max-width: 70rem)"; // of floor.css
let chosen = "";
let name = "";

function paint() {
  paintWaiting();
  paintQueues();
  paintSeats(chosen);
  paintCallers();
  paintOne();
}

function paintCallers() {
  const rows = [...board.CallRow.values()].filter((row) => row.state === "waiting").sort((a, b) => waitsSince(a).localeCompare(waitsSince(b)));
  show(at("no-callers"), rows.length === 0);
  const said = ["waited", "queue", "language", "level"].map((word) => ({ "data-word": t(word) }));
  const build = () => make("tr", {}, make("td", { class: "clock", ...said[0] }), make("th", { scope: "row" }, make("span"), make("small", { class: "kept" }, icon("way_back"), make("span"))), ...said.slice(1).map((word) => make("td", word)));
  list(at("callers"), rows, (row) => row.key, build, (line, row) => {
    const [wait, who, queue, language, level] = line.children;
    since(wait, waitsSince(row));
    put(who.firstChild, row.caller || t("unknown"));
    show(who.lastChild, row.call_back);
    put(who.lastChild.lastChild, [t("place_kept"), lastTry(row)].filter(Boolean).join(" · "));
    put(queue, queueName(row.queue));
    put(language, named("lang", row.language));
    put(level, named("level", row.level));
  });
}

// -- one seat -------------------------------------------------------------------------------------

// `call`: which of his calls to show.
function choose(key, call = "") {
  chosen = key;
  name = board.SeatRow.get(key)?.name ?? key;
  paint();
  day(call);
  if (matchMedia(ONE_COLUMN).matches) at("one").scrollIntoView();
}

const seat = () => board.SeatRow.get(chosen);

function paintOne() {
  show(at("pick"), !chosen);
  show(at("one"), chosen !== "");
  if (!chosen) return;
  const row = seat();
  const call = row && callOf(row);
  put(at("one-name"), row ? [row.name, phoneOf(row)].filter(Boolean).join(" · ") : name);
  mark(at("one-now"), "data-look", look(row?.state ?? "offline"));
  turn(at("one-now"), call && row.state !== "wrap_up" ? stateIcon(call) : iconOf(row?.state ?? "offline"));
  put(at("one-state"), row ? (call && row.state !== "wrap_up" ? stateOf(call) : named("state", row.state)) : t("seat_gone"));
  since(at("one-time"), row?.since ?? "");
  put(at("one-why"), row ? [reason(row), row.present ? "" : t("away_page"), row.next_state ? t("after", { state: named("state", row.next_state) }) : ""].filter(Boolean).join(" · ") : "");
  show(at("one-call"), call !== undefined);
  if (call) put(at("one-call"), [call.caller, named("lang", call.language), queueName(call.queue), named("level", call.level), call.customer, call.business && named("business", call.business), t(call.recording && call.state === "pin" ? "recording_paused" : call.recording ? "recording" : "not_recording")].filter(Boolean).join(" · "));
  show(at("one-watched"), Boolean(row?.watched_by));
  put(at("one-watched").querySelector("span"), row?.watched_by ? t("watched", { name: nameOf(row.watched_by) }) : "");
  put(at("d-calls"), String(row?.calls_today ?? "–"));
  put(at("d-talk"), row ? spell(row.talk_today_s) : "–");
  put(at("d-average"), row ? averageTalk(row) : "–");
  paintActs(row, call);
}

function paintActs(row, call) {
  const talks = Boolean(call && TALKING.includes(call.state));
  const listens = row?.watched_by === facts.me;
  const may = {
    monitor: talks,
    whisper: talks,
    barge: talks,
    stop: listens,
    intercept: talks && listens && call.state !== "pin",
    record: talks && call.state !== "pin",
    force_ready: Boolean(row) && !["ready", "ringing"].includes(row.state),
    force_out: Boolean(row) && !["ringing", "talking"].includes(row.state),
  };
  for (const button of document.querySelectorAll("#one button[data-act]")) {
    mark(button, "aria-disabled", !may[button.dataset.act]);
    if (button.dataset.act === "record") put(button, t(call?.recording ? "record_off" : "record_on"));
  }
}

async function day(call) {
  const of = chosen;
  list(at("day"), [], (row) => row.id);
  try {
    const answer = await fetch(facts.day + encodeURIComponent(of));
    if (!answer.ok || of !== chosen) return;
    const { contacts = [] } = await answer.json();
    paintContacts(at("day"), contacts, of);
    const wanted = call && contacts.find((row) => row.call === call);
    for (const line of at("day").children) mark(line, "aria-current", Boolean(wanted) && line.dataset.row === wanted.id);
    if (wanted) at("day").querySelector("[aria-current=true]").scrollIntoView({ block: "nearest" });
  } catch {
    // the banner says that the console is away
  }
}

// -- acts -----------------------------------------------------------------------------------------

const listen = () => ({ seat: chosen, phone: at("phone").value.trim() });
const ACTS = {
  monitor: () => ["monitor", listen()],
  whisper: () => ["whisper", listen()],
  barge: () => ["barge", listen()],
  stop: () => ["stop", { seat: chosen }],
  intercept: async () => (await sure(t("sure_intercept", { name }), t("intercept"))) && ["intercept", { seat: chosen }],
  record: () => ["record", { seat: chosen, on: !callOf(seat())?.recording }],
  force_ready: () => ["force", { seat: chosen, state: "ready" }],
  force_out: async () => (await sure(t("sure_out", { name }), t("force_out"))) && ["force", { seat: chosen, state: "out" }],
};

async function press(button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  const words = button.textContent;
  const asked = await ACTS[button.dataset.act]();
  if (!asked) return;
  const answer = await act(...asked);
  tell(answer.done ? t("done_act", { act: words }) : answer.words, !answer.done);
}

for (const button of document.querySelectorAll("#one button[data-act]")) {
  button.addEventListener("click", () => press(button));
}
const phone = at("phone");
if (phone) {
  try {
    phone.value = localStorage.getItem(PHONE) ?? "";
  } catch {
    // a browser that keeps nothing asks again
  }
  phone.addEventListener("input", () => {
    try {
      localStorage.setItem(PHONE, phone.value.trim());
    } catch {
      // as above
    }
  });
}
watch(paint);
watchToday(choose);
watchSeats(choose);
