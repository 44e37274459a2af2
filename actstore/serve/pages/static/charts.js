// Draws each Vega-Lite description into the chart before it. Without scripts the page's tables say the same.
for (const spec of document.querySelectorAll("script.spec")) {
  const place = spec.previousElementSibling;
  vegaEmbed(place, JSON.parse(spec.textContent), { actions: false, renderer: "svg" }).catch((error) => {
    place.textContent = "The chart could not be drawn: " + error.message;
  });
}
