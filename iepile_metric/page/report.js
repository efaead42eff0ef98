"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const names = Object.keys(data.tasks);
  let task = names[0];
  let shown = [];
  let drawn = 0;

  // Everything is built as text nodes: nothing in the data is ever read as HTML.
  function make(tag, props = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(props)) {
      if (name === "class") node.className = value;
      else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== false && value != null) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.filter((child) => child != null));
    return node;
  }
  const percent = (value) => (100 * value).toFixed(1);
  const number = (value) => (Number.isInteger(value) ? String(value) : value.toFixed(1));
  const fill = (id, ...children) => at(id).replaceChildren(...children.filter((child) => child != null));

  function table(head, rows) {
    return make("table", {},
      make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)))),
      make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells.map((cell) =>
        cell instanceof HTMLTableCellElement ? cell : make("td", {}, cell instanceof Node ? cell : String(cell)))))));
  }
  function choose(text, filters) {
    return make("button", { type: "button", onclick: () => {
      at("filters").reset();
      for (const [id, value] of Object.entries(filters)) at(id).value = value;
      filter();
      at("filters").scrollIntoView({ block: "start" });
    } }, text);
  }

  // ---- scores ----
  function overview() {
    const scores = data.tasks[task];
    const certain = data.intervals[task];
    const tile = (value, name) => make("div", { class: "tile" }, make("b", {}, value), make("span", {}, name));
    const range = certain ? ` (${certain.level * 100} %: ${percent(certain.f1[0])}–${percent(certain.f1[1])})` : "";
    const tiles = [
      tile(percent(scores.f1), `F1 ${scores.definitions.headline}${range}`),
      tile(percent(scores.precision), "precision"), tile(percent(scores.recall), "recall"),
      tile(percent(scores.macro_f1), "macro F1"),
    ];
    for (const key of Object.keys(scores)) {
      if (key.endsWith("_f1") && key !== "macro_f1" && key !== `${scores.definitions.headline}_f1`) {
        tiles.push(tile(percent(scores[key]), `F1 ${key.slice(0, -3).replaceAll("_", " ")}`));
      }
    }
    tiles.push(tile(String(scores.records), "records"),
      tile(`${percent(scores.unparseable_share)} %`, `unparseable (${scores.unparseable} of ${scores.rows})`),
      tile(String(scores.recovered), "answers repaired"));
    fill("overview", ...tiles);
  }

  function errors() {
    const measures = Object.entries(data.errors[task]);
    fill("kinds", ...measures.map(([measure, found]) => make("div", {},
      make("h2", {}, `${measure}: ${percent(found.lost_f1)} points of F1 lost`),
      table(["kind", "units", "points of F1", ""], Object.entries(found.kinds)
        .sort((a, b) => b[1].share - a[1].share)
        .map(([kind, { count, share }]) => [
          make("td", { title: data.kinds[kind] }, choose(kind, { kind })), number(count), percent(share),
          make("span", { class: "bar", style: `width:${Math.max(1, 160 * share / (found.lost_f1 || 1))}px` }),
        ])))));
    const scores = data.tasks[task];
    const rows = (group, column) => Object.entries(group).map(([name, figures]) => [
      choose(name, { [column]: name }), percent(figures.precision), percent(figures.recall), percent(figures.f1),
      figures.support == null ? figures.records : number(figures.support),
    ]);
    const head = (name, last) => [name, "precision", "recall", "F1", last];
    const byLabel = rows(scores.labels, "label").sort((a, b) => b[4] - a[4]);
    fill("labels", table(head("label", "support"), byLabel),
      scores.sources ? table(head("source", "records"), rows(scores.sources, "source")) : null);
    fill("confusion", ...measures.map(([measure, found]) => confusion(measure, found.confusion)));
    fill("pairs", ...measures.map(([, found]) => table(["gold", "predicted", "kind", "times", "for example"],
      found.pairs.map((pair) => [pair.gold, pair.predicted, pair.kind, pair.count,
        make("td", { class: "text" }, pair.examples.map((e) =>
          `${e.gold.join(" · ")} → ${e.predicted.join(" · ")}`).join("; "))]))));
    fill("definitions", table(["", ""], Object.entries(scores.definitions).map(([name, value]) =>
      [name, make("td", { class: "text" }, typeof value === "string" ? value : JSON.stringify(value))])));
  }

  function confusion(measure, counts) {
    const total = {};
    for (const [gold, row] of Object.entries(counts)) for (const [predicted, count] of Object.entries(row)) {
      for (const name of new Set([gold, predicted])) total[name] = (total[name] || 0) + count;
    }
    const labels = Object.keys(total).filter(Boolean).sort((a, b) => total[b] - total[a]).slice(0, 20);
    const columns = [...labels, ""];
    return make("div", {}, make("h2", {}, `${measure}: gold in rows, predicted in columns`),
      table(["", ...labels, "nothing"], columns.map((gold) =>
        [gold || "nothing", ...columns.map((predicted) => (counts[gold] || {})[predicted] || "")])));
  }

  // ---- records ----
  const status = (unit) => (!unit.kind ? "hit" : unit.found ? "extra" : "missed");
  const signs = { hit: "✓", missed: "−", extra: "+" };
  const isText = (measure) => data.tasks[task].definitions.units[measure].map((name) =>
    !["type", "relation", "role", "attribute"].includes(name));

  function marked(record) {
    const text = record.text;
    const order = { hit: 3, missed: 2, extra: 1 };
    const spans = [];
    const add = (unit, measure, kind, name) => {
      if (!unit) return;
      const texts = isText(measure);
      unit.forEach((part, i) => {
        if (!texts[i] || !part) return;
        for (let from = text.indexOf(part), n = 0; from >= 0 && n < 50; from = text.indexOf(part, from + part.length), n++) {
          spans.push({ from, to: from + part.length, kind, title: `${unit.filter((_, j) => !texts[j]).join(" · ")} (${name})` });
        }
      });
    };
    for (const unit of record.units) {
      if (!unit.kind) add(unit.found, unit.measure, "hit", "right");
      else { add(unit.wanted, unit.measure, "missed", unit.kind); add(unit.found, unit.measure, "extra", unit.kind); }
    }
    const edges = [...new Set([0, text.length, ...spans.flatMap((span) => [span.from, span.to])])].sort((a, b) => a - b);
    const parts = [];
    for (let i = 0; i + 1 < edges.length; i++) {
      const piece = text.slice(edges[i], edges[i + 1]);
      const over = spans.filter((span) => span.from <= edges[i] && span.to >= edges[i + 1]);
      if (!over.length) { parts.push(piece); continue; }
      const kind = over.map((span) => span.kind).sort((a, b) => order[b] - order[a])[0];
      parts.push(make("mark", { class: kind, title: [...new Set(over.map((span) => span.title))].join("\n") }, piece));
    }
    return make("p", { class: "text-of" }, ...parts);
  }

  function chip(unit, words) {
    const side = status(unit);
    const pair = unit.kind && unit.found && unit.wanted;
    return make("span", { class: `chip ${side}`, title: data.kinds[unit.kind] || "right" },
      signs[side], " ", words(unit.found || unit.wanted),
      pair ? make("small", {}, `gold: ${unit.wanted.join(" · ")}`) : null,
      unit.kind && unit.kind !== "spurious" && unit.kind !== "missed" ? make("small", {}, `(${unit.kind})`) : null);
  }
  const group = (units, key) => {
    const groups = new Map();
    for (const unit of units) {
      const name = key(unit.found || unit.wanted);
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(unit);
    }
    return [...groups];
  };
  const line = (name, chips) => make("div", { class: "row" },
    name instanceof Node ? name : make("i", {}, name), ...chips);

  function units(record) {
    const measures = Object.keys(data.errors[task]);
    if (measures.includes("event") || measures.includes("argument")) {
      return group(record.units, (unit) => unit[0]).map(([type, all]) => make("div", { class: "event" },
        line(make("b", {}, type), all.filter((unit) => unit.measure === "event").map((unit) => chip(unit, (u) => u[1] || "no trigger"))),
        ...group(all.filter((unit) => unit.measure === "argument"), (unit) => unit[1])
          .map(([role, some]) => line(role, some.map((unit) => chip(unit, (u) => u[2]))))));
    }
    const words = { entity: (u) => u[1], relation: (u) => `${u[1]} → ${u[2]}`,
      attribute: (u) => `${u[1]} · ${u[2]}: ${u[3]}` }[measures[0]];
    return group(record.units, (unit) => unit[0]).map(([label, some]) => line(label, some.map((unit) => chip(unit, words))));
  }

  function card(record) {
    const node = make("article", { class: "record", tabindex: "0", "aria-label": `record ${record.id ?? ""}` },
      make("header", {}, make("b", {}, record.id ?? "no id"), make("span", {}, record.source),
        record.failed ? make("span", { class: "chip extra" }, `${record.failed} unparseable`) : null),
      record.text == null ? null : marked(record),
      make("div", { class: "rows" }, ...(record.units.length ? units(record) : [make("span", {}, "nothing annotated, nothing predicted")])),
      make("details", { class: "raw" }, make("summary", {}, "raw answer"),
        ...record.answers.map((answer) => make("pre", {}, answer || "(empty)"))));
    return node;
  }

  function draw(count = 30) {
    const next = shown.slice(drawn, drawn + count);
    at("list").append(...next.map(card));
    drawn += next.length;
  }

  function filter() {
    const words = at("search").value.trim().toLowerCase();
    const [kind, label, source] = ["kind", "label", "source"].map((id) => at(id).value);
    const inUnit = (unit) => unit && unit.join("\n").toLowerCase().includes(words);
    shown = data.records.filter((record) => record.task === task
      && (!source || record.source === source)
      && (!(kind || label) || record.units.some((unit) =>
        (!kind || (kind === "any" ? unit.kind : kind === "none" ? false : unit.kind === kind))
        && (!label || (unit.found || unit.wanted)[0] === label || (unit.wanted || [])[0] === label))
        || (kind === "none" && !record.units.some((unit) => unit.kind) && (!label || record.units.some((unit) => unit.found[0] === label))))
      && (!words || (record.text || "").toLowerCase().includes(words) || String(record.id).toLowerCase().includes(words)
        || record.units.some((unit) => inUnit(unit.found) || inUnit(unit.wanted))));
    at("found").textContent = `${shown.length} of ${data.records.filter((r) => r.task === task).length} records`;
    at("list").replaceChildren();
    drawn = 0;
    draw();
  }

  function options(id, pairs) {
    fill(id, ...pairs.map(([value, name]) => make("option", { value }, name)));
  }
  function open(name) {
    task = name;
    for (const button of at("tasks").children) button.setAttribute("aria-pressed", String(button.textContent === name.toUpperCase()));
    const scores = data.tasks[task];
    const present = new Set(data.records.filter((r) => r.task === task).flatMap((r) => r.units.map((unit) => unit.kind)));
    options("kind", [["", "all records"], ["any", "any error"], ["none", "no error"],
      ...Object.keys(data.kinds).filter((kind) => present.has(kind)).map((kind) => [kind, kind])]);
    options("label", [["", "all"], ...Object.keys(scores.labels).map((label) => [label, label])]);
    options("source", [["", "all"], ...Object.keys(scores.sources || {}).map((source) => [source, source])]);
    overview();
    errors();
    filter();
  }

  function move(step) {
    const cards = [...at("list").children];
    const now = cards.indexOf(document.activeElement.closest(".record"));
    if (now + step >= cards.length) draw();
    const next = at("list").children[Math.max(0, now + step)];
    if (next) { next.focus(); next.scrollIntoView({ block: "center" }); }
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input, select, textarea")) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/") { event.preventDefault(); at("search").focus(); }
    else if (event.key === "Enter" && event.target.matches(".record")) {
      const raw = event.target.querySelector("details");
      raw.open = !raw.open;
    }
  });
  at("filters").addEventListener("input", filter);
  at("filters").addEventListener("change", filter);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("reset", () => setTimeout(filter));
  at("theme").addEventListener("click", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
      || (getComputedStyle(document.documentElement).colorScheme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.documentElement.style.colorScheme = dark ? "light" : "dark";
  });
  at("tasks").append(...names.map((name) => make("button", { type: "button", onclick: () => open(name) }, name.toUpperCase())));
  at("tasks").hidden = names.length < 2;
  open(task);
  new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) draw(); },
    { rootMargin: "800px" }).observe(at("more"));
})();
