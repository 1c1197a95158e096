// Before anybody is signed in: signing in with a passkey of this browser, or making one where somebody was invited.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const button = $("passkey") || $("enrol"), place = $("login-said");
  const say = (text) => { place.textContent = text; };

  async function send(path, fields) {
    let answer, said;
    try {
      answer = await fetch(path, {
        method: "POST", mode: "same-origin", redirect: "error", cache: "no-store", credentials: "same-origin",
        headers: {"content-type": "application/json"}, body: JSON.stringify(fields),
      });
      said = await answer.text();
    } catch { throw new Error("The panel does not answer: it was stopped, or the way to it is closed. Try again when its machine is reached."); }
    try { said = JSON.parse(said); } catch { said = {message: said.trim()}; }
    if (!answer.ok) throw new Error(`Refused: ${said.message || answer.status}`);
    return said;
  }

  async function pressed(act, otherwise) {
    say("");
    button.disabled = true;  // one question at a time: browsers end the first where a second is asked
    try { await act(); } catch (error) { say(`${otherwise} ${error.message}`); } finally { button.disabled = false; }
  }

  async function enter() {
    const {statement, options} = await send("/login/passkey/begin", {});
    const response = await passkeys.sign(options);
    location.assign((await send("/login/passkey", {statement, response})).go);
  }

  async function enrol() {
    const link = button.dataset.link, {options} = await send("/enrol/begin", {link});
    const response = await passkeys.make(options);
    const {words} = await send("/enrol/finish", {link, response, label: navigator.platform || ""});
    $("enrol-words").textContent = $("enrol-typed").textContent = words;
    $("enrol-before").hidden = true;
    $("enrol-after").hidden = false;
  }

  if (!button) return;
  if (!passkeys.possible()) {
    say("This browser cannot use passkeys here. Take a browser that can, on the device that has yours.");
    return;
  }
  button.hidden = false;
  const act = button.id === "enrol" ? () => pressed(enrol, "No passkey counts yet.") : () => pressed(enter, "You are not signed in.");
  button.addEventListener("click", act);
})();
