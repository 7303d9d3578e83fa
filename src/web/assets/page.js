// Keys, copying, and nothing that the page can't do without.
"use strict";

const find = (selector) => document.querySelector(selector);
const isTyping = (element) => element.closest("input, textarea, select, [contenteditable]") !== null;

function follow(selector) {
  const link = find(selector);
  if (link) link.click();
  return link !== null;
}

// The photo in the row above or below that is nearest in line.
function besides(photos, here, down) {
  const box = here.getBoundingClientRect();
  const middle = box.left + box.width / 2;
  let best = null;
  let least = Infinity;
  for (const photo of photos) {
    const other = photo.getBoundingClientRect();
    const rows = down ? other.top - box.top : box.top - other.top;
    if (rows < box.height / 2) continue;
    const distance = rows * 10 + Math.abs(other.left + other.width / 2 - middle);
    if (distance < least) [best, least] = [photo, distance];
  }
  return best;
}

function walk(key) {
  const photos = [...document.querySelectorAll(".tile > a")];
  if (photos.length === 0) return false;
  const at = photos.indexOf(document.activeElement);
  let to = photos[0];
  if (at >= 0) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    to = step ? photos[at + step] : besides(photos, photos[at], key === "ArrowDown");
  }
  if (to) {
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
  }
  return true;
}

function press(key) {
  const isOnePhoto = find(".one") !== null;
  switch (key) {
    case "/": find("#q").focus(); find("#q").select(); return true;
    case "?": find("#keys").showModal(); return true;
    case "ArrowLeft": return isOnePhoto ? follow(".turn [rel=prev]") : walk(key);
    case "ArrowRight": return isOnePhoto ? follow(".turn [rel=next]") : walk(key);
    case "ArrowUp": case "ArrowDown": return !isOnePhoto && walk(key);
    case "t": if (isOnePhoto) find("#add").focus(); return isOnePhoto;
    case "Escape": return follow(".back");
  }
  if (isOnePhoto && "012345".includes(key) && key.length === 1) return rate(key);
  return false;
}

function rate(stars) {
  const button = find(".rating button");
  button.value = stars;
  button.click();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || find("dialog[open]")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (press(event.key)) event.preventDefault();
});

async function copy(button) {
  await navigator.clipboard.writeText(button.dataset.copy);
  const words = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = words; }, 1500);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest(".copy");
  if (button) copy(button);
  const menu = find(".menu[open]");
  if (menu && !menu.contains(event.target)) menu.open = false;
});

// What somebody is typing about a photo outlives what else happens to its details: an analysis that ends, a rating, a tag
// that is taken away.
const isChanged = (field) =>
  field.matches("input:not([type=hidden]), textarea") && field.value !== field.defaultValue;
const typedForms = (details) =>
  [...details.querySelectorAll("form")].filter((form) => [...form.elements].some(isChanged));
let typed = null;

document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, requestConfig, shouldSwap } = event.detail;
  typed = null;
  if (target.id !== "details" || !shouldSwap) return;
  const forms = typedForms(target);
  const isOpen = target.querySelector(".edit[open]") !== null;
  // Who looks whether the analysis has ended looks again in a second.
  if (requestConfig.verb === "get") {
    if (isOpen || forms.length > 0) event.detail.shouldSwap = false;
    return;
  }
  const sent = requestConfig.elt.closest("form");
  const kept = forms.filter((form) => form !== sent).flatMap((form) => [...form.elements]);
  const isEditSent = sent !== null && sent.closest(".edit") !== null;
  // What a text was when it was begun to be edited, in hidden fields, stays beside it.
  typed = {
    isOpen: isOpen && !isEditSent,
    fields: kept.filter((field) => field.name !== "").map(({ name, value }) => [name, value]),
  };
});

document.addEventListener("htmx:afterSwap", () => {
  if (typed === null) return;
  const { isOpen, fields } = typed;
  typed = null;
  const edit = find("#details .edit");
  if (edit && isOpen) edit.open = true;
  for (const [name, value] of fields) {
    const field = find(`#details .edit [name=${name}], #details .add [name=${name}]`);
    if (field) field.value = value;
  }
});

// Copying is offered where browsers allow it.
function offer() {
  const can = window.isSecureContext && navigator.clipboard;
  document.querySelectorAll(".copy").forEach((button) => { button.hidden = !can; });
  const filters = find(".fold");
  if (filters && window.matchMedia("(min-width: 60.01rem)").matches) filters.open = true;
}
document.addEventListener("DOMContentLoaded", offer);
document.addEventListener("htmx:afterSettle", offer);
