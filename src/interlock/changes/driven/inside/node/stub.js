"use strict";
// Something that is not here: it takes every call, writes it down, gives another one, and is empty.

const { notes } = require("./notes");

const stubs = new WeakSet();
const ERROR = /(?:Error|Exception|Timeout|Expired|NotFound|Denied)$/;
const LISTS = /\.(?:filter|map|flatMap|slice|concat|keys|values|entries|split|sort)$/; // what is taken for a list
const handlers = []; // functions that a module hands over while it is loaded: [name, function]

function stub(name) {
  if (ERROR.test(name)) return namedError(name.split(".").pop());
  function target() {}
  const known = new Map();
  const proxy = new Proxy(target, {
    get(_, key) {
      if (key === "prototype") return target.prototype;
      if (typeof key === "symbol") return symbol(name, key);
      if (key === "then" || key === "toJSON" || key === "__esModule") return undefined;
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
    has: (_, key) => typeof key === "string",
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

function symbol(name, key) {
  if (key === Symbol.toPrimitive) return (hint) => (hint === "number" ? 0 : `<${name}>`);
  if (key === Symbol.iterator) return () => [][Symbol.iterator]();
  return undefined;
}

function called(name, args) {
  if (notes.loading) {
    for (const one of args) if (typeof one === "function" && !stubs.has(one)) handlers.push([name, args, one]);
  } else {
    notes.calls.push([name, args]);
  }
  if (LISTS.test(name)) return [];
  if (args.length === 1 && typeof args[0] === "function") return args[0]; // as what wraps a function
  return stub(`${name}()`);
}

function namedError(name) {
  return { [name]: class extends Error {} }[name];
}

module.exports = { stub, isStub: (value) => stubs.has(value), handlers };
