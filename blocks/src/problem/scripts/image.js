/* Points on pictures: with the pointer, or with the arrow keys. */
(function () {
  "use strict";
  const kinds = (window.XBlockRuntimeInputs = window.XBlockRuntimeInputs || {});
  const HALF_MARK = 15;

  kinds.image = (page) => {
    for (const field of page.content.querySelectorAll("input.imageinput")) {
      bind(page, field);
    }
  };

  const bind = (page, field) => {
    const id = field.id.slice("input_".length);
    const picture = page.content.querySelector(`[id="imageinput_${id}"]`);
    const mark = page.content.querySelector(`[id="cross_${id}"]`);
    if (!picture || !mark || picture.dataset.bound) {
      return;
    }
    picture.dataset.bound = "true";
    const width = parseInt(picture.style.width, 10);
    const height = parseInt(picture.style.height, 10);

    const point = () => {
      const found = /^\[(\d+),(\d+)\]/.exec(field.value.replaceAll(" ", ""));
      return found && [Number(found[1]), Number(found[2])];
    };
    const show = () => {
      const chosen = point();
      mark.hidden = !chosen;
      if (chosen) {
        mark.style.left = `${chosen[0] - HALF_MARK}px`;
        mark.style.top = `${chosen[1] - HALF_MARK}px`;
      }
    };
    const choose = (x, y) => {
      const within = (value, most) => Math.max(0, Math.min(most, Math.round(value)));
      field.value = `[${within(x, width)},${within(y, height)}]`;
      show();
      page.changed();
    };

    // Screen readers pass the arrow keys on to what says it is an application.
    picture.tabIndex = 0;
    picture.setAttribute("role", "application");
    picture.setAttribute("aria-roledescription", page.gettext("picture to choose a point on"));
    picture.setAttribute("aria-label", 
      page.gettext("{label}. Arrow keys move the mark, with Shift in small steps.", { label: page.labelOf(field) }),
    );
    picture.setAttribute("aria-describedby", `status_${id}`);
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      choose(event.clientX - box.left, event.clientY - box.top);
    });
    picture.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      const step = steps[event.key];
      if (!step) {
        return;
      }
      event.preventDefault();
      const size = event.shiftKey ? 1 : 10;
      const from = point() || [Math.round(width / 2), Math.round(height / 2)];
      choose(from[0] + step[0] * size, from[1] + step[1] * size);
      page.announce(page.gettext("{point} of {width}, {height}", { point: point().join(", "), width, height }));
    });
    show();
  };

  /* Draws where the right points are. */
  kinds.image.showAnswer = (page, id, answer) => {
    const place = page.content.querySelector(`[id="answer_${id}"]`);
    if (!place || !("rectangle" in answer)) {
      return false;
    }
    const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    drawing.setAttribute("width", place.dataset.width);
    drawing.setAttribute("height", place.dataset.height);
    drawing.setAttribute("role", "img");
    drawing.setAttribute("aria-label", page.gettext("The right places are marked on the picture."));
    drawing.style.pointerEvents = "none";
    const outline = (corners) => {
      const polygon = document.createElementNS("http://www.w3.org/2000/svg", "polygon");
      polygon.setAttribute("points", corners.map((corner) => corner.join(",")).join(" "));
      polygon.setAttribute("class", "problem-right-place");
      drawing.append(polygon);
    };
    for (const rectangle of (answer.rectangle || "").split(";")) {
      const numbers = (rectangle.match(/\d+/g) || []).map(Number);
      if (numbers.length === 4) {
        const [left, top, right, bottom] = numbers;
        outline([[left, top], [right, top], [right, bottom], [left, bottom]]);
      }
    }
    let regions = [];
    try {
      regions = JSON.parse(answer.regions || "[]");
    } catch (_) {
      // What its author wrote is no list; nothing can be drawn.
    }
    const isSingle = regions.length > 0 && !Array.isArray(regions[0][0]);
    (isSingle ? [regions] : regions).forEach(outline);
    place.replaceChildren(drawing);
    return true;
  };
})();
