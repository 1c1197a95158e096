// Passkeys, for every page that uses one: what the server sent as the browser wants it, what the device signed as the
// server reads it, and where nothing was signed, why, and what to do about it.
"use strict";
window.passkeys = (() => {
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  // Browsers say NotAllowedError for three things that a person tells apart, so the clock and their own words help.
  function why(error, options, waited) {
    const host = location.hostname, making = Boolean(options.rp);
    if (error.name === "SecurityError" || (error.name === "NotAllowedError" && /certificate/i.test(error.message)))
      return `The browser uses no passkey at ${location.origin}, because it does not trust this page's address or certificate. Open the panel under the name that its certificate is for.`;
    if (error.name === "NotAllowedError" && waited >= (options.timeout || Infinity))
      return `Nobody answered the browser's question within ${Math.round(options.timeout / 1000)} seconds. Press the button again, and answer it.`;
    if (error.name === "NotAllowedError" && making)
      return "The browser's question was closed, or there is no device here that checks who you are (PIN, fingerprint or face). Press the button again, or take a device that does.";
    if (error.name === "NotAllowedError")
      return `The browser's question was closed, or there is no passkey for ${host} here that could check who you are. Press the button again, or take the device that has it.`;
    if (error.name === "InvalidStateError") return `This device has a passkey for you at ${host} already. Use that one, or take another device.`;
    if (error.name === "NotSupportedError" || error.name === "ConstraintError")
      return "This device makes no passkey that checks who you are (PIN, fingerprint or face). Set one of these up on it, or take another device.";
    if (error.name === "AbortError") return "The browser broke off. Press the button again.";
    return `The browser says: ${error.message}`;
  }

  async function asked(ask, options) {
    const begun = performance.now();
    try {
      return await ask({publicKey: options});
    } catch (error) { throw new Error(why(error, options, performance.now() - begun)); }
  }

  function ready(options) {
    options.challenge = bytes(options.challenge);
    for (const one of [...(options.allowCredentials || []), ...(options.excludeCredentials || [])]) one.id = bytes(one.id);
    if (options.user) options.user.id = bytes(options.user.id);
    return options;
  }

  function answer(made, response) {
    return JSON.stringify({id: made.id, rawId: text(made.rawId), type: made.type, clientExtensionResults: made.getClientExtensionResults(), response});
  }

  return {
    // Whether this browser, on this page, can use any.
    possible: () => Boolean(window.PublicKeyCredential) && window.isSecureContext,

    async make(options) {
      const made = await asked((wanted) => navigator.credentials.create(wanted), ready(options));
      return answer(made, {attestationObject: text(made.response.attestationObject), clientDataJSON: text(made.response.clientDataJSON)});
    },

    async sign(options) {
      const found = await asked((wanted) => navigator.credentials.get(wanted), ready(options));
      return answer(found, {
        authenticatorData: text(found.response.authenticatorData), clientDataJSON: text(found.response.clientDataJSON),
        signature: text(found.response.signature), userHandle: found.response.userHandle ? text(found.response.userHandle) : null,
      });
    },
  };
})();
