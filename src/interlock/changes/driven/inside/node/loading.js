"use strict";
// Loads a version: files of its tree, which were written anew for this (`rendering.py`), and nothing of Node's own loader.

const fs = require("fs");
const path = require("path");
const vm = require("vm");
const { builtinModule, reset } = require("./builtins");
const { notes, tick, begin } = require("./notes");
const { stub } = require("./stub");
const { reactModule } = require("./react");
const { waited } = require("./settling");

const ENDINGS = [".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx", ".json"];
const WAITS = /^\/\*waits\*\//; // as `rendering.py` marks it
const IMPORTS = /^__m\d+ = __require\((.*)\);$/gm; // and as it writes them
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
    this.texts = new Map(); // file -> what is in it
    this.code = new Map(); // file -> compiled
    this.where = new Map(); // folder and name -> file
    this.named = new Map(); // file -> files of the version that it imports
    this.late = undefined; // whether its module waits for something
    this.modules = new Map();
    this.stubs = new Map();
    this.ran = [];
    this.seen = new Set();
    this.walks = 0;
  }

  // Its module as it is when it is loaded; a large one may be as the walk before left it. A promise where a module
  // waits for something, else nothing.
  fresh(seed) {
    reset();
    begin(seed);
    if (this.modules.size > MANY && this.walks++ % OFTEN !== 0) return undefined;
    this.modules.clear();
    notes.loading = true;
    notes.steps = -10_000_000;
    const over = () => {
      notes.loading = notes.inMain = false;
    };
    const there = () => {
      this.exports = this.load(this.main);
      begin(seed);
    };
    this.late ??= this.waits(this.main);
    if (this.late) return this.awaited(this.main).then(there).finally(over);
    try {
      there();
    } finally {
      over();
    }
    return undefined;
  }

  // Whether a file, or one that it imports, waits at its top.
  waits(file, seen = new Set()) {
    if (seen.has(file)) return false;
    seen.add(file);
    return WAITS.test(this.text(file)) || this.imports(file).some((one) => this.waits(one, seen));
  }

  // Load a file after those that it imports, each when it has what it waits for.
  async awaited(file, seen = new Set()) {
    if (seen.has(file) || this.modules.has(file)) return;
    seen.add(file);
    for (const one of this.imports(file)) await this.awaited(one, seen);
    this.load(file);
    const { pending } = this.modules.get(file);
    if (pending === undefined) return;
    const state = await waited(pending);
    if (state.failed) throw state.error;
    if (!state.over) throw new Error("it waits for what nobody does");
  }

  text(file) {
    if (!this.texts.has(file)) this.texts.set(file, fs.readFileSync(file, "utf8"));
    return this.texts.get(file);
  }

  imports(file) {
    if (!this.named.has(file)) {
      const named = [...this.text(file).matchAll(IMPORTS)].map(([, name]) => name.slice(1, -1));
      const near = named.filter((name) => /^\.{1,2}(?:\/|$)/.test(name));
      const found = near.map((name) => this.found(path.resolve(path.dirname(file), name)));
      this.named.set(file, found.filter((one) => one !== undefined));
    }
    return this.named.get(file);
  }

  load(file) {
    const known = this.modules.get(file);
    if (known !== undefined) return known.exports;
    const module = { exports: {}, id: file.slice(this.root.length), loaded: false, children: [], paths: [] };
    this.modules.set(file, module);
    if (file.endsWith(".json")) {
      module.exports = JSON.parse(this.text(file));
      return module.exports;
    }
    const outer = notes.inMain;
    notes.inMain = file === this.main;
    try {
      const given = this.run(file, module);
      if (WAITS.test(this.text(file))) module.pending = given;
    } finally {
      notes.inMain = outer;
    }
    module.loaded = true;
    return module.exports;
  }

  run(file, module) {
    const shown = `/app${file.slice(this.root.length)}`; // where it stands is the same for both versions
    if (!this.code.has(file)) this.code.set(file, compiled(this.text(file), shown));
    const require = this.requireFrom(file);
    const meta = { url: `file://${shown}`, filename: shown, dirname: path.dirname(shown), resolve: (name) => name };
    const imported = (name) => this.imported(String(name), file, require);
    return this.code.get(file).call(
      module.exports, module.exports, require, module, shown, path.dirname(shown), this.counter(file), meta, imported,
      builtinModule("process", "/app"), globalThis, module.exports, require, Object.create(null),
    );
  }

  async imported(name, file, require) {
    const found = name.startsWith(".") ? this.found(path.resolve(path.dirname(file), name)) : undefined;
    if (found !== undefined && this.waits(found)) await this.awaited(found);
    return require(name);
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
      return builtinModule(name, "/app") ?? reactModule(name) ?? this.absent(name);
    };
    return Object.assign(require, { resolve: (name) => name, main: { filename: "/app/index.js" }, cache: {}, extensions: {} });
  }

  absent(name) {
    if (!this.stubs.has(name)) this.stubs.set(name, stub(name));
    return this.stubs.get(name);
  }

  found(whole) {
    if (!this.where.has(whole)) {
      const bare = whole.replace(/\.(?:[cm]?js|jsx)$/, "");
      const tries = ["", ...ENDINGS].map((end) => whole + end)
        .concat(ENDINGS.map((end) => path.join(whole, `index${end}`)), ENDINGS.map((end) => bare + end));
      this.where.set(whole, tries.find((name) => name.startsWith(`${this.root}/`) && isFile(name)));
    }
    return this.where.get(whole);
  }
}

function compiled(text, shown) {
  return new vm.Script(`(function (${GIVEN.join(", ")}) {${text}\n})`, { filename: shown }).runInThisContext();
}

module.exports = { Version };
