// The page of articles: its address follows what is shown, and it prints.
import { knowledge } from "./knowledge.js";

const root = document.getElementById("k-page");
const print = root.querySelector(".k-print");

function opened(id) {
  const here = new URL(location.href);
  here.searchParams.set("article", id);
  for (const name of ["q", "business"]) {
    const value = root.querySelector(`[name=${name}]`).value.trim();
    if (value) here.searchParams.set(name, value);
    else here.searchParams.delete(name);
  }
  history.replaceState(null, "", here);
  print.hidden = false;
}

const { input } = knowledge(root, { opened });
print.hidden = root.querySelector("article") === null;
print.addEventListener("click", () => globalThis.print());
root.querySelector(".k-keys").hidden = false;
addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target.closest?.("input, select, textarea")) return;
  event.preventDefault();
  input.focus();
  input.select();
});
if (!root.querySelector("article")) input.focus();
