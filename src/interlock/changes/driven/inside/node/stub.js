"use strict";
// Something that is not here: it takes every call, writes it down, gives another one, and is empty.

const { notes } = require("./notes");

const stubs = new WeakSet();
const ERROR = /(?:Error|Exception|Timeout|Expired|NotFound|Denied)$/;
const LISTS = /\.(?:filter|map|flatMap|slice|concat|keys|values|entries|split|sort)$/; // what is taken for a list
const CHAINED = /\(\)\.\w+$|Creator$/; // what goes on with itself, or makes what wraps
const DESCRIBES = new Set(["get", "set", "value", "writable"]); // as a property it says nothing of the value
const handlers = []; // functions that a module hands over while it is loaded: [name, arguments, function, its name]

function stub(name) {
  if (ERROR.test(name)) return namedError(name.split(".").pop());
  function target() {}
  const known = new Map();
  const proxy = new Proxy(target, {
    get(_, key) {
      if (key === "prototype") return target.prototype;
      if (typeof key === "symbol") return symbol(name, key);
      if (key === "then" || key === "toJSON") return undefined;
      if (key === "__esModule") return true; // else compilers copy what it has into another object, and it has nothing
      if (key === "default") return proxy;
      if (key === "toString" || key === "valueOf") return () => `<${name}>`;
      if (key === "length") return 0;
      if (!known.has(key)) known.set(key, stub(`${name}.${key}`));
      return known.get(key);
    },
    set(_, key, value) {
      known.set(key, value);
      if (!notes.loading) notes.calls.push([`${name}.${String(key)} =`, [value]]);
      return true;
    },
    has: (_, key) => typeof key === "string" && !DESCRIBES.has(key),
    apply: (_, __, args) => called(name, args),
    construct(_, args, of) {
      if (of !== proxy) return Object.create(of.prototype); // as the base of a class
      called(`new ${name}`, args);
      return stub(`${name}()`);
    },
  });
  stubs.add(proxy);
  return proxy;
}

// A module of which some is made up, with a stub for the rest.
function mixed(of, others) {
  const get = (has, key) => (key in has || typeof key === "symbol" || key === "__esModule" ? has[key] : others[key]);
  return new Proxy(of, { get });
}

function symbol(name, key) {
  if (key === Symbol.toPrimitive) return (hint) => (hint === "number" ? 0 : `<${name}>`);
  if (key === Symbol.iterator) return () => [][Symbol.iterator]();
  return undefined;
}

function called(name, args) {
  if (notes.loading) {
    args.forEach((one, at) => {
      if (own(one)) handlers.push([name, args, one, String(at)]);
      for (const [key, call] of notes.inMain ? plainly(one) : []) if (own(call)) handlers.push([name, args, call, `${at}.${key}`]);
    });
  } else {
    notes.calls.push([name, args]);
  }
  if (LISTS.test(name)) return [];
  if (args.length === 1 && typeof args[0] === "function" && !CHAINED.test(name)) return args[0]; // as what wraps a function
  return stub(`${name}()`);
}

const own = (value) => typeof value === "function" && !stubs.has(value) && !/^class\b/.test(String(value));

// The fields of what is described by an object alone, as a component or a rule.
function plainly(value) {
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return [];
  const fields = Object.entries(Object.getOwnPropertyDescriptors(value)).slice(0, 40);
  return fields.filter(([, of]) => "value" in of).map(([key, of]) => [key, of.value]);
}

function namedError(name) {
  return { [name]: class extends Error {} }[name];
}

module.exports = { stub, mixed, isStub: (value) => stubs.has(value), handlers };
