"use strict";
// What written code calls instead of comparing, so that arguments of no type can answer.

const { own, random } = require("./notes");
const { isUnknown, learn, near, pathOf } = require("./unknown");

function met(a, b, likely) {
  if (isUnknown(a)) {
    near(pathOf(a), b);
    if (isUnknown(b)) {
      learn(pathOf(a), "maybe", "number");
      learn(pathOf(b), "maybe", "number");
    }
  } else {
    near(pathOf(b), a);
  }
  return random() < likely;
}

const either = (a, b) => isUnknown(a) || isUnknown(b);
const same = (a, b) => a !== null && a !== undefined && b !== null && b !== undefined && met(a, b, 0.4);

const KINDS = { string: "text", number: "number", boolean: "truth", function: "callable", bigint: "number" };

function is(value, kind) {
  if (!isUnknown(value)) return typeof value === kind;
  if (kind === "undefined") return false;
  const known = KINDS[kind];
  if (known !== undefined) learn(pathOf(value), "note", known);
  return random() < 0.6;
}

const INSTANCES = new Map([
  [Date, "datetime"], [Buffer, "bytes"], [Uint8Array, "bytes"], [Array, "list"], [Map, "Map"], [Set, "set"],
  [String, "text"], [Number, "number"], [Function, "callable"],
]);

function isa(value, of) {
  if (isUnknown(of)) return random() < 0.5;
  if (!isUnknown(value)) return value instanceof of;
  if (INSTANCES.has(of)) learn(pathOf(value), "note", INSTANCES.get(of));
  return random() < 0.4;
}

function into(key, of) {
  if (isUnknown(key)) {
    learn(pathOf(key), "note", "text");
    return random() < 0.5;
  }
  return key in of;
}

function promised(value, name) {
  if (value !== null && value !== undefined && !isUnknown(value) && typeof value[name] === "function") return value;
  return Promise.resolve(value);
}

function bind(to, name, get) {
  Object.defineProperty(to, name, { enumerable: true, configurable: true, get, set: () => undefined });
}

Object.assign(globalThis, {
  __own: own,
  __eq: (a, b) => (either(a, b) ? same(a, b) : a === b),
  __ne: (a, b) => (either(a, b) ? !same(a, b) : a !== b),
  __like: (a, b) => (either(a, b) ? same(a, b) : a == b), // eslint-disable-line eqeqeq -- as it was written
  __unlike: (a, b) => (either(a, b) ? !same(a, b) : a != b), // eslint-disable-line eqeqeq -- as it was written
  __lt: (a, b) => (either(a, b) ? met(a, b, 0.5) : a < b),
  __gt: (a, b) => (either(a, b) ? met(a, b, 0.5) : a > b),
  __le: (a, b) => (either(a, b) ? met(a, b, 0.5) : a <= b),
  __ge: (a, b) => (either(a, b) ? met(a, b, 0.5) : a >= b),
  __in: into,
  __isa: isa,
  __is: is,
  __not: (a) => (isUnknown(a) ? random() < 0.3 : !a),
  __ok: (a) => (isUnknown(a) ? random() < 0.7 : a),
  __promise: promised,
  __default: (whole) => (whole !== null && whole !== undefined && whole.__esModule ? whole.default : whole),
  __esm: (to) => Object.defineProperty(to, "__esModule", { value: true }),
  __bind: bind,
  __star(to, from) {
    for (const name of Object.keys(from)) if (name !== "default" && !(name in to)) bind(to, name, () => from[name]);
  },
});

// What the language itself asks of a value.
const asks = (holder, name, kind) => {
  const real = holder[name];
  holder[name] = (value, ...rest) => {
    if (!isUnknown(value)) return real.call(holder, value, ...rest);
    learn(pathOf(value), "note", kind);
    return random() < 0.6;
  };
};
asks(Array, "isArray", "list");
for (const name of ["isInteger", "isSafeInteger", "isFinite", "isNaN"]) asks(Number, name, "number");
asks(Buffer, "isBuffer", "bytes");
