// Searching articles: a form, a list and one article, on the page of their own and at the desk. The
// server finds and marks; this asks as people type, and moves by keys.
const WAIT_MS = 150;
const NUMBER = /\d(?:[ -]?\d){6,}/;

// What to add to an address: {here: "transfer"}; `opened` is told of each article that is shown.
export function knowledge(root, { more = () => ({}), opened = () => {} } = {}) {
  const input = root.querySelector("input[type=search]");
  const kind = root.querySelector("select");
  const list = root.querySelector(".k-list");
  const pane = root.querySelector(".k-article");
  const said = root.querySelector(".k-said-n");
  let timer = 0;
  let asking = null;
  let opening = null;

  const links = () => [...list.querySelectorAll("a[data-article]")];

  function query() {
    const lang = new URLSearchParams(location.search).get("lang");
    const all = { q: input.value.trim(), business: kind.value, lang: lang ?? "" };
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value));
  }

  async function get(path, asked, signal) {
    const answer = await fetch(`${path}?${new URLSearchParams(asked)}`, { signal });
    if (answer.status === 401) location.reload();
    return answer.ok ? answer.text() : null;
  }

  // `auto`: nobody did it, so it keeps no login alive.
  async function find(auto = false) {
    clearTimeout(timer);
    asking?.abort();
    if (NUMBER.test(input.value)) {
      said.textContent = root.dataset.numbers;
      return false;
    }
    const mine = new AbortController();
    asking = mine;
    try {
      const found = await get(root.dataset.find, { ...query(), ...more(), ...(auto ? { auto: "1" } : {}) }, mine.signal);
      if (mine.signal.aborted) return false;
      if (found === null) throw new TypeError("refused");
      root.classList.remove("k-opened");
      list.innerHTML = found; // our own server's, and escaped there
      said.textContent = list.querySelector("[data-said]")?.dataset.said ?? "";
      return true;
    } catch (error) {
      if (error.name === "AbortError") return false;
      said.textContent = root.dataset.away;
      return false;
    }
  }

  async function open(id) {
    opening?.abort();
    const mine = new AbortController();
    opening = mine;
    try {
      const found = await get(root.dataset.open.replace("ID", encodeURIComponent(id)), query(), mine.signal);
      if (mine.signal.aborted) return;
      if (found === null) throw new TypeError("refused");
      pane.innerHTML = found;
      root.classList.add("k-opened");
      for (const link of links()) link.toggleAttribute("aria-current", link.dataset.article === id);
      pane.scrollTop = 0;
      opened(id, pane);
      pane.querySelector("h2").focus({ preventScroll: true });
    } catch (error) {
      if (error.name !== "AbortError") said.textContent = root.dataset.away;
    }
  }

  function list_() {
    root.classList.remove("k-opened");
    (links().find((link) => link.hasAttribute("aria-current")) ?? input).focus();
  }

  function step(by) {
    const all = [input, ...links()];
    const shown = document.activeElement?.closest("a[data-article]") ?? links().find((link) => link.hasAttribute("aria-current"));
    const at = document.activeElement === input ? 0 : Math.max(0, all.indexOf(shown));
    all[Math.min(all.length - 1, Math.max(0, at + by))].focus();
  }

  input.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(find, WAIT_MS);
  });
  input.addEventListener("compositionend", () => (timer = setTimeout(find, WAIT_MS)));
  kind.addEventListener("change", () => find());
  root.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    if (await find()) links()[0]?.click();
  });
  root.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-article]");
    const back = event.target.closest(".k-back");
    if ((!link && !back) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (link) open(link.dataset.article);
    else list_();
  });
  root.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || event.altKey || event.target === kind) return;
    event.preventDefault();
    step(by);
  });
  return { find, open, input };
}
