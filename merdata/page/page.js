"use strict";
(async () => {
  const PAGE = 50; // rows in the document at a time, however many the table has
  const byId = (id) => document.getElementById(id);
  const number = new Intl.NumberFormat("en").format;
  const parsed = (id) => JSON.parse(byId(id).textContent);

  const unpack = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  };

  const make = (name, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(name), properties);
    element.append(...children);
    return element;
  };

  const clips = parsed("clips");
  const { rows, columns } = await unpack(parsed("packed"));
  const cell = (column, row) => {
    if (!column.codes) return column.values[row];
    return column.codes[row] < 0 ? null : column.values[column.codes[row]];
  };
  const shownOf = (value) => (value === null ? "" : Array.isArray(value) ? value.join("; ") : String(value));
  const kindOf = (note) => note.split(":")[0];
  const offered = (column, value) => (column.kind === "notes" ? value.map(kindOf) : [value]);

  const clip = columns.find((column) => column.name === "clip");
  const visible = columns.filter((column) => column.kind !== "hidden");
  const filters = visible.filter((column) => column.kind === "category" || column.kind === "notes");
  const searched = visible.filter((column) => column.codes);
  const form = byId("filters"), body = byId("table").tBodies[0], player = byId("player");
  const selects = new Map();
  let found = [], at = 0, sorted = null, falling = false, playing = null, audibles = 0;

  // Filters: a choice for each category, with how many rows have it.
  const addFilter = (name, title, counts, order = []) => {
    if (counts.size < 2) return;
    const place = new Map(order.map((value, index) => [value, index]));
    const rank = (value) => (place.has(value) ? place.get(value) : place.size);
    const names = [...counts.keys()].sort((one, other) => rank(one) - rank(other)
      || one.localeCompare(other, "en", { numeric: true }));
    const select = make("select", { name }, make("option", { value: "", textContent: "all" }));
    for (const value of names)
      select.append(make("option", { value, textContent: `${value} (${number(counts.get(value))})` }));
    selects.set(name, select);
    form.insertBefore(make("label", {}, title, select), form.lastElementChild);
  };

  const countsOf = (column) => {
    const each = new Array(column.values.length).fill(0);
    for (const code of column.codes) if (code >= 0) each[code] += 1;
    const counts = new Map();
    column.values.forEach((value, code) => {
      for (const one of new Set(offered(column, value))) counts.set(one, (counts.get(one) || 0) + each[code]);
    });
    return counts;
  };

  for (const column of filters) addFilter(column.name, column.title, countsOf(column), column.order);
  const WITH = "can be heard", WITHOUT = "cannot";
  if (clip) {
    const heard = clip.codes.filter((code) => code >= 0).length;
    if (heard) addFilter("clip", "audio", new Map([[WITH, heard], [WITHOUT, rows - heard]]));
  }

  // A test looks at the distinct values once, then at every row's code.
  const test = (column, accepts) => {
    const passes = column.values.map(accepts);
    return (row) => column.codes[row] >= 0 && passes[column.codes[row]];
  };

  const tests = () => {
    const wanted = [];
    for (const [name, select] of selects) {
      if (!select.value) continue;
      const column = columns.find((one) => one.name === name);
      if (name === "clip") wanted.push((row) => audible(row) === (select.value === WITH));
      else wanted.push(test(column, (value) => offered(column, value).includes(select.value)));
    }
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const word of words) {
      const any = searched.map((column) => test(column, (value) => shownOf(value).toLowerCase().includes(word)));
      wanted.push((row) => any.some((passes) => passes(row)));
    }
    return wanted;
  };

  const audible = (row) => Boolean(clip) && clip.codes[row] >= 0;

  const ranks = (column) => {
    if (!column.codes) return (row) => column.values[row];
    const order = column.values.map((_, code) => code);
    order.sort((one, other) => shownOf(column.values[one]).localeCompare(shownOf(column.values[other]), "en"));
    const place = [];
    order.forEach((code, index) => { place[code] = index; });
    return (row) => (column.codes[row] < 0 ? Infinity : place[column.codes[row]]);
  };

  const apply = () => {
    const wanted = tests();
    const heard = [], others = [];
    for (let row = 0; row < rows; row += 1)
      if (wanted.every((passes) => passes(row))) (audible(row) ? heard : others).push(row);
    found = heard.concat(others);
    audibles = heard.length;
    if (sorted) {
      const rank = ranks(sorted), sign = falling ? -1 : 1;
      found.sort((one, other) => sign * (rank(one) - rank(other)) || one - other);
    }
    at = 0;
    show();
  };

  const playButton = (row) => {
    const name = clip ? cell(clip, row) : null;
    if (name === null) return "";
    const what = cell(columns.find((column) => column.name === "id"), row);
    const button = make("button", { type: "button", className: "play", textContent: "▶" });
    button.setAttribute("aria-label", `Play ${what}`);
    button.addEventListener("click", () => play(row, name, what));
    return button;
  };

  const play = (row, name, what) => {
    byId("deck").hidden = false;
    byId("playing").textContent = what;
    player.src = Object.hasOwn(clips, name) ? `data:audio/flac;base64,${clips[name]}` : name;
    player.play().catch(() => { byId("playing").textContent = `${what} cannot be played`; });
    playing = row;
    mark();
  };

  const mark = () => {
    for (const line of body.rows) line.setAttribute("aria-current", String(Number(line.dataset.row) === playing));
  };

  const line = (row) => {
    const made = make("tr", { tabIndex: -1 });
    made.dataset.row = row;
    if (clip) made.append(make("td", { className: "clip" }, playButton(row)));
    for (const column of visible) {
      const value = cell(column, row), content = shownOf(value);
      const kind = column.kind === "number" ? "number" : `${column.kind} ${column.name}`;
      const one = make("td", { className: content ? kind : `${kind} empty`, textContent: content });
      one.dataset.title = column.title;
      made.append(one);
    }
    return made;
  };

  const show = () => {
    body.replaceChildren(...found.slice(at, at + PAGE).map(line));
    if (body.rows.length) body.rows[0].tabIndex = 0;
    mark();
    byId("count").textContent = `${number(found.length)} of ${number(rows)} utterances`
      + (audibles ? `, ${number(audibles)} of them to listen to` : "");
    byId("page").textContent = `page ${number(at / PAGE + 1)} of ${number(Math.max(1, Math.ceil(found.length / PAGE)))}`;
    byId("pager").hidden = found.length <= PAGE;
    byId("previous").disabled = at === 0;
    byId("next").disabled = at + PAGE >= found.length;
  };

  const turn = (step) => {
    at += step * PAGE;
    show();
    byId("utterances").scrollIntoView();
  };

  const head = byId("table").tHead.insertRow();
  if (clip) head.append(make("th", { scope: "col" }, make("span", { ariaLabel: "Play" })));
  for (const column of visible) {
    const button = make("button", { type: "button", textContent: column.title });
    const heading = make("th", { scope: "col", className: column.kind === "number" ? "number" : "" }, button);
    button.addEventListener("click", () => {
      falling = sorted === column && !falling;
      sorted = column;
      for (const other of head.cells) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
      apply();
    });
    head.append(heading);
  }

  // The address holds the filters, so that links lead to utterances and a view can be kept.
  const remember = () => {
    const chosen = new URLSearchParams();
    for (const [name, select] of selects) if (select.value) chosen.set(name, select.value);
    if (byId("search").value) chosen.set("q", byId("search").value);
    history.replaceState(null, "", `#${chosen.size ? chosen : "utterances"}`);
  };

  const follow = () => {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const filtered = location.hash.includes("=");
    for (const [name, select] of selects) {
      const value = wanted.get(name) || "";
      select.value = value;
      if (select.value !== value) select.value = "";
    }
    byId("search").value = wanted.get("q") || "";
    apply();
    if (filtered) {
      byId("utterances").scrollIntoView();
      if (body.rows.length) body.rows[0].focus({ preventScroll: true });
    }
  };

  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", () => { remember(); apply(); });
  form.addEventListener("reset", () => setTimeout(() => { remember(); apply(); }));
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  body.addEventListener("keydown", (event) => {
    const here = event.target.closest("tr");
    const next = { ArrowDown: here.nextElementSibling, ArrowUp: here.previousElementSibling }[event.key];
    if (next) {
      event.preventDefault();
      here.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    } else if (event.key === "Enter" && event.target === here) here.querySelector(".play")?.click();
  });
  window.addEventListener("hashchange", () => { if (location.hash.includes("=")) follow(); });
  follow();
})();
