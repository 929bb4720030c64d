"use strict";  // searches the index that was made with the book: headings, equations, symbols and modules
{
  const form = document.querySelector(".search"), field = form.querySelector("input"), list = form.querySelector("ul");
  const flat = text => text.toLowerCase().normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
  const entries = window.BOOK.map(([kind, text, address, more]) => ({kind, text, address, flat: flat(`${text} ${more}`)}));
  const find = () => {
    const words = flat(field.value).split(/\s+/).filter(word => word);
    const score = entry => words.every(word => entry.flat.includes(word))
      ? (flat(entry.text).startsWith(words[0]) ? 2 : 0) + (entry.kind === "equation" ? 1 : 0) : -1;
    const hits = words.length ? entries.map(entry => [score(entry), entry]).filter(([points]) => points >= 0) : [];
    hits.sort((a, b) => b[0] - a[0]);
    list.replaceChildren(...hits.slice(0, 20).map(([, entry]) => {
      const item = document.createElement("li"), link = document.createElement("a"), kind = document.createElement("span");
      link.href = form.dataset.up + entry.address; link.textContent = entry.text;
      kind.className = "kind"; kind.textContent = entry.kind;
      item.append(link, " ", kind);
      return item;
    }));
    if (words.length && !hits.length) {
      const none = document.createElement("li");
      none.textContent = "Nothing found";
      list.append(none);
    }
    list.hidden = !words.length;
  };
  field.addEventListener("input", find);
  form.addEventListener("submit", event => {
    event.preventDefault();
    const first = list.querySelector("a");
    if (first) location.href = first.href;
  });
  addEventListener("keydown", event => {
    if (event.key === "/" && !/^(input|textarea)$/i.test(event.target.tagName)) { event.preventDefault(); field.focus(); }
    if (event.key === "Escape") { field.value = ""; find(); }
  });
}
