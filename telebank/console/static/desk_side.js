// What stands beside the call: own queues, own figures of today, own calls of today.
import { averageTalk, queueName } from "./board_calls.js";
import { paintContacts } from "./board_contacts.js";
import { board } from "./board_stream.js";
import { at, list, make, mark, put, show, since, t, ticks } from "./board_dom.js";
import { facts, secondsSince, spell } from "./board_words.js";

export function paintSide(seat) {
  paintQueues(seat);
  paintToday(seat);
}

function paintQueues(seat) {
  const rows = [...seat.queues, ...seat.helps].map((key) => board.QueueRow.get(key)).filter(Boolean);
  const called = (key) => (seat.helps.includes(key) ? t("helps", { name: queueName(key) }) : queueName(key));
  show(at("no-queues"), rows.length === 0);
  show(at("queues").parentElement, rows.length > 0);
  const build = () => make("tr", {}, make("th", { scope: "row" }), make("td", { class: "number" }), make("td", { class: "number", "data-none": "–" }), make("td", { class: "number" }));
  list(at("queues"), rows, (row) => row.key, build, (line, row) => {
    const [name, waiting, longest, expected] = line.children;
    put(name, row.open ? called(row.key) : `${called(row.key)} (${t("closed")})`);
    put(waiting, String(row.waiting));
    since(longest, row.longest_since);
    put(expected, row.expected_wait_s === null ? "–" : spell(row.expected_wait_s));
    mark(line, "data-wait", row.waiting > 0);
  });
}

// It goes on while he talks: the node counts a talk at its end.
function paintToday(seat) {
  put(at("t-calls"), String(seat.calls_today));
  const talk = () => seat.talk_today_s + (seat.state === "talking" ? secondsSince(seat.since) : 0);
  ticks(at("t-talk"), () => spell(talk()));
  put(at("t-average"), averageTalk(seat));
}

export async function history() {
  try {
    const answer = await fetch(facts.history);
    if (!answer.ok) return;
    const { contacts = [] } = await answer.json();
    paintContacts(at("history"), contacts);
  } catch {
    // the banner says that the console is away
  }
}
