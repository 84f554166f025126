/* Programs that are run before they are submitted. */
(function () {
  "use strict";
  const kinds = (window.XBlockRuntimeInputs = window.XBlockRuntimeInputs || {});

  kinds.matlab = (page) => {
    for (const button of page.content.querySelectorAll(".plot-button input[type=button]")) {
      const id = button.id.slice("plot_".length);
      button.addEventListener("click", () =>
        page.run(async () => {
          const program = page.content.querySelector(`[id="input_${id}"]`).value;
          const saved = await page.save();
          if (!saved) {
            return;
          }
          const reply = await page.inputAjax(id, "plot", { submission: program });
          if (reply.success) {
            await page.reload();
          } else {
            page.alert(reply.message);
          }
        }),
      );
    }
  };
})();
