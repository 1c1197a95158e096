"use strict";
// The modules of Node.js: those that only compute are real, files are made up, the rest is a stub that writes down.

const { notes } = require("./notes");
const { stub, mixed } = require("./stub");
const host = require("./host");
const { answering } = require("./unknown");

const REAL = new Set(["assert", "assert/strict", "async_hooks", "buffer", "constants", "diagnostics_channel", "events",
  "path", "path/posix", "punycode", "querystring", "stream", "stream/promises", "string_decoder", "sys", "url", "util",
  "util/types", "zlib"]);
const builtin = new Set(require("module").builtinModules);

let words = ["ok"]; // texts that the code names: a file may hold one
let files = new Map(); // path -> what was written there in this walk; null: it was removed

function reset(of) {
  files = new Map();
  if (of !== undefined) words = of.length ? of : ["ok"];
}

function code(text) {
  let sum = 7;
  for (let at = 0; at < text.length; at++) sum = (sum * 31 + text.charCodeAt(at)) >>> 0;
  return sum;
}

function refused(number, path) {
  const error = new Error(`${number}: '${path}'`);
  return Object.assign(error, { code: number, errno: -2, syscall: "open", path });
}

function pathOf(path) {
  if (path instanceof URL) return path.pathname;
  if (typeof path !== "string" && !Buffer.isBuffer(path)) {
    throw new TypeError('The "path" argument must be of type string or an instance of Buffer or URL.');
  }
  const text = String(path);
  if (text.includes("\0")) throw Object.assign(new TypeError("a path has no null bytes"), { code: "ERR_INVALID_ARG_VALUE" });
  return text;
}

const there = (path) => (
  files.has(path) ? files.get(path) !== null : path.endsWith("/package.json") || code(path) % 4 !== 0
);

function held(path) {
  if (!there(path)) throw refused("ENOENT", path);
  if (files.has(path)) return files.get(path);
  if (path.endsWith("/package.json")) return '{"name":"app","version":"1.0.0","engines":{"node":">=20"}}';
  if (path.endsWith(".json")) return "{}";
  return code(path) % 3 === 0 ? words[code(path) % words.length] : `text of ${path}`;
}

function wrote(name, path, ...more) {
  notes.calls.push([`fs.${name}`, [path, ...more]]);
}

const encoded = (text, how) => (
  typeof how === "string" || (how && how.encoding) ? String(text) : Buffer.from(text)
);

function stats(path) {
  const text = held(path);
  const folder = !/\.[a-z0-9]+$/i.test(path);
  return {
    size: text.length, mode: folder ? 0o40755 : 0o100644, uid: 1000, gid: 1000, mtimeMs: 1.7e12, mtime: new Date(1.7e12),
    isFile: () => !folder, isDirectory: () => folder, isSymbolicLink: () => false,
  };
}

const made = {
  readFile: (path, how) => encoded(held(pathOf(path)), how),
  writeFile(path, data, how) {
    const name = pathOf(path);
    if (how && /x/.test(how.flag ?? how) && there(name)) throw refused("EEXIST", name);
    wrote("writeFile", name, data, how);
    files.set(name, String(data));
  },
  appendFile(path, data) {
    wrote("appendFile", pathOf(path), data);
    files.set(pathOf(path), (there(path) ? held(path) : "") + String(data));
  },
  unlink(path) {
    wrote("unlink", pathOf(path));
    files.set(pathOf(path), null);
  },
  rename(from, to) {
    wrote("rename", pathOf(from), pathOf(to));
    files.set(pathOf(to), held(pathOf(from)));
  },
  access(path) {
    held(pathOf(path));
  },
  stat: (path) => stats(pathOf(path)),
  lstat: (path) => stats(pathOf(path)),
  readdir: (path) => (there(pathOf(path)) ? ["note.txt", "a.json"] : held(pathOf(path))),
  realpath: (path) => require("path").resolve(pathOf(path)),
};
for (const name of ["mkdir", "rm", "rmdir", "chmod", "chown", "symlink", "link", "copyFile", "utimes", "truncate"]) {
  made[name] = (...args) => wrote(name, ...args);
}
made.mkdtemp = (start) => `${start}000000`;

function fileSystem() {
  const promises = {};
  const whole = { constants: require("fs").constants, promises };
  for (const [name, call] of Object.entries(made)) {
    const does = answering(call);
    whole[`${name}Sync`] = does;
    promises[name] = async (...args) => does(...args);
    whole[name] = (...args) => {
      const done = args.pop();
      if (typeof done !== "function") throw new TypeError('The "cb" argument must be of type function.');
      Promise.resolve().then(() => does(...args)).then((value) => done(null, value), done);
    };
  }
  whole.realpathSync.native = whole.realpathSync;
  whole.existsSync = (path) => typeof path === "string" && there(path);
  whole.exists = (path, done) => done(whole.existsSync(path));
  const others = stub("fs");
  promises.constants = whole.constants;
  whole.promises = mixed(promises, others);
  return mixed(whole, others);
}

function programs() {
  const note = (name, args) => notes.calls.push([`child_process.${name}`, args]);
  const text = (options) => (options && options.encoding ? "" : Buffer.from(""));
  const last = (args) => args.filter((one) => typeof one === "object" && !Array.isArray(one)).pop();
  const whole = {};
  for (const name of ["execSync", "execFileSync"]) {
    whole[name] = (...args) => {
      note(name, args);
      return text(last(args));
    };
  }
  whole.spawnSync = (...args) => {
    note("spawnSync", args);
    return { status: 0, signal: null, pid: 5, stdout: text(last(args)), stderr: text(last(args)), output: [] };
  };
  for (const name of ["exec", "execFile"]) {
    whole[name] = (...args) => {
      const done = typeof args[args.length - 1] === "function" ? args.pop() : undefined;
      note(name, args);
      if (done !== undefined) queueMicrotask(() => done(null, "", ""));
      return stub(`child_process.${name}()`);
    };
    whole[name][require("util").promisify.custom] = async (...args) => {
      note(name, args);
      return { stdout: "", stderr: "" };
    };
  }
  return mixed(whole, stub("child_process"));
}

const loaded = new Map();

// Module `name` of Node.js; undefined where it is none of its.
function builtinModule(name, folder) {
  const plain = name.replace(/^node:/, "");
  if (!builtin.has(plain) && !name.startsWith("node:")) return undefined;
  if (!loaded.has(plain)) loaded.set(plain, load(plain, folder));
  return loaded.get(plain);
}

function load(name, folder) {
  if (name === "crypto") return host.chance(require("crypto"));
  if (name === "fs") return fileSystem();
  if (name === "fs/promises") return builtinModule("fs", folder).promises;
  if (name === "child_process") return programs();
  if (name === "process") return host.processFor(folder);
  if (name === "timers") return globalThis;
  if (name === "timers/promises") return later();
  if (name === "perf_hooks") return { performance: globalThis.performance };
  if (name === "path" || name === "path/posix") return paths(require("path"));
  if (name === "os") return { EOL: "\n", tmpdir: () => "/tmp", homedir: () => "/home/ann", hostname: () => "room",
    platform: () => "linux", type: () => "Linux", cpus: () => [{}, {}], userInfo: () => ({ username: "ann", uid: 1000 }),
    arch: () => "x64", release: () => "6.0.0", totalmem: () => 2 ** 31, freemem: () => 2 ** 30, constants: { signals: {} },
    networkInterfaces: () => ({}), endianness: () => "LE", uptime: () => 1000, loadavg: () => [0, 0, 0] };
  return REAL.has(name) ? require(name) : stub(name);
}

function later() {
  const sleep = (after, value) => new Promise((resolve) => setTimeout(resolve, after, value));
  return { setTimeout: sleep, setImmediate: (value) => sleep(0, value), scheduler: { wait: sleep, yield: () => sleep(0) } };
}

function paths(path) {
  const whole = { ...path };
  for (const name of Object.keys(path)) if (typeof path[name] === "function") whole[name] = answering(path[name]);
  return Object.assign(whole, { posix: whole });
}

module.exports = { builtinModule, reset };
