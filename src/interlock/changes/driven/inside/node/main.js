"use strict";
// Takes walks through one version, as lines of JSON on standard input ask: `open`, `take`, `fields`.

const fs = require("fs");
const { notes, begin } = require("./notes");
const host = require("./host");
const { Version } = require("./loading");
const { reset } = require("./builtins");
const { described, methods, parameters, isClass } = require("./entries");
const { Making, pour } = require("./making");
const { normal, thrown } = require("./answers");
const { handlers, isStub } = require("./stub");
const { unknown, isUnknown } = require("./unknown");
const { settled } = require("./settling");
const { isElement, shown } = require("./elements");
require("./asked");

const MOST_CALLS = 40; // that are told of one
const write = fs.writeSync.bind(fs);
const pollution = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const clean = pollution.map((one) => new Set(Reflect.ownKeys(one)));

let version;
let handed = new Map(); // title -> function that a module hands over; of some with one title the first

const world = {
  exported(name) {
    const whole = version.exports;
    if (name.startsWith("handler ")) return { handle: handed.get(name) };
    if (name === "default") return typeof whole === "function" ? whole : whole.default;
    return whole[name];
  },
  make(name, args) {
    const of = world.exported(name);
    return isClass(of) ? new of(...args) : of(...args);
  },
};

// A promise where a module waits for something. Else nothing: in a turn that passes, what the walk before left would run.
function load(seed) {
  handlers.length = 0;
  const waiting = version.fresh(seed);
  const over = () => {
    if (handlers.length) handed = new Map(handlers.map(titled).reverse());
  };
  return waiting === undefined ? over() : waiting.then(over);
}

function titled([name, args, call, at]) {
  const route = typeof args[0] === "string" ? args[0] : "";
  return [`handler ${name} ${route} ${at}`, call];
}

async function called(making, step) {
  const args = step.args.flatMap((one, at) => (at === step.rest ? [making.value(one)].flat() : [making.value(one)]));
  const on = step.on === null ? undefined : making.value(step.on);
  notes.steps = 0;
  const result = on === undefined ? direct(step.name, args) : method(on, step.name, args);
  notes.streams.forEach(pour);
  const value = await settled(result);
  if (value !== null && typeof value === "object" && typeof value[Symbol.asyncIterator] === "function" && value.next) {
    const all = [];
    for await (const one of value) if (all.push(one) >= 50) break;
    return all;
  }
  return value;
}

function direct(name, args) {
  const of = world.exported(name);
  return isClass(of) ? new of(...args) : of(...args);
}

function method(on, name, args) {
  return name === "" ? on(...args) : on[name](...args);
}

// A handler's answer, or what a callback was told, is what a call came to.
function answerOf(value) {
  const answered = notes.responses.filter(([state, one]) => state.ended || one.statusCode !== 200);
  if (notes.responses.length) {
    const [state, one] = answered[0] ?? notes.responses[0];
    const next = notes.answered !== null;
    const status = state.ended || one.statusCode !== 200 ? one.statusCode : next ? errorStatus(notes.answered[0]) : 0;
    return ["map", ["body", normal(one.body ?? state.body)], ["headers", normal(state.headers, 1)], ["status", status]];
  }
  if (notes.answered !== null && (value === undefined || value === null || value === true)) {
    const [error, ...rest] = notes.answered;
    if (error instanceof Error) return error;
    return rest.length === 1 ? normal(rest[0]) : ["list", ...rest.map((one) => normal(one, 1))];
  }
  return normal(value);
}

const errorStatus = (error) => (error instanceof Error ? error.status ?? error.statusCode ?? 500 : 200);

function prepare() {
  Object.assign(notes, { steps: 0, late: false, answered: null, responses: [], streams: [], ownPlain: undefined });
}

// What there is of elements in a call's answer, and in what it told others, is drawn.
async function pages(result, calls) {
  for (const call of notes.calls.slice(calls, calls + MOST_CALLS)) call[1] = await shown(call[1]);
  for (const [state] of notes.responses) state.body = await shown(state.body);
  if (notes.answered !== null) notes.answered = await shown(notes.answered);
  return shown(result);
}

async function outcome(making, step) {
  prepare();
  const [drawn, calls] = [notes.drawn, notes.calls.length];
  let how = "gives";
  let value = null;
  let result;
  try {
    result = await called(making, step);
    value = answerOf(notes.elements ? await pages(result, calls) : result);
    if (value instanceof Error) [how, value, result] = ["raises", value.constructor.name, undefined];
  } catch (error) {
    [how, value] = thrown(error);
  }
  if (notes.late) [how, value] = ["late", null];
  making.results.push(how === "gives" ? result ?? undefined : undefined);
  notes.steps = -1_000_000; // what is written down runs the code's getters
  return [how, value, [...polluted(), ...notes.calls.slice(calls, calls + MOST_CALLS)].map((one) => normal(one)), notes.drawn - drawn];
}

// What a call left on the ancestors of every object; it is taken away again.
function polluted() {
  const found = [];
  pollution.forEach((one, at) => {
    for (const key of Reflect.ownKeys(one)) {
      if (clean[at].has(key)) continue;
      found.push([`Object.prototype.${String(key)} =`, [one[key]]]);
      delete one[key];
    }
  });
  return found;
}

async function take({ seed, table, order }) {
  const waiting = load(seed);
  if (waiting !== undefined) await waiting;
  host.forget();
  const making = new Making(world);
  const outcomes = [];
  const gave = [];
  for (const [which, after] of order) {
    prepare();
    try {
      host.pass(notes.clock + after * 1000);
    } catch {
      // what a timer throws nobody catches
    }
    notes.clock += after * 1000;
    const one = await outcome(making, table[which]);
    if (one[0] === "gives" && one[1] !== null) gave.push([outcomes.length, fieldsOf(making.results.at(-1))]);
    outcomes.push(one);
    if (one[0] === "late" || one[0] === "large") break;
  }
  const ran = version.ran.splice(0);
  return { outcomes, gave, ran };
}

function fieldsOf(value) {
  if (value === null || typeof value !== "object" || Array.isArray(value) || isStub(value) || isElement(value)) return null;
  const made = Object.getPrototypeOf(value);
  if (made === null || made === Object.prototype || ArrayBuffer.isView(value) || value instanceof Map || value instanceof Set) {
    return Object.values(value).some((one) => typeof one === "function") ? Object.keys(value) : null;
  }
  return [...Object.keys(value), ...Object.keys(methods(value))];
}

// What functions give that has methods, or can be called, is something to walk through as well; so are the functions
// that objects of a class have each for themselves.
async function explore(found) {
  for (const [name, kind, known] of found) {
    if (kind === "object") continue;
    for (let round = 0; round < 3 && known.gives === undefined; round++) {
      const waiting = load(round);
      if (waiting !== undefined) await waiting;
      const args = known.parameters.map((_, at) => unknown([`explored ${at}`]));
      prepare();
      try {
        const given = await settled(direct(name, args));
        if (kind === "class") known.methods = { ...methods(given), ...known.methods };
        else known.gives = givenBy(given);
        if (kind === "class") break;
      } catch {
        // it takes other arguments
      }
    }
  }
  notes.lessons.length = 0;
}

function givenBy(given) {
  if (typeof given === "function" && !isUnknown(given) && !isStub(given) && !isClass(given)) {
    return { itself: parameters(given), methods: methods(given) };
  }
  const has = fieldsOf(given) === null ? {} : methods(given);
  return Object.keys(has).length ? { itself: null, methods: has } : undefined;
}

async function open({ root, path, words }) {
  reset(words);
  version = new Version(root, path);
  const waiting = load(0);
  if (waiting !== undefined) await waiting;
  const found = described(version.exports);
  for (const [title, call] of [...handed].reverse()) found.push([title, "object", { methods: { handle: parameters(call) } }]);
  await explore(found);
  return { found };
}

async function fields({ name, made }) {
  const waiting = load(0);
  if (waiting !== undefined) await waiting;
  const has = new Set();
  for (const recipe of made) {
    prepare();
    try {
      for (const one of fieldsOf(new Making(world).value(recipe)) ?? []) has.add(one);
    } catch {
      // a class that refuses its arguments tells no fields
    }
  }
  const of = world.exported(name);
  if (isClass(of)) for (const one of Object.keys(methods(of.prototype))) has.add(one);
  return { has: [...has] };
}

function tell(text) {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += write(1, bytes, at, bytes.length - at);
}

const ANSWERS = { open, take, fields };

function lines(handle) {
  let rest = "";
  const piece = Buffer.alloc(1 << 16);
  return () => {
    for (;;) {
      const end = rest.indexOf("\n");
      if (end >= 0) {
        const line = rest.slice(0, end);
        rest = rest.slice(end + 1);
        return line;
      }
      const count = handle(0, piece, 0, piece.length);
      if (count === 0) return null;
      rest += piece.toString("utf8", 0, count);
    }
  };
}

async function main() {
  const next = lines(fs.readSync.bind(fs));
  const { stringify, parse } = JSON;
  process.on("unhandledRejection", () => undefined);
  process.on("uncaughtException", () => undefined);
  host.settle();
  for (let line = next(); line !== null; line = next()) {
    const asked = parse(line);
    let said;
    try {
      said = await ANSWERS[asked.op](asked);
    } catch (error) {
      said = { why: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
    }
    const spent = host.real.cpuUsage();
    const lessons = notes.lessons.splice(0);
    tell(`${stringify({ ...said, lessons, spent: (spent.user + spent.system) / 1e6 })}\n`);
  }
  host.real.exit(0);
}

begin(0);
main();
