// What a page does beyond being read: news, keys, marks in lists, zoom of graphs, ends of logs.
"use strict";
(() => {
  const body = document.body;
  const badge = document.querySelector(".live");
  let seen = null;
  let due = false;
  let busy = false;
  let lastFetch = 0;

  const say = (state) => {
    if (!badge || badge.dataset.state === state) return;
    badge.dataset.state = state;
    badge.textContent = { on: "● live", off: "○ no connection", held: "‖ paused while you select" }[state];
  };

  // Parts of the page that are replaced when they changed; what is open stays open.
  function replace(fresh) {
    for (const old of document.querySelectorAll("[data-region]")) {
      const now = fresh.getElementById(old.id);
      if (!now || now.innerHTML === old.dataset.was) continue;
      const open = new Set([...old.querySelectorAll("details[open][id]")].map((d) => d.id));
      const marked = new Set([...old.querySelectorAll("input:checked")].map((i) => i.value));
      const ends = [...old.querySelectorAll("[data-end]")].map((e) => [e.id, e.scrollTop, atEnd(e)]);
      const box = old.querySelector("svg[data-zoom]");
      const view = box && box.getAttribute("viewBox");
      old.dataset.was = now.innerHTML;
      old.replaceChildren(...document.adoptNode(now).childNodes);
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      for (const input of old.querySelectorAll("input[name=id]")) input.checked = marked.has(input.value);
      for (const [id, top, end] of ends) {
        const element = document.getElementById(id);
        if (element) element.scrollTop = end ? element.scrollHeight : top;
      }
      const drawn = old.querySelector("svg[data-zoom]");
      if (drawn && view) drawn.setAttribute("viewBox", view);
    }
  }

  async function refresh() {
    if (busy) { due = true; return; }
    if (document.hidden) { due = true; return; }
    if (!getSelection().isCollapsed) { due = true; say("held"); return; }
    busy = true;
    due = false;
    try {
      const answer = await fetch(location.href, { headers: { "x-live": "1" }, credentials: "same-origin" });
      if (answer.ok) {
        replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
        say("on");
      }
    } catch { say("off"); }
    busy = false;
    lastFetch = Date.now();
    if (due) later();
  }

  let waiting = null;
  function later() {
    if (waiting) return;
    waiting = setTimeout(() => { waiting = null; refresh(); }, Math.max(0, 1500 - (Date.now() - lastFetch)));
  }

  function hear(news) {
    say(news.state === "on" ? "on" : "off");
    const now = body.dataset.live === "pulse" ? `${news.version} ${news.pulse}` : news.version;
    if (news.state !== "on" || now === seen) return;
    const first = seen === null;
    seen = now;
    if (!first) later();
  }

  if (body.dataset.live) {
    if (window.SharedWorker) {
      const worker = new SharedWorker(body.dataset.news);
      worker.port.addEventListener("message", (event) => hear(event.data));
      worker.port.start();
      addEventListener("pagehide", () => worker.port.postMessage("bye"));
    } else {
      const source = new EventSource("/live");
      source.addEventListener("change", (event) => {
        const [version, pulse] = event.data.split(" ");
        hear({ state: "on", version, pulse });
      });
    }
    document.addEventListener("visibilitychange", () => { if (!document.hidden && due) later(); });
    document.addEventListener("selectionchange", () => { if (due && getSelection().isCollapsed) later(); });
  }

  // Logs: their end is shown, and they are asked for again while they grow.
  const atEnd = (element) => element.scrollHeight - element.scrollTop - element.clientHeight < 40;
  for (const element of document.querySelectorAll("[data-end]")) element.scrollTop = element.scrollHeight;
  const poll = Number(document.querySelector("[data-poll]")?.dataset.poll || 0);
  if (poll) setInterval(() => { if (document.querySelector("[data-poll]")?.dataset.poll !== "0") refresh(); }, poll * 1000);

  // Keys: / searches, Escape closes menus.
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement?.tagName);
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      document.querySelector(".search input").focus();
    }
    if (event.key === "Escape") {
      for (const menu of document.querySelectorAll("details.drop[open]")) menu.removeAttribute("open");
    }
  });
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.drop[open]")) {
      if (!menu.contains(event.target)) menu.removeAttribute("open");
    }
    const all = event.target.closest?.("[data-all]");
    if (all) {
      for (const input of document.querySelectorAll(`input[name=id][form=${all.dataset.all}]`)) input.checked = all.checked;
    }
    const zoom = event.target.closest?.("[data-zoom-by]");
    if (zoom) scale(Number(zoom.dataset.zoomBy));
  });
  // Empty fields make addresses long.
  document.addEventListener("submit", (event) => {
    if (event.target.method !== "get") return;
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
    setTimeout(() => { for (const field of event.target.elements) field.disabled = false; });
  });

  // Graphs: zoom and drag change the part that is seen.
  const graph = () => document.querySelector("svg[data-zoom]");
  const part = () => graph().getAttribute("viewBox").split(" ").map(Number);
  function scale(by, at) {
    const [x, y, w, h] = part();
    if (by === 0) { graph().setAttribute("viewBox", graph().dataset.zoom); return; }
    const [px, py] = at || [x + w / 2, y + h / 2];
    graph().setAttribute("viewBox", [px - (px - x) * by, py - (py - y) * by, w * by, h * by].join(" "));
  }
  document.addEventListener("wheel", (event) => {
    const svg = event.target.closest?.("svg[data-zoom]");
    if (!svg || !event.ctrlKey) return;
    event.preventDefault();
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    scale(event.deltaY > 0 ? 1.15 : 1 / 1.15, [point.x, point.y]);
  }, { passive: false });
  let drag = null;
  document.addEventListener("pointerdown", (event) => {
    const svg = event.target.closest?.("svg[data-zoom]");
    if (svg && event.button === 0) drag = { x: event.clientX, y: event.clientY, view: part(), moved: false };
  });
  document.addEventListener("pointermove", (event) => {
    if (!drag || !graph()) return;
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y];
    if (Math.abs(dx) + Math.abs(dy) > 4) drag.moved = true;
    if (!drag.moved) return;
    const ratio = 1 / graph().getScreenCTM().a;
    const [x, y, w, h] = drag.view;
    graph().setAttribute("viewBox", [x - dx * ratio, y - dy * ratio, w, h].join(" "));
  });
  document.addEventListener("pointerup", () => { if (drag?.moved) addEventListener("click", stop, { capture: true, once: true }); drag = null; });
  function stop(event) { event.preventDefault(); event.stopPropagation(); }
  document.addEventListener("dragstart", (event) => { if (event.target.closest?.("svg[data-zoom]")) event.preventDefault(); });
})();
