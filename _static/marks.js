// A reader who comes from a search sees the words that were found.
{
  const root = document.documentElement.dataset.content_root;
  if (location.protocol !== "file:" && new URLSearchParams(location.search).has("highlight")) {
    import(new URL(`${root}pagefind/pagefind-highlight.js`, location.href)).then(
      () => new PagefindHighlight({ highlightParam: "highlight" }),
    );
  }
}
