"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const status = document.getElementById("status");
  const words = document.getElementById("words");
  const method = document.getElementById("method");
  const standing = document.getElementById("standing");
  const filter = () => {
    const wanted = words.value.toLowerCase();
    let shown = 0;
    for (const each of all("article.finding")) {
      const fits = (!wanted || each.textContent.toLowerCase().includes(wanted)) &&
        (!method.value || each.dataset.method === method.value) &&
        (!standing.value || each.dataset.standing === standing.value);
      each.hidden = !fits;
      shown += fits ? 1 : 0;
    }
    status.textContent = `${shown} shown`;
  };
  for (const each of [words, method, standing]) {
    if (each) { each.addEventListener("input", filter); }
  }
  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const button of all("button[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copies);
      await copy("value" in source ? source.value : source.textContent);
      status.textContent = "copied";
    });
  }
  const filters = document.getElementById("filters");
  if (filters) { filters.hidden = false; }
})();
