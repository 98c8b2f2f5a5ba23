// Runs before the first paint, as a plain script, so that a dark room never sees a white flash.
{
  const root = document.documentElement;
  const night = window.matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    const choice = root.dataset.themeChoice;
    root.dataset.bsTheme = choice === "dark" || (choice === "auto" && night.matches) ? "dark" : "light";
  };
  night.addEventListener("change", apply);
  apply();

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-theme-set]") : null;
    if (!button) return;
    root.dataset.themeChoice = button.dataset.themeSet;
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in browsers that hospitals use
    document.cookie = `theme=${button.dataset.themeSet}; path=/; max-age=31536000; samesite=lax`;
    for (const other of document.querySelectorAll("[data-theme-set]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
    apply();
  });
}
