// Signing in with a passkey: any that this browser has for this host name.
(() => {
  "use strict";
  const button = document.getElementById("passkey"), place = document.getElementById("login-said");
  if (!button || !window.PublicKeyCredential) return;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  async function send(path, fields) {
    const answer = await fetch(path, {
      method: "POST", headers: {"content-type": "application/json"}, credentials: "same-origin", body: JSON.stringify(fields),
    });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.message);
    return said;
  }

  async function enter() {
    place.textContent = "";
    try {
      const {statement, options} = await send("/login/passkey/begin", {});
      options.challenge = bytes(options.challenge);
      const found = await navigator.credentials.get({publicKey: options});
      const response = JSON.stringify({
        id: found.id, rawId: text(found.rawId), type: found.type, clientExtensionResults: found.getClientExtensionResults(),
        response: {
          authenticatorData: text(found.response.authenticatorData), clientDataJSON: text(found.response.clientDataJSON),
          signature: text(found.response.signature), userHandle: found.response.userHandle ? text(found.response.userHandle) : null,
        },
      });
      location.assign((await send("/login/passkey", {statement, response})).go);
    } catch (error) {
      place.textContent = error.name === "NotAllowedError" ? "The passkey was not used." : error.message;
    }
  }

  button.hidden = false;
  button.addEventListener("click", enter);
})();
