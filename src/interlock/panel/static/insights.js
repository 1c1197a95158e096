// The plot of the insights page, drawn from the table beside it: what the plot shows can be read without it.
"use strict";
(() => {
  let drawn = null;
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const draw = () => {
    const place = document.getElementById("plot");
    const table = place && document.getElementById(place.dataset.table);
    if (!table || typeof uPlot === "undefined") return;
    const rows = [...table.tBodies[0].rows];
    if (rows.length < 2) return;
    const data = [rows.map((row) => Number(row.dataset.at))];
    for (const column of [1, 2, 3, 4]) data.push(rows.map((row) => Number(row.cells[column].textContent)));
    place.hidden = false;
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--faint") }, ticks: { stroke: colour("--edge") } };
    const line = (label, name, scale, dash) => ({ label, stroke: colour(name), width: 2, scale, dash, points: { show: rows.length < 30 } });
    const options = {
      width: place.clientWidth, height: 260,
      scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(1, high)] }, few: { range: (_, low, high) => [0, Math.max(1, high)] } },
      axes: [axis, { ...axis, label: "actions", size: 60 }, { ...axis, scale: "few", side: 1, label: "prompts, stopped, failed", size: 60 }],
      series: [{}, line("actions", "--accent", "y"), line("prompts", "--warn", "few"), line("stopped", "--bad", "few", [6, 4]), line("failed", "--soft", "few", [2, 3])],
    };
    if (drawn) drawn.destroy();
    place.replaceChildren();
    drawn = new uPlot(options, data, place);
  };
  document.addEventListener("DOMContentLoaded", draw);
  addEventListener("resize", () => { if (drawn) { const place = document.getElementById("plot"); if (place) drawn.setSize({ width: place.clientWidth, height: 260 }); } });
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
})();
