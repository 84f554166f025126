// Brings the blocks of a page to life: calls each block's initialisation function with a runtime and its element.
"use strict";
(() => {
  const handlerUrl = (element, handler, suffix = "", query = "") => {
    const usage = element.closest("[data-usage]").dataset.usage;
    let url = `/handler/${encodeURIComponent(usage)}/${encodeURIComponent(handler)}`;
    if (suffix) url += `/${suffix.split("/").map(encodeURIComponent).join("/")}`;
    return query ? `${url}?${query}` : url;
  };

  const runtime = { handlerUrl };

  const argumentsOf = (element) => {
    const script = element.querySelector(":scope > script.xblock_json_init_args");
    return script ? JSON.parse(script.textContent) : undefined;
  };

  const start = (root) => {
    // Inner blocks first, as the platform does.
    for (const element of [...root.querySelectorAll("[data-init]")].reverse()) {
      if (element.dataset.started) continue;
      const init = window[element.dataset.init];
      if (typeof init !== "function") continue;
      element.dataset.started = "true";
      try {
        init(runtime, element, argumentsOf(element));
      } catch (error) {
        console.error(`${element.dataset.usage}: ${element.dataset.init} failed`, error);
      }
    }
  };

  window.XBlockPage = { runtime, start };
  start(document);
})();
