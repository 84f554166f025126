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

test("every input is accessible once it is answered, and no script failed", async () => {
  await assertAccessible("answered");
  assert.deepEqual(page.faults, []);
});
