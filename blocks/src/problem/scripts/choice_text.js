/* Choices with numbers typed into their sentences. */
(function () {
  "use strict";
  const kinds = (window.XBlockRuntimeInputs = window.XBlockRuntimeInputs || {});

  kinds.choiceText = (page) => {
    for (const group of page.content.querySelectorAll(".choicetextinput")) {
      bind(page, group);
    }
  };

  const bind = (page, group) => {
    const field = group.querySelector("input.choicetextvalue");
    const sentences = Array.from(group.querySelectorAll("fieldset > section"));
    const isChoice = (input) => input.type === "radio" || input.type === "checkbox";

    const store = () => {
      const answer = {};
      for (const sentence of sentences) {
        for (const input of sentence.querySelectorAll(".ctinput")) {
          if (isChoice(input) ? input.checked : input.value !== "") {
            answer[input.id] = input.value;
          }
        }
      }
      field.value = JSON.stringify(answer);
      page.changed();
    };
    for (const sentence of sentences) {
      const choice = sentence.querySelector("input[type=radio], input[type=checkbox]");
      sentence.addEventListener("input", (event) => {
        // Who types into a sentence means it.
        if (!isChoice(event.target) && event.target.value !== "") {
          choice.checked = true;
        }
        store();
      });
      sentence.addEventListener("change", store);
    }
    store();
  };
})();
