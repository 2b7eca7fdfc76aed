// On paper everything is light and unfolded; afterwards the page is as it was.
{
  const opened = [];
  let theme;
  addEventListener("beforeprint", () => {
    theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    for (const part of document.querySelectorAll(".bd-article details:not([open])")) {
      part.open = true;
      opened.push(part);
    }
  });
  addEventListener("afterprint", () => {
    document.documentElement.dataset.theme = theme;
    for (const part of opened.splice(0)) part.open = false;
  });
}
