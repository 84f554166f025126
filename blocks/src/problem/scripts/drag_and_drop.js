/* Pictures and labels put onto a picture: dragged, or placed with a list beside each of them. The answer is a list of
   `{item: place}`, where a place is a target's name, a point `[x, y]`, or a target on another item as
   `{target: {item: place}}`. */
(function () {
  "use strict";
  const kinds = (window.XBlockRuntimeInputs = window.XBlockRuntimeInputs || {});
  const isOn = (text) => text.toLowerCase() === "true";

  kinds.dragAndDrop = (page) => {
    for (const place of page.content.querySelectorAll(".drag_and_drop_problem_div")) {
      if (place.childElementCount === 0) {
        new Board(page, place).build();
      }
    }
  };

  class Board {
    constructor(page, place) {
      const id = place.dataset.plainId;
      this.page = page;
      this.place = place;
      this.id = id;
      this.field = page.content.querySelector(`[id="input_${id}"]`);
      this.setup = JSON.parse(page.content.querySelector(`[id="drag_and_drop_json_${id}"]`).textContent);
      this.isFree = this.setup.targets.length === 0;
      this.isSingle = isOn(this.setup.one_per_target);
      /* What is where: `{draggable, where}`, with `where` as in the answer, or null. */
      this.items = this.stored();
    }

    stored() {
      let placed = [];
      try {
        const value = JSON.parse(this.field.value);
        placed = Array.isArray(value) ? value : value.draggables || [];
      } catch (_) {
        // There is no answer yet.
      }
      const items = [];
      for (const draggable of this.setup.draggables) {
        const places = placed.filter((entry) => draggable.id in entry).map((entry) => entry[draggable.id]);
        places.forEach((where) => items.push({ draggable, where }));
        if (places.length === 0 || isOn(draggable.can_reuse)) {
          items.push({ draggable, where: null });
        }
      }
      return items;
    }

    store() {
      const placed = this.items.filter((item) => item.where !== null);
      this.field.value = JSON.stringify(placed.map((item) => ({ [item.draggable.id]: item.where })));
      this.page.changed();
    }

    name(draggable) {
      return draggable.label || draggable.id;
    }

    build() {
      this.board = element("div", "problem-board");
      const picture = element("img", "problem-board-picture");
      picture.src = this.setup.base_image;
      picture.alt = this.page.gettext("The picture on which things are placed");
      picture.draggable = false;
      this.board.append(picture);
      this.targets = this.setup.targets.map((target) => {
        const box = element("div", isOn(this.setup.target_outline) ? "problem-target is-outlined" : "problem-target");
        for (const [side, length] of Object.entries({ left: target.x, top: target.y, width: target.w, height: target.h })) {
          box.style[side] = `${parseFloat(length)}px`;
        }
        this.board.append(box);
        return { target, box };
      });
      this.list = element("ul", "problem-draggables");
      this.place.append(this.board, this.list);
      this.show();
    }

    /* Where an item can go, as pairs of a text for the list and a place for the answer. */
    choices(item) {
      const choices = [[this.page.gettext("not placed"), null]];
      this.setup.targets.forEach((target) => choices.push([target.id, target.id]));
      for (const other of this.items) {
        if (other !== item && other.where !== null) {
          for (const target of other.draggable.target_fields) {
            const where = { [target.id]: { [other.draggable.id]: other.where } };
            const text = this.page.gettext("{target} on {item}", { target: target.id, item: this.name(other.draggable) });
            choices.push([text, where]);
          }
        }
      }
      return choices.filter(([, where]) => where === null || !this.isTaken(where, item));
    }

    isTaken(where, item) {
      const text = JSON.stringify(where);
      return (
        this.isSingle &&
        !Array.isArray(where) &&
        this.items.some((other) => other !== item && JSON.stringify(other.where) === text)
      );
    }

    put(item, where) {
      if (where !== null && this.isTaken(where, item)) {
        this.page.announce(this.page.gettext("There is something already."));
        return;
      }
      item.where = where;
      const { draggable } = item;
      if (isOn(draggable.can_reuse)) {
        this.items = this.items.filter((other) => other.draggable !== draggable || other.where !== null);
        this.items.push({ draggable, where: null });
      }
      this.store();
      this.show(item);
      const { gettext } = this.page;
      let said = gettext("placed");
      if (where === null) {
        said = gettext("not placed");
      } else if (Array.isArray(where)) {
        said = gettext("at {point}", { point: where.join(", ") });
      }
      this.page.announce(`${this.name(draggable)}: ${said}`);
    }

    /* Draws what is where; the list beside `moved` has the focus again afterwards. */
    show(moved) {
      this.board.querySelectorAll(".problem-chip").forEach((chip) => chip.remove());
      this.list.replaceChildren(...this.items.map((item, index) => this.row(item, index)));
      this.items.filter((item) => item.where !== null).forEach((item) => this.draw(item));
      const index = this.items.indexOf(moved);
      if (index >= 0 && moved.byList) {
        this.list.children[index].querySelector("select, input").focus();
      }
    }

    chip(item) {
      const chip = element("span", "problem-chip");
      const { icon } = item.draggable;
      if (icon) {
        const picture = element("img");
        picture.src = icon;
        picture.alt = item.draggable.label ? "" : this.name(item.draggable);
        picture.draggable = false;
        chip.append(picture);
      }
      if (item.draggable.label || !icon) {
        chip.append(this.name(item.draggable));
      }
      if (this.setup.label_bg_color) {
        chip.style.backgroundColor = this.setup.label_bg_color;
      }
      chip.addEventListener("pointerdown", (event) => this.drag(item, chip, event));
      return chip;
    }

    row(item, index) {
      const row = element("li");
      row.append(this.chip(item));
      const name = this.name(item.draggable);
      if (this.isFree) {
        ["x", "y"].forEach((axis, at) => {
          const number = element("input");
          number.type = "number";
          number.min = "0";
          number.setAttribute("aria-label", `${name}: ${axis}`);
          number.value = item.where ? String(item.where[at]) : "";
          number.addEventListener("change", () => {
            const values = Array.from(row.querySelectorAll("input"), (input) => input.value);
            item.byList = true;
            if (values.every((value) => value !== "")) {
              this.put(item, values.map(Number));
            } else if (values.every((value) => value === "")) {
              this.put(item, null);
            }
          });
          row.append(number);
        });
        return row;
      }
      const select = element("select");
      select.id = `place_${this.id}_${index}`;
      select.setAttribute("aria-label", this.page.gettext("Where to put {item}", { item: name }));
      const choices = this.choices(item);
      choices.forEach(([text, where], at) => {
        const option = element("option");
        option.value = String(at);
        option.textContent = text;
        option.selected = JSON.stringify(where) === JSON.stringify(item.where);
        select.append(option);
      });
      select.addEventListener("change", () => {
        item.byList = true;
        this.put(item, choices[Number(select.value)][1]);
      });
      row.append(select);
      return row;
    }

    /* Shows a placed item on the picture. */
    draw(item) {
      const chip = this.chip(item);
      chip.classList.add("is-placed");
      chip.setAttribute("aria-hidden", "true");
      if (Array.isArray(item.where)) {
        chip.style.left = `${item.where[0]}px`;
        chip.style.top = `${item.where[1]}px`;
        this.board.append(chip);
        return;
      }
      const known = this.targets.find(({ target }) => target.id === this.outermost(item.where));
      if (known) {
        known.box.append(chip);
      }
    }

    /* The target on the picture that a place stands in, however many items are between. */
    outermost(where) {
      let inner = where;
      while (inner !== null && typeof inner === "object" && !Array.isArray(inner)) {
        inner = Object.values(inner)[0];
      }
      return inner;
    }

    drag(item, chip, start) {
      if (start.button !== 0) {
        return;
      }
      start.preventDefault();
      chip.setPointerCapture(start.pointerId);
      chip.classList.add("is-dragged");
      const move = (event) => {
        chip.style.transform = `translate(${event.clientX - start.clientX}px, ${event.clientY - start.clientY}px)`;
      };
      const drop = (event) => {
        chip.removeEventListener("pointermove", move);
        chip.classList.remove("is-dragged");
        chip.style.transform = "";
        if (event.type === "pointerup") {
          const box = this.board.getBoundingClientRect();
          const [x, y] = [Math.round(event.clientX - box.left), Math.round(event.clientY - box.top)];
          this.put(item, this.at(x, y, box));
        }
      };
      chip.addEventListener("pointermove", move);
      chip.addEventListener("pointerup", drop, { once: true });
      chip.addEventListener("pointercancel", drop, { once: true });
    }

    /* The place at a point of the picture, none outside. */
    at(x, y, box) {
      if (x < 0 || y < 0 || x > box.width || y > box.height) {
        return null;
      }
      if (this.isFree) {
        return [x, y];
      }
      const hit = this.setup.targets.find((target) => {
        const [left, top] = [parseFloat(target.x), parseFloat(target.y)];
        return x >= left && x <= left + parseFloat(target.w) && y >= top && y <= top + parseFloat(target.h);
      });
      return hit ? hit.id : null;
    }
  }

  const element = (name, className) => {
    const made = document.createElement(name);
    if (className) {
      made.className = className;
    }
    return made;
  };
})();
