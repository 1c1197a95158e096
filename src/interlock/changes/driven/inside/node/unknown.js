"use strict";
// What a parameter is, seen from how code uses it: an argument of no type that becomes what is asked of it. Each use is
// a lesson: a path from the parameter on, and what happened there. Comparisons reach it by way of the written code.

const { notes, random, choice } = require("./notes");
const { stub } = require("./stub");

const paths = new WeakMap(); // argument -> path
const TEXT = new Set(Object.getOwnPropertyNames(String.prototype));
const LIST = new Set(["map", "filter", "forEach", "some", "every", "find", "findIndex", "reduce", "push", "join", "flat",
  "flatMap", "sort", "pop", "shift", "unshift", "splice", "reverse", "fill", "entries", "keys", "values"]);
const NUMBER = new Set(["toFixed", "toPrecision", "toExponential"]);
const BYTES = new Set(["equals", "subarray", "readUInt8", "readUInt16BE", "readUInt32BE", "copy", "byteLength"]);
const BOTH = new Set(["constructor", "length", "at", "concat", "includes", "indexOf", "lastIndexOf", "slice", "link",
  "search", "anchor", "bold", "big", "sub", "sup", "small", "blink", "fixed", "strike"]);
const EVENT = /^\.(?:on|once|addListener|addEventListener|subscribe|listen|handle)$/;
const ROUTE = /^\.(?:get|post|put|delete|patch|all|use|route)$/;
const DEEPEST = 5;
const FIELDS = new Map(); // path -> names asked for

const isUnknown = (value) => typeof value === "function" && paths.has(value);

function learn(path, event, value) {
  if (notes.lessons.length < 4000) notes.lessons.push([path, event, value]);
}

function near(path, value) {
  const kind = typeof value;
  if (kind === "string" || kind === "number" || kind === "boolean") learn(path, "near", value);
}

function sample(kind) {
  if (kind === "number") return choice([0, 1, 2, 7, 50]);
  if (kind === "bytes") return choice([Buffer.alloc(32, 7), Buffer.from("ann"), Buffer.from("0123456789abcdef")]);
  return choice(["ann", "bob", "x1", "12"]);
}

function as(path, kind) {
  learn(path, "note", kind);
  return sample(kind);
}

const part = (path, step) => (path.length > DEEPEST ? "ann" : unknown([...path, step]));

function method(path, of, name) {
  const value = of[name];
  return typeof value === "function" ? value.bind(of) : value;
}

function items(path) {
  learn(path, "note", "list");
  return Array.from({ length: Math.floor(random() * 3) }, () => part(path, "[]"));
}

function got(path, name) {
  if (/^\d+$/.test(name)) {
    learn(path, "note", "list");
    return part(path, "[]");
  }
  if (name === "length") {
    learn(path, "maybe", "text");
    return choice([0, 1, 3, 40]);
  }
  if (LIST.has(name)) return method(path, items(path), name);
  if (NUMBER.has(name)) return method(path, as(path, "number"), name);
  if (BYTES.has(name)) return method(path, as(path, "bytes"), name);
  if (name === "toString" || name === "valueOf") return () => sample("text");
  if (TEXT.has(name) && !BOTH.has(name)) return method(path, as(path, "text"), name);
  if (BOTH.has(name) && name !== "constructor") return method(path, sample("text"), name);
  if (name === "hasOwnProperty") return () => random() < 0.5;
  const key = path.join("\0");
  if (!FIELDS.has(key)) FIELDS.set(key, new Set());
  FIELDS.get(key).add(name);
  learn(path, "field", name);
  return part(path, `.${name}`);
}

const ABSENT = new Set(["then", "toJSON", "prototype", "caller", "arguments", "constructor", "asymmetricMatch", "nodeType"]);

function symbol(path, key) {
  if (key === Symbol.iterator) return () => items(path)[Symbol.iterator]();
  if (key === Symbol.toPrimitive) {
    return (hint) => {
      if (hint === "number") return as(path, "number");
      if (hint === "string") return as(path, "text");
      learn(path, "maybe", "text");
      return sample("text");
    };
  }
  return undefined;
}

function unknown(path) {
  const one = new Proxy(() => {}, {
    get: (_, key) => (typeof key === "symbol" ? symbol(path, key) : ABSENT.has(key) ? undefined : got(path, key)),
    set(_, key) {
      if (typeof key === "string" && !/^\d+$/.test(key)) learn(path, "field", key);
      return true;
    },
    has(_, key) {
      if (typeof key === "string") learn(path, "field", key);
      return random() < 0.7;
    },
    deleteProperty: () => true,
    ownKeys: () => [...(FIELDS.get(path.join("\0")) ?? [])],
    getOwnPropertyDescriptor: (_, key) => (
      typeof key === "string" ? { value: part(path, `.${key}`), enumerable: true, configurable: true, writable: true }
        : undefined
    ),
    getPrototypeOf: () => Object.prototype,
    apply(_, __, args) {
      learn(path, "note", "callable");
      const result = part(path, "()");
      const last = args[args.length - 1];
      if (typeof last === "function" && !isUnknown(last)) {
        if (EVENT.test(path[path.length - 1])) last(result);
        else if (ROUTE.test(path[path.length - 1])) last(result, stub("res"), stub("next"));
        else last(null, result);
      }
      return result;
    },
    construct() {
      learn(path, "note", "callable");
      return Object(part(path, "()"));
    },
  });
  paths.set(one, path);
  return one;
}

// Whoever takes no argument of no type says so by an error: it gets a value, and what it asked for is a lesson.
const MEANT = [
  [/"(?:key|iv|cipher\.key)" argument/, "bytes"],
  [/of type string|must be a string/, "text"], [/of type number|must be (?:an integer|a number)/, "number"],
  [/instance of (?:Buffer|TypedArray|ArrayBuffer|DataView)|Buffer|TypedArray/, "bytes"], [/Array/, "list"],
];

function answering(call) {
  return function answers(...args) {
    if (!args.some(isUnknown)) return new.target ? Reflect.construct(call, args) : Reflect.apply(call, this, args);
    const plain = [...args];
    for (let at = 0; at <= args.length; at++) {
      const lessons = notes.lessons.length;
      try {
        return new.target ? Reflect.construct(call, plain) : Reflect.apply(call, this, plain);
      } catch (error) {
        const which = plain.findIndex(isUnknown);
        if (!(error instanceof TypeError) || which < 0) throw error;
        notes.lessons.length = lessons; // the error's message asked for a name
        const meant = MEANT.find(([pattern]) => pattern.test(error.message));
        if (meant === undefined) throw error;
        learn(paths.get(plain[which]), "firm", meant[1]);
        plain[which] = sample(meant[1]);
      }
    }
    return undefined;
  };
}

module.exports = { unknown, isUnknown, learn, near, sample, answering, pathOf: (value) => paths.get(value) };
