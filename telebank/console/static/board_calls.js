// What a call is in words: who called, whose place is kept, what came of the last try to reach him.
import { iconOf } from "./board_dom.js";
import { board } from "./board_stream.js";
import { clock, facts, has, named, spell, t } from "./board_words.js";

// Since when he waits for a teller, of one who talks with none.
export const waitsSince = (call) => new Date(new Date(call.since).getTime() - call.waited_s * 1000).toISOString();

// Of talks that are over: the node counts a call as it begins, and how long it was at its end.
export function averageTalk(seat) {
  const over = seat.calls_today - (seat.state === "talking" ? 1 : 0);
  return over > 0 ? spell(seat.talk_today_s / over) : "–";
}

// We call, and nobody has answered yet.
export const calling = (call) => call?.state === "ringing" && call.direction === "out";

export function stateOf(call) {
  if (!calling(call)) return named("call", call.state);
  return t(call.call_back ? "call_calling_back" : "call_calling");
}

export const stateIcon = (call) => (calling(call) && !call.call_back ? "way_out" : iconOf(call.state));

// Who called whom, with its icon. Only calls out of a queue are call-backs.
export function wayOf(call) {
  if (call.call_back) return { icon: "way_back", words: t("way_kept", { since: clock(waitsSince(call)).slice(0, 5) }) };
  if (call.direction !== "out") return { icon: "way_in", words: t("way_in") };
  return call.queue ? { icon: "way_back", words: t("way_back") } : { icon: "way_out", words: t("way_out") };
}

// Why nobody was reached, or by what a call is about to end: what happened, or the limit.
export const whyNot = (code) => (has(`reached_${code}`) ? t(`reached_${code}`) : named("no", code));

export const lastTry = (call) => (call.not_reached ? t("last_try", { why: whyNot(call.not_reached) }) : "");

// Also of a queue that is not this seat's: a caller may come from any.
export const queueName = (key) => board.QueueRow.get(key)?.[facts.lang] ?? named("of_queue", key);
