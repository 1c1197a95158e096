"use strict";
// What of a module can be called from outside, with the names of its parameters.

const { isStub } = require("./stub");
const { Component } = require("./react");

const NATIVE = new Set([Object.prototype, Function.prototype, Array.prototype, Map.prototype, Set.prototype,
  Error.prototype, Promise.prototype, Date.prototype, RegExp.prototype, Buffer.prototype, Uint8Array.prototype,
  require("events").prototype, require("stream").prototype, Component.prototype]);
const HELD = new Set(["constructor", "toString", "valueOf", "toJSON", "inspect"]);

const sourceOf = (call) => Function.prototype.toString.call(call);

function isClass(value) {
  if (typeof value !== "function" || isStub(value)) return false;
  if (/^class\b/.test(sourceOf(value))) return true;
  const made = value.prototype;
  return made !== null && typeof made === "object" && Object.getOwnPropertyNames(made).some((name) => !HELD.has(name));
}

// Parameters: [name, whether it has to be given, whether it takes all that come, of which kinds its type is].
function parameters(call) {
  const text = sourceOf(call);
  if (text.includes("[native code]")) return [];
  const list = listOf(text) || (call.prototype instanceof Component ? "props" : ""); // it takes them without a word
  return pieces(list).map((typed, at) => {
    const [, kinds = "", piece] = /^(?:\/\*:([\w.|]+)\*\/\s*)?([^]*)$/.exec(typed);
    const rest = piece.startsWith("...");
    const [head, given] = divided(rest ? piece.slice(3) : piece);
    const name = /^[A-Za-z_$][\w$]*$/.test(head) ? head : `options${at || ""}`;
    return [name, given === undefined && !rest, rest, kinds];
  });
}

function listOf(text) {
  if (/^class\b/.test(text)) {
    const at = text.search(/\bconstructor\s*\(/);
    return at < 0 ? "" : bracketed(text, text.indexOf("(", at));
  }
  const arrow = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>/.exec(text);
  if (arrow !== null) return arrow[1];
  const named = /^(?:async\s*)?(?:function\s*)?\*?\s*(?:\[[^\]]*\]|[\w$#"']*)\s*\(/.exec(text);
  return bracketed(text, named === null ? text.indexOf("(") : named[0].length - 1);
}

// What stands between a bracket and the one that closes it.
function bracketed(text, from) {
  const end = closed(text, from);
  return text.slice(from + 1, end);
}

function closed(text, from) {
  let deep = 0;
  for (let at = from; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"' || sign === "'" || sign === "`") at = text.indexOf(sign, at + 1);
    if (at < from) return text.length;
    if ("([{".includes(sign)) deep++;
    if (")]}".includes(sign) && --deep === 0) return at;
  }
  return text.length;
}

function pieces(list) {
  const out = [];
  let start = 0;
  for (let at = 0; at <= list.length; at++) {
    if (at < list.length && "([{".includes(list[at])) at = closed(list, at);
    else if (at < list.length && "\"'`".includes(list[at])) at = Math.max(at, list.indexOf(list[at], at + 1));
    else if (at === list.length || list[at] === ",") {
      if (list.slice(start, at).trim()) out.push(list.slice(start, at).trim());
      start = at + 1;
    }
  }
  return out;
}

function divided(piece) {
  const from = "[{".includes(piece[0]) ? closed(piece, 0) : 0;
  const at = piece.indexOf("=", from);
  return at < 0 ? [piece.trim(), undefined] : [piece.slice(0, at).trim(), piece.slice(at + 1).trim()];
}

const isPublic = (name) => !name.startsWith("_") && !HELD.has(name);

// name -> parameters of the methods that an object or a prototype has.
function methods(of) {
  const found = {};
  for (let at = of; at !== null && at !== undefined && !NATIVE.has(at); at = Object.getPrototypeOf(at)) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const value = Object.getOwnPropertyDescriptor(at, name).value;
      const ours = typeof value === "function" && !isStub(value) && !sourceOf(value).includes("[native code]");
      if (ours && isPublic(name) && !(name in found) && !isClass(value)) found[name] = parameters(value);
    }
  }
  return found;
}

// Exports: [name, kind, what is known of it].
function described(exported) {
  const seen = new Set();
  const out = [];
  const add = (name, value) => {
    if (value === null || value === undefined || isStub(value) || seen.has(value)) return;
    if (typeof value === "object" || typeof value === "function") seen.add(value);
    if (isClass(value)) {
      const statics = Object.fromEntries(Object.entries(methods(value)).filter(([one]) => Object.hasOwn(value, one)));
      if (value.prototype instanceof Error) return;
      out.push([name, "class", { parameters: parameters(value), methods: methods(value.prototype), statics }]);
    } else if (typeof value === "function") {
      out.push([name, "function", { parameters: parameters(value) }]);
    } else if (typeof value === "object" && !Array.isArray(value) && !NATIVE.has(Object.getPrototypeOf(value) ?? value)
      || Object.getPrototypeOf(Object(value)) === Object.prototype) {
      if (typeof value === "object") out.push([name, "object", { methods: methods(value) }]);
    }
  };
  if (typeof exported === "function") add("default", exported);
  if (exported !== null && (typeof exported === "object" || typeof exported === "function") && !isStub(exported)) {
    for (const name of Object.keys(exported)) if (isPublic(name) && name !== "default") add(name, read(exported, name));
    if (typeof exported !== "function") add("default", read(exported, "default"));
  }
  return out;
}

function read(of, name) {
  try {
    return of[name];
  } catch {
    return undefined; // a getter of a name that is not there yet
  }
}

module.exports = { described, methods, parameters, isClass };
