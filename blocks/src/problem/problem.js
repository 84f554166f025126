/* Sends answers, shows verdicts, hints and solutions, and tells screen readers of them. Everything can be read
   without it, and all of it works from the keyboard. */
function XBlockRuntimeProblem(runtime, element) {
  "use strict";
  const root = element instanceof Element ? element : element[0];
  const content = root.querySelector(".problem-content");
  const live = root.querySelector(".problem-live");
  if (!content) {
    return;
  }
  let isBusy = false;

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

  const answers = () => {
    const form = new URLSearchParams();
    for (const input of inputs()) {
      const isOff = (input.type === "radio" || input.type === "checkbox") && !input.checked;
      if (!isOff && !input.disabled) {
        form.append(input.name, input.value);
      }
    }
    return form;
  };

  const hasAnswers = () => {
    const texts = inputs().filter((input) => input.type === "text" && input.offsetParent !== null);
    if (texts.length > 0 && texts.every((input) => input.value.trim() === "")) {
      return false;
    }
    const groups = Array.from(content.querySelectorAll(".choicegroup"));
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
    const response = await fetch(runtime.handlerUrl(root, handler), {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded", Accept: "application/json" },
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
    refreshSubmit();
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

  const submit = async () => {
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
    const reply = await call("problem_save", answers());
    updateProgress(reply);
    if (reply.success === true) {
      replace(reply.html);
      notify("save", reply.msg);
    } else {
      alert(String(reply.msg || reply.success));
    }
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
      announce("Your answers were cleared.");
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
          const label = document.getElementById(`${id}-${choice}-label`);
          if (label && !label.querySelector(".problem-right-answer")) {
            label.classList.add("choicegroup_correct");
            const mark = document.createElement("span");
            mark.className = "problem-right-answer";
            mark.textContent = "Correct answer";
            label.append(mark);
          }
        }
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
    notify("show-answer", "Answers are displayed within the problem");
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
      alert(`The problem could not be reached: ${error.message}`);
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
  refreshSubmit();
}
