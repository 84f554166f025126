/* Answers that are data: circuits, molecules, crystals, proteins, genes. The drawing tools of the platform are not part of
   this page, so the data itself can be written, with its form explained. */
(function () {
  "use strict";
  const kinds = (window.XBlockRuntimeInputs = window.XBlockRuntimeInputs || {});
  const ways = (gettext) => [
    ["input.schematic", gettext("The circuit as JSON"), gettext("A list of parts, as the circuit editor writes it.")],
    [
      ".crystalography_problem ~ * input[name^='input_']",
      gettext("The plane as JSON"),
      gettext("For example {example}.", { example: '{"lattice": "sc", "points": [["0.50", "0.00", "0.00"], ["0.00", "0.50", "0.00"], ["0.00", "0.00", "0.50"]]}' }),
    ],
    [
      "[id^='vsepr_div_']",
      gettext("The molecule as JSON"),
      gettext("For example {example}.", { example: '{"geometry": "AX2E0", "atoms": {"c0": "C", "p0": "O", "p1": "O"}}' }),
    ],
    [".designprotein2dinput input[name^='input_']", gettext("The protein"), gettext("Its sequence of amino acids.")],
    [".editageneinput input[name^='input_']", gettext("The gene"), gettext("Its sequence of bases.")],
  ];

  kinds.dataField = (page) => {
    for (const [selector, name, form] of ways(page.gettext)) {
      for (const found of page.content.querySelectorAll(selector)) {
        const field = found.matches("input")
          ? found
          : found.closest("section").querySelector("input[name^='input_']");
        bind(page, field, name, form);
      }
    }
  };

  const bind = (page, field, name, form) => {
    if (!field || field.dataset.bound) {
      return;
    }
    field.dataset.bound = "true";
    const id = `data_${field.id}`;
    const place = document.createElement("div");
    place.className = "problem-data-field";
    const label = document.createElement("label");
    label.htmlFor = id;
    label.textContent = name;
    const text = document.createElement("textarea");
    text.id = id;
    text.rows = 3;
    text.spellcheck = false;
    text.value = field.value;
    text.setAttribute("aria-describedby", `${id}_form`);
    const note = document.createElement("p");
    note.id = `${id}_form`;
    const instead = page.gettext(
      "The drawing tool for this question is not available here; its data can be written instead.",
    );
    note.textContent = `${instead} ${form}`;
    text.addEventListener("input", () => {
      field.value = text.value;
      page.changed();
    });
    place.append(label, note, text);
    field.after(place);
    for (const tool of (field.closest("section") || place).querySelectorAll(
      "table, .crystalography_problem, .input_lattice, #protex_container, #genex_container",
    )) {
      tool.hidden = true;
    }
  };
})();
