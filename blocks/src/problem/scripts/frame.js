/* Questions in a frame of their own. The frame is asked for its answer before it is submitted: by the functions its page
   has, or, where it comes from another site, by messages in the protocol of JSChannel. */
(function () {
  "use strict";
  const kinds = (window.XBlockRuntimeInputs = window.XBlockRuntimeInputs || {});
  const PATIENCE = 5000;

  kinds.frame = (page) => {
    for (const place of page.content.querySelectorAll(".jsinput[data-processed='false']")) {
      place.dataset.processed = "true";
      bind(page, place);
    }
  };

  const bind = (page, place) => {
    const frame = place.querySelector("iframe");
    const field = place.querySelector("input[waitfor]");
    const { getstate, setstate, sop } = place.dataset;
    const keepsState = Boolean(getstate && setstate);
    const ask = sop === "false" ? byMessages(page, frame) : byFunctions(page, frame);
    const text = (value) => (typeof value === "string" ? value : JSON.stringify(value) || "");

    page.beforeSubmit(async () => {
      const answer = text(await ask(sop === "false" ? "getGrade" : place.getAttribute("data")));
      if (keepsState) {
        const state = text(await ask(sop === "false" ? "getState" : getstate));
        field.value = JSON.stringify({ answer, state });
      } else {
        field.value = answer;
      }
    });

    const restore = async () => {
      let state = place.dataset.initialState;
      try {
        state = JSON.parse(place.dataset.stored).state || state;
      } catch (_) {
        // Nothing was stored, or only an answer.
      }
      if (setstate && state) {
        await ask(sop === "false" ? "setState" : setstate, state).catch(() => {});
      }
    };
    frame.addEventListener("load", restore);
    restore();
  };

  /* Calls functions of the frame's page, given by their path. */
  const byFunctions = (page, frame) => async (path, value) => {
    const names = path.split(".");
    let owner = frame.contentWindow;
    for (const name of names.slice(0, -1)) {
      owner = owner[name];
    }
    const call = owner[names.at(-1)];
    if (typeof call !== "function") {
      throw new Error(page.gettext("the frame has no function {name}", { name: path }));
    }
    return value === undefined ? call.call(owner) : call.call(owner, value);
  };

  const byMessages = (page, frame) => {
    const scope = "JSInput";
    const waiting = new Map();
    let count = Math.floor(Math.random() * 1000001);
    let isReady = false;
    let queued = [];
    const post = (message) => {
      const name = `${scope}::${message.method}`;
      const scoped = message.method ? { ...message, method: name } : message;
      frame.contentWindow.postMessage(JSON.stringify(scoped), "*");
    };
    window.addEventListener("message", (event) => {
      if (event.source !== frame.contentWindow) {
        return;
      }
      let message;
      try {
        message = JSON.parse(event.data);
      } catch (_) {
        return;
      }
      if (message.method === `${scope}::__ready`) {
        if (message.params === "ping") {
          post({ method: "__ready", params: "pong" });
        }
        isReady = true;
        queued.splice(0).forEach(post);
      } else if (waiting.has(message.id) && !message.method) {
        const { resolve, reject } = waiting.get(message.id);
        waiting.delete(message.id);
        if (message.error) {
          reject(new Error(String(message.message || message.error)));
        } else {
          resolve(message.result);
        }
      }
    });
    frame.addEventListener("load", () => post({ method: "__ready", params: "ping" }));
    post({ method: "__ready", params: "ping" });
    return (method, value) =>
      new Promise((resolve, reject) => {
        const id = count++;
        waiting.set(id, { resolve, reject });
        const message = { id, method, params: value === undefined ? "" : value };
        if (isReady) {
          post(message);
        } else {
          queued.push(message);
        }
        window.setTimeout(() => {
          if (waiting.delete(id)) {
            queued = queued.filter((other) => other !== message);
            reject(new Error(page.gettext("the frame does not answer")));
          }
        }, PATIENCE);
      });
  };
})();
