"use strict";
// What a call came to, as data in which two versions compare; the form of `answers.py`.

const { notes } = require("./notes");
const { isStub } = require("./stub");
const { isUnknown } = require("./unknown");

const DEEPEST = 5;
const WIDEST = 60;
const MOST = 20_000; // characters of a text
const called = new WeakSet(); // functions that were arguments, and what handlers answer with

// A page that was drawn (`elements.js`): what it shows, and what of that the browser takes as it is.
class Shown {
  constructor(text, raw) {
    Object.assign(this, { text: text.slice(0, MOST), raw: raw.slice(0, WIDEST).map((one) => one.slice(0, MOST)) });
  }
}

function normal(value, deep = 0) {
  if (value === null || value === undefined) return null;
  switch (typeof value) {
    case "boolean": return value;
    case "number": return Number.isNaN(value) ? "nan" : Number.isFinite(value) ? value : String(value);
    case "bigint": return { n: String(value) };
    case "string": return value.slice(0, MOST);
    case "symbol": return String(value);
    case "function": return isUnknown(value) || isStub(value) || called.has(value) ? "~" : "function";
    default: return deep > DEEPEST ? kindOf(value) : ofObject(value, deep);
  }
}

function kindOf(value) {
  const made = value.constructor;
  return typeof made === "function" && typeof made.name === "string" ? made.name : "Object";
}

const keyed = (pairs) => pairs.slice(0, WIDEST).map((pair) => [JSON.stringify(pair), pair])
  .sort((a, b) => (a[0] < b[0] ? -1 : 1)).map(([, pair]) => pair);

function ofObject(value, deep) {
  if (called.has(value)) return "~";
  if (value instanceof Shown) return { e: [value.text, value.raw] };
  const inner = (one) => normal(one, deep + 1);
  if (Array.isArray(value)) return ["list", ...value.slice(0, WIDEST).map(inner)];
  if (ArrayBuffer.isView(value)) {
    return { b: Buffer.from(value.buffer, value.byteOffset, Math.min(value.byteLength, MOST)).toString("base64") };
  }
  if (value instanceof Map) return ["map", ...keyed([...value].slice(0, WIDEST).map(([k, v]) => [inner(k), inner(v)]))];
  if (value instanceof Set) return ["list", ...[...value].slice(0, WIDEST).map(inner)];
  if (value instanceof Error) return ["map", ["error", errorName(value)]];
  if (value instanceof Promise) return "Promise";
  if (value instanceof Date || value instanceof RegExp || value instanceof URL) return String(value);
  if (typeof value.next === "function" && typeof value[Symbol.iterator] === "function") return ["list", ...first(value).map(inner)];
  const given = Object.keys(value).slice(0, WIDEST).filter((key) => value[key] !== undefined);
  const fields = given.map((key) => [key, inner(value[key])]);
  return ["map", ...keyed(fields)];
}

function first(iterator) {
  const out = [];
  for (const one of iterator) {
    out.push(one);
    if (out.length >= 50) break;
  }
  return out;
}

function errorName(error) {
  const made = error.constructor;
  const name = typeof made === "function" && made.name !== "Error" ? made.name : error.name;
  return String(name);
}

// How a call that threw ended: somebody refused, or it stumbled over arguments that it cannot handle.
function thrown(error) {
  if (notes.late) return ["late", null];
  if (error === null || typeof error !== "object") {
    return [Object.is(error, notes.ownPlain) ? "raises" : "stumbles", String(error).slice(0, 80)];
  }
  if (error instanceof RangeError && /call stack|Invalid (?:string|array|typed array) length|Array buffer/.test(error.message)) {
    return ["large", null];
  }
  const name = error instanceof Error ? errorName(error) : kindOf(error);
  return [stumbled(error) ? "stumbles" : "raises", name];
}

const READS = new Set(["ERR_INVALID_URL", "ERR_BUFFER_TOO_LARGE"]); // errors of Node.js that judge what was given

function stumbled(error) {
  if (notes.own.has(error) || READS.has(error.code)) return false;
  if (error instanceof SyntaxError) return /^Invalid regular expression/.test(error.message); // made of an argument
  if (error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError) return true;
  return typeof error.code === "string" && /^E[A-Z]+$/.test(error.code) && !["EACCES", "EPERM", "EEXIST"].includes(error.code);
}

module.exports = { Shown, normal, thrown, called };
