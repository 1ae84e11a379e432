// What a pointer and a keyboard can do on the page. Nothing here is needed to read it.
(() => {
"use strict";
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const make = (tag, name, parent) => {
  const element = document.createElement(tag);
  element.className = name;
  parent.append(element);
  return element;
};

// Numbers as the rest of the page writes them: three digits, binary units.
const shortened = (number) => {
  const size = Math.abs(number);
  const digits = size >= 100 ? 0 : 1;
  return number.toFixed(digits).replace(/\.0$/, "");
};
const counted = (number) => Math.round(number).toLocaleString("en-US");
const sized = (bytes) => {
  let size = Math.abs(bytes);
  const sign = bytes < 0 ? "-" : "";
  for (const unit of ["B", "KiB", "MiB"]) {
    if (size < 1023.5) return `${sign}${shortened(size)} ${unit}`;
    size /= 1024;
  }
  return `${sign}${shortened(size)} GiB`;
};

// A run's stages come as [name, samples] pairs, the samples' phases in a row.
const stagesOf = (charts) => JSON.parse(charts.dataset.stages).flatMap(([name, count]) => Array(count).fill(name));

function watch(charts) {
  const iterations = JSON.parse(charts.dataset.iterations);
  const stages = stagesOf(charts);
  const right = Number(charts.dataset.right);
  const areas = all(".area", charts).map((area) => ({
    area,
    readings: JSON.parse(area.dataset.readings),
    zero: Number(area.dataset.zero),
    top: Number(area.dataset.top),
    bottom: Number(area.dataset.bottom),
  }));
  if (!iterations.length) return;
  let chosen = 0;

  const told = (one, place) => {
    const show = one.area.dataset.unit ? sized : counted;
    const offset = one.readings[place];
    const sign = offset >= 0 ? "+" : "";
    return `${charts.dataset.each} ${counted(iterations[place])} (${stages[place]}): ` +
      `${show(one.zero + offset)} (${sign}${show(offset)})`;
  };
  const show = (one, place) => {
    chosen = place;
    one.cursor ??= make("div", "cursor", one.area);
    one.dot ??= make("div", "dot", one.area);
    one.reading ??= make("div", "reading", one.area);
    const x = (100 * iterations[place]) / right;
    const y = (100 * (one.top - one.readings[place])) / (one.top - one.bottom);
    one.cursor.style.left = `${x}%`;
    one.dot.style.left = `${x}%`;
    one.dot.style.top = `${y}%`;
    one.dot.hidden = y < 0 || y > 100;
    one.reading.textContent = told(one, place);
    one.reading.style.left = x < 50 ? `calc(${x}% + .5rem)` : "";
    one.reading.style.right = x < 50 ? "" : `calc(${100 - x}% + .5rem)`;
    for (const part of [one.cursor, one.reading]) part.hidden = false;
    one.area.setAttribute("aria-valuenow", iterations[place]);
    one.area.setAttribute("aria-valuetext", told(one, place));
  };
  const hide = (one) => {
    for (const part of [one.cursor, one.dot, one.reading]) if (part) part.hidden = true;
  };
  const nearest = (wanted) => {
    let low = 0, high = iterations.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (iterations[middle] < wanted) low = middle + 1; else high = middle;
    }
    return low > 0 && wanted - iterations[low - 1] < iterations[low] - wanted ? low - 1 : low;
  };

  for (const one of areas) {
    const { area } = one;
    area.tabIndex = 0;
    area.setAttribute("role", "slider");
    area.setAttribute("aria-label", `${area.dataset.label}, readings; arrow keys move`);
    area.setAttribute("aria-valuemin", iterations[0]);
    area.setAttribute("aria-valuemax", iterations[iterations.length - 1]);
    area.setAttribute("aria-valuenow", iterations[0]);
    area.addEventListener("pointermove", (event) => {
      const box = area.getBoundingClientRect();
      show(one, nearest(((event.clientX - box.left) / box.width) * right));
    });
    area.addEventListener("pointerdown", (event) => {
      const box = area.getBoundingClientRect();
      show(one, nearest(((event.clientX - box.left) / box.width) * right));
    });
    area.addEventListener("pointerleave", () => { if (document.activeElement !== area) hide(one); });
    area.addEventListener("focus", () => show(one, chosen));
    area.addEventListener("blur", () => hide(one));
    area.addEventListener("keydown", (event) => {
      const last = iterations.length - 1;
      const far = Math.max(1, Math.round(last / 10));
      const to = {
        ArrowRight: chosen + 1, ArrowUp: chosen + 1, ArrowLeft: chosen - 1, ArrowDown: chosen - 1,
        PageUp: chosen + far, PageDown: chosen - far, Home: 0, End: last,
      }[event.key];
      if (event.key === "Escape") { hide(one); return; }
      if (to === undefined) return;
      event.preventDefault();
      show(one, Math.min(Math.max(to, 0), last));
    });
  }
}

function zoomable(icicle) {
  const cells = all("button", icicle).map((cell) => ({
    cell, left: Number(cell.dataset.left), width: Number(cell.dataset.width), row: Number(cell.dataset.row),
  }));
  const told = icicle.nextElementSibling;
  const first = told.textContent;
  const zoom = (to) => {
    for (const one of cells) {
      const left = (100 * (one.left - to.left)) / to.width;
      const width = (100 * one.width) / to.width;
      // What lies above the chosen cell fills the whole width; what lies beside it goes.
      const above = one.row < to.row && one.left <= to.left + 1e-6 && one.left + one.width >= to.left + to.width - 1e-6;
      const inside = left > -1e-6 && left + width < 100 + 1e-3;
      one.cell.hidden = !above && !inside;
      one.cell.style.left = above ? "0%" : `${left}%`;
      one.cell.style.width = above ? "100%" : `${width}%`;
    }
  };
  for (const one of cells) {
    const tell = () => { told.textContent = one.cell.dataset.told; };
    one.cell.addEventListener("pointerenter", tell);
    one.cell.addEventListener("focus", tell);
    one.cell.addEventListener("click", () => zoom(one));
    one.cell.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { zoom(cells[0]); cells[0].cell.focus(); }
    });
  }
  icicle.addEventListener("pointerleave", () => { if (!icicle.contains(document.activeElement)) told.textContent = first; });
}

function sortable(table) {
  const body = table.tBodies[0];
  const heads = all("th", table);
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const was = head.getAttribute("aria-sort");
      // Figures are looked at from the largest down, names from the first.
      const first = head.classList.contains("number") ? "descending" : "ascending";
      const now = was === null ? first : was === "ascending" ? "descending" : "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", now);
      const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim();
      const numbers = head.classList.contains("number") || head.dataset.kind === "number";
      const order = (a, b) => (numbers ? Number(key(a)) - Number(key(b)) : key(a).localeCompare(key(b)));
      const rows = [...body.rows].sort(order);
      if (now === "descending") rows.reverse();
      body.append(...rows);
    });
  });
}

function filtered(form, table) {
  const search = form.querySelector("input[type=search]");
  const boxes = all("input[type=checkbox]", form);
  const count = form.querySelector("output");
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kinds = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    for (const row of table.tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !kinds.has(row.dataset.verdict) || !words.every((word) => text.includes(word));
      const card = document.getElementById(row.dataset.run);
      if (card) card.hidden = row.hidden;
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = shown === table.tBodies[0].rows.length ? "" : `${shown} shown`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
}

function openTarget() {
  const card = document.getElementById(location.hash.slice(1));
  const details = card && card.querySelector("details.whole");
  if (details) { card.hidden = false; details.open = true; card.scrollIntoView(); }
}

all(".charts").forEach(watch);
all(".icicle").forEach(zoomable);
all("table.sortable").forEach(sortable);
const form = document.querySelector("form.filter");
if (form) filtered(form, document.querySelector("table.sortable"));
addEventListener("hashchange", openTarget);
if (location.hash) openTarget();
// On paper nothing can be opened.
let opened = [];
addEventListener("beforeprint", () => {
  opened = all("details:not([open])").filter((details) => !details.closest(".session .run.clean"));
  opened.forEach((details) => { details.open = true; });
});
addEventListener("afterprint", () => { opened.forEach((details) => { details.open = false; }); opened = []; });
})();
