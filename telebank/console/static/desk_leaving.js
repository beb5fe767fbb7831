// Who sits keeps this page: the other pages of the console open beside it. And why he sits here no more.
import { link } from "./board_stream.js";
import { make, mark, t } from "./board_dom.js";

const PRESENCE_MS = 15000; // `presence_s` of the node
const others = document.querySelectorAll("header .pages a:not([aria-current])");

export function keepPage(sits) {
  for (const way of others) {
    if (sits === (way.target === "_blank")) continue;
    if (sits) {
      for (const [name, value] of [["target", "_blank"], ["rel", "noopener"], ["title", t("opens_anew")]]) mark(way, name, value);
      way.append(make("span", { class: "hidden" }, ` (${t("opens_anew")})`));
    } else {
      for (const name of ["target", "rel", "title"]) way.removeAttribute(name);
      way.lastElementChild.remove();
    }
  }
}

// As a word of the page. `byHimself`: he pressed it.
export function whyLeft(byHimself) {
  if (link.restarted) return "restarted";
  if (byHimself) return "left";
  return link.unseen() > PRESENCE_MS ? "left_page_away" : "left_not_by_me";
}
