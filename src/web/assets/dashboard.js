// Keeps the dashboard up to date. What stays the same is left alone, so that the focus, a selection and a click that is
// under way survive.
"use strict";

{
  const board = document.querySelector("#board");
  const connection = document.querySelector("#connection");
  const hold = document.querySelector("#hold");
  // Milliseconds without an event after which nobody believes that another comes, and until another try.
  const TIMEOUT_MS = 5000;
  let source = null;
  let alarm = 0;
  let isHeld = false;

  function tell(words, isLost) {
    if (connection.textContent !== words) connection.textContent = words;
    connection.classList.toggle("wrong", isLost);
  }

  function become(old, now) {
    for (const { name, value } of now.attributes) {
      if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    for (const { name } of [...old.attributes]) {
      if (!now.hasAttribute(name)) old.removeAttribute(name);
    }
  }

  function isSameKind(old, now) {
    return old.nodeName === now.nodeName && old.nodeType === now.nodeType;
  }

  function update(place, wanted) {
    const nodes = [...wanted.childNodes];
    while (place.childNodes.length > nodes.length) place.lastChild.remove();
    nodes.forEach((now, at) => {
      const old = place.childNodes[at];
      if (!old) return place.append(now);
      if (!isSameKind(old, now)) return old.replaceWith(now);
      if (old.nodeType !== Node.ELEMENT_NODE) {
        if (old.data !== now.data) old.data = now.data;
        return undefined;
      }
      become(old, now);
      return update(old, now);
    });
  }

  function show(event) {
    const page = new DOMParser().parseFromString(event.data, "text/html");
    update(board, page.body);
    tell("Live", false);
    watch();
  }

  // A server that hangs says nothing at all.
  function watch() {
    clearTimeout(alarm);
    alarm = setTimeout(lose, TIMEOUT_MS);
  }

  function lose() {
    tell("The connection is lost: these figures are old", true);
    close();
    alarm = setTimeout(open, TIMEOUT_MS);
  }

  function close() {
    clearTimeout(alarm);
    if (source) source.close();
    source = null;
  }

  function open() {
    close();
    if (document.hidden || isHeld) return;
    source = new EventSource(board.dataset.events);
    source.onmessage = show;
    source.onerror = lose;
    watch();
  }

  hold.addEventListener("click", () => {
    isHeld = !isHeld;
    hold.textContent = isHeld ? "Go on updating" : "Stop updating";
    tell(isHeld ? "Stopped" : "Live", false);
    open();
  });
  document.addEventListener("visibilitychange", open);
  hold.hidden = false;
  open();
}
