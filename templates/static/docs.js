// Adds to the guides what can be done without: a copy button on each sample, and tabs for a sample in several languages.
"use strict";

const NAMES = { bash: "Shell", javascript: "Node", php: "PHP", python: "Python" };

// What is shown to be read, and not to be used.
const READ_ONLY = ["http", "json", "text"];

const language = (pre) => pre.querySelector("code")?.className.replace("language-", "") ?? "";

const usable = () => [...document.querySelectorAll("article > pre")]
  .filter((pre) => !READ_ONLY.includes(language(pre)));

const addCopy = (pre) => {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.querySelector("code").textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  const box = document.createElement("div");
  box.className = "sample";
  pre.replaceWith(box);
  box.append(pre, button);
};

const addTabs = (run, number) => {
  const list = document.createElement("div");
  list.className = "tabs";
  list.setAttribute("role", "tablist");
  run[0].before(list);
  const tabs = run.map((pre, index) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `tab-${number}-${index}`;
    tab.setAttribute("role", "tab");
    tab.textContent = NAMES[language(pre)] ?? language(pre);
    pre.id = `panel-${number}-${index}`;
    pre.setAttribute("role", "tabpanel");
    pre.setAttribute("aria-labelledby", tab.id);
    tab.setAttribute("aria-controls", pre.id);
    list.append(tab);
    return tab;
  });
  const choose = (chosen) => {
    run.forEach((pre, index) => {
      pre.hidden = index !== chosen;
      tabs[index].setAttribute("aria-selected", String(index === chosen));
      tabs[index].tabIndex = index === chosen ? 0 : -1;
    });
  };
  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => choose(index));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      const next = (index + step + tabs.length) % tabs.length;
      choose(next);
      tabs[next].focus();
    });
  });
  choose(0);
};

// Samples that follow one another, each in another language, are one sample.
const runs = () => {
  const found = [];
  for (const pre of usable()) {
    const last = found.at(-1);
    const joins = last && last.at(-1).nextElementSibling === pre
      && !last.some((other) => language(other) === language(pre));
    if (joins) last.push(pre);
    else found.push([pre]);
  }
  return found.filter((run) => run.length > 1);
};

runs().forEach(addTabs);
// Browsers give the clipboard to pages of this machine and to https only.
if (navigator.clipboard) usable().forEach(addCopy);
