// A row that is chosen in the address (`#row=inception_3a`) is shown in every pane. Without this script, all is readable.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const one = (selector, within = document) => within.querySelector(selector);
  const made = (tag, text, attributes = {}) => {
    const element = document.createElement(tag);
    element.textContent = text;
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  };

  const lines = all("tr[data-row]");
  const names = lines.map((line) => line.dataset.row);
  const links = lines.map((line) => one("a", line));
  const pane = one("#chosen");
  const heading = one("#title-chosen");
  const views = all(".view", pane);
  const listings = all(".listing").map((figure) => ({
    figure,
    rows: new Map(Object.entries(JSON.parse(figure.dataset.lines))),
  }));
  const tall = matchMedia("(min-width: 62rem)"); // the panes have their own scroll bars, as in page.css
  let chosen = "";

  // --- the chosen row

  function mark({ figure, rows }) {
    const ranges = rows.get(chosen) || [];
    all("[data-n]", figure).forEach((line, index) => {
      const on = ranges.some(([first, last]) => first <= index + 1 && index + 1 <= last);
      line.classList.toggle("on", on);
      line.classList.toggle("first", ranges.slice(1).some(([first]) => first === index + 1));
    });
    figure.hidden = chosen !== "" && ranges.length === 0;
  }

  // Only the nearest box with its own scroll bar moves, never the page.
  function reveal(element) {
    let box = element && element.parentElement;
    while (box && (box.scrollHeight <= box.clientHeight || getComputedStyle(box).overflowY === "visible")) {
      box = box.parentElement;
    }
    if (!box || box === document.documentElement) return;
    const [inner, outer] = [element, box].map((part) => part.getBoundingClientRect());
    if (inner.top < outer.top + 40 || inner.bottom > outer.bottom) {
      box.scrollTop += inner.top - outer.top - Math.max(40, (outer.height - inner.height) / 3);
    }
  }

  function show(name) {
    chosen = names.includes(name) ? name : "";
    for (const element of all("[data-row]")) element.classList.toggle("on", element.dataset.row === chosen);
    for (const element of all("[data-rows]")) {
      element.classList.toggle("on", element.dataset.rows.split(" ").includes(chosen));
    }
    lines.forEach((line, index) => {
      const current = names[index] === chosen;
      if (current) line.setAttribute("aria-current", "true");
      else line.removeAttribute("aria-current");
      links[index].tabIndex = current || (!chosen && index === 0) ? 0 : -1;
    });
    pane.classList.toggle("filtered", chosen !== "");
    heading.textContent = chosen || "All rows";
    closing.hidden = chosen === "";
    listings.forEach(mark);
    for (const view of views) view.classList.toggle("bare", !one(".on", view));
    reveal(one("tr.on"));
    reveal(one("#figure .row.on"));
    revealLines();
  }

  function revealLines() {
    const view = one(".view.open", pane);
    whole.hidden = !chosen || !one(".listing", view);
    whole.setAttribute("aria-pressed", String(!view.classList.contains("part")));
    if (chosen) all(".listing", view).forEach((figure) => reveal(one(".on", figure)));
  }

  // A row that is chosen on the page: the address follows, and the focus stays with the row's link.
  function choose(name) {
    const at = names.indexOf(name || chosen);
    history.replaceState(null, "", name ? `#row=${name}` : location.pathname + location.search);
    show(name);
    links[at].focus({ preventScroll: true });
    if (!tall.matches) lines[at].scrollIntoView({ block: "nearest" });
  }

  // A row that the address names: the page goes there.
  function visit(name) {
    show(name);
    if (chosen) one(tall.matches ? ".bench" : "tr.on").scrollIntoView();
  }

  // --- tabs for the views

  const tabs = made("div", "", { class: "tabs", role: "tablist", "aria-label": "What to show of the row" });
  const buttons = views.map((view) => {
    const title = one("h3", view);
    const button = made("button", title.textContent, { type: "button", role: "tab", "aria-controls": view.id });
    button.id = `tab-${view.id}`;
    button.addEventListener("click", () => open(view));
    view.setAttribute("role", "tabpanel");
    view.setAttribute("aria-labelledby", button.id);
    tabs.append(button);
    return button;
  });

  function open(view, focus = false) {
    views.forEach((other, index) => {
      other.classList.toggle("open", other === view);
      buttons[index].setAttribute("aria-selected", String(other === view));
      buttons[index].tabIndex = other === view ? 0 : -1;
      if (focus && other === view) buttons[index].focus();
    });
    revealLines();
  }

  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = buttons.findIndex((button) => button.tabIndex === 0);
    open(views[(at + step + views.length) % views.length], true);
    event.preventDefault();
  });

  const tools = made("div", "", { class: "tools" });
  const whole = made("button", "Whole file", { type: "button" });
  const closing = made("button", "Close", { type: "button" });
  whole.addEventListener("click", () => {
    one(".view.open", pane).classList.toggle("part");
    revealLines();
  });
  closing.addEventListener("click", () => choose(""));
  heading.before(tools);
  tools.append(heading, whole, closing);
  tools.after(tabs);
  one("#code").classList.add("part"); // the spec is short

  // --- figures that zoom

  for (const canvas of all(".canvas")) {
    const svg = one("svg", canvas);
    const natural = svg.viewBox.baseVal.width;
    let scale = 0; // 0 is as wide as the canvas, and at most its own size
    const zoom = (to) => {
      const before = svg.getBoundingClientRect().width / natural;
      scale = to && Math.min(8, Math.max(0.1, to(before)));
      svg.style.maxWidth = scale ? "none" : "";
      svg.style.width = scale ? `${natural * scale}px` : "";
    };
    const bar = made("div", "", { class: "tools", role: "group", "aria-label": "Zoom" });
    const caption = canvas.previousElementSibling;
    const actions = [
      ["−", "Zoom out", () => zoom((now) => now / 1.25)],
      ["+", "Zoom in", () => zoom((now) => now * 1.25)],
      ["1:1", "Own size", () => zoom(() => 1)],
      ["Fit", "Fit the width", () => zoom(0)],
    ];
    if (caption.matches("h2")) {
      caption.before(bar);
      bar.append(caption);
    } else caption.after(bar);
    for (const [text, label, act] of actions) {
      const button = made("button", text, { type: "button", "aria-label": label, title: label });
      button.addEventListener("click", act);
      bar.append(button);
    }
    canvas.addEventListener("wheel", (event) => {
      if (!event.ctrlKey) return;
      event.preventDefault();
      zoom((now) => now * (event.deltaY < 0 ? 1.1 : 1 / 1.1));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => {
      const action = { "-": 0, "+": 1, "=": 1, 1: 2, 0: 3 }[event.key];
      if (action !== undefined && !event.ctrlKey && !event.metaKey) actions[action][2]();
    });
  }

  // --- clicks and keys

  for (const element of [...lines, ...all("#figure .row")]) {
    element.addEventListener("click", (event) => {
      if (event.target.closest("a") || String(getSelection())) return;
      choose(element.dataset.row);
    });
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
    const arrows = event.target.closest(".rows") ? { ArrowDown: 1, ArrowUp: -1 } : {}; // elsewhere, they scroll
    const step = { j: 1, k: -1, ...arrows }[event.key];
    if (step) {
      const at = names.indexOf(chosen);
      const next = at < 0 ? (step > 0 ? 0 : names.length - 1) : at + step;
      if (names[next]) choose(names[next]);
      event.preventDefault();
    } else if (event.key === "Escape" && chosen) {
      choose("");
    }
  });

  function follow() {
    const hash = location.hash;
    if (hash.startsWith("#row=")) visit(hash.slice(5));
    else if (!hash) show("");
    const view = views.find((other) => `#${other.id}` === hash);
    if (view) open(view);
  }

  document.documentElement.classList.add("js");
  for (const line of lines) line.removeAttribute("id"); // the script goes there instead
  open(views[0]);
  show("");
  addEventListener("hashchange", follow);
  follow();
})();
