"use strict";
// What the running version did to the world, and what the walks learn of it. One walk at a time.

const MOST_STEPS = 100_000; // branches of one call: who takes more takes too long, on any machine

class Late {} // thrown where a call takes too long; no Error, so that few catch it

const notes = {
  clock: 0, // milliseconds since 1970
  drawn: 0, // bytes of chance
  calls: [], // [name, arguments]
  lessons: [], // what arguments of no type met: [[id, ...path], event, value]
  steps: 0,
  late: false,
  loading: false,
  inMain: false, // the module that is walked through is loaded, and not one that it imports
  own: new WeakSet(), // errors that the code threw itself
  ownPlain: undefined, // the last thing that it threw and that is no object
  responses: [], // what handlers answer with
  answered: null, // the arguments of a callback that takes the answer
  elements: 0, // of JSX, that were made at any time
  streams: [], // what a call listens to
};

const START = 1_750_000_000_000; // any time will do that is the same for both versions
let state = 0;

function seed(number) {
  state = (number * 2654435761) >>> 0;
}

function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

function choice(some) {
  return some[Math.floor(random() * some.length)];
}

function begin(number) {
  notes.clock = START;
  notes.drawn = 0;
  notes.calls.length = 0;
  seed(number);
}

function tick() {
  if (++notes.steps > MOST_STEPS) {
    notes.late = true;
    throw new Late();
  }
}

function own(error) {
  if (error !== null && (typeof error === "object" || typeof error === "function")) notes.own.add(error);
  else notes.ownPlain = error;
  return error;
}

module.exports = { notes, Late, begin, tick, own, random, choice, seed };
