/* Sends answers, shows verdicts, hints and solutions, and tells screen readers of them. Everything can be read
   without it, and all of it works from the keyboard. */
function XBlockRuntimeProblem(runtime, element, data) {
  "use strict";
  const root = element instanceof Element ? element : element[0];
  const content = root.querySelector(".problem-content");
  const live = root.querySelector(".problem-live");
  if (!content) {
    return;
  }
  const kinds = Object.values(window.XBlockRuntimeInputs || {});
  /* What the inputs at hand do before their answers are read. */
  let preparations = [];
  let isBusy = false;

  /* Says a text in the learner's language, with values in the place of their names in braces. */
  const words = (data && data.words) || {};
  const gettext = (text, values = {}) =>
    (words[text] || text).replace(/\{(\w+)\}/g, (braces, name) => (name in values ? values[name] : braces));

  const announce = (text) => {
    if (live) {
      live.textContent = "";
      // A change is read out; the same text again is none.
      window.setTimeout(() => {
        live.textContent = text;
      }, 50);
    }
  };

  const textOf = (html) => new DOMParser().parseFromString(html, "text/html").body.textContent.trim();

  const inputs = () => Array.from(content.querySelectorAll("[name^='input_']"));

  /* Reads what is to be posted; with files, in the form that can hold them, named by the ids of the inputs. */
  const answers = () => {
    const hasFiles = inputs().some((input) => input.type === "file");
    const form = hasFiles ? new FormData() : new URLSearchParams();
    for (const input of inputs()) {
      if (input.type === "file") {
        checkFiles(input);
        const files = Array.from(input.files);
        files.forEach((file) => form.append(input.id, file));
        if (files.length === 0) {
          form.append(input.id, "");
        }
        continue;
      }
      const isOff = (input.type === "radio" || input.type === "checkbox") && !input.checked;
      if (!isOff && !input.disabled) {
        form.append(input.name, input.value);
      }
    }
    return form;
  };

  const MOST_BYTES = 4 * 1000 * 1000;

  const checkFiles = (input) => {
    const files = Array.from(input.files);
    const names = files.map((file) => file.name);
    const required = JSON.parse(input.dataset.required_files || "[]");
    const allowed = JSON.parse(input.dataset.allowed_files || "[]");
    const missing = required.filter((name) => !names.includes(name));
    const strange = names.filter((name) => allowed.length > 0 && !allowed.includes(name));
    const large = files.filter((file) => file.size > MOST_BYTES).map((file) => file.name);
    for (const [what, found] of [
      [gettext("These files are missing"), missing],
      [gettext("These files are not asked for"), strange],
      [gettext("These files are larger than 4 MB"), large],
    ]) {
      if (found.length > 0) {
        throw Object.assign(new Error(`${what}: ${found.join(", ")}.`), { isForLearner: true });
      }
    }
  };

  const hasAnswers = () => {
    const texts = inputs().filter((input) => input.type === "text" && input.offsetParent !== null);
    if (texts.length > 0 && texts.every((input) => input.value.trim() === "")) {
      return false;
    }
    const groups = Array.from(content.querySelectorAll(".choicegroup, .choicetextgroup fieldset"));
    if (groups.some((group) => group.querySelector("input") && !group.querySelector("input:checked"))) {
      return false;
    }
    const selects = Array.from(content.querySelectorAll("select[name^='input_']"));
    return selects.every((select) => select.selectedIndex > 0);
  };

  const refreshSubmit = () => {
    const button = content.querySelector(".submit");
    if (button) {
      button.disabled = isBusy || button.dataset.shouldEnableSubmitButton !== "True" || !hasAnswers();
    }
  };

  const call = async (handler, form) => {
    // Browsers name the type of the form themselves.
    const response = await fetch(runtime.handlerUrl(root, handler), {
      method: "POST",
      headers: { Accept: "application/json" },
      body: form || new URLSearchParams(),
      credentials: "same-origin",
    });
    const reply = await response.json();
    if (!response.ok) {
      throw new Error(reply.error || response.statusText);
    }
    return reply;
  };

  const notify = (slug, text, isHtml) => {
    const notification = content.querySelector(`.notification-${slug}`);
    if (!notification) {
      announce(text);
      return;
    }
    const message = notification.querySelector(".notification-message");
    if (isHtml) {
      message.innerHTML = text;
    } else {
      message.textContent = text;
    }
    notification.classList.remove("is-hidden");
    notification.focus();
    announce(isHtml ? textOf(text) : text);
  };

  const alert = (text) => notify("gentle-alert", textOf(text));

  const replace = (html) => {
    content.innerHTML = html;
    bind();
  };

  const updateProgress = (reply) => {
    const wrapper = root.querySelector(".problems-wrapper") || root;
    if ("attempts_used" in reply) {
      wrapper.dataset.attemptsUsed = String(reply.attempts_used);
      wrapper.dataset.problemScore = String(reply.current_score);
      wrapper.dataset.problemTotalPossible = String(reply.total_possible);
    }
    if (reply.progress_changed) {
      root.dispatchEvent(new CustomEvent("progressChanged", { bubbles: true, detail: reply }));
    }
  };

  const showResult = () => {
    const notification = content.querySelector(".notification-submit");
    if (notification) {
      notification.focus();
      announce(notification.querySelector(".notification-message").textContent);
    }
  };

  const prepare = async () => {
    for (const preparation of preparations) {
      await preparation();
    }
  };

  const submit = async () => {
    await prepare();
    const reply = await call("problem_check", answers());
    updateProgress(reply);
    if (["correct", "incorrect", "submitted"].includes(reply.success)) {
      replace(reply.contents);
      showResult();
    } else {
      alert(String(reply.success));
    }
  };

  const save = async () => {
    await prepare();
    const reply = await call("problem_save", answers());
    updateProgress(reply);
    if (reply.success === true) {
      replace(reply.html);
      notify("save", reply.msg);
    } else {
      alert(String(reply.msg || reply.success));
    }
    return reply.success === true;
  };

  const reset = async () => {
    const reply = await call("problem_reset");
    updateProgress(reply);
    if (reply.success === true) {
      replace(reply.html);
      const heading = content.querySelector(".problem-header");
      if (heading) {
        heading.focus();
      }
      announce(gettext("Your answers were cleared."));
    } else {
      alert(String(reply.msg || reply.success));
    }
  };

  const show = async () => {
    const reply = await call("problem_show");
    if (!reply.answers) {
      alert(String(reply.success));
      return;
    }
    for (const [id, answer] of Object.entries(reply.answers)) {
      if (Array.isArray(answer)) {
        for (const choice of answer) {
          const label =
            document.getElementById(`${id}-${choice}-label`) || document.getElementById(`forinput${choice}`);
          if (label && !label.querySelector(".problem-right-answer")) {
            label.classList.add(label.tagName === "LABEL" ? "choicegroup_correct" : "choicetextgroup_correct");
            const mark = document.createElement("span");
            mark.className = "problem-right-answer";
            mark.textContent = gettext("Correct answer");
            label.append(mark);
          }
        }
      } else if (answer !== null && typeof answer === "object") {
        kinds.some((kind) => kind.showAnswer && kind.showAnswer(page, id, answer));
      } else if (answer !== null) {
        const place = document.getElementById(`answer_${id}`) || document.getElementById(`solution_${id}`);
        if (place) {
          place.innerHTML = answer;
        }
      }
    }
    const button = content.querySelector(".show");
    if (button) {
      button.disabled = true;
    }
    notify("show-answer", gettext("Answers are displayed within the problem"));
  };

  const hint = async () => {
    const shown = content.querySelector(".notification-hint");
    const index = shown && shown.dataset.hintIndex !== undefined ? Number(shown.dataset.hintIndex) + 1 : 0;
    const reply = await call("hint_button", new URLSearchParams({ hint_index: String(index) }));
    if (reply.success !== true) {
      alert(String(reply.success));
      return;
    }
    shown.dataset.hintIndex = String(reply.hint_index);
    notify("hint", reply.msg, true);
    for (const button of content.querySelectorAll(".hint-button")) {
      button.disabled = !reply.should_enable_next_hint;
    }
    const newest = shown.querySelector(`.hint-index-${reply.hint_index}`);
    if (newest) {
      newest.focus();
    }
  };

  const review = () => {
    const heading = content.querySelector(".problem-header");
    if (heading) {
      heading.focus();
    }
  };

  const actions = { submit, save, reset, show, "hint-button": hint, "review-btn": review };

  const run = async (action) => {
    if (isBusy) {
      return;
    }
    isBusy = true;
    refreshSubmit();
    try {
      await action();
    } catch (error) {
      const { message } = error;
      alert(error.isForLearner ? message : gettext("The problem could not be reached: {message}", { message }));
    } finally {
      isBusy = false;
      refreshSubmit();
    }
  };

  root.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button || !content.contains(button)) {
      return;
    }
    const name = Object.keys(actions).find((known) => button.classList.contains(known));
    if (name) {
      run(actions[name]);
    }
  });
  root.addEventListener("keydown", (event) => {
    const button = content.querySelector(".submit");
    if (event.key === "Enter" && event.target.matches("input[type='text']") && button && !button.disabled) {
      event.preventDefault();
      run(submit);
    }
  });
  root.addEventListener("input", refreshSubmit);
  root.addEventListener("change", refreshSubmit);

  const inputAjax = async (id, dispatch, data) => {
    const reply = await call("input_ajax", new URLSearchParams({ input_id: id, dispatch, ...data }));
    if (typeof reply.success === "string") {
      throw new Error(reply.success);
    }
    return reply;
  };

  const labelOf = (field) => {
    const response = field.closest(".wrapper-problem-response, .inline");
    const label = response && response.querySelector("label, .multi-inputs-group-label");
    const text = field.getAttribute("aria-label") || (label ? label.textContent : "");
    const heading = content.querySelector(".problem-header");
    return text.trim() || (heading ? heading.textContent.trim() : "");
  };

  /* An answer that waits for its grader is looked after, less and less often. */
  const LONGEST_PAUSE = 60000;
  let watch;
  const watchQueue = (pause) => {
    window.clearTimeout(watch);
    if (content.querySelector(".xqueue")) {
      watch = window.setTimeout(() => reload(Math.min(pause * 2, LONGEST_PAUSE)).catch(() => {}), pause);
    }
  };

  const reload = async (pause) => {
    if (!content.isConnected) {
      return;
    }
    const wasWaiting = content.querySelectorAll(".xqueue").length;
    const reply = await call("problem_get");
    const shown = new DOMParser().parseFromString(reply.html, "text/html");
    if (pause === undefined || shown.querySelectorAll(".xqueue").length !== wasWaiting) {
      updateProgress(reply);
      replace(reply.html);
      showResult();
    }
    watchQueue(pause || 1000);
  };

  const page = {
    content,
    gettext,
    changed: () => refreshSubmit(),
    announce,
    alert,
    labelOf,
    inputAjax,
    run: (action) => run(action),
    save,
    reload: () => reload(),
    beforeSubmit: (preparation) => preparations.push(preparation),
    typeset: (place) => {
      const { MathJax } = window;
      if (MathJax && MathJax.typesetPromise) {
        MathJax.typesetPromise([place]);
      } else if (MathJax && MathJax.Hub) {
        MathJax.Hub.Queue(["Typeset", MathJax.Hub, place]);
      }
    },
  };

  const bind = () => {
    preparations = [];
    kinds.forEach((kind) => kind(page));
    refreshSubmit();
    watchQueue(1000);
  };

  bind();
}
