// The pages as a learner meets them: real Chromium, keyboard only where it matters, axe on every kind of page.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const root = join(import.meta.dirname, "../..");
const courseware = process.env.COURSEWARE ?? join(process.env.CARGO_TARGET_DIR ?? join(root, "target"), "debug/courseware");
const course = join(root, "examples/courses/tides");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let folder, server, site, browser;

const run = (...args) => {
  const done = spawnSync(courseware, args, { encoding: "utf8" });
  assert.equal(done.status, 0, `${args.join(" ")}: ${done.stderr}`);
  return done.stdout;
};

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "xblock-browser-"));
  const store = `blockstore:${join(folder, "store")}`;
  run("import", course, "--store", store);
  server = spawn(courseware, ["serve", store, "--port", "0", "--json"], { stdio: ["ignore", "pipe", "inherit"] });
  site = await new Promise((resolve, reject) => {
    let text = "";
    server.stdout.on("data", (piece) => {
      text += piece;
      const line = text.split("\n")[0];
      if (text.includes("\n")) resolve(JSON.parse(line).url.replace(/\/$/, ""));
    });
    server.on("exit", (code) => reject(new Error(`the server ended with ${code}`)));
  });
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
});

after(async () => {
  await browser?.close();
  server?.kill("SIGTERM");
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const visit = async (path, options = {}) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(String(error)));
  page.on("console", (message) => message.type() === "error" && page.faults.push(message.text()));
  await page.goto(site + path);
  return page;
};

const assertAccessible = async (page, what) => {
  // The page's own policy forbids foreign scripts; evaluate runs outside it.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"],
  }));
  const found = violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`);
  assert.deepEqual(found, [], what);
};

const unit = async (page, name) => {
  await page.getByRole("link", { name, exact: true }).first().click();
  await page.waitForLoadState("networkidle");
};

const verdict = (problem) => problem.getByRole("status");

test("the outline leads to every unit, in order", async () => {
  const page = await visit("/");
  await page.waitForURL(/\/course\//);
  assert.match(await page.getByRole("heading", { level: 1 }).innerText(), /Tides/);
  const units = page.locator("nav[aria-label='Course outline'] a");
  assert.equal(await units.count(), 10);
  await assertAccessible(page, "outline");
  await units.first().click();
  for (let n = 1; n < 10; n++) {
    await page.locator("nav[aria-label='Units'] a[rel=next]").click();
  }
  assert.equal(await page.locator("nav[aria-label='Units'] a[rel=next]").count(), 0);
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("every unit renders its blocks, loads its pictures and is accessible", async () => {
  const page = await visit("/");
  const links = await page.locator("nav[aria-label='Course outline'] a").evaluateAll((all) => all.map((a) => a.href));
  for (const link of links) {
    await page.goto(link);
    assert.ok(await page.locator("main [data-block-type]").count() > 1, `${link} shows blocks`);
    const broken = await page.locator("main img").evaluateAll((all) => all.filter((i) => !i.complete || i.naturalWidth === 0).map((i) => i.src));
    assert.deepEqual(broken, [], link);
    await assertAccessible(page, link);
  }
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("every unit is accessible in the dark, as it is and with answers, verdicts and solutions", async () => {
  const page = await visit("/", { colorScheme: "dark" });
  await assertAccessible(page, "dark outline");
  const links = await page.locator("nav[aria-label='Course outline'] a").evaluateAll((all) => all.map((a) => a.href));
  const pressed = { submit: 0, show: 0 };
  for (const link of links) {
    await page.goto(link);
    await assertAccessible(page, `dark ${link}`);
    for (const problem of await page.locator("[data-block-type=problem]").all()) {
      for (const text of await problem.locator("input[type=text]").all()) await text.fill("1");
      for (const select of await problem.locator("select").all()) await select.selectOption({ index: 1 });
      for (const group of await problem.locator("fieldset").all()) await group.locator("input").first().check();
      for (const [button, call] of [["submit", "problem_check"], ["show", "problem_show"]]) {
        const target = problem.locator(`button.${button}:enabled`);
        if (await target.count() === 0) continue;
        const answered = page.waitForResponse((r) => r.url().includes(call));
        await target.click();
        assert.equal((await answered).status(), 200);
        await page.waitForTimeout(100);
        pressed[button] += 1;
      }
    }
    await assertAccessible(page, `dark ${link} answered`);
  }
  assert.ok(pressed.submit > 3 && pressed.show > 0, JSON.stringify(pressed));
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("a choice is answered with the keyboard alone, wrongly and then rightly", async () => {
  const page = await visit("/");
  await unit(page, "Two bulges");
  const problem = page.locator("[data-block-type=problem]").first();
  const choices = problem.getByRole("radio");
  const count = await choices.count();
  assert.ok(count > 1);
  const seen = new Set();
  for (let n = 0; n < count && seen.size < 2; n++) {
    await choices.nth(n).focus();
    await page.keyboard.press("Space");
    const submit = problem.getByRole("button", { name: /submit/i });
    await submit.focus();
    const answered = page.waitForResponse((r) => r.url().includes("problem_check"));
    await page.keyboard.press("Enter");
    assert.equal((await answered).status(), 200);
    await page.waitForTimeout(100);
    const text = await verdict(problem).first().innerText();
    assert.match(text, /correct/i);
    seen.add(/incorrect/i.test(text) ? "incorrect" : "correct");
  }
  assert.deepEqual([...seen].sort(), ["correct", "incorrect"]);
  await assertAccessible(page, "answered problem");
  assert.deepEqual(page.faults, []);
  await page.context().close();
});

test("an answer stays after a reload, and another learner does not see it", async () => {
  const page = await visit("/");
  await unit(page, "Two bulges");
  const problem = page.locator("[data-block-type=problem]").first();
  await problem.getByRole("radio").first().check();
  const answered = page.waitForResponse((r) => r.url().includes("problem_check"));
  await problem.getByRole("button", { name: /submit/i }).click();
  await answered;
  await page.reload();
  assert.equal(await page.locator("[data-block-type=problem]").first().getByRole("radio").first().isChecked(), true);
  const other = await visit(new URL(page.url()).pathname);
  assert.equal(await other.locator("[data-block-type=problem]").first().getByRole("radio").first().isChecked(), false);
  await page.context().close();
  await other.context().close();
});

test("a video offers its captions", async () => {
  const page = await visit("/");
  const links = await page.locator("nav[aria-label='Course outline'] a").evaluateAll((all) => all.map((a) => a.href));
  let tracks = 0;
  for (const link of links) {
    await page.goto(link);
    for (const track of await page.locator("video track").all()) {
      tracks += 1;
      const answer = await page.request.get(new URL(await track.getAttribute("src"), page.url()).href);
      assert.equal(answer.status(), 200);
      assert.match(await answer.text(), /^WEBVTT/);
      assert.ok(await track.getAttribute("srclang"));
    }
  }
  assert.ok(tracks >= 4, `${tracks} tracks`);
  await page.context().close();
});

test("a phone shows a unit without scrolling sideways", async () => {
  const page = await visit("/", { viewport: { width: 360, height: 740 }, hasTouch: true });
  const links = await page.locator("nav[aria-label='Course outline'] a").evaluateAll((all) => all.map((a) => a.href));
  for (const link of links) {
    await page.goto(link);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(wide <= 0, `${link} is ${wide} px too wide`);
  }
  await page.context().close();
});

test("another site cannot act in the learner's name, and wrong addresses are told apart", async () => {
  const page = await visit("/");
  await unit(page, "Two bulges");
  const usage = await page.locator("[data-block-type=problem]").first().getAttribute("data-usage");
  const url = `${site}/handler/${encodeURIComponent(usage)}/problem_check`;
  const foreign = await page.request.post(url, { headers: { "Sec-Fetch-Site": "cross-site" }, data: "x" });
  assert.equal(foreign.status(), 403);
  const renamed = await page.request.get(site + "/", { headers: { Host: "evil.example" } });
  assert.equal(renamed.status(), 403);
  const unsigned = await page.request.get(site + "/asset/x");
  assert.equal(unsigned.status(), 403);
  for (const path of ["/nowhere", "/block/nonsense", "/course/course-v1:No+Such+Course"]) {
    assert.equal((await page.request.get(site + path)).status(), 404, path);
  }
  await page.context().close();
});
