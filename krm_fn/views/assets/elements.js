// Elements: every name becomes text, and what does not print is spelled out.

const clean = (text) =>
  /^[ -~]*$/.test(text) ? String(text) : String(text).replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);

function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const child of children.flat()) {
    element.append(typeof child === "object" ? child : clean(child));
  }
  return element;
}

const bdi = (text, className) => make("bdi", className, text);

function button(text, choose, className) {
  const element = make("button", className, bdi(text));
  element.type = "button";
  element.addEventListener("click", choose);
  return element;
}
