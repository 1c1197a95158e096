"use strict";
// Elements of JSX as plain objects, and what a page that is made of them shows.

const { notes } = require("./notes");
const { isStub } = require("./stub");
const { isUnknown, learn, pathOf } = require("./unknown");
const { Shown, called, normal, thrown } = require("./answers");
const { settled } = require("./settling");

const DEEPEST = 12; // components within each other
const MOST = 300; // elements of a page
const WIDEST = 60;
const FLAT = 3; // answers that hold elements, within each other
const elements = new WeakSet();
const VOID = new Set(["children", "dangerouslySetInnerHTML"]); // they are what is inside

// Where the browser takes a text for markup, and where for an address that it goes to.
const MARKUP = new Set(["innerHTML", "srcDoc", "srcdoc"]);
const LINK = /^(?:href|xlinkHref|xlink:href|action|formAction|formaction)$/;
const FRAMES = new Set(["iframe", "frame", "embed", "script", "object"]);
// An address that runs where it leads: what a stranger may not choose. Where it leads to else is not told: a path below
// a host that the code names looks like one that a stranger does.
// eslint-disable-next-line no-control-regex -- browsers leave them out
const RUNS = /^[\s\0-\x1f]*(?:(?:javascript|vbscript):|data:(?:text\/html|image\/svg))/i;

const isElement = (value) => elements.has(value);

function element(type, props, ...children) {
  const { key, ref, ...own } = props ?? {};
  if (children.length) own.children = children.length === 1 ? children[0] : children;
  const made = { type, key: key ?? null, ref: ref ?? null, props: own };
  elements.add(made);
  notes.elements++;
  return made;
}

// A value with pages in place of its elements: components are called as the browser's side would.
async function shown(value, deep = 0) {
  if (value === null || typeof value !== "object" || deep > FLAT) return value;
  if (isElement(value)) {
    const page = { text: "", raw: [], left: MOST };
    await draw(value, page, 0);
    return new Shown(page.text, page.raw);
  }
  if (Array.isArray(value)) return Promise.all(value.slice(0, WIDEST).map((one) => shown(one, deep + 1)));
  const made = Object.getPrototypeOf(value);
  if ((made !== null && made !== Object.prototype) || called.has(value)) return value;
  const fields = Object.keys(value).slice(0, WIDEST);
  return Object.fromEntries(await Promise.all(fields.map(async (key) => [key, await shown(value[key], deep + 1)])));
}

async function draw(node, page, deep) {
  if (node === null || node === undefined || typeof node === "boolean") return;
  if (isUnknown(node)) {
    page.text += plain(node);
  } else if (Array.isArray(node)) {
    for (const one of node.slice(0, WIDEST)) await draw(one, page, deep);
  } else if (!isElement(node)) {
    page.text += safe(plain(node));
  } else if (isComponent(node.type)) {
    await drawComponent(node, page, deep);
  } else {
    page.left--;
    await drawTag(node, page, deep);
  }
}

const isComponent = (type) => typeof type === "function" && !isStub(type) && !isUnknown(type) && !called.has(type);

// One that cannot handle what it was given leaves a gap; one that refuses, refuses the page.
async function drawComponent({ type, props }, page, deep) {
  if (deep >= DEEPEST || page.left-- <= 0) {
    page.text += "…";
    return;
  }
  let inside;
  try {
    inside = await settled(type.prototype?.render ? new type(props).render() : type(props));
  } catch (error) {
    if (notes.late || thrown(error)[0] !== "stumbles") throw error;
    page.text += `<${type.name}?>`;
    return;
  }
  await draw(inside, page, deep + 1);
}

async function drawTag({ type, props }, page, deep) {
  const name = typeof type === "string" ? type : "~";
  if (name !== "") page.text += `<${name}${attributes(name, props, page)}>`;
  const markup = props.dangerouslySetInnerHTML?.__html;
  if (typeof markup === "string") {
    page.text += markup;
    page.raw.push(`__html: ${markup}`);
  } else if (markup !== undefined) {
    page.text += plain(markup);
  }
  if (page.left > 0) await draw(props.children, page, deep);
  if (name !== "") page.text += `</${name}>`;
}

function attributes(tag, props, page) {
  let out = "";
  for (const name of Object.keys(props).filter((one) => !VOID.has(one)).sort()) {
    const value = props[name];
    if (value === undefined || value === null || value === false) continue;
    out += ` ${name}="${/^on[A-Z]/.test(name) ? "~" : safe(plain(value))}"`;
    const link = LINK.test(name) || (FRAMES.has(tag) && (name === "src" || name === "data"));
    if (typeof value === "string" && (MARKUP.has(name) || (link && RUNS.test(value)))) page.raw.push(`${name}: ${value}`);
  }
  return out;
}

// An argument of no type that is drawn is a text, if nothing else says what it is.
function plain(value) {
  if (isUnknown(value)) learn(pathOf(value), "maybe", "text");
  if (typeof value === "string") return value;
  const said = normal(value);
  return typeof said === "string" ? said : JSON.stringify(said);
}

const SIGNS = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const safe = (text) => text.replace(/[&<>"]/g, (sign) => SIGNS[sign]);

globalThis.__jsx = element;

module.exports = { element, isElement, shown };
