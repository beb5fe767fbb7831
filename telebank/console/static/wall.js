// The wallboard: figures that are read from across the room.
import { look as watch, board } from "./board_stream.js";
import { at, icon, iconOf, list, look, make, mark, put, t } from "./board_dom.js";
import { facts, named } from "./board_words.js";
import { watchToday } from "./floor_today.js";
import { byState, paintQueues, paintWaiting } from "./floor_rows.js";

const IN_USE_MS = 5000;

function paint() {
  paintWaiting();
  paintQueues();
  mark(at("w-waiting"), "data-wait", [...board.QueueRow.values()].some((row) => row.waiting > 0));
  const rows = byState().filter((one) => one.n || one.state !== "offline");
  const build = (one) => make("li", {}, icon(iconOf(one.state)), make("b"), make("span"));
  list(at("states"), rows, (one) => one.state, build, (item, one) => {
    mark(item, "data-look", look(one.state));
    put(item.querySelector("b"), String(one.n));
    put(item.querySelector("span"), named("state", one.state));
  });
}

// Lines, faxes and trunks are no rows of the board: they are asked for.
async function paintInUse() {
  let now = null;
  try {
    const answer = await fetch(facts.inUse);
    if (answer.ok) now = await answer.json();
  } catch {
    // the banner says that the console is away
  }
  put(at("u-lines"), now ? t("n_of", { n: now.lines, of: now.capacity }) : "–");
  put(at("u-faxes"), now ? String(now.faxes) : "–");
  put(at("u-trunks"), now ? t("n_of", { n: now.well, of: now.trunks }) : "–");
  mark(at("u-lines"), "data-bad", now !== null && now.lines >= now.capacity);
  mark(at("u-trunks"), "data-bad", now !== null && now.well < now.trunks);
  setTimeout(paintInUse, IN_USE_MS);
}

watch(paint);
paintInUse();
watchToday();
