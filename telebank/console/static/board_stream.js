// The board, live: one event stream. The node owns everything that is shown; a stream that broke is
// taken up where it was, and what is shown meanwhile is said to be old.
import { clock, clockIs, facts, now, t } from "./board_words.js";
import { at, BROWSER, put, show } from "./board_dom.js";

export const board = { SeatRow: new Map(), QueueRow: new Map(), CallRow: new Map(), whole: false };
// `unseen`: the longest time, in milliseconds, that the node heard nothing of this page since it told that its seat is there.
export const link = { csrf: "", stream: "", up: false, restarted: "", unseen: () => Math.max(longest, Date.now() - seenAt) };
const RETRY_MS = 2000;
const SILENCE_MS = 20000;
const IDLE_MS = 60000;
const BOOT = "telebank.boot";
const SEEN = "telebank.seen";
// What an answer is that is a page for people.
const PAGES = { 400: "old_form", 403: "not_allowed", 503: "away" };
let source = null;
let last = "";
let boot = remembered(BOOT);
let seenAt = Number(remembered(SEEN)) || Date.now();
let longest = 0;
let watch = 0;
let stoppedAt = "";
let closing = false; // the console said that it stops
let didSomething = true;
let saidSo = 0;
let changed = () => {};

// Of this tab, also after it was loaded anew and somebody logged in again.
export function remembered(name) {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return "";
  }
}

export function remember(name, value) {
  try {
    sessionStorage.setItem(name, value);
  } catch {
    // a browser that keeps nothing says less
  }
}

export function look(onChange) {
  changed = onChange;
  for (const kind of ["keydown", "pointerdown"]) addEventListener(kind, () => (didSomething = true), true);
  at("banner").querySelector("button").addEventListener("click", open);
  addEventListener("online", () => link.up || open());
  open();
}

function open() {
  if (source) source.close();
  const place = new URL(facts.events, location.href);
  if (last) place.searchParams.set("after", last);
  source = new EventSource(place);
  for (const [kind, act] of Object.entries(EVENTS)) {
    source.addEventListener(kind, (event) => {
      heard();
      act(JSON.parse(event.data), event);
    });
  }
  source.onerror = broken;
  heard();
}

const EVENTS = {
  hello(data) {
    clockIs(data.now);
    Object.assign(link, { csrf: data.csrf, stream: data.stream });
    here();
  },
  board(data, event) {
    last = event.lastEventId;
    if (data.type === "Board") for (const kind of ["SeatRow", "QueueRow", "CallRow"]) board[kind].clear();
    if (boot && boot !== data.boot) link.restarted = clock(now());
    boot = data.boot;
    remember(BOOT, boot);
    for (const row of data.rows) board[row.type].set(row.key, row);
    for (const row of data.gone ?? []) board[row.kind].delete(row.key);
    board.whole = true;
    up();
    changed();
    if (board.SeatRow.has(facts.me)) [longest, seenAt] = [0, Date.now()];
  },
  beat(data) {
    clockIs(data.now);
    here();
  },
  away: (data) => down("node_away", clock(data.now)),
  taken: () => over("taken_over", true),
  denied: () => over("no_not_allowed", false),
  login: () => location.reload(),
  closing: () => (closing = true),
};

// The page is there: said when the stream says something, as browsers slow the timers of a tab that
// nobody looks at. Whoever talks, or touched something, is at work: his login does not idle out.
function here() {
  if (!facts.here) return;
  const place = new URL(facts.here, location.href);
  place.searchParams.set("stream", link.stream);
  const active = didSomething || [...board.SeatRow.values()].some((row) => row.key === facts.me && row.call);
  if (active && Date.now() - saidSo >= IDLE_MS) {
    place.searchParams.set("busy", "1");
    saidSo = Date.now();
    didSomething = false;
  }
  fetch(place, { method: "POST", headers: { "X-CSRFToken": link.csrf } }).then((answer) => answer.ok && seen(), () => {});
}

function seen() {
  longest = link.unseen();
  seenAt = Date.now();
  remember(SEEN, String(seenAt));
}

function heard() {
  clearTimeout(watch);
  watch = setTimeout(() => {
    broken();
    open();
  }, SILENCE_MS);
}

async function broken() {
  down(closing ? "console_stopped" : "stopped");
  if (source.readyState !== EventSource.CLOSED) return;
  clearTimeout(watch);
  try {
    const answer = await fetch(facts.events, { method: "HEAD" });
    if (answer.status === 401) location.reload();
    if (answer.status === 503) put(at("banner").querySelector("span"), t("too_many"));
  } catch {
    // still away
  }
  watch = setTimeout(open, RETRY_MS);
}

function up() {
  link.up = true;
  stoppedAt = "";
  closing = false;
  put(at("state"), t("live"));
  at("state").className = "";
  show(at("banner"), false);
  document.body.classList.remove("old");
}

function down(why, since) {
  link.up = false;
  stoppedAt ||= since ?? clock(now());
  banner([t(why, { since: stoppedAt }), ofCall()].join(facts.lang === "zh" ? "" : " ").trim(), false);
}

// What may be said of the call in hand while nothing is heard of it; who has none is told nothing of one.
function ofCall() {
  const seat = facts.here ? board.SeatRow.get(facts.me) : undefined;
  if (seat?.state !== "talking") return "";
  return t(seat.phone === BROWSER ? "call_here" : "call_by_phone");
}

function over(why, again) {
  source.close();
  clearTimeout(watch);
  link.up = false;
  banner(t(why), again);
}

function banner(text, again) {
  const holder = at("banner");
  put(holder.querySelector("span"), text);
  show(holder.querySelector("button"), again);
  show(holder, true);
  put(at("state"), text);
  at("state").className = "stale";
  document.body.classList.add("old");
  if (board.whole) changed();
}

// One act at the node. Its words where it was not done; the board brings what became of it.
export const act = (name, body = {}) => ask(facts.acts + name, body);

export async function ask(path, body = {}) {
  const id = [...crypto.getRandomValues(new Uint8Array(16))].map((n) => n.toString(16).padStart(2, "0")).join("");
  didSomething = true;
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": link.csrf },
      body: JSON.stringify({ request_id: id, ...body }),
    });
    if (answer.ok) return { done: true, ...(await answer.json()) };
    if (answer.status === 401) location.reload();
    const json = answer.headers.get("Content-Type").startsWith("application/json");
    const said = json ? await answer.json() : { code: PAGES[answer.status] ?? "other", error: answer.statusText };
    return { done: false, code: said.code, words: wordsOf(said) };
  } catch {
    return { done: false, code: "away", words: t("no_away") };
  }
}

function wordsOf(said) {
  const known = t(`no_${said.code}`);
  return known === `no_${said.code}` ? t("no_other", { error: said.error || said.code }) : known;
}
