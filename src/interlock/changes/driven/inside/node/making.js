"use strict";
// Makes the values of one walk from recipes. One recipe is one value: what a call changes, the next one sees.

const { notes, choice } = require("./notes");
const { unknown, isUnknown } = require("./unknown");
const { called } = require("./answers");

const ENDS = ["send", "json", "end", "sendStatus", "redirect", "render", "writeHead", "sendFile"];
const ANSWERS = [...ENDS, "status", "type", "set", "header", "setHeader", "cookie", "clearCookie", "removeHeader", "write",
  "code", "download", "format", "append", "attachment", "links", "location", "vary", "jsonp"];
// A header is a line of its own: what a stranger sent is within it even where it is all of its value.
const HEADERS = new Set(["setHeader", "set", "header", "append", "redirect", "location", "cookie"]);
const line = (name, args) => (args.length > 1 ? args : [name, ...args]).map(String).join(": ");
const EVENT = /^(?:on|once|addListener|addEventListener|subscribe|listen|handle)$/;
const ROUTE = /^(?:get|post|put|delete|patch|all|use|route)$/;
const DONE = /^(?:done|cb|callback|next|fn|resolve|reject)$/;

class Making {
  constructor(world) {
    this.world = world; // of a version: `exported` and `methodOf`
    this.made = new Map();
    this.results = [];
  }

  value(recipe) {
    if (recipe === null) return undefined;
    if (Array.isArray(recipe)) return this.one(recipe);
    if (!this.made.has(recipe.id)) this.made.set(recipe.id, this.one(recipe.r));
    return this.made.get(recipe.id);
  }

  all(recipes) {
    return recipes.map((one) => this.value(one));
  }

  one([kind, given, more]) {
    switch (kind) {
      case "is": return plain(given);
      case "step": return this.results[given];
      case "global": return this.world.exported(given);
      case "unknown": return unknown([given]);
      case "list": case "tuple": return this.all(given);
      case "set": return new Set(this.all(given));
      case "Map": return new Map(given.map(([key, value]) => [this.value(key), this.value(value)]));
      case "map": return Object.fromEntries(given.map(([key, value]) => [this.value(key), this.value(value)]));
      case "bag": return this.bag(given);
      case "call": return calling(given, () => this.value(more));
      case "new": case "from": return this.world.make(given, this.all(more));
      case "datetime": return new Date(notes.clock + ((given % 10_000_000) - 5_000_000) * 1000);
      case "date": return new Date(notes.clock + (given % 100) * 86_400_000);
      case "decimal": return given / 100;
      default: return given; // a path is a text
    }
  }

  bag(given) {
    const names = Object.keys(given);
    const isCall = (name) => given[name] !== null && !Array.isArray(given[name]) && given[name].r[0] === "call";
    if (names.some((name) => ENDS.includes(name) && isCall(name))) {
      return respond(Object.fromEntries(names.filter((n) => !ANSWERS.includes(n)).map((n) => [n, this.value(given[n])])));
    }
    const one = {};
    for (const name of names) {
      Object.defineProperty(one, name, {
        value: this.value(given[name]), enumerable: true, configurable: true, writable: true,
      });
    }
    if (["on", "once", "addListener"].some((name) => names.includes(name) && isCall(name))) listened(one);
    return one;
  }
}

// What a handler answers with: it writes down what it is told, and what it came to is what the call gives.
function respond(others) {
  const state = { status: 200, headers: {}, body: null, ended: false };
  const one = { locals: {}, headersSent: false, writableEnded: false, statusCode: 200, req: {}, ...others };
  const does = (name) => (...args) => {
    notes.calls.push([`res.${name}`, HEADERS.has(name) ? [line(name, args)] : args]);
    answered(state, one, name, args);
    return one;
  };
  for (const name of ANSWERS) one[name] = does(name);
  Object.assign(one, { getHeader: (name) => state.headers[name], get: (name) => state.headers[name], on: () => one, once: () => one });
  called.add(one);
  notes.responses.push([state, one]);
  return one;
}

function answered(state, one, name, args) {
  if (name === "status" || name === "code" || name === "writeHead" || name === "sendStatus") one.statusCode = args[0];
  if (name === "redirect") {
    one.statusCode = args.length > 1 ? args[0] : 302;
    state.headers.location = args[args.length - 1];
  }
  if (["setHeader", "set", "header", "append"].includes(name)) state.headers[args[0]] = args[1];
  if (name === "writeHead") Object.assign(state.headers, args[args.length - 1]);
  if (ENDS.includes(name) && name !== "writeHead") {
    if (name !== "redirect" && name !== "sendStatus") state.body = args[0];
    state.ended = one.headersSent = one.writableEnded = true;
  }
}

function plain(given) {
  if (given === null || typeof given !== "object") return given;
  if ("b" in given) return Buffer.from(given.b, "base64");
  return Number(given.n);
}

// A function that writes down how it is called. It calls a callback that it is given, as whoever asks others would.
function calling(name, result) {
  let deep = 0;
  const one = (...args) => {
    const back = args.filter((arg) => typeof arg === "function" && !called.has(arg) && !isUnknown(arg));
    notes.calls.push([name, name === "setHeader" || name === "redirect" ? [line(name, args)] : args]);
    if (DONE.test(name) && notes.answered === null) notes.answered = args;
    const value = result();
    if (back.length && deep < 3) {
      deep++;
      try {
        callBack(name, args, back, value);
      } finally {
        deep--;
      }
    }
    return value;
  };
  called.add(one);
  return one;
}

function callBack(name, args, back, value) {
  if (EVENT.test(name)) back.at(-1)(value);
  else if (ROUTE.test(name) && back.some((one) => one.length > 1)) asked(args[0], back, value);
  else back.at(-1)(null, value);
}

// Somebody asks a route: one of those that there are, the same in both versions.
function asked(route, handlers, request) {
  if ((notes.clock / 1000 + String(route).length) % 3 >= 1) return;
  const response = respond({});
  for (const handler of handlers) {
    let more = false;
    handler(request, response, () => {
      more = true;
    });
    if (!more) break;
  }
}

// Something that tells what comes in pieces: they come when the call is over.
function listened(one) {
  const heard = [];
  for (const name of ["on", "once", "addListener"]) {
    one[name] = (event, call) => {
      notes.calls.push([name, [event]]);
      if (typeof call === "function") heard.push([event, call]);
      return one;
    };
  }
  notes.streams.push(heard);
}

function pour(heard) {
  const tell = (event, ...args) => {
    for (const [name, call] of [...heard]) if (name === event) call(...args);
  };
  const many = choice([1, 1, 2, 3]);
  for (let count = 0; count < many; count++) tell("data", Buffer.alloc(choice([1, 5, 10, 60, 1000, 70_000]), 97));
  tell("end");
  tell("close");
}

module.exports = { Making, pour };
