"use strict";
// Loads a version: files of its tree, which were written anew for this (`rendering.py`), and nothing of Node's own loader.

const fs = require("fs");
const path = require("path");
const vm = require("vm");
const { builtinModule, reset } = require("./builtins");
const { notes, tick, begin } = require("./notes");
const { stub } = require("./stub");

const ENDINGS = [".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".json"];
const GIVEN = ["exports", "require", "module", "__filename", "__dirname", "__at", "__meta", "__import", "process", "global",
  "__exports", "__require", "__scope"];
const MANY = 30; // modules: a version of so many is not loaded anew for each walk
const OFTEN = 25;

const isFile = (name) => {
  try {
    return fs.statSync(name).isFile();
  } catch {
    return false;
  }
};

class Version {
  constructor(root, main) {
    this.root = root;
    this.main = path.join(root, main);
    this.code = new Map(); // file -> compiled
    this.where = new Map(); // folder and name -> file
    this.modules = new Map();
    this.stubs = new Map();
    this.ran = [];
    this.seen = new Set();
    this.walks = 0;
  }

  // Its module as it is when it is loaded; a large one may be as the walk before left it.
  fresh(seed) {
    reset();
    begin(seed);
    if (this.modules.size <= MANY || this.walks++ % OFTEN === 0) {
      this.modules.clear();
      notes.loading = true;
      notes.steps = -10_000_000;
      try {
        this.exports = this.load(this.main);
      } finally {
        notes.loading = false;
      }
      begin(seed);
    }
    return this.exports;
  }

  load(file) {
    const known = this.modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {}, id: file.slice(this.root.length), loaded: false, children: [], paths: [] };
    this.modules.set(file, module);
    if (file.endsWith(".json")) {
      module.exports = JSON.parse(fs.readFileSync(file, "utf8"));
      return module.exports;
    }
    const shown = `/app${file.slice(this.root.length)}`; // where it stands is the same for both versions
    if (!this.code.has(file)) this.code.set(file, compiled(file, shown));
    const require = this.requireFrom(file);
    const meta = { url: `file://${shown}`, filename: shown, dirname: path.dirname(shown), resolve: (name) => name };
    const imported = async (name) => require(String(name));
    this.code.get(file).call(
      module.exports, module.exports, require, module, shown, path.dirname(shown), this.counter(file), meta, imported,
      builtinModule("process", "/app"), globalThis, module.exports, require, Object.create(null),
    );
    module.loaded = true;
    return module.exports;
  }

  counter(file) {
    if (file !== this.main) return tick;
    return (number) => {
      tick();
      if (!this.seen.has(number)) {
        this.seen.add(number);
        this.ran.push(number);
      }
    };
  }

  requireFrom(file) {
    const require = (name) => {
      if (typeof name !== "string") throw new TypeError('The "id" argument must be of type string.');
      if (name.startsWith(".") || name.startsWith("/")) {
        const inside = name.startsWith("/app/") ? this.root + name.slice(4) : name;
        const found = this.found(path.resolve(path.dirname(file), inside));
        return found === undefined ? this.absent(name) : this.load(found);
      }
      return builtinModule(name, "/app") ?? this.absent(name);
    };
    return Object.assign(require, { resolve: (name) => name, main: { filename: "/app/index.js" }, cache: {}, extensions: {} });
  }

  absent(name) {
    if (!this.stubs.has(name)) this.stubs.set(name, stub(name));
    return this.stubs.get(name);
  }

  found(whole) {
    if (!this.where.has(whole)) {
      const bare = whole.replace(/\.[cm]?js$/, "");
      const tries = ["", ...ENDINGS].map((end) => whole + end)
        .concat(ENDINGS.map((end) => path.join(whole, `index${end}`)), ENDINGS.map((end) => bare + end));
      this.where.set(whole, tries.find((name) => name.startsWith(`${this.root}/`) && isFile(name)));
    }
    return this.where.get(whole);
  }
}

function compiled(file, shown) {
  const text = fs.readFileSync(file, "utf8");
  return new vm.Script(`(function (${GIVEN.join(", ")}) {${text}\n})`, { filename: shown }).runInThisContext();
}

module.exports = { Version };
