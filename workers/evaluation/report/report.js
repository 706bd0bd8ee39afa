"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const table = document.getElementById("files");
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const search = document.getElementById("search");
const count = document.getElementById("count");
const page = document.getElementById("page");
const SVG = "http://www.w3.org/2000/svg";

// --- the table: sorts by any column, filters by text and by conditions such as wer>10

let sortedBy = -1;
let descending = false;

function sortBy(column) {
  descending = sortedBy === column ? !descending : data.columns[column].numeric;
  sortedBy = column;
  const sign = descending ? -1 : 1;
  const key = (row) => data.files[row.dataset.file].cells[column];
  rows.sort((one, other) => {
    const a = key(one), b = key(other);
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "number" ? a - b : String(a).localeCompare(String(b)));
  });
  body.append(...rows);
  Array.from(table.tHead.rows[0].cells).forEach((cell, index) => {
    cell.setAttribute("aria-sort",
      index !== column ? "none" : descending ? "descending" : "ascending");
  });
}

function matches(file, term) {
  const condition = /^([a-z0-9_ ]+)([<>])(-?[\d.]+)$/.exec(term);
  const column = condition ? data.columns.findIndex((one) => one.key === condition[1]) : -1;
  if (column < 0) {
    if (term === "invalid") return !file.valid;
    return file.search.includes(term);
  }
  const value = file.cells[column], limit = Number(condition[3]);
  return value !== null && (condition[2] === ">" ? value > limit : value < limit);
}

function applyFilter() {
  const terms = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of rows) {
    const visible = terms.every((term) => matches(data.files[row.dataset.file], term));
    row.hidden = !visible;
    shown += visible;
  }
  count.textContent = `${shown} of ${rows.length}`;
}

Array.from(table.querySelectorAll("th button")).forEach((button, column) => {
  button.addEventListener("click", () => sortBy(column));
});
search.addEventListener("input", applyFilter);
applyFilter();

// --- the page of one recording, chosen by the address: #file-3

function element(name, parent, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  parent.append(made);
  return made;
}

function strip(parent, label, values, highest, className, marks) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${values.length || 1} 100`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const path = document.createElementNS(SVG, "path");
  const centred = className === "wave";
  path.setAttribute("d", values.map((value, x) => {
    const height = Math.min(100, 100 * value / (highest || 1));
    const top = centred ? 50 - height / 2 : 100 - height;
    return `M${x} ${top}h1v${Math.max(height, 0.5)}h-1z`;
  }).join(""));
  path.setAttribute("class", className);
  svg.append(path);
  const line = (className) => {
    const made = document.createElementNS(SVG, "line");
    made.setAttribute("class", className);
    made.setAttribute("y2", "100");
    svg.append(made);
    return made;
  };
  const place = (made, share) => {
    made.setAttribute("x1", share * values.length);
    made.setAttribute("x2", share * values.length);
  };
  for (const [share, kind, text] of marks) {
    const made = line(kind);
    place(made, share);
    const title = document.createElementNS(SVG, "title");
    title.textContent = text;
    made.append(title);
  }
  const cursor = line("cursor");
  parent.append(svg);
  return (share) => place(cursor, share);
}

function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

function showWords(parent, file, position) {
  const turns = new Map();
  const latest = new Map();
  for (const [at, turn, final, kept, rest, speaker] of file.messages) {
    if (at > position) break;
    const key = `${speaker}/${turn}`;
    const text = (latest.get(key) || "").slice(0, kept) + rest;
    latest.set(key, text);
    if (text || !turns.has(key)) turns.set(key, { final, text, speaker });
  }
  parent.replaceChildren();
  for (const turn of turns.values()) {
    const line = element("p", parent, undefined, turn.final ? "" : "open");
    if (file.speakers.length) element("span", line, `${file.speakers[turn.speaker]}: `, "speaker");
    line.append(turn.text);
  }
}

function showFile() {
  const match = /^#file-(\d+)$/.exec(location.hash);
  page.replaceChildren();
  if (!match || !data.files[match[1]]) return;
  const file = data.files[match[1]];
  element("h2", page, file.name);
  for (const warning of file.warnings) element("p", page, warning, "warning");
  const peaks = file.waveform ? Array.from(atob(file.waveform), (char) => char.charCodeAt(0)) : [];
  const cursors = [];
  const marks = file.marks.map(([at, kind, text]) => [file.seconds ? at / file.seconds : 0, kind, text]);
  if (peaks.length) cursors.push(strip(page, "waveform", peaks, 255, "wave", marks));
  else element("p", page, "The recording is no longer where it was, so there is no waveform.", "muted");
  const worst = Math.max(...file.lags);
  element("p", page, `Pacing: largest lag of each part, at most ${worst.toFixed(1)} of ${file.tolerance} ms`, "muted");
  cursors.push(strip(page, "pacing", file.lags, Math.max(worst, file.tolerance), "lag", marks));
  let audio = null;
  if (file.audio) {
    audio = element("audio", page);
    audio.controls = true;
    audio.preload = "none";
    audio.src = file.audio;
  }
  const label = element("label", page, undefined, "screen");
  const where = element("span", label, "", "muted");
  const range = element("input", label);
  Object.assign(range, { type: "range", min: 0, max: file.lastMs, step: 50, value: file.lastMs });
  range.setAttribute("aria-label", "The transcript as it was at this moment of the recording");
  const words = element("div", page);
  words.id = "words";
  const move = () => {
    const position = Number(range.value);
    where.textContent = `The transcript as it was at ${clock(position / 1000)} of ${clock(file.lastMs / 1000)}`;
    const share = file.seconds ? Math.min(1, position / 1000 / file.seconds) : 0;
    for (const set of cursors) set(share);
    showWords(words, file, position);
  };
  range.addEventListener("input", move);
  if (audio) audio.addEventListener("timeupdate", () => { range.value = audio.currentTime * 1000; move(); });
  move();
  if (file.alignment) {
    element("h2", page, "Errors");
    const text = element("p", page);
    text.id = "alignment";
    for (const step of file.alignment) {
      const [edit, said, heard] = step;
      if (typeof step === "string") text.append(`${step} `);
      else if (edit === "mark") {
        element("span", text, said, "mark");
        text.append(" ");
      } else {
        if (said) element("del", text, said);
        if (heard) element("ins", text, heard);
        text.append(" ");
      }
    }
  }
  page.scrollIntoView();
}

addEventListener("hashchange", showFile);
showFile();
