// Charts as SVG: columns by day, and the bar of one row. Tables with the same figures stand beside
// them in the page, so these are pictures.
import { shape } from "./dom.js";

const LEFT = 44;
const RIGHT = 8;
const TOP = 12;
const BOTTOM = 28;
const LABEL_WIDTH = 64;

// About four lines, each a multiple of 1, 2 or 5 times a power of ten.
function ticks(highest) {
  const rough = Math.max(highest, 4) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => size >= rough);
  return Array.from({ length: Math.ceil(Math.max(highest, 4) / step) + 1 }, (_, i) => i * step);
}

// A column with round shoulders.
function column(x, y, width, height, round) {
  const r = Math.min(round, width / 2, height);
  return `M${x} ${y + height}v${r - height}a${r} ${r} 0 0 1 ${r} ${-r}h${width - 2 * r}` +
    `a${r} ${r} 0 0 1 ${r} ${r}v${height - r}z`;
}

function drawGrid(svg, lines, width, y, format) {
  for (const value of lines) {
    const at = Math.round(y(value)) + 0.5;
    svg.append(
      shape("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: at, y2: at }),
      shape("text", { class: "tick", x: LEFT - 10, y: at + 4, "text-anchor": "end" }, format(value)),
    );
  }
}

function drawDay(svg, day, { x, y, slot, height }) {
  const width = Math.max(2, Math.min(slot * 0.7, 34));
  const left = x + (slot - width) / 2;
  const top = y(day.new + day.repeated);
  const between = y(day.new);
  const group = shape("g", { class: "day" },
    shape("rect", { class: "target", x, y: TOP, width: slot, height: height - TOP - BOTTOM }));
  const round = Math.min(4, width / 4);
  if (day.repeated > 0)
    group.append(shape("path", { class: "repeated",
      d: column(left, top, width, Math.max(1, between - top - (day.new > 0 ? 1.5 : 0)), round) }));
  if (day.new > 0)
    group.append(shape("path", { class: "new",
      d: column(left, between, width, y(0) - between, day.repeated > 0 ? 1 : round) }));
  svg.append(group);
  return group;
}

// Draws days [{ new, repeated }] into an SVG as wide as it stands on the page; returns one group a
// day. label(day, last) and format(number) make the texts.
export function drawDays(svg, days, { label, format }) {
  const width = svg.clientWidth || 640;
  const height = svg.clientHeight || 240;
  const lines = ticks(Math.max(0, ...days.map((day) => day.new + day.repeated)));
  const y = (value) => height - BOTTOM - (value / lines.at(-1)) * (height - TOP - BOTTOM);
  const slot = (width - LEFT - RIGHT) / days.length;
  const every = Math.ceil(LABEL_WIDTH / slot);

  svg.replaceChildren();
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawGrid(svg, lines, width, y, format);
  return days.map((day, i) => {
    const x = LEFT + i * slot;
    const fromEnd = days.length - 1 - i;
    if (fromEnd % every === 0 && x + slot / 2 > LEFT + LABEL_WIDTH / 3)
      svg.append(shape("text", {
        class: "tick",
        x: fromEnd === 0 && days.length > 7 ? width - RIGHT : x + slot / 2,
        y: height - 6,
        "text-anchor": fromEnd === 0 && days.length > 7 ? "end" : "middle",
      }, label(day, fromEnd === 0)));
    return drawDay(svg, day, { x, y, slot, height });
  });
}

// A horizontal bar, 0 to 1 of the width it has; a second share behind the first if there is one.
export function bar(share, kind) {
  const percent = Math.min(100, Math.max(0, share * 100));
  return shape("svg", { class: `bar ${kind}`, "aria-hidden": "true" },
    shape("rect", { class: "rail", width: "100%", height: "100%" }),
    percent > 0 ? shape("rect", { class: "fill", width: `${percent.toFixed(2)}%`, height: "100%" })
      : null);
}
