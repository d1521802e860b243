// tough-cookie as a browser: takes what a site sets, says what it would send where, and what it kept of each line.

const { CookieJar } = require("tough-cookie");

function kept(cookie) {
  if (!cookie) return null;
  const { key, value, domain, path, secure, httpOnly, sameSite, hostOnly } = cookie;
  const ends = cookie.expiryTime();
  return {
    name: key, value, domain, path, secure, hostOnly,
    http_only: httpOnly,
    same_site: sameSite ?? null,
    // Seconds from now; nothing for a cookie that goes with the browser.
    lives: Number.isFinite(ends) ? Math.round((ends - Date.now()) / 1000) : null,
    others: cookie.extensions ?? [],
  };
}

async function main() {
  let input = "";
  for await (const chunk of process.stdin) input += chunk;
  // A name that promises by its prefix what its attributes do not keep is refused, as browsers do.
  const jar = new CookieJar(undefined, { prefixSecurity: "strict" });
  const done = [];
  for (const step of JSON.parse(input)) {
    const context = step.context ? { sameSiteContext: step.context } : {};
    const sent = await jar.getCookieString(step.url, context);
    const sets = [];
    for (const line of step.sets) {
      try {
        sets.push(kept(await jar.setCookie(line, step.url)));
      } catch (error) {
        sets.push({ error: error.message });
      }
    }
    done.push({ sent: sent || null, sets });
  }
  console.log(JSON.stringify(done));
}

main();
