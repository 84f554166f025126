// The inputs of problems as learners use them: with the pointer and with the keyboard alone.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const root = join(import.meta.dirname, "../..");
const courseware = process.env.COURSEWARE ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/courseware");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const PICTURE = `<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><rect width="200" height="100" fill="#cde"/></svg>`;

const PROBLEMS = {
  image: `<problem display_name="Point" showanswer="always"><imageresponse><label>Where is the harbour?</label>
    <imageinput src="/static/map.svg" width="200" height="100" rectangle="(100,0)-(200,100)"/></imageresponse></problem>`,
  numbers: `<problem display_name="Numbers" showanswer="always"><choicetextresponse><label>How deep is it?</label><radiotextgroup>
    <choice correct="false">It is dry.</choice>
    <choice correct="true">It is <numtolerance_input answer="4" tolerance="0.5"/> metres.</choice>
    </radiotextgroup></choicetextresponse></problem>`,
  annotation: `<problem display_name="Annotation"><annotationresponse><annotationinput><title>A passage</title>
    <text>The sea rises.</text><comment>Why?</comment><options><option choice="incorrect">the wind</option>
    <option choice="correct">the moon</option></options></annotationinput></annotationresponse></problem>`,
  preview: `<problem display_name="Formula"><numericalresponse answer="4"><label>What is two and two?</label>
    <formulaequationinput/></numericalresponse></problem>`,
};

let folder, server, site, browser, page;

const run = (...args) => {
  const done = spawnSync(courseware, args, { encoding: "utf8" });
  assert.equal(done.status, 0, `${args.join(" ")}: ${done.stderr}`);
};

const write = (path, text) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "xblock-inputs-"));
  write("course/course.xml", `<course url_name="run" org="Harbour" course="INPUTS"/>`);
  write("course/course/run.xml", `<course display_name="Inputs"><chapter url_name="c" display_name="C"><sequential url_name="s"
    display_name="S"><vertical url_name="v" display_name="All inputs">${Object.keys(PROBLEMS)
      .map((name) => `<problem url_name="${name}"/>`).join("")}</vertical></sequential></chapter></course>`);
  for (const [name, xml] of Object.entries(PROBLEMS)) write(`course/problem/${name}.xml`, xml);
  write("course/static/map.svg", PICTURE);
  const store = `blockstore:${join(folder, "store")}`;
  run("import", join(folder, "course"), "--store", store);
  server = spawn(courseware, ["serve", store, "--port", "0", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  site = await new Promise((resolve, reject) => {
    let text = "";
    server.stdout.on("data", (piece) => {
      text += piece;
      if (text.includes("\n")) resolve(JSON.parse(text.split("\n")[0]).url.replace(/\/$/, ""));
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  page = await (await browser.newContext()).newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.faults.push(message.text()));
  await page.goto(site);
  await page.getByRole("link", { name: "All inputs", exact: true }).first().click();
  await page.waitForLoadState("networkidle");
});

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const problem = (name) => page.locator(`[data-block-type=problem]:has([id^="problem_${name}"])`);

const submit = async (name) => {
  const answered = page.waitForResponse((response) => response.url().includes("problem_check"));
  await problem(name).locator("button.submit").click();
  const reply = await (await answered).json();
  await page.waitForTimeout(50);
  return reply.success;
};

const assertAccessible = async (what) => {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
  }));
  const found = violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`);
  assert.deepEqual(found, [], what);
};

test("every input is accessible before it is answered", () => assertAccessible("unanswered"));

test("a point is chosen with the pointer and with the arrow keys", async () => {
  const picture = problem("image").getByRole("application");
  await picture.click({ position: { x: 20, y: 50 } });
  assert.equal(await submit("image"), "incorrect");
  const again = problem("image").getByRole("application");
  await again.focus();
  for (let n = 0; n < 12; n++) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Shift+ArrowDown");
  assert.equal(await problem("image").locator("input.imageinput").inputValue(), "[140,51]");
  assert.equal(await submit("image"), "correct");
  const shown = page.waitForResponse((response) => response.url().includes("problem_show"));
  await problem("image").getByRole("button", { name: /show answer/i }).click();
  await shown;
  await problem("image").locator("svg polygon.problem-right-place").waitFor();
});

test("a number typed into a sentence chooses it and comes back", async () => {
  await problem("numbers").locator("input[type=text]").fill("4.4");
  assert.equal(await problem("numbers").getByRole("radio").nth(1).isChecked(), true);
  assert.equal(await submit("numbers"), "correct");
  assert.equal(await problem("numbers").locator("input[type=text]").inputValue(), "4.4");
  assert.equal(await submit("numbers"), "correct", "what comes back can be submitted again");
});

test("a tag is chosen with the keyboard", async () => {
  await problem("annotation").getByRole("textbox").fill("Because of <gravity>");
  await problem("annotation").getByRole("radio", { name: "the wind" }).focus();
  await page.keyboard.press("ArrowDown");
  assert.equal(await problem("annotation").getByRole("radio", { name: "the moon" }).getAttribute("aria-checked"), "true");
  assert.equal(await submit("annotation"), "correct");
  assert.equal(await problem("annotation").getByRole("textbox").inputValue(), "Because of <gravity>");
});

test("a formula is previewed while it is typed", async () => {
  const field = problem("preview").getByRole("textbox");
  await field.fill("8/2");
  await page.waitForResponse((response) => response.url().includes("input_ajax"));
  await page.waitForFunction(() => document.querySelector(".equation")?.textContent.includes("frac"));
  await field.fill("8/");
  await page.waitForFunction(() => document.querySelector(".equation")?.textContent.includes("couldn't parse"));
  await field.fill("8/2");
  assert.equal(await submit("preview"), "correct");
});

/* Inputs whose questions run code of authors are tried without a server: their markup, and the scripts of the page. */
const scripts = join(root, "blocks/src/problem");

const withScripts = async (script, markup) => {
  const own = await (await browser.newContext()).newPage();
  own.faults = [];
  own.on("pageerror", (error) => own.faults.push(String(error)));
  await own.setContent(`<div id="root"><div class="problem-content"><h3 class="problem-header">Q</h3>${markup}
    <button class="submit" data-should-enable-submit-button="True">Submit</button></div><p class="problem-live"></p></div>`);
  await own.evaluate(() => {
    window.posted = [];
    window.fetch = async (url, options) => {
      window.posted.push([url, String(options.body)]);
      return { ok: true, json: async () => ({ success: "no reply" }) };
    };
  });
  await own.addStyleTag({ path: join(scripts, "problem.css") });
  await own.addScriptTag({ path: join(scripts, "scripts", script) });
  await own.addScriptTag({ path: join(scripts, "problem.js") });
  await own.evaluate(() => window.XBlockRuntimeProblem({ handlerUrl: (_, name) => name }, document.getElementById("root")));
  return own;
};

const posted = async (own) => {
  await own.locator("button.submit").click();
  await own.waitForFunction(() => window.posted.length > 0);
  const [[, body]] = await own.evaluate(() => window.posted);
  return new URLSearchParams(body).get("input_q_2_1");
};

test("things are placed with lists, and dragged", async () => {
  const setup = {
    base_image: `data:image/svg+xml,${encodeURIComponent(PICTURE)}`, target_outline: "true", one_per_target: "true",
    draggables: [
      { id: "a", label: "Ebb", icon: "", can_reuse: "", target_fields: [] },
      { id: "b", label: "Flood", icon: "", can_reuse: "true", target_fields: [] },
    ],
    targets: [{ id: "t1", x: "0", y: "0", w: "90", h: "90" }, { id: "t2", x: "100", y: "0", w: "90", h: "90" }],
  };
  const own = await withScripts("drag_and_drop.js", `<div class="drag_and_drop_problem_div" id="drag_and_drop_div_q_2_1" data-plain-id="q_2_1"></div>
    <div id="drag_and_drop_json_q_2_1" style="display:none">${JSON.stringify(setup)}</div>
    <input type="text" name="input_q_2_1" id="input_q_2_1" style="display:none">`);
  await own.getByLabel("Where to put Ebb").selectOption("t1");
  assert.equal(await own.evaluate(() => document.activeElement.getAttribute("aria-label")), "Where to put Ebb");
  await own.getByLabel("Where to put Flood").locator("option").nth(1).waitFor({ state: "attached" });
  assert.deepEqual(await own.getByLabel("Where to put Flood").locator("option").allTextContents(), ["not placed", "t2"]);
  const [chip, board] = [own.locator(".problem-draggables .problem-chip").nth(1), own.locator(".problem-board")];
  await chip.dragTo(board, { targetPosition: { x: 150, y: 40 } });
  assert.equal(await posted(own), '[{"a":"t1"},{"b":"t2"}]');
  assert.deepEqual(own.faults, []);
  await own.context().close();
});

test("a frame is asked for its answer and given its state back", async () => {
  const frame = `<script>var App = { state: "none", setState: (s) => { App.state = s; },
    getGrade: () => JSON.stringify({ v: 3 }), getState: () => App.state };</scr` + `ipt>`;
  const own = await withScripts("frame.js", `<div class="jsinput" data="App.getGrade" data-getstate="App.getState"
    data-setstate="App.setState" data-stored='{"answer": "x", "state": "kept"}' data-processed="false">
    <iframe title="App" srcdoc='${frame.replaceAll("'", "&#39;")}'></iframe>
    <input type="hidden" name="input_q_2_1" id="input_q_2_1" waitfor="" value=""></div>`);
  await own.waitForFunction(() => document.querySelector("iframe").contentWindow.App?.state === "kept");
  assert.equal(await posted(own), JSON.stringify({ answer: '{"v":3}', state: "kept" }));
  assert.deepEqual(own.faults, []);
  await own.context().close();
});

test("a frame of another site is asked by messages", async () => {
  const frame = `<script>addEventListener("message", (event) => {
      const asked = JSON.parse(event.data);
      if (asked.method === "JSInput::__ready") {
        if (asked.params === "ping") event.source.postMessage(JSON.stringify({ method: "JSInput::__ready", params: "pong" }), "*");
      } else if (asked.method === "JSInput::getGrade") {
        event.source.postMessage(JSON.stringify({ id: asked.id, result: "7" }), "*");
      }
    });</scr` + `ipt>`;
  const own = await withScripts("frame.js", `<div class="jsinput" data="grade" data-sop="false" data-processed="false">
    <iframe title="App" sandbox="allow-scripts" srcdoc='${frame.replaceAll("'", "&#39;")}'></iframe>
    <input type="hidden" name="input_q_2_1" id="input_q_2_1" waitfor="" value=""></div>`);
  assert.equal(await posted(own), "7");
  assert.deepEqual(own.faults, []);
  await own.context().close();
});

test("data of a drawing tool that is not here can be written", async () => {
  const own = await withScripts("data_field.js", `<div><input type="hidden" class="schematic" name="input_q_2_1"
    id="input_q_2_1" value="[]"></div>`);
  await own.getByLabel("The circuit as JSON").fill('[["r", 1]]');
  assert.equal(await posted(own), '[["r", 1]]');
  assert.deepEqual(own.faults, []);
  await own.context().close();
});

test("every input is accessible once it is answered, and no script failed", async () => {
  await assertAccessible("answered");
  assert.deepEqual(page.faults, []);
});
