// The page of results: Pagefind's where the site is served, Sphinx's where files are opened from disk.
// Names by which a page is known come before its title, and that before its text.
const RANKING = { metaWeights: { title: 5, also: 50 } };
const ROOT = document.documentElement.dataset.content_root;

function show() {
  const box = document.createElement("div");
  document.querySelector("#search-results").before(box);
  const ui = new PagefindUI({
    element: box,
    showSubResults: true,
    showImages: false,
    excerptLength: 24,
    resetStyles: false,
    highlightParam: "found",
    ranking: RANKING,
    processResult: ({ meta: { also, ...meta }, ...result }) => ({ ...result, meta }),
    autofocus: true,
  });
  ui.triggerSearch(new URLSearchParams(location.search).get("q") ?? "");
  document.documentElement.classList.add("searched-by-pagefind");
}

if (location.protocol !== "file:") {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = `${ROOT}pagefind/pagefind-ui.css`;
  const script = document.createElement("script");
  script.src = `${ROOT}pagefind/pagefind-ui.js`;
  script.onload = show;
  document.head.append(style, script);
}
