/* Formulas and chemical equations as they are understood, while they are typed. */
(function () {
  "use strict";
  const kinds = (window.XBlockRuntimeInputs = window.XBlockRuntimeInputs || {});
  const PAUSE = 300;

  kinds.preview = (page) => {
    for (const [selector, dispatch] of [
      [".formulaequationinput input[data-input-id]", "preview_formcalc"],
      [".chemicalequationinput input[data-input-id]", "preview_chemcalc"],
    ]) {
      for (const field of page.content.querySelectorAll(selector)) {
        bind(page, field, dispatch);
      }
    }
  };

  const bind = (page, field, dispatch) => {
    const place = page.content.querySelector(`[id="${field.id}_preview"]`);
    if (!place) {
      return;
    }
    place.setAttribute("aria-live", "polite");
    let latest = 0;
    let timer;

    const show = (reply) => {
      place.classList.toggle("problem-preview-error", Boolean(reply.error));
      if (reply.error) {
        place.textContent = reply.error;
      } else if (dispatch === "preview_chemcalc") {
        place.innerHTML = reply.preview;
      } else if (window.MathJax) {
        place.textContent = reply.preview ? `\\(${reply.preview}\\)` : "";
        page.typeset(place);
      } else {
        place.textContent = reply.preview;
      }
    };
    const ask = async () => {
      const asked = ++latest;
      if (field.value.trim() === "") {
        show({ preview: "" });
        return;
      }
      try {
        const reply = await page.inputAjax(field.dataset.inputId, dispatch, {
          formula: field.value,
          request_start: String(asked),
        });
        // Replies may overtake each other.
        if (asked === latest) {
          show(reply);
        }
      } catch (_) {
        // A preview that cannot be had is none; answering does not need it.
        show({ preview: "" });
      }
    };
    place.textContent = "";
    field.addEventListener("input", () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(ask, PAUSE);
    });
    if (field.value.trim() !== "") {
      ask();
    }
  };
})();
