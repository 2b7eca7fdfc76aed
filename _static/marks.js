// A reader who comes from a search sees the words that were found.
if (location.protocol !== "file:" && new URLSearchParams(location.search).has("found")) {
  const root = document.documentElement.dataset.content_root;
  addEventListener("DOMContentLoaded", async () => {
    await import(new URL(`${root}pagefind/pagefind-highlight.js`, location.href));
    const markContext = document.querySelector("article.bd-article");
    new PagefindHighlight({ highlightParam: "found", markContext });
  });
}
