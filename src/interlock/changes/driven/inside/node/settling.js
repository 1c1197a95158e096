"use strict";
// What a value is when nobody has to wait for it any more.

const { notes } = require("./notes");
const host = require("./host");
const { isStub } = require("./stub");
const { isUnknown } = require("./unknown");

const WAITS = 40; // turns in which a promise may be settled

// Undefined where it is settled by nothing.
async function settled(value) {
  if (value === null || value === undefined || isUnknown(value) || isStub(value)) return value;
  if (typeof value !== "object" && typeof value !== "function") return value;
  if (typeof value.then !== "function") return value;
  const state = await waited(value);
  if (state.failed) throw state.error;
  return state.value;
}

async function waited(promise) {
  const state = { over: false };
  promise.then(
    (one) => Object.assign(state, { over: true, value: one }),
    (error) => Object.assign(state, { over: true, error, failed: true }),
  );
  for (let turn = 0; turn < WAITS && !state.over && !notes.late; turn++) {
    await new Promise((resolve) => host.real.setImmediate(resolve));
    if (!state.over && turn > 1 && host.waiting()) host.pass(host.nextAt());
  }
  return state;
}

module.exports = { settled, waited };
