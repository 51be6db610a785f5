// Asks now and then whether there is something new to see, and then shows the page anew.
const { ask, mark } = document.body.dataset;
async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(ask, { cache: "no-store", credentials: "omit" });
    if (answer.ok && (await answer.json()).mark !== mark) location.reload();
  } catch {
    // No network just now: the next look tells.
  }
}
if (ask) {
  setInterval(look, 15000);
  document.addEventListener("visibilitychange", look);
}
