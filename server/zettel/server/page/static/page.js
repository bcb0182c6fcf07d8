// The page works without this: it adds panning, zooming and keys.
"use strict";

const STEP = 1.25;

function box(svg) {
  return svg.getAttribute("viewBox").split(" ").map(Number);
}

function show(svg, x, y, width, height) {
  svg.setAttribute("viewBox", [x, y, width, height].map((n) => n.toFixed(1)).join(" "));
}

function zoom(svg, factor, at) {
  const [x, y, width, height] = box(svg);
  const whole = svg.dataset.whole.split(" ").map(Number);
  const to = Math.min(Math.max(width * factor, whole[2] / 12), whole[2] * 2);
  const by = to / width;
  const [px, py] = at || [x + width / 2, y + height / 2];
  show(svg, px - (px - x) * by, py - (py - y) * by, to, height * by);
}

function place(svg, event) {
  const point = new DOMPoint(event.clientX, event.clientY);
  const here = point.matrixTransform(svg.getScreenCTM().inverse());
  return [here.x, here.y];
}

function choose(svg, node) {
  const panel = document.querySelector(".chosen");
  for (const other of svg.querySelectorAll(".node")) other.classList.toggle("on", other === node);
  panel.querySelector(".text").textContent = node.dataset.line;
  panel.querySelector(".open").setAttribute("href", node.getAttribute("href"));
  const around = new URLSearchParams({ around: "note", name: node.dataset.id, colour: svg.dataset.colour });
  panel.querySelector(".centre").setAttribute("href", "/graph?" + around);
  panel.hidden = false;
}

function prepare(svg) {
  svg.dataset.whole = svg.getAttribute("viewBox");
  let from = null;
  let moved = false;
  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(svg, event.deltaY > 0 ? STEP : 1 / STEP, place(svg, event));
  }, { passive: false });
  svg.addEventListener("pointerdown", (event) => {
    from = place(svg, event);
    moved = false;
  });
  svg.addEventListener("pointermove", (event) => {
    if (!from || !event.buttons) return;
    const to = place(svg, event);
    if (!moved && Math.hypot(to[0] - from[0], to[1] - from[1]) < 4) return;
    moved = true;
    const [x, y, width, height] = box(svg);
    show(svg, x + from[0] - to[0], y + from[1] - to[1], width, height);
  });
  for (const name of ["pointerup", "pointerleave"]) svg.addEventListener(name, () => { from = null; });
  svg.addEventListener("dragstart", (event) => event.preventDefault());
  svg.addEventListener("click", (event) => {
    const node = event.target.closest(".node");
    if (!node || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!moved) choose(svg, node);
  });
  svg.addEventListener("keydown", (event) => {
    const [x, y, width, height] = box(svg);
    const by = width / 12;
    const steps = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] };
    if (steps[event.key]) show(svg, x + steps[event.key][0], y + steps[event.key][1], width, height);
    else if (event.key === "+" || event.key === "=") zoom(svg, 1 / STEP);
    else if (event.key === "-") zoom(svg, STEP);
    else return;
    event.preventDefault();
  });
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => {
      if (button.dataset.zoom === "all") svg.setAttribute("viewBox", svg.dataset.whole);
      else zoom(svg, button.dataset.zoom === "in" ? 1 / STEP : STEP);
    });
  }
}

function prepareGraph() {
  const svg = document.querySelector("#graph svg");
  if (svg) prepare(svg);
}

function prepareSlider(form) {
  const slider = form.querySelector("input[type=range]");
  const output = form.querySelector("output");
  const moments = form.dataset.moments.split(" ");
  let asked = 0;
  form.querySelector("button").hidden = true;
  slider.addEventListener("input", () => {
    output.textContent = moments[slider.value] || "now";
    slider.setAttribute("aria-valuetext", output.textContent);
  });
  slider.addEventListener("change", async () => {
    const address = "/graph?" + new URLSearchParams(new FormData(form));
    const turn = ++asked;
    const answer = await fetch(address);
    if (!answer.ok || turn !== asked) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const view = document.querySelector("#graph svg");
    const seen = view && view.getAttribute("viewBox");
    document.querySelector("#graph").replaceWith(page.querySelector("#graph"));
    prepareGraph();
    if (seen && document.querySelector("#graph svg")) document.querySelector("#graph svg").setAttribute("viewBox", seen);
    history.replaceState(null, "", address);
  });
}

function typing(target) {
  return target.closest("input, textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const first = document.querySelector("form[data-keys]");
  const answers = { y: "changed", n: "both" };
  if (first && answers[event.key]) {
    event.preventDefault();
    first.querySelector(`[value=${answers[event.key]}]`).click();
  } else if (event.key === "/" && document.querySelector("#query")) {
    event.preventDefault();
    document.querySelector("#query").focus();
  }
});

prepareGraph();
for (const form of document.querySelectorAll("form.moment")) prepareSlider(form);
