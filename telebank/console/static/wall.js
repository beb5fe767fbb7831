// The wallboard: figures that are read from across the room.
import { look as watch, board } from "./board_stream.js";
import { at, icon, iconOf, list, look, make, mark, put } from "./board_dom.js";
import { named } from "./board_words.js";
import { byState, paintFigures, paintQueues, paintWaiting } from "./floor_rows.js";

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

watch(paint, paintFigures);
