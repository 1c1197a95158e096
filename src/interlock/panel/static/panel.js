// The panel's own script: arming, keys, palette, theme, ages. It builds nothing from text: what it shows came from the
// server, or is set as text. A page without it works; approving then takes the typed word, as everywhere by keyboard.
"use strict";
(() => {
  const ARM_MS = 700;          // after a card was painted or changed
  const STRAY_MS = 25;         // keys closer than this are no person's typing
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const token = document.body.dataset.token;

  // --- going elsewhere

  let leaving = -Infinity;  // keys that come while another page is on its way begin no second journey

  function go(path) {
    if (performance.now() - leaving < 2000) return;
    leaving = performance.now();
    location.assign(path);
  }

  // --- sending

  async function send(path, fields) {
    const answer = await fetch(path, {
      method: "POST", mode: "same-origin", redirect: "error", cache: "no-store",
      headers: {"Content-Type": "application/json", "X-Interlock-Token": token},
      body: JSON.stringify(fields),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.message || `it was refused (${answer.status})`);
    return said;
  }

  function say(text) {
    const place = $("#said");
    place.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => { place.textContent = ""; }, 6000);
  }

  // --- a card arms 700 ms after it was painted or changed

  const arming = {seen: null, since: 0, armed: false, timer: 0};

  function arm() {
    const decide = $("#decide"), card = $("#card");
    if (!decide || !card) { arming.seen = null; arming.armed = false; return; }
    if (arming.seen === card.dataset.seen) { show(arming.armed); return; }
    if (arming.seen !== null) say("The card has changed. Look at it again.");
    arming.seen = card.dataset.seen;
    show(false);
    clearTimeout(arming.timer);
    for (const field of all("#typed", decide)) field.value = "";
    // Two frames: from here on the card is painted. A hidden page paints nothing, and arms nothing.
    requestAnimationFrame(() => requestAnimationFrame(() => {
      arming.since = performance.now();
      arming.timer = setTimeout(() => {
        show(true);
      }, ARM_MS);
    }));
  }

  function show(armed) {
    arming.armed = armed;
    for (const decide of all("#decide")) decide.dataset.armed = armed ? "1" : "0";
    for (const button of all("#decide .approve, #decide .deny")) button.setAttribute("aria-disabled", String(!armed));
  }

  function shownMs() { return String(Math.round(performance.now() - arming.since)); }

  function problem(text) {
    const place = $("#decide-said");
    if (place) place.textContent = text;
  }

  async function decided(form, verdict, gesture) {
    const card = $("#card");
    if (!arming.armed || card.dataset.seen !== arming.seen) { problem("Not yet: the card has just appeared or changed."); return; }
    if (decided.busy) return;
    decided.busy = true;
    try {
      const said = await send(form.getAttribute("action"), {
        verdict, gesture, subject: card.dataset.subject, shown_ms: shownMs(),
        typed: $("#typed") ? $("#typed").value : "",
        because: form.elements.because ? form.elements.because.value : "",
      });
      go(said.go);
    } catch (error) {
      problem(error.message);
    } finally { decided.busy = false; }
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.closest("#decide")) return;
    event.preventDefault();
    const button = event.submitter;
    if (form.id === "deny-form") { decided(form, button && button.value || "deny", "button"); return; }
    const decide = $("#decide").dataset, enough = decide.strong !== "1" || $("#typed").value.trim().length >= Number(decide.codeLength);
    if (button && pointed(button) && button.id === "approve" && enough) { decided(form, "approve", "pointer"); return; }
    askForWord();
  });

  // A press of the mouse or the finger has a count of clicks; a key that presses a button has none.
  function pointed(button) {
    return lastClick.count > 0 && lastClick.target === button && performance.now() - lastClick.at < 1000;
  }

  const lastClick = {count: 0, at: 0, target: null};
  document.addEventListener("click", (event) => {
    lastClick.count = event.isTrusted ? event.detail : 0;
    lastClick.at = performance.now();
    lastClick.target = event.target.closest("button");
    if (!lastClick.target) return;
    if (lastClick.target.id === "approve-passkey") withPasskey();
    if (lastClick.target.id === "review-ok") reviewed("ok");
    if (lastClick.target.id === "review-no") reviewed("no");
    if (lastClick.target.classList.contains("passkey-add")) addPasskey(lastClick.target.dataset.name);
  }, true);

  // --- what loosens, or cannot be had back: a press of the pointer, or the word beside the button

  let pressed = null;  // the form whose button a pointer has just pressed
  document.addEventListener("submit", (event) => {
    const form = event.target, word = form.dataset.word;
    if (!word) return;
    const field = form.elements.said;
    pressed = pointed(event.submitter) ? form : null;
    if (pressed || field.value.trim().toLowerCase() === word) return;
    event.preventDefault();
    field.value = "";
    field.closest(".hand").classList.add("by-key");
    field.focus();
    say(`Type the word ${word}, then press the button. Nothing was done.`);
  });
  document.addEventListener("formdata", (event) => { if (event.target === pressed) event.formData.set("gesture", "pointer"); });

  // --- by keyboard: the word is typed, each key on its own, and the last letter decides

  function askForWord() {
    const field = $("#typed");
    if (!field) return;
    field.value = "";
    field.classList.add("by-key");
    field.focus();
    problem("");
    say($("#decide").dataset.strong === "1" ? "Type the last part of the fingerprint." : "Type the first word of the fingerprint. Esc leaves it.");
  }

  let lastKey = 0;
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (!field.matches || !field.matches("#typed, .hand input")) return;
    const now = event.timeStamp, quick = now - lastKey < STRAY_MS;
    lastKey = now;
    if (event.key === "Enter") { event.preventDefault(); return; }
    // Keys that repeat or rain down are no typing: what they wrote is thrown away.
    if (event.repeat || (quick && event.key.length === 1)) { event.preventDefault(); field.value = ""; }
  }, true);

  document.addEventListener("input", (event) => {
    const field = event.target, decide = $("#decide");
    if (field.id !== "typed" || !decide) return;
    if (event.inputType && event.inputType !== "insertText" && event.inputType !== "insertCompositionText") return;
    const typed = field.value.trim().toLowerCase(), strong = decide.dataset.strong === "1";
    const wanted = strong ? Number(decide.dataset.codeLength) : decide.dataset.word.length;
    if (typed.length < wanted) return;
    if (!strong && typed !== decide.dataset.word) { field.value = ""; problem("That is not the first word. Nothing was approved."); return; }
    decided($("#approve-form"), "approve", "typed");
  });

  // --- passkeys

  function passkeyFor(button) {
    button.hidden = !passkeys.possible();
  }

  async function addPasskey(name) {
    const place = $("#people-said");
    try {
      const {options} = await send("/people/passkey/begin", {name});
      const response = await passkeys.make(options);
      go((await send("/people/passkey/finish", {name, response, label: navigator.platform || ""})).go);
    } catch (error) { place.textContent = `No passkey was made. ${error.message}`; }
  }

  async function withPasskey() {
    const card = $("#card"), form = $("#approve-form"), base = form.getAttribute("action").replace(/\/decide$/, "");
    if (!arming.armed || card.dataset.seen !== arming.seen) { problem("Not yet: the card has just appeared or changed."); return; }
    try {
      const subject = card.dataset.subject;
      const asked = await send(`${base}/challenge`, {
        subject, verdict: "approve", approver: $("#approver").value, because: form.elements.because.value, shown_ms: shownMs(),
      });
      const response = await passkeys.sign(asked.options);
      go((await send(`${base}/passkey`, {subject, decision: asked.decision, response})).go);
    } catch (error) { problem(`Nothing was approved. ${error.message}`); }
  }

  // --- a review of a change, signed by a passkey; like a card, what has just appeared or changed is not signed

  const review = {shown: "", since: 0, busy: false};

  function seeReview() {
    const place = $("#review"), shown = place ? place.dataset.shown : "";
    if (shown !== review.shown) Object.assign(review, {shown, since: performance.now()});
  }

  async function reviewed(says) {
    const {act, shown} = $("#review").dataset, place = $("#review-said");
    if (review.busy) return;
    if (performance.now() - review.since < ARM_MS) { place.textContent = "Not yet: this change has just appeared."; return; }
    review.busy = true;
    place.textContent = "";
    try {
      const {statement, options} = await send(`${act}/challenge`, {
        shown, says, role: $("#review-role").value, reviewer: $("#review-signer").value, because: $("#review-because").value,
      });
      const response = await passkeys.sign(options);
      go((await send(`${act}/review`, {statement, response})).go);
    } catch (error) { place.textContent = `Nothing was signed: ${error.message}`; } finally { review.busy = false; }
  }

  // --- keys

  let chosen = -1, prefix = 0;

  function choose(step) {
    const rows = all("#screen [data-row]").filter((row) => row.checkVisibility());
    const link = $(`#screen a[data-key="${step > 0 ? "j" : "k"}"]`);
    if (link || $("#card") || !rows.length) { if (link) go(link.href); return; }
    chosen = Math.max(0, Math.min(rows.length - 1, chosen + step));
    for (const row of all("#screen .chosen")) row.classList.remove("chosen");
    rows[chosen].classList.add("chosen");
    rows[chosen].scrollIntoView({block: "nearest"});
    return rows[chosen];
  }

  const KEYS = {
    j: () => choose(1),
    k: () => choose(-1),
    o: () => { const row = $("#screen .chosen"); if (row) go(row.dataset.row); },
    a: () => { if ($("#approve")) askForWord(); else if ($("#screen .chosen")) KEYS.o(); },
    d: () => { const field = $("#because"); if (field) { field.classList.add("by-key"); field.focus(); } else if ($("#screen .chosen")) KEYS.o(); },
    s: () => { const link = $("#screen a[data-skip]"); if (link) go(link.href); else if ($("#card")) go("/inbox"); },
    "?": () => { $("#help").showModal(); },
  };

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest && event.target.closest("input, textarea, select");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); openPalette(); return; }
    if (field) {
      if (event.key === "Escape" && !$("dialog[open]")) { field.classList.remove("by-key"); field.blur(); }
      if (field.id === "because" && event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) { event.preventDefault(); decided($("#deny-form"), "deny", "keys"); }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || $("dialog[open]")) return;
    if (prefix && performance.now() - prefix < 1500) {
      prefix = 0;
      const link = $(`.places a[data-go="${CSS.escape(event.key)}"]`);
      if (link) { event.preventDefault(); go(link.href); }
      return;
    }
    if (event.key === "g") { prefix = performance.now(); return; }
    const run = KEYS[event.key];
    if (run) { event.preventDefault(); run(); }
  });

  // --- the palette

  function commands() {
    const found = all(".places a").map((link) => ({title: link.firstElementChild.textContent, hint: `g ${link.dataset.go}`, run: () => go(link.href)}));
    for (const row of all("#screen [data-row]").slice(0, 40)) found.push({title: row.dataset.title || row.dataset.row, hint: "", run: () => go(row.dataset.row)});
    found.push({title: "Change the theme", hint: "", run: nextTheme}, {title: "Show the keys", hint: "?", run: () => $("#help").showModal()}, {title: "This page as JSON", hint: "", run: () => go((location.pathname === "/" ? "/now" : location.pathname) + ".json" + location.search)}, {title: "Print", hint: "", run: () => print()});
    return found;
  }

  let listed = [], picked = 0;

  function openPalette() {
    const palette = $("#palette"), input = $("#palette-input");
    if (palette.open) return;
    input.value = "";
    list();
    palette.showModal();
    input.focus();
  }

  function list() {
    const wanted = $("#palette-input").value.trim().toLowerCase(), place = $("#palette-list");
    listed = commands().filter((one) => one.title.toLowerCase().includes(wanted));
    if (/^#?\d+$/.test(wanted)) listed.unshift({title: `Request ${wanted.replace("#", "")}`, hint: "", run: () => go(`/requests/${wanted.replace("#", "")}`)});
    picked = 0;
    place.replaceChildren(...listed.map((one, index) => {
      const item = document.createElement("li"), title = document.createElement("span"), hint = document.createElement("span");
      item.id = `command-${index}`;
      item.setAttribute("role", "option");
      item.addEventListener("click", () => pick(index));
      title.textContent = one.title;
      hint.textContent = one.hint;
      hint.className = "muted";
      item.append(title, hint);
      return item;
    }));
    mark();
  }

  function mark() {
    const items = all("#palette-list li");
    items.forEach((item, index) => item.setAttribute("aria-selected", String(index === picked)));
    $("#palette-input").setAttribute("aria-activedescendant", items.length ? `command-${picked}` : "");
    if (items[picked]) items[picked].scrollIntoView({block: "nearest"});
  }

  function pick(index) { $("#palette").close(); if (listed[index]) listed[index].run(); }

  $("#palette-input").addEventListener("input", list);
  $("#palette-input").addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      picked = Math.max(0, Math.min(listed.length - 1, picked + (event.key === "ArrowDown" ? 1 : -1)));
      mark();
    } else if (event.key === "Enter") { event.preventDefault(); pick(picked); }
  });

  // --- theme, ages, range, the stream

  const THEMES = {system: "as the system", light: "light", dark: "dark"};

  function theme(name) {
    if (name === "system") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = name;
    $("#theme span").textContent = THEMES[name];
  }

  function nextTheme() {
    const names = Object.keys(THEMES), now = localStorage.getItem("theme") || "system";
    const next = names[(names.indexOf(now) + 1) % names.length];
    localStorage.setItem("theme", next);
    theme(next);
  }

  function ages() {
    for (const one of all("time[data-age]")) {
      const delta = (Date.now() - Date.parse(one.dataset.age)) / 1000, far = Math.abs(delta);
      const [size, unit] = far >= 86400 ? [86400, "d"] : far >= 3600 ? [3600, "h"] : far >= 60 ? [60, "min"] : [1, "s"];
      const said = far < 1 ? "now" : delta > 0 ? `${Math.floor(far / size)} ${unit} ago` : `in ${Math.floor(far / size)} ${unit}`;
      if (one.textContent !== said) one.textContent = said;
    }
  }

  function settled() {
    arm();
    seeReview();
    ages();
    const waiting = $("#waiting"), number = waiting ? Number(waiting.dataset.waiting) : 0;
    document.title = document.title.replace(/^\(\d+\) /, "");
    if (number) document.title = `(${number}) ${document.title}`;
    if (chosen >= 0) { const rows = all("#screen [data-row]"); if (rows[chosen]) rows[chosen].classList.add("chosen"); }
    for (const button of all("#approve-passkey, .passkey-add, #review-ok, #review-no")) passkeyFor(button);
  }

  for (const button of all("#palette-open, #theme, #help-open")) button.hidden = false;
  for (const button of all(".no-script")) button.hidden = true;
  $("#palette-open").addEventListener("click", openPalette);
  $("#help-open").addEventListener("click", () => $("#help").showModal());
  $("#theme").addEventListener("click", nextTheme);
  $("#range").addEventListener("change", (event) => event.target.form.submit());
  theme(THEMES[localStorage.getItem("theme")] ? localStorage.getItem("theme") : "system");
  document.addEventListener("htmx:after:swap", settled);
  document.addEventListener("htmx:sse:error", () => { $("#offline").hidden = false; });
  document.addEventListener("htmx:sse:after:connection", () => { $("#offline").hidden = true; });
  document.addEventListener("htmx:sse:close", () => { $("#offline").hidden = false; });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { arming.seen = null; arm(); } });
  setInterval(ages, 1000);
  settled();
})();
