// Sends answers to the block's handlers, and says what came of it.
function ReflectBlock(runtime, element) {
  const form = element.querySelector("form");
  if (!form) return;
  const others = form.querySelector(".reflect-others");
  const average = element.querySelector(".reflect-average");
  const status = element.querySelector(".reflect-status");

  const post = async (handler, body) => {
    const token = document.cookie.match(/csrftoken=([^;]+)/);
    const response = await fetch(runtime.handlerUrl(element, handler), {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(token && { "X-CSRFToken": token[1] }) },
      body: JSON.stringify(body),
    });
    if (!response.ok) {
      // What was refused stays refused; only what failed is worth another try.
      const answer = response.status < 500 && (await response.json().catch(() => null));
      throw Object.assign(new Error(response.status), { refusal: answer?.error });
    }
    const answer = await response.json();
    average.hidden = !answer.average;
    average.querySelector("b").textContent = answer.average || "";
  };

  const say = (work) =>
    work.then(
      () => { status.textContent = form.dataset.saved; },
      (error) => { status.textContent = error.refusal || form.dataset.failed; },
    );

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const data = new FormData(form);
    say(post("answer", { stars: Number(data.get("stars")), note: data.get("note") }));
  });

  others.addEventListener("click", () => {
    const shown = others.getAttribute("aria-pressed") !== "true";
    say(post("show_others", { shown }).then(() => others.setAttribute("aria-pressed", String(shown))));
  });
}
