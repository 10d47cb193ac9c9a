// Lighthouse on the review page, signed in: node lighthouse.mjs URL EMAIL RUNS FORM; the password comes in PASSWORD, the
// browser's path in CHROMIUM. Writes one line of JSON for each run: scores, the usual times, and what was found wanting.
import lighthouse, { desktopConfig } from "lighthouse";
import puppeteer from "puppeteer-core";

const [url, email, runs, form] = process.argv.slice(2);
const categories = ["performance", "accessibility", "best-practices"];
const times = { fcp: "first-contentful-paint", lcp: "largest-contentful-paint", tbt: "total-blocking-time", cls: "cumulative-layout-shift", si: "speed-index" };

const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-dev-shm-usage", "--lang=en-US"] });
try {
  const page = await browser.newPage();
  await page.goto(url);
  await page.locator("input[name=email]").fill(email);
  await page.locator("input[name=password]").fill(process.env.PASSWORD);
  await page.locator("button[type=submit]").click();
  await page.locator("[data-testid=platforms][data-loaded=true]").wait();
  for (let run = 0; run < Number(runs); run++) {
    // The session is kept in the tab, the cache is emptied before each run.
    const flags = { onlyCategories: categories, output: "json", logLevel: "error" };
    const { lhr } = await lighthouse(url, flags, form === "desktop" ? desktopConfig : undefined, page);
    if (lhr.runtimeError) throw new Error(lhr.runtimeError.message);
    const wanting = Object.values(lhr.audits).filter(({ score, scoreDisplayMode }) => score !== null && score < 1 && scoreDisplayMode === "binary");
    console.log(JSON.stringify({
      ...Object.fromEntries(categories.map((name) => [name, Math.round(lhr.categories[name].score * 100)])),
      ...Object.fromEntries(Object.entries(times).map(([short, name]) => [short, lhr.audits[name].numericValue])),
      elements: lhr.audits["largest-contentful-paint-element"]?.details?.items?.[0]?.items?.[0]?.node?.snippet ?? null,
      bytes: lhr.audits["total-byte-weight"]?.numericValue ?? null,
      wanting: wanting.map(({ id, details }) => [id, (details?.items ?? []).slice(0, 5).map(({ node }) => node?.selector ?? null)]),
    }));
  }
} finally {
  await browser.close();
}
