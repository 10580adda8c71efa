// Tests the pages of administrators in a browser: signing in, requests that appear while a page is open, filters, credentials,
// tenants, and accessibility.
//
//   node .ci/pages.mjs HOST_PROGRAM CHROMIUM [SCREENSHOTS]
//
// HOST_PROGRAM is the executable of a host, CHROMIUM that of the browser. Screenshots are written into the directory SCREENSHOTS.
// Needs the npm packages playwright-core and axe-core, which NODE_PATH or the working directory provides.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const require = createRequire(join(process.env.PAGES_MODULES ?? process.cwd(), "package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const [program, executablePath, screenshots] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), "scim-pages-"));
const environment = {
  ...process.env,
  DATABASE_URL: `sqlite:${join(directory, "scim.db")}`,
  SCIM_TENANTS: "credential",
  SCIM_LISTEN: "127.0.0.1:0",
  SCIM_ADMIN_LISTEN: "127.0.0.1:0",
};
if (screenshots) mkdirSync(screenshots, { recursive: true });

let passed = 0;
async function test(name, run) {
  try {
    await run();
    passed += 1;
    console.log(`test ${name} ... ok`);
  } catch (error) {
    console.log(`test ${name} ... FAILED`);
    throw error;
  }
}

function command(...args) {
  const output = execFileSync(program, args, { env: environment, encoding: "utf8" });
  return Object.fromEntries(output.trim().split("\n").map((line) => line.split("=", 2)));
}

// Starts the host, and returns its base URL and that of the pages.
async function start() {
  const host = spawn(program, [], { env: environment, stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  await new Promise((resolve, reject) => {
    host.once("exit", () => reject(new Error("the host has ended")));
    host.stdout.on("data", (data) => {
      output += data;
      if (/pages for administrators: .*\n/.test(output)) resolve();
    });
  });
  host.removeAllListeners("exit");
  const base = /listening on (\S+)/.exec(output)[1];
  const pages = /pages for administrators: (\S+)\//.exec(output)[1];
  return { host, base, pages };
}

async function scim(token, method, path, body) {
  const response = await fetch(base + path, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/scim+json" },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json().catch(() => null) };
}

const USER = "urn:ietf:params:scim:schemas:core:2.0:User";
const user = (userName, more) => ({ schemas: [USER], userName, ...more });
const patch = (...Operations) => ({ schemas: ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], Operations });

const everything = command("admin", "create", "root").token;
const contoso = command("admin", "create", "cora", "--tenant", "contoso").token;
const reader = command("admin", "create", "rita", "--read-only").token;
const fabrikam = command("token", "create", "fabrikam-okta", "--tenant", "fabrikam").token;
const { host, base, pages } = await start();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const problems = [];

// A browser window of its own, whose errors and dialogs are problems.
async function open(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 40[034]/.test(message.text())) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  return page;
}

async function signIn(page, token) {
  await page.goto(pages);
  await page.getByLabel("Token of an administrator").fill(token);
  await page.keyboard.press("Enter");
  await page.waitForSelector("h1");
}

async function checkAccessibility(page, name) {
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]]) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await page.setViewportSize({ width, height: 900 });
    if (screenshots) {
      await page.screenshot({ path: join(screenshots, `${name}-${scheme}-${width}.png`), fullPage: true });
    }
    await page.evaluate(axe);
    const found = await page.evaluate(() => axe.run());
    const violations = found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(" | ")}`);
    assert.deepEqual(violations, [], `${name}, ${scheme}, ${width} pixels`);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${name} is ${overflow} pixels wider than a screen of ${width}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1280, height: 900 });
}

try {
  const page = await open();
  let token;

  await test("a wrong token is refused", async () => {
    await signIn(page, "scimadmin_wrong");
    await page.getByRole("alert").waitFor();
    await checkAccessibility(page, "login");
  });

  await test("a token signs in", async () => {
    await signIn(page, everything);
    await page.getByRole("heading", { name: "Requests" }).waitFor();
    await page.getByText("No identity provider has sent a request yet.").waitFor();
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
    await checkAccessibility(page, "requests-empty");
  });

  await test("a token of a client is shown once", async () => {
    await page.getByRole("link", { name: "Connections" }).click();
    await page.getByLabel("Name").fill("okta");
    await page.getByLabel("Tenant").fill("contoso");
    await page.getByRole("button", { name: "Create" }).click();
    token = await page.locator("#new-secret").textContent();
    assert.match(token, /^scim_/);
    await checkAccessibility(page, "connection-created");
    await page.goto(`${pages}/connection?tenant=contoso&name=okta`);
    assert.ok(!(await page.content()).includes(token));
  });

  await test("requests appear while the page is open, and values are text", async () => {
    await page.goto(pages);
    await page.getByText("New requests are shown as they come.").waitFor();
    const name = `<img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script>`;
    const created = await scim(token, "POST", "/Users", user(name, { active: "True", password: "secret-1" }));
    assert.equal(created.status, 201);
    await page.locator("#rows tr").filter({ hasText: "<img src=x" }).waitFor();
    await page.getByText("boolean-as-string").waitFor();
    assert.equal(await page.title(), "Requests – SCIM");
    await page.reload();
    await page.locator("#rows tr").filter({ hasText: "<img src=x" }).waitFor();
    assert.equal(await page.title(), "Requests – SCIM");
    assert.equal(await page.locator("#rows img, #rows script").count(), 0);
  });

  await test("a paused page shows what came meanwhile when it continues", async () => {
    await page.getByText("New requests are shown as they come.").waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    assert.equal((await scim(token, "POST", "/Users", user("bea@example.com"))).status, 201);
    await page.waitForTimeout(1500);
    assert.equal(await page.locator("#rows tr").filter({ hasText: "bea@example.com" }).count(), 0);
    await page.getByRole("button", { name: "Continue" }).click();
    await page.locator("#rows tr").filter({ hasText: "bea@example.com" }).waitFor();
  });

  await test("a filter finds refusals, and a refusal says what to change", async () => {
    assert.equal((await scim(token, "POST", "/Users", user("BEA@example.com"))).status, 409);
    await page.locator("#rows tr").filter({ hasText: "409" }).waitFor();
    await page.getByLabel("Status").selectOption("refused");
    await page.getByRole("button", { name: "Filter" }).click();
    assert.equal(await page.locator("#rows tr").count(), 1);
    await checkAccessibility(page, "requests-refused");
    await page.locator("#rows a").first().click();
    await page.getByRole("heading", { name: "Refused with 409 uniqueness" }).waitFor();
    await page.getByText("Let the provider match users by userName").waitFor();
    await checkAccessibility(page, "request-refused");
  });

  await test("a request that cannot be understood says what it was about", async () => {
    const id = "0f5e0b1c-0000-4000-8000-000000000000";
    assert.equal((await scim(token, "PATCH", `/Users/${id}`, patch({ op: "add", path: "no such", value: 1 }))).status, 400);
    await page.goto(`${pages}/?type=User&status=refused&person=${id}`);
    await page.locator("#rows tr").filter({ hasText: "patch User" }).waitFor();
  });

  await test("a request opens to the paths of its operations, without values", async () => {
    const found = await scim(token, "GET", `/Users?filter=${encodeURIComponent('userName eq "bea@example.com"')}`);
    const { id } = found.body.Resources[0];
    const change = patch(
      { op: "Replace", path: "active", value: "False" },
      { op: "Add", path: 'emails[type eq "work"].value', value: "hidden@example.com" },
      { op: "replace", path: "password", value: "secret-2" },
    );
    assert.equal((await scim(token, "PATCH", `/Users/${id}`, change)).status, 200);
    await page.goto(`${pages}/?person=BEA`);
    await page.locator("#rows tr").filter({ hasText: "patch" }).locator("a").click();
    await page.getByText('emails[type eq "work"].value').waitFor();
    await page.getByText("operation-case").waitFor();
    assert.doesNotMatch(await page.content(), /hidden@example|secret-/);
    await checkAccessibility(page, "request");
    await page.getByText("all requests about it").click();
    assert.ok((await page.locator("#rows tr").count()) >= 2);
  });

  await test("the checklist of the connection turns green", async () => {
    const members = [{ value: (await scim(token, "GET", "/Users?count=1")).body.Resources[0].id }];
    const group = { schemas: ["urn:ietf:params:scim:schemas:core:2.0:Group"], displayName: "Divers", members };
    assert.equal((await scim(token, "POST", "/Groups", group)).status, 201);
    await page.waitForTimeout(1000);
    await page.goto(`${pages}/connections`);
    await page.getByText("6 of 6").waitFor();
    await checkAccessibility(page, "connections");
    await page.getByRole("link", { name: "okta", exact: true }).click();
    assert.equal(await page.locator("#checklist .done").count(), 6);
    for (const summary of await page.locator("summary").all()) await summary.click();
    await page.getByText(base).first().waitFor();
    await checkAccessibility(page, "connection");
  });

  await test("a client with a secret gets a second one, and loses the first", async () => {
    await page.goto(`${pages}/connections`);
    await page.getByLabel("Name").fill("entra");
    await page.getByLabel("Tenant").fill("contoso");
    await page.getByLabel("Credential").selectOption("client");
    await page.getByRole("button", { name: "Create" }).click();
    const id = await page.locator("#new-client-id").textContent();
    const first = await page.locator("#new-secret").textContent();
    await page.getByRole("button", { name: "Add a secret" }).click();
    const second = await page.locator("#new-secret").textContent();
    assert.notEqual(first, second);
    page.once("dialog", (dialog) => dialog.accept());
    await page.getByRole("button", { name: /^Remove secret/ }).first().click();
    await page.waitForFunction(() => document.querySelectorAll(".credential li").length === 1);
    const ask = (secret) =>
      fetch(new URL("/oauth/token", base), {
        method: "POST",
        headers: { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString("base64")}` },
        body: new URLSearchParams({ grant_type: "client_credentials" }),
      });
    assert.equal((await ask(first)).status, 401);
    assert.equal((await ask(second)).status, 200);
    // What fails first when a provider is connected is in the requests of this connection.
    await page.waitForTimeout(1000);
    await page.goto(`${pages}/?client=entra&status=401`);
    await page.locator("#rows a").first().click();
    await page.getByText("The provider cannot get an access token.").waitFor();
  });

  await test("a token is revoked only after a question", async () => {
    await page.goto(`${pages}/connection?tenant=contoso&name=okta`);
    page.once("dialog", (dialog) => dialog.dismiss());
    await page.getByRole("button", { name: /^Revoke token/ }).click();
    assert.equal((await scim(token, "GET", "/Users?count=1")).status, 200);
    page.once("dialog", (dialog) => dialog.accept());
    await page.getByRole("button", { name: /^Revoke token/ }).click();
    await page.waitForURL(`${pages}/connections`);
    await page.waitForTimeout(5500);
    assert.equal((await scim(token, "GET", "/Users?count=1")).status, 401);
  });

  await test("an administrator of a tenant sees and changes this tenant only", async () => {
    assert.equal((await scim(fabrikam, "POST", "/Users", user("fred@fabrikam.example"))).status, 201);
    await page.waitForTimeout(1000);
    await page.goto(`${pages}/?person=fred`);
    const other = await page.locator("#rows a").first().getAttribute("href");

    const own = await open();
    await signIn(own, contoso);
    await own.locator("#rows tr").first().waitFor();
    assert.doesNotMatch(await own.content(), /fabrikam/);
    assert.equal((await own.goto(pages + other)).status(), 404);
    assert.equal((await own.goto(`${pages}/?tenant=fabrikam`)).status(), 200);
    assert.doesNotMatch(await own.content(), /fred@/);
    assert.equal((await own.goto(`${pages}/connection?tenant=fabrikam&name=fabrikam-okta`)).status(), 404);
    await own.goto(pages);
    await own.getByText("New requests are shown as they come.").waitFor();
    assert.equal((await scim(fabrikam, "POST", "/Users", user("gina@fabrikam.example"))).status, 201);
    await own.waitForTimeout(1500);
    assert.doesNotMatch(await own.content(), /gina@/);
    await own.goto(`${pages}/connections`);
    assert.equal(await own.getByLabel("Tenant").count(), 0);
    assert.doesNotMatch(await own.content(), /fabrikam/);
    const answer = await own.evaluate(async () => {
      const fields = { tenant: "fabrikam", name: "fabrikam-okta", action: "create", kind: "token" };
      return (await fetch("/connection", { method: "POST", body: new URLSearchParams(fields) })).status;
    });
    assert.equal(answer, 404);
  });

  await test("an administrator who may only read has no forms, and is refused", async () => {
    const own = await open();
    await signIn(own, reader);
    await own.goto(`${pages}/connections`);
    assert.equal(await own.getByRole("button", { name: "Create" }).count(), 0);
    const status = await own.evaluate(async () => {
      const fields = { tenant: "contoso", name: "x", kind: "token" };
      return (await fetch("/connections", { method: "POST", body: new URLSearchParams(fields) })).status;
    });
    assert.equal(status, 403);
  });

  await test("the pages work with the keyboard", async () => {
    await page.goto(pages);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "tenant");
  });

  await test("signing out ends the session", async () => {
    const [{ name, value }] = await page.context().cookies();
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    const response = await fetch(pages, { headers: { Cookie: `${name}=${value}` }, redirect: "manual" });
    assert.deepEqual([response.status, response.headers.get("location")], [303, "/login"]);
  });

  await test("no page has reported an error or a violation of its policy", async () => {
    assert.deepEqual(problems, []);
  });
  console.log(`test result: ok. ${passed} passed; 0 failed`);
} finally {
  await browser.close();
  host.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
}
