/* Tags for a passage, and a remark on it. */
(function () {
  "use strict";
  const kinds = (window.XBlockRuntimeInputs = window.XBlockRuntimeInputs || {});

  kinds.annotation = (page) => {
    for (const body of page.content.querySelectorAll(".annotation-input")) {
      bind(page, body);
    }
  };

  const bind = (page, body) => {
    const field = body.querySelector("input.value");
    const comment = body.querySelector("textarea.comment");
    const list = body.querySelector("ul.tags");
    const tags = Array.from(body.querySelectorAll(".tag"));
    if (!field || !comment || !list) {
      return;
    }
    const id = field.id.slice("input_".length);

    const store = () => {
      const chosen = tags.filter((tag) => tag.classList.contains("selected"));
      field.value = JSON.stringify({
        options: chosen.map((tag) => Number(tag.dataset.id)),
        comment: comment.value,
      });
      page.changed();
    };
    const choose = (chosen) => {
      for (const tag of tags) {
        tag.classList.toggle("selected", tag === chosen);
        tag.setAttribute("aria-checked", String(tag === chosen));
      }
      // One of them is reached with the Tab key, the others with the arrows, as radio buttons are.
      const reached = chosen || tags[0];
      tags.forEach((tag) => (tag.tabIndex = tag === reached ? 0 : -1));
    };

    comment.setAttribute("aria-label", comment.previousElementSibling.textContent);
    list.setAttribute("role", "radiogroup");
    list.setAttribute("aria-labelledby", `label_${id}`);
    tags.forEach((tag, index) => {
      tag.parentElement.setAttribute("role", "presentation");
      tag.setAttribute("role", "radio");
      tag.addEventListener("click", () => {
        choose(tag);
        store();
      });
      tag.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
        if (step || event.key === " " || event.key === "Enter") {
          event.preventDefault();
          const next = tags[(index + (step || 0) + tags.length) % tags.length];
          choose(next);
          next.focus();
          store();
        }
      });
    });
    choose(tags.find((tag) => tag.classList.contains("selected")));
    comment.addEventListener("input", store);
  };
})();
