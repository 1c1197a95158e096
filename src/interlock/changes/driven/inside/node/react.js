"use strict";
// What components are made with: hooks that answer as in a first drawing. Effects come after it, and are left out.

const { notes } = require("./notes");
const { stub, mixed, isStub } = require("./stub");
const { isUnknown } = require("./unknown");
const { element, isElement } = require("./elements");

const own = (value) => typeof value === "function" && !isUnknown(value) && !isStub(value);
const first = (value) => (own(value) ? value() : value);
const setter = (...args) => void notes.calls.push(["set", args]);
const nothing = () => undefined;
const listed = (children) => (children === null || children === undefined ? [] : [children].flat(Infinity));

class Component {
  constructor(props, context) {
    Object.assign(this, { props: props ?? {}, context, refs: {} });
  }

  setState(...args) {
    setter(...args);
  }

  forceUpdate() {}
}

function context(value) {
  const made = { value: value ?? stub("context"), Provider: ({ children }) => children };
  return Object.assign(made, { Consumer: ({ children }) => (own(children) ? children(made.value) : null) });
}

const hooks = {
  useState: (value) => [first(value), setter],
  useReducer: (_, value, from) => [own(from) ? from(value) : value, setter],
  useMemo: first,
  useCallback: (call) => call,
  useRef: (value) => ({ current: value }),
  useContext: (of) => (of !== null && typeof of === "object" && "value" in of ? of.value : stub("context")),
  useId: () => ":r1:",
  useTransition: () => [false, first],
  useDeferredValue: (value) => value,
  useSyncExternalStore: (_, get) => first(get),
};
for (const name of ["useEffect", "useLayoutEffect", "useInsertionEffect", "useImperativeHandle", "useDebugValue"]) {
  hooks[name] = nothing;
}

const runtime = { Fragment: "", jsx: (type, props, key) => element(type, { ...props, key }) };
runtime.jsxs = runtime.jsxDEV = runtime.jsx;

const Children = {
  toArray: listed,
  map: (children, call) => listed(children).map((one, at) => call(one, at)),
  forEach: (children, call) => listed(children).forEach((one, at) => call(one, at)),
  count: (children) => listed(children).length,
  only: (children) => children,
};

const library = {
  ...hooks, Children, Component, PureComponent: Component, createElement: element, h: element, isValidElement: isElement,
  Fragment: "", StrictMode: "", Suspense: "", Profiler: "", createContext: context, startTransition: first,
  memo: (call) => call, forwardRef: (call) => (props) => call(props, null), cache: (call) => call,
  createRef: () => ({ current: null }),
  cloneElement: (of, props, ...children) => (
    isElement(of) ? element(of.type, { ...of.props, ...props }, ...children) : of
  ),
};
const whole = mixed(library, stub("react"));

const MODULES = new Map([["react", whole], ["preact", whole], ["preact/hooks", whole], ["preact/compat", whole]]);
for (const of of ["react", "preact"]) {
  for (const end of ["jsx-runtime", "jsx-dev-runtime"]) MODULES.set(`${of}/${end}`, runtime);
}

module.exports = { reactModule: (name) => MODULES.get(name), Component };
