"use strict";
// Clock, chance and process as both versions see them: the same for both, and none of them real.

const { notes, random } = require("./notes");
const { answering } = require("./unknown");

const RealDate = Date;
const real = { setImmediate, cpuUsage: process.cpuUsage.bind(process), exit: process.exit.bind(process) };
let timers = [];
let number = 0;

function timer(kind, call, after, args) {
  const every = kind === "setInterval" ? Math.max(1, Number(after) || 1) : 0;
  const one = { at: notes.clock + Math.max(0, Number(after) || 0), number: ++number, call, args, every };
  timers.push(one);
  const handle = {
    ref: () => handle, unref: () => handle, hasRef: () => true, refresh: () => handle, close: () => clear(one.number),
    [Symbol.toPrimitive]: () => one.number,
  };
  return handle;
}

function clear(handle) {
  const which = Number(handle);
  timers = timers.filter((one) => one.number !== which);
}

function due(until) {
  const ready = timers.filter((one) => one.at <= until && typeof one.call === "function");
  return ready.sort((a, b) => a.at - b.at || a.number - b.number)[0];
}

// Run what was to come by then; `most` of it.
function pass(until, most = 20) {
  for (let count = 0; count < most; count++) {
    const one = due(until);
    if (one === undefined) break;
    notes.clock = Math.max(notes.clock, one.at);
    if (one.every) one.at += one.every;
    else clear(one.number);
    one.call(...one.args);
  }
}

function waiting() {
  return timers.length > 0;
}

function nextAt() {
  return Math.min(...timers.map((one) => one.at));
}

function forget() {
  timers = [];
}

function bytes(count) {
  notes.drawn += count;
  const out = Buffer.alloc(count);
  for (let at = 0; at < count; at++) out[at] = Math.floor(random() * 256);
  return out;
}

function filled(buffer) {
  const view = Buffer.from(buffer.buffer ?? buffer, buffer.byteOffset ?? 0, buffer.byteLength);
  bytes(view.length).copy(view);
  return buffer;
}

function chance(crypto) {
  const replied = (value, done) => (typeof done === "function" ? void queueMicrotask(() => done(null, value)) : value);
  const own = {
    randomBytes: (count, done) => replied(bytes(count), done),
    randomFillSync: filled,
    randomFill: (buffer, ...rest) => replied(filled(buffer), rest.pop()),
    getRandomValues: filled,
    randomUUID() {
      const hex = bytes(16).toString("hex");
      return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `a${hex.slice(17, 20)}`, hex.slice(20)].join("-");
    },
    randomInt(least, most, done) {
      const [from, to] = typeof most === "number" ? [least, most] : [0, least];
      notes.drawn += 6;
      return replied(from + Math.floor(random() * (to - from)), typeof most === "function" ? most : done);
    },
  };
  const kept = new Map();
  for (const name of ["scryptSync", "pbkdf2Sync"]) {
    // They are slow on purpose, and give the same for the same.
    own[name] = (...args) => {
      const key = `${name} ${JSON.stringify(args)}`;
      if (!kept.has(key)) kept.set(key, crypto[name](...args));
      return Buffer.from(kept.get(key));
    };
  }
  const whole = {};
  for (const name of Object.keys(crypto)) {
    const value = own[name] ?? crypto[name];
    whole[name] = typeof value === "function" && !/^[A-Z]/.test(name) ? answering(value) : value;
  }
  const web = crypto.webcrypto;
  whole.webcrypto = { subtle: web.subtle, getRandomValues: filled, randomUUID: own.randomUUID };
  Object.defineProperty(globalThis, "crypto", { value: whole.webcrypto, configurable: true, writable: true });
  for (const name of ["createCipheriv", "createDecipheriv", "createSign", "createVerify"]) {
    const make = whole[name];
    whole[name] = (...args) => {
      const made = make(...args);
      for (const part of ["update", "setAuthTag", "setAAD"]) if (part in made) made[part] = answering(made[part]);
      return made;
    };
  }
  for (const name of ["createHash", "createHmac"]) {
    const made = Object.getPrototypeOf(crypto[name]("sha256", "k"));
    made.update = answering(made.update);
  }
  return whole;
}

class Ended extends Error {} // the program would have ended itself

function settle() {
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, of) => Reflect.construct(target, args.length ? args : [notes.clock], of),
    apply: () => new RealDate(notes.clock).toString(),
    get: (target, key) => (key === "now" ? () => notes.clock : target[key]),
  });
  RealDate.prototype.constructor = globalThis.Date;
  Object.defineProperty(globalThis, "performance", {
    value: { now: () => notes.clock - 1.7e12, timeOrigin: 1.7e12, mark() {}, measure() {} }, configurable: true,
  });
  Math.random = random;
  globalThis.setTimeout = (call, after, ...args) => timer("setTimeout", call, after, args);
  globalThis.setInterval = (call, after, ...args) => timer("setInterval", call, after, args);
  globalThis.setImmediate = (call, ...args) => timer("setImmediate", call, 0, args);
  globalThis.clearTimeout = globalThis.clearInterval = globalThis.clearImmediate = clear;
  const silent = () => undefined;
  for (const name of Object.keys(console)) if (typeof console[name] === "function") console[name] = silent;
  const { from, concat, alloc, byteLength, compare } = Buffer;
  Object.assign(Buffer, {
    from: answering(from), concat: answering(concat), alloc: answering(alloc), byteLength: answering(byteLength),
    compare: answering(compare),
  });
}

function processFor(folder) {
  const end = () => {
    throw new Ended("the program ends itself");
  };
  const stream = { write: () => true, isTTY: false, on: () => stream, once: () => stream, end: () => undefined, columns: 80 };
  const fake = {
    env: { PATH: "/usr/bin", HOME: "/home/ann", LANG: "C.UTF-8", NODE_ENV: "production", SECRET: "s3cret", USER: "ann" },
    argv: ["node", "app.js"], execArgv: [], execPath: "/usr/bin/node", pid: 4711, ppid: 1, platform: "linux", arch: "x64",
    title: "node", version: process.version, versions: process.versions, release: process.release, exitCode: undefined,
    config: { variables: {} }, features: {},
    stdout: stream, stderr: stream, stdin: stream, cwd: () => folder, chdir: () => undefined, umask: () => 0o022,
    exit: end, abort: end, kill: end, nextTick: (call, ...args) => queueMicrotask(() => call(...args)),
    uptime: () => notes.clock / 1000 - 1.7e9, memoryUsage: () => ({ rss: 5e7, heapTotal: 2e7, heapUsed: 1e7, external: 1e6 }),
    hrtime: Object.assign(() => [Math.floor(notes.clock / 1000), 0], { bigint: () => BigInt(notes.clock) * 1000000n }),
    cpuUsage: () => ({ user: 1000, system: 1000 }), getuid: () => 1000, getgid: () => 1000, emitWarning: () => undefined,
    emit: () => true, listenerCount: () => 0, binding: end, dlopen: end,
  };
  for (const name of ["on", "once", "off", "addListener", "removeListener", "removeAllListeners"]) fake[name] = () => fake;
  return fake;
}

module.exports = { settle, chance, pass, waiting, nextAt, forget, processFor, real, Ended };
