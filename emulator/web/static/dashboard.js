"use strict";
// Keeps the page up to date: loads it again each second, and puts in what has changed. Without this script the page
// is loaded again by a meta element.
const PAUSE = 1000;
const live = document.getElementById("live");
const connection = document.getElementById("connection");

function update(fresh) {
  const focused = document.activeElement && document.activeElement.id;
  for (const next of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(next.id);
    if (old && old.innerHTML !== next.innerHTML) {
      old.replaceChildren(...Array.from(next.childNodes, keepUnchanged));
    }
  }
  if (focused && document.activeElement.id !== focused) {
    const again = document.getElementById(focused);
    if (again) again.focus({preventScroll: true});
  }
}

// The row that is shown already, where it has not changed; else the new one, with the picture that is loaded already.
function keepUnchanged(next) {
  const old = next.id && document.getElementById(next.id);
  if (!old) return document.importNode(next, true);
  if (old.outerHTML === next.outerHTML) return old;
  const row = document.importNode(next, true);
  const [picture, loaded] = [row.querySelector("img"), old.querySelector("img")];
  if (picture && loaded && picture.outerHTML === loaded.outerHTML) picture.replaceWith(loaded);
  return row;
}

async function load() {
  if (live.checked && !document.hidden) {
    try {
      const reply = await fetch("./", {headers: {Accept: "text/html"}});
      if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
      update(new DOMParser().parseFromString(await reply.text(), "text/html"));
      connection.textContent = "";
    } catch (error) {
      connection.textContent = `${connection.dataset.lost} (${error.message})`;
    }
  }
  setTimeout(load, PAUSE);
}

live.parentElement.hidden = false;
setTimeout(load, PAUSE);
