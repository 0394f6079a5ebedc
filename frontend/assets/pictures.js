/* Pictures of stimuli are fetched when they come near the view: a page may have hundreds. */
(function () {
  "use strict";

  const near = new IntersectionObserver((entries) => entries.filter((entry) => entry.isIntersecting).forEach(({target}) => {
    near.unobserve(target);
    target.src = target.dataset.src;
  }), {rootMargin: "300px"});

  function watch(element) {
    if (!element.querySelectorAll) return;
    const found = [...element.querySelectorAll("img[data-src]:not([src])")];
    if (element.matches("img[data-src]:not([src])")) found.push(element);
    found.forEach((image) => near.observe(image));
  }

  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(watch)))
    .observe(document.documentElement, {childList: true, subtree: true});
})();
